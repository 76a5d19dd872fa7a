//! `/invitations` and `/auth/register`: who may have an account, by `Settings::registration`.

use portcullis::auth::{Actor, INVITATIONS, InvitationRequest, Registration, Settings};
use portcullis::clock::Sources;
use portcullis::problem::ProblemKind;
use portcullis::testing::{Answer, FixedClock, MailBox, TestApp, TestClient};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{auth, mount};

const PASSWORD: &str = "seventeen-quiet-owls";

async fn app(registration: Registration) -> (TestApp, MailBox, TempDir) {
    let letters = MailBox::new();
    let (builder, folder) = auth(Sources::system()).await;
    let mut settings = Settings::new("http://127.0.0.1:8000");
    settings.registration = registration;
    let auth = builder.settings(settings).mailer(letters.clone()).start().await.unwrap();
    (TestApp::new(mount(&auth, Sources::system()), auth), letters, folder)
}

fn root(app: &TestApp) -> TestClient {
    app.user("root").with_permission("users:manage").with_permission("roles:manage")
}

async fn register(app: &TestApp, name: &str, rest: Value) -> Answer {
    let mut body = json!({"username": name, "password": PASSWORD});
    body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    app.anon().post("/auth/register").json(body).await
}

async fn invite(by: &TestClient, body: Value) -> (String, Value) {
    let made = by.post("/invitations").json(body).await.expect(201);
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let made: Value = made.json();
    (made["token"].as_str().unwrap_or_default().to_owned(), made)
}

fn is_void(refused: Answer) {
    let refused: Value = refused.expect(422).json();
    assert_eq!(refused["errors"][0]["pointer"], "/invitation", "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_setting_says_who_may_register() {
    for (registration, status) in [
        (Registration::Open, 201),
        (Registration::Verified, 202),
        (Registration::Invite, 403),
        (Registration::Closed, 403),
    ] {
        let (app, _, _folder) = app(registration).await;
        register(&app, "ann", json!({})).await.expect(status);
        let (token, _) = invite(&root(&app), json!({})).await;
        let brought = register(&app, "bob", json!({"invitation": token})).await;
        brought.expect(if registration == Registration::Closed { 403 } else { 201 });
    }
    let (app, _, _folder) = app(Registration::Open).await;
    register(&app, "ann", json!({})).await.expect(201);
    register(&app, "ann", json!({})).await.expect(409);
    assert_eq!(Settings::new("http://x").registration, Registration::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_good_once_and_gives_its_roles() {
    let (app, _, _folder) = app(Registration::Invite).await;
    let root = root(&app);
    root.post("/roles").json(json!({"name": "editor"})).await.expect(201);
    let (token, made) = invite(&root, json!({"roles": ["editor"]})).await;
    assert!(token.starts_with("pc_inv_") && made["roles"] == json!(["editor"]), "{made}");
    let listed = root.get("/invitations").await.expect(200).text();
    assert!(listed.contains(made["id"].as_str().unwrap()) && !listed.contains(&token));

    let wrong = format!("{}x", &token[..token.len() - 1]);
    for bad in [&wrong, "", "pc_inv_"] {
        is_void(register(&app, "ann", json!({"invitation": bad})).await);
    }
    app.user("carl").get("/users/me").await.expect(200);
    register(&app, "carl", json!({"invitation": token})).await.expect(409);
    let elsewhere = json!({"invitation": token, "email": "ann@example.org"});
    register(&app, "ann", elsewhere).await.expect(422);
    let ann: Value = register(&app, "ann", json!({"invitation": token})).await.expect(201).json();
    assert_eq!(ann["roles"], json!(["editor"]));
    is_void(register(&app, "ben", json!({"invitation": token})).await);
    assert_eq!(root.get("/invitations").await.json::<Value>()["items"], json!([]));

    // Of many at once, one wins.
    let (token, _) = invite(&root, json!({})).await;
    let all = ["a1", "a2", "a3", "a4"].map(|name| {
        let (app, body) = (&app, json!({"invitation": token}));
        async move { register(app, name, body).await.status.as_u16() }
    });
    let [one, two, three, four] = all;
    let statuses = tokio::join!(one, two, three, four);
    let statuses: [u16; 4] = statuses.into();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 3, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_to_an_address_goes_there_alone_and_verifies_it() {
    let (app, letters, _folder) = app(Registration::Invite).await;
    let (token, made) = invite(&root(&app), json!({"email": "ann@example.org"})).await;
    assert_eq!((&*token, &made["token"]), ("", &Value::Null));
    let sent = letters.empty();
    assert_eq!((sent.len(), &*sent[0].to), (1, "ann@example.org"));
    let token = sent[0].text.lines().find(|line| line.starts_with("pc_inv_")).unwrap();
    let other = json!({"invitation": token, "email": "eve@example.org"});
    register(&app, "eve", other).await.expect(422);
    let ann: Value = register(&app, "ann", json!({"invitation": token})).await.expect(201).json();
    assert_eq!((&ann["email"], &ann["is_verified"]), (&json!("ann@example.org"), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inviter_gives_what_they_may_give_and_is_judged_again() {
    let (app, _, _folder) = app(Registration::Invite).await;
    root(&app).post("/roles").json(json!({"name": "editor"})).await.expect(201);
    app.anon().post("/invitations").json(json!({})).await.expect(401);
    app.user("bob").post("/invitations").json(json!({})).await.expect(403);
    let clerk = app.user("clerk").with_permission("users:manage");
    clerk.post("/invitations").json(json!({"roles": ["editor"]})).await.expect(403);
    root(&app).post("/invitations").json(json!({"roles": ["nobody"]})).await.expect(404);
    for moment in ["2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"] {
        clerk.post("/invitations").json(json!({"expires_at": moment})).await.expect(422);
    }

    let (withdrawn, made) = invite(&clerk, json!({})).await;
    let path = format!("/invitations/{}", made["id"].as_str().unwrap());
    app.user("bob").delete(&path).await.expect(403);
    clerk.delete(&path).await.expect(204);
    clerk.delete(&path).await.expect(404);
    is_void(register(&app, "eve", json!({"invitation": withdrawn})).await);

    let (token, _) = invite(&clerk, json!({})).await;
    let id = clerk.id().await;
    root(&app).delete(format!("/users/{id}/grants")).await.expect(204);
    is_void(register(&app, "eve", json!({"invitation": token})).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_invitations_are_open_at_once() {
    let clock = FixedClock::at("2026-03-02T12:00:00Z");
    let auth = portcullis::testing::auth(&clock).start().await.unwrap();
    let (actor, request) = (Actor::system(), InvitationRequest::default());
    for _ in 0..INVITATIONS {
        auth.invite(&actor, request.clone()).await.unwrap();
    }
    let refused = auth.invite(&actor, request.clone()).await.unwrap_err();
    assert_eq!(refused.kind(), ProblemKind::Conflict);
    clock.advance(7 * 86_400);
    auth.invite(&actor, request).await.unwrap();
}
