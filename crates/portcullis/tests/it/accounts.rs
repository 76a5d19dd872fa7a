//! `/auth/register` and `/users/me`: what an account tells strangers, and what it asks of its owner.

use portcullis::clock::Sources;
use portcullis::testing::{Answer, TestApp, TestClient};
use portcullis::types::UserId;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::server;

const PASSWORD: &str = "seventeen-quiet-owls";

/// An application, and the folder its database lives in as long as this does.
async fn app() -> (TestApp, TempDir) {
    let server = server(Sources::system()).await;
    (TestApp::new(server.finished, server.rules), server.folder)
}

async fn sign_in(who: &TestClient, username: &str, password: &str) -> Answer {
    let form = [("grant_type", "password"), ("username", username), ("password", password)];
    who.post("/token").form(form).await
}

#[tokio::test]
async fn registration_tells_nobody_whether_a_name_or_an_address_was_free() {
    let (app, _folder) = app().await;
    let register = |name: &str, email: &str| {
        let body = json!({"username": name, "password": PASSWORD, "email": email});
        app.anon().post("/auth/register").json(body)
    };
    let said = |answer: Answer| answer.expect(202).text();
    let first = said(register("ann", "ann@example.org").await);
    assert_eq!(said(register("ann", "other@example.org").await), first, "the name is taken");
    assert_eq!(said(register("bob", "ann@example.org").await), first, "the address is taken");

    sign_in(&app.anon(), "ann", PASSWORD).await.expect(200);
    sign_in(&app.anon(), "bob", PASSWORD).await.expect(400);
}

#[tokio::test]
async fn a_letter_is_promised_to_every_address_alike() {
    let (app, _folder) = app().await;
    let ann = app.user("ann").with_password(PASSWORD);
    let change = json!({"email": "ann@example.org", "current_password": PASSWORD});
    ann.patch("/users/me").json(change).await.expect(200);
    for path in ["/auth/forgot-password", "/auth/request-verify-token"] {
        let ask = |email: &str| app.anon().post(path).json(json!({"email": email}));
        let known = ask("ann@example.org").await.expect(202).text();
        assert_eq!(ask("nobody@example.org").await.expect(202).text(), known, "{path}");
    }
}

#[tokio::test]
async fn an_account_is_changed_and_deleted_with_the_current_password_only() {
    let (app, _folder) = app().await;
    let ann = app.user("ann").with_password(PASSWORD);
    let new = "eighteen-louder-owls";
    for change in [json!({"password": new}), json!({"email": "a@example.org"})] {
        let refused = ann.patch("/users/me").json(&change).await.expect(422);
        assert_eq!(refused.json::<Value>()["errors"][0]["pointer"], "/current_password");
        let mut guessed = change;
        guessed["current_password"] = json!("not-the-right-password");
        ann.patch("/users/me").json(guessed).await.expect(422);
    }
    ann.delete("/users/me").json(json!({})).await.expect(422);
    ann.delete("/users/me").json(json!({"current_password": "a wrong one"})).await.expect(422);

    let other = sign_in(&app.anon(), "ann", PASSWORD).await.expect(200).json::<Value>();
    let change = json!({"password": new, "current_password": PASSWORD});
    ann.patch("/users/me").json(change).await.expect(200);
    ann.get("/users/me").await.expect(200);
    let bearer = format!("Bearer {}", other["access_token"].as_str().unwrap());
    let elsewhere = app.anon().header("authorization", &bearer);
    elsewhere.get("/users/me").await.expect(401);
    sign_in(&app.anon(), "ann", PASSWORD).await.expect(400);

    ann.delete("/users/me").json(json!({"current_password": new})).await.expect(204);
    ann.get("/users/me").await.expect(401);
}

#[tokio::test]
async fn an_account_goes_by_no_safe_method() {
    let (app, _folder) = app().await;
    let ann = app.user("ann").cookie();
    let image = ann.get("/users/me?_method=DELETE").header("sec-fetch-site", "cross-site");
    image.await.expect(200);
    let forged = ann.delete("/users/me").header("sec-fetch-site", "cross-site");
    forged.json(json!({"current_password": PASSWORD})).await.expect(403);
    ann.get("/users/me").await.expect(200);
}

#[tokio::test]
async fn ids_cannot_be_counted_up() {
    let (app, _folder) = app().await;
    let mut ids: Vec<UserId> = Vec::new();
    for name in ["ann", "bob", "cid"] {
        ids.push(app.user(name).id().await);
    }
    for id in &ids {
        assert_eq!(id.0.get_version_num(), 7, "{id}: 74 bits of chance (RFC 9562 §5.7)");
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_password_is_taken_from_the_form_and_never_from_the_query() {
    let (app, _folder) = app().await;
    let _ = app.user("ann").with_password(PASSWORD).id().await;
    let query = format!("/token?grant_type=password&username=ann&password={PASSWORD}");
    let refused = app.anon().post(query).form([("grant_type", "password")]).await.expect(400);
    assert!(!refused.text().contains(PASSWORD));
    sign_in(&app.anon(), "ann", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_right_password_is_never_throttled_and_a_new_one_counts_at_once() {
    let (app, _folder) = app().await;
    let ann = app.user("ann").with_password(PASSWORD).basic();
    for _ in 0..50 {
        // More often than guesses would be let through.
        ann.get("/users/me").await.expect(200);
    }
    let change = json!({"password": "eighteen-louder-owls", "current_password": PASSWORD});
    ann.patch("/users/me").json(change).await.expect(200);
    ann.get("/users/me").await.expect(401);
}
