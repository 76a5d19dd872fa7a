//! `/users/me/api-keys`: made once, limited, listed, and never able to multiply.

use portcullis::testing::TestApp;
use serde_json::{Value, json};

use crate::stand::{Credential, Kind, Place, Stand, ada};

async fn make(app: &TestApp, body: Value, status: u16) -> Value {
    ada(app).post("/users/me/api-keys").json(body).await.expect(status).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_and_found_in_the_list_without_its_secret() {
    let stand = Stand::new(Place::File, Kind::ApiKey.format()).await;
    let app = &stand.app;
    let made = make(app, json!({"name": "deploy", "scopes": ["items:read"]}), 201).await;
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("pc_key_"));
    assert_eq!(made["expires_at"], "2026-05-31T12:00:00Z", "90 days");
    assert_eq!(made["last_used_at"], Value::Null);
    let listed = ada(app).get("/users/me/api-keys").await.expect(200);
    assert!(!listed.text().contains(key));
    let list: Value = listed.json();
    assert_eq!(list["items"][0]["name"], "deploy");
    assert_eq!(list["items"][0]["scopes"], json!(["items:read"]));

    // It works in its header and as a bearer token, and says when it was last used.
    app.anon().get("/users/me").header("x-api-key", key).await.expect(200);
    let bearer = format!("Bearer {key}");
    app.anon().get("/users/me").header("authorization", &bearer).await.expect(200);
    let both = app.anon().get("/users/me").header("x-api-key", key);
    both.header("authorization", &bearer).await.expect(400);
    for (wait, last) in [(0, "12:00:00Z"), (59, "12:00:00Z"), (1, "12:01:00Z")] {
        stand.clock.advance(wait);
        app.anon().get("/users/me").header("x-api-key", key).await.expect(200);
        let list: Value = ada(app).get("/users/me/api-keys").await.json();
        assert_eq!(list["items"][0]["last_used_at"], format!("2026-03-02T{last}"));
    }
    // A mistyped one and one that never was.
    for wrong in ["pc_key_", &key[..key.len() - 1], &format!("{key}x"), "pc_at_x"] {
        app.anon().get("/users/me").header("x-api-key", wrong).await.expect(401);
    }
    // Administrators see and delete it too.
    let id = ada(app).id().await;
    let path = format!("/users/{id}/api-keys/{}", made["id"].as_str().unwrap());
    stand.root().get(format!("/users/{id}/api-keys")).await.expect(200);
    ada(app).delete(&path).await.expect(403);
    stand.root().delete(&path).await.expect(204);
    stand.root().delete(&path).await.expect(404);
    app.anon().get("/users/me").header("x-api-key", key).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_when_it_said_it_would() {
    let mut stand = Stand::new(Place::File, Kind::ApiKey.format()).await;
    let made =
        make(&stand.app, json!({"name": "a day", "expires_at": "2026-03-03T12:00:00Z"}), 201).await;
    let key = made["key"].as_str().unwrap();
    stand.clock.advance(86_399);
    stand.app.anon().get("/users/me").header("x-api-key", key).await.expect(200);
    stand.clock.advance(1);
    stand.app.anon().get("/users/me").header("x-api-key", key).await.expect(401);
    stand.restart().await;
    stand.app.anon().get("/users/me").header("x-api-key", key).await.expect(401);
    for (body, pointer) in [
        (json!({"name": ""}), "/name"),
        (json!({"name": "x", "expires_at": "2026-03-03T12:00:00Z"}), "/expires_at"),
        (json!({"name": "x", "expires_at": "2028-03-03T12:00:00Z"}), "/expires_at"),
        (json!({"name": "x", "scopes": ["items:delete"]}), "/scopes"),
    ] {
        let refused = make(&stand.app, body, 422).await;
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_key_nor_a_narrow_token_makes_a_key() {
    let stand = Stand::new(Place::Memory, Kind::ApiKey.format()).await;
    let app = &stand.app;
    let key = Credential::of(app, Kind::ApiKey).await;
    let another = json!({"name": "another"});
    key.shown_to(app).post("/users/me/api-keys").json(&another).await.expect(403);
    let bearer = format!("Bearer {}", key.text);
    let by_bearer = app.anon().header("authorization", &bearer);
    by_bearer.post("/users/me/api-keys").json(&another).await.expect(403);
    let listed: Value = ada(app).get("/users/me/api-keys").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);

    // A key would outlive a token that was narrowed for some purpose.
    let narrow = ada(app).jwt().with_scope("items:read");
    narrow.post("/users/me/api-keys").json(&another).await.expect(403);
    narrow.delete("/users/me/api-keys").await.expect(403);
    // Nor does it learn which keys and sessions there are (faults §4, row 4).
    narrow.get("/users/me/api-keys").await.expect(403);
    narrow.get("/users/me/sessions").await.expect(403);
    // A cookie of one's own may.
    let made = ada(app).cookie().post("/users/me/api-keys").json(&another).await.expect(201);
    assert_eq!(made.json::<Value>()["scopes"], json!(null));
}
