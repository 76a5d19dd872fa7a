//! The hostile test finds what is wrong.

use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::routing::get;
use futures_util::FutureExt;

use super::*;
use crate::auth::{AccessTokenVerifier, Auth, PasswordVerifier, SessionVerifier};
use crate::credential::{basic, bearer, cookie};
use crate::gate::Gate;
use crate::identity::VerifiedBy;
use crate::policy::{authenticated, conditions, owner, permission, public, role, scope, when};
use crate::router::App;
use crate::testing::{FixedClock, auth};
use crate::types::{Principal, ScopeBook};

fn book() -> ScopeBook {
    ScopeBook::new().register_for("items:write", "Write items.", "write")
}

async fn started(clock: &FixedClock) -> Auth {
    auth(clock).scopes(book()).start().await.unwrap()
}

fn gate(auth: &Auth, clock: &FixedClock) -> Gate {
    Gate::builder()
        .scheme("basic", basic("tests").verified_by(PasswordVerifier::new(auth.clone())))
        .scheme("bearer", bearer().verified_by(AccessTokenVerifier::new(auth.clone())))
        .scheme("cookie", cookie("__Host-s").verified_by(SessionVerifier::new(auth.clone())))
        .scopes(book())
        .sources(clock.sources())
        .build()
        .unwrap()
}

fn finished(gate: &Gate) -> App {
    gate.routes::<()>()
        .get("/", public("a greeting"), async || "hello")
        .get("/me", authenticated(), async || "me")
        .get("/admin", role("admin"), async || "admin")
        .post("/items", scope("items:write") & permission("items:make"), async || "made")
        .get("/either", role("editor") | permission("read"), async || "either")
        .get("/at/{moment}", when(conditions::Moment::NotBefore(noon())), async || "now")
        .accepts(&["basic"])
        .get("/only/basic", authenticated(), async || "basic")
        .delete("/things/{id}", permission("delete") | owner("thing"), async |who: Principal| {
            who.must_or_hide(permission("delete")).map(|()| "gone")
        })
        .mount("/old", permission("old:use"), Router::new().fallback(async || "old"))
        .fallback(public("a friendly 404"), async || (http::StatusCode::NOT_FOUND, "nothing"))
        .finish()
        .unwrap()
}

fn noon() -> crate::types::Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

/// What the test says of an application that is not right; `None` where it finds nothing.
async fn verdict(app: App, auth: Auth) -> Option<String> {
    let app = TestApp::new(app, auth);
    let said = AssertUnwindSafe(hostile(&app, &Setup::new())).catch_unwind().await.err()?;
    Some(said.downcast_ref::<String>().cloned().unwrap_or_default())
}

#[tokio::test]
async fn a_guarded_application_passes_and_every_route_was_asked() {
    let clock = FixedClock::at("2026-03-02T12:00:00Z");
    let auth = started(&clock).await;
    let app = TestApp::new(finished(&gate(&auth, &clock)), auth);
    let covered = hostile(&app, &Setup::new()).await;
    assert_eq!(covered.routes.len(), app.access().iter().count());
    assert!(covered.requests > 100, "{covered:?}");
}

#[tokio::test]
async fn routes_that_stand_open_are_found() {
    let clock = FixedClock::at("2026-03-02T12:00:00Z");
    let auth = started(&clock).await;
    let mut app = finished(&gate(&auth, &clock));
    app.router = Router::new().fallback(get(async || "come in"));
    let said = verdict(app, auth).await.unwrap();
    assert!(said.contains("GET /admin (role admin): nobody should be answered 401"), "{said}");
    assert!(said.contains("somebody who is denied write"), "{said}");
    assert!(said.contains("two credentials at once should be answered 400"), "{said}");
}

#[tokio::test]
async fn routes_that_let_nobody_through_are_found() {
    let clock = FixedClock::at("2026-03-02T12:00:00Z");
    let auth = started(&clock).await;
    let mut app = finished(&gate(&auth, &clock));
    let closed = gate(&auth, &clock).routes::<()>();
    app.router = closed.get("/{*all}", role("nobody"), async || "").finish().unwrap().router;
    let said = verdict(app, auth).await.unwrap();
    assert!(said.contains("should be answered by the handler"), "{said}");
}

#[tokio::test]
async fn a_weaker_guard_than_the_table_says_is_found() {
    let clock = FixedClock::at("2026-03-02T12:00:00Z");
    let auth = started(&clock).await;
    let gate = gate(&auth, &clock);
    let one = |who| gate.routes::<()>().get("/x", who, async || "x").finish().unwrap();
    let mut app = one(scope("items:write") & permission("items:make"));
    app.router = one(permission("items:make")).router;
    let said = verdict(app, auth).await.unwrap();
    assert!(said.contains("somebody who lacks scope items:write"), "{said}");
}

#[tokio::test]
async fn a_condition_that_does_not_hold_leaves_a_route_untried_and_that_is_a_fault() {
    let clock = FixedClock::at("2026-03-02T11:59:59Z");
    let auth = started(&clock).await;
    let app = finished(&gate(&auth, &clock));
    let said = verdict(app, auth).await.unwrap();
    assert!(said.contains("GET /at/{moment}"), "{said}");
    assert!(said.contains("no test account can come through"), "{said}");
    assert_eq!(said.lines().count(), 2, "{said}");
}
