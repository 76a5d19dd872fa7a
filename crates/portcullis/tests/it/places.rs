//! What is held in one place, such as in one tenant, and stored: live, explained, bounded.

use portcullis::auth::{Actor, Auth, GrantRequest, UserRequest, routes};
use portcullis::policy::{permission_in, role_in};
use portcullis::problem::ProblemKind;
use portcullis::testing::{FixedClock, TestApp, TestClient, auth};
use portcullis::types::{Place, RoleRecord, Subject};
use serde_json::{Value, json};

use crate::app::gate;

fn acme() -> Place {
    Place::new("tenant", "acme")
}

/// Notes of tenants, and the ready-made routes beside them. `editor` includes `reader`.
async fn app() -> (TestApp, Auth) {
    let clock = FixedClock::at("2026-03-04T12:00:00Z");
    let auth = auth(&clock).start().await.unwrap();
    let gate = gate(&auth, clock.sources());
    let finished = gate
        .routes()
        .merge(routes::evaluation::table(&gate))
        .merge(routes::users::table(&gate))
        .merge(routes::grants::table(&gate))
        .get("/tenants/{tenant}/notes", permission_in("tenant", "notes:read"), async || "notes")
        .get("/tenants/{tenant}/edit", role_in("tenant", "editor"), async || "edited")
        .with_state(auth.clone())
        .finish()
        .unwrap();
    let mut reader = RoleRecord::new("reader");
    reader.permissions = ["notes:read".into()].into();
    auth.add_role(&Actor::system(), reader).await.unwrap();
    let mut editor = RoleRecord::new("editor");
    editor.includes = ["reader".into()].into();
    auth.add_role(&Actor::system(), editor).await.unwrap();
    (TestApp::new(finished, auth.clone()), auth)
}

fn administrator(app: &TestApp) -> TestClient {
    app.user("ada").with_permission("roles:manage").with_permission("access:evaluate")
}

async fn statuses(client: &TestClient, expected: [u16; 3]) {
    let paths = ["/tenants/acme/notes", "/tenants/acme/edit", "/tenants/globex/notes"];
    for (path, status) in paths.into_iter().zip(expected) {
        client.get(path).await.expect(status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_in_a_tenant_counts_there_alone_and_on_the_next_request() {
    let (app, auth) = app().await;
    let (admin, ann) = (administrator(&app), app.user("ann"));
    let id = ann.id().await;
    statuses(&ann, [403, 403, 403]).await;
    let path = format!("/users/{id}/places/tenant:acme/roles/editor");
    admin.put(&path).await.expect(204);
    admin.put(&path).await.expect(204);
    statuses(&ann, [200, 200, 403]).await;
    let listed: Value = admin.get(format!("/users/{id}/places")).await.expect(200).json();
    assert_eq!(listed["items"], json!([{"place": "tenant:acme", "roles": ["editor"]}]));
    // A role that changes is changed in every place where it is held.
    auth.delete_role(&Actor::system(), "reader".into()).await.unwrap();
    statuses(&ann, [403, 200, 403]).await;
    admin.delete(&path).await.expect(204);
    admin.delete(&path).await.expect(404);
    statuses(&ann, [403, 403, 403]).await;
    for wrong in ["acme", "tenant:", "ten%20ant:acme"] {
        admin.put(format!("/users/{id}/places/{wrong}/roles/editor")).await.expect(422);
    }
    admin.put(format!("/users/{id}/places/tenant:acme/roles/nobodys")).await.expect(404);
    ann.put(&path).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_in_a_tenant_allows_or_denies_there() {
    let (app, _) = app().await;
    let (admin, ann) = (administrator(&app), app.user("ann"));
    let grants = format!("/users/{}/grants", ann.id().await);
    let allow = json!({"permission": "notes:read", "place": "tenant:acme"});
    let made: Value = admin.post(&grants).json(allow).await.expect(201).json();
    assert_eq!(made["place"], "tenant:acme");
    statuses(&ann, [200, 403, 403]).await;
    // Everywhere, but not in one: a denial wins where it is.
    let both = json!({"items": [
        {"permission": "notes:read"},
        {"permission": "notes:*", "place": "tenant:acme", "effect": "deny"},
    ]});
    admin.put(&grants).json(both).await.expect(200);
    statuses(&ann, [403, 403, 200]).await;
    let wrong = json!({"permission": "notes:read", "place": "acme"});
    admin.post(&grants).json(wrong).await.expect(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_names_the_role_or_the_grant_of_the_place() {
    let (app, auth) = app().await;
    let (admin, ann) = (administrator(&app), app.user("ann"));
    let subject = Subject::User(ann.id().await);
    let system = Actor::system();
    auth.assign_role_within(&system, subject.clone(), "editor".into(), acme()).await.unwrap();
    let globex = Place::new("tenant", "globex");
    let request = GrantRequest::deny("notes:read").within(globex);
    let grant = auth.grant(&system, subject, request).await.unwrap();
    let ask = async |resource: Value, action: &str| {
        let question = json!({
            "subject": {"type": "user", "id": "ann"}, "action": {"name": action}, "resource": resource,
        });
        let answer: Value =
            admin.post("/access/v1/evaluation").json(question).await.expect(200).json();
        (answer["decision"].clone(), answer["context"]["reasons"]["because"]["by"][0].clone())
    };
    let by_role = json!({
        "kind": "held_in", "effect": "allow", "permission": "notes:read", "place": "tenant:acme",
        "path": ["editor", "reader"],
    });
    let by_grant = json!({
        "kind": "held_in", "effect": "deny", "permission": "notes:read", "place": "tenant:globex",
        "grant": grant.id,
    });
    let route = |path: &str| json!({"type": "route", "id": path});
    let placed = |place: &str| json!({"type": "notes", "id": "1", "properties": {"place": place}});
    assert_eq!(ask(route("/tenants/acme/notes"), "GET").await, (json!(true), by_role.clone()));
    assert_eq!(
        ask(route("/tenants/globex/notes?a=b"), "GET").await,
        (json!(false), by_grant.clone())
    );
    assert_eq!(ask(placed("tenant:acme"), "read").await, (json!(true), by_role));
    assert_eq!(ask(placed("tenant:globex"), "read").await, (json!(false), by_grant));
    // An escape that names the same tenant is the same tenant; one that is none names no place.
    assert_eq!(ask(route("/tenants/%61cme/notes"), "GET").await.0, json!(true));
    assert_eq!(ask(route("/tenants/%ff/notes"), "GET").await.0, json!(false));
    let question = json!({
        "subject": {"type": "user", "id": "ann"}, "action": {"name": "read"},
        "resource": placed("acme"),
    });
    admin.post("/access/v1/evaluation").json(question).await.expect(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_changes_an_account_that_holds_more_in_some_tenant() {
    let (app, auth) = app().await;
    let system = Actor::system();
    let ann = Subject::User(app.user("ann").id().await);
    let manager = app.user("max").with_permission("users:manage");
    let path = format!("/users/{}", app.user("ann").id().await);
    let change = json!({"name": "Ann"});
    manager.patch(&path).json(change.clone()).await.expect(200);
    auth.assign_role_within(&system, ann.clone(), "editor".into(), acme()).await.unwrap();
    manager.patch(&path).json(change.clone()).await.expect(403);
    // Whoever holds as much there may.
    let max = Subject::User(manager.id().await);
    auth.assign_role_within(&system, max.clone(), "editor".into(), acme()).await.unwrap();
    manager.patch(&path).json(change.clone()).await.expect(200);
    let request = GrantRequest::allow("notes:print").within(acme());
    auth.grant(&system, ann, request).await.unwrap();
    manager.patch(&path).json(change.clone()).await.expect(403);
    let everywhere = GrantRequest::allow("notes:*");
    auth.grant(&system, max, everywhere).await.unwrap();
    manager.patch(&path).json(change).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_in_one_tenant_locks_no_administrator_out() {
    let (app, auth) = app().await;
    let system = Actor::system();
    let mut admin = RoleRecord::new("admin");
    admin.permissions = ["roles:manage".into()].into();
    auth.add_role(&system, admin).await.unwrap();
    let ada = Subject::User(app.user("ada").with_role("admin").id().await);
    let there = GrantRequest::deny("roles:manage").within(acme());
    auth.grant(&system, ada.clone(), there).await.unwrap();
    let everywhere = auth.grant(&system, ada, GrantRequest::deny("roles:manage")).await;
    assert_eq!(everywhere.unwrap_err().kind(), ProblemKind::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_subject_holds_in_places_is_bounded_and_goes_with_it() {
    let (app, auth) = app().await;
    let system = Actor::system();
    let ann = app.user("ann");
    let subject = Subject::User(ann.id().await);
    ann.get("/tenants/7/notes").await.expect(403);
    let assign = async |number: u32| {
        let place = Place::new("tenant", number.to_string());
        auth.assign_role_within(&system, subject.clone(), "reader".into(), place).await
    };
    for number in 0..1000 {
        assign(number).await.unwrap();
    }
    assert_eq!(assign(1000).await.unwrap_err().kind(), ProblemKind::Conflict);
    // One that is there already is no more.
    assign(999).await.unwrap();
    assert_eq!(auth.roles_within(&subject).await.unwrap().len(), 1000);
    ann.get("/tenants/7/notes").await.expect(200);
    let disabled = UserRequest { active: Some(false), ..UserRequest::default() };
    auth.change_user(&system, ann.id().await, disabled).await.unwrap();
    ann.get("/tenants/7/notes").await.expect(401);
    auth.delete_user(&system, ann.id().await).await.unwrap();
    assert_eq!(auth.roles_within(&subject).await.unwrap_err().kind(), ProblemKind::NotFound);
}
