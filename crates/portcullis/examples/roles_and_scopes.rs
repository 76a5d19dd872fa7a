//! Roles, permissions, scopes and owners: each is a word of one value, and the same value guards a
//! route, documents it and says what is missing.
//!
//! `cargo run --example roles_and_scopes`, then
//! `curl -u ann:"a walk in the wood" -X DELETE http://127.0.0.1:8000/notes/1`.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use portcullis::auth::routes;
use portcullis::prelude::*;
use tokio::net::TcpListener;

/// Notes by number, each with its owner.
type Notes = Arc<Mutex<BTreeMap<u32, UserId>>>;

/// The row decides who may: its owner, and whoever may delete all notes.
async fn delete_note(
    State(notes): State<Notes>,
    who: Principal,
    Path(number): Path<u32>,
) -> Result<NoContent, Problem> {
    let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    let owner = *notes.get(&number).ok_or(ProblemKind::NotFound)?;
    who.must_or_hide(permission("notes:delete") | is(owner))?;
    notes.remove(&number);
    Ok(NoContent)
}

fn scopes() -> ScopeBook {
    // A token with this scope may read as long as its user may.
    ScopeBook::new().register_for("notes", "Read your notes.", "notes:read")
}

async fn seed(auth: &Auth) -> Result<(), Problem> {
    let roles = Roles::new()
        .grant("reader", ["notes:read"])
        .grant("moderator", ["notes:delete"])
        .include("moderator", "reader")
        .deny("probation", ["notes:*"]); // wins over whatever else somebody holds
    auth.add_missing_roles(roles).await
}

fn app(auth: &Auth, notes: Notes) -> Result<App, ConfigError> {
    let gate = Gate::builder()
        .auth(auth)
        .scheme("basic", basic("notes").verified_by(PasswordVerifier::new(auth.clone())))
        .scheme("bearer", bearer().verified_by(AccessTokenVerifier::new(auth.clone())))
        .build()?;
    gate.routes()
        .get("/notes", scope("notes"), async |State(notes): State<Notes>| {
            format!("{:?}", notes.lock().unwrap_or_else(PoisonError::into_inner).keys())
        })
        .delete("/notes/{number}", permission("notes:delete") | owner("note"), delete_note)
        .get(
            "/office",
            role("reader") & when(portcullis::policy::conditions::RecentLogin::within(600)),
            async || "You signed in a moment ago.",
        )
        .with_state(notes)
        .merge(routes::oauth::table(&gate).with_state(auth.clone()))
        .finish()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = MasterSecret::generate(&Sources::system())?;
    let auth = Auth::builder(Database::in_memory(), secret).scopes(scopes()).start().await?;
    seed(&auth).await?;
    let account = NewAccount::new("ann", "a walk in the wood");
    let ann = auth.add_missing_user(account, &["reader"]).await?;
    let notes = Notes::default();
    let mine = ann.map(|ann| (1, ann.id));
    notes.lock().unwrap_or_else(PoisonError::into_inner).extend(mine);
    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    Ok(app(&auth, notes)?.serve(listener).await?)
}

#[cfg(test)]
mod tests {
    use portcullis::testing::{FixedClock, Setup, TestApp, hostile};

    use super::*;

    async fn started(clock: &FixedClock) -> (TestApp, Notes) {
        let auth = portcullis::testing::auth(clock).scopes(scopes()).start().await.unwrap();
        seed(&auth).await.unwrap();
        let notes = Notes::default();
        (TestApp::new(app(&auth, notes.clone()).unwrap(), auth), notes)
    }

    #[tokio::test]
    async fn a_note_is_deleted_by_its_owner_and_by_moderators() {
        let (app, notes) = started(&FixedClock::at("2026-03-02T12:00:00Z")).await;
        let (ann, mona) = (app.user("ann"), app.user("mona").with_role("moderator"));
        let mine = ann.id().await;
        notes.lock().unwrap().extend([(1, mine), (2, mine), (3, mine)]);
        app.user("bob").delete("/notes/1").await.expect(404);
        // A token that is limited to reading does nothing to its owner's notes.
        ann.clone().with_scope("notes").delete("/notes/1").await.expect(403);
        ann.delete("/notes/1").await.expect(204);
        mona.delete("/notes/2").await.expect(204);
        mona.with_role("probation").delete("/notes/3").await.expect(404);
    }

    #[tokio::test]
    async fn a_scope_counts_only_while_its_user_may() {
        let (app, _) = started(&FixedClock::at("2026-03-02T12:00:00Z")).await;
        let rita = app.user("rita").with_role("reader").with_scope("notes");
        rita.get("/notes").await.expect(200);
        let without = app.user("rita").with_scopes([]).get("/notes").await.expect(403);
        assert!(without.challenges()[0].contains(r#"error="insufficient_scope", scope="notes""#));

        let subject = rita.id().await.into();
        app.auth().unassign_role(&Actor::system(), subject, "reader".into()).await.unwrap();
        rita.get("/notes").await.expect(403);
    }

    #[tokio::test]
    async fn every_route_is_guarded_as_it_says() {
        let (app, _) = started(&FixedClock::at("2026-03-02T12:00:00Z")).await;
        let setup = Setup::new().parameter("number", "7");
        let setup = setup.reads_credentials(&http::Method::POST, "/token");
        hostile(&app, &setup.reads_credentials(&http::Method::POST, "/revoke")).await;
    }
}
