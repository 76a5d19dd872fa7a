//! `/clients`: registered, given roles, grants and keys; each speaks for itself, and is judged by
//! what it has at that moment.

use portcullis::testing::{TestApp, TestClient};
use serde_json::{Value, json};

use crate::stand::{Kind, Place, Stand};

async fn stand() -> Stand {
    Stand::new(Place::File, Kind::Jwt.format()).await
}

/// Somebody who may administer clients, and what those may do.
fn root(app: &TestApp) -> TestClient {
    app.user("root").with_permission("clients:manage").with_permission("roles:manage")
}

async fn register(app: &TestApp, body: Value) -> Value {
    root(app).post("/clients").json(body).await.expect(201).json()
}

/// Makes a key of a client, and answers with it and its id.
async fn key(app: &TestApp, client: &str, body: Value) -> (String, String) {
    let path = format!("/clients/{client}/api-keys");
    let made = root(app).post(path).json(body).await.expect(201);
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let made: Value = made.json();
    (made["key"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
}

fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

/// What a client is answered that lists clients: 200 where it may.
async fn status(app: &TestApp, key: &str) -> u16 {
    let in_header = app.anon().get("/clients").header("x-api-key", key).await.status.as_u16();
    let as_bearer = app.anon().get("/clients").header("authorization", &bearer(key));
    assert_eq!(as_bearer.await.status.as_u16(), in_header);
    in_header
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_registered_listed_changed_and_deleted() {
    let stand = stand().await;
    let (app, root) = (&stand.app, root(&stand.app));
    let shop = register(app, json!({"id": "shop", "name": "The shop"})).await;
    assert_eq!(
        shop,
        json!({"id": "shop", "name": "The shop", "is_active": true, "roles": [],
            "is_confidential": false, "is_first_party": false, "grant_types": [],
            "redirect_uris": [], "post_logout_redirect_uris": [], "scopes": null,
            "created_at": "2026-03-02T12:00:00Z"})
    );
    let drawn = register(app, json!({"name": "Drawn"})).await;
    assert_eq!(drawn["id"].as_str().unwrap().len(), 36);
    root.get("/clients/shop").await.expect(200);
    let renamed = json!({"name": "Der Laden ü"});
    let changed: Value = root.patch("/clients/shop").json(&renamed).await.expect(200).json();
    assert_eq!(changed["name"], "Der Laden ü");

    let first: Value = root.get("/clients?limit=1").await.expect(200).json();
    let cursor = first["next"].as_str().unwrap();
    let second: Value = root.get(format!("/clients?limit=1&cursor={cursor}")).await.json();
    let mut ids = [&first, &second].map(|page| page["items"][0]["id"].clone());
    ids.sort_by_key(|id| id != "shop");
    assert_eq!((ids, &second["next"]), ([json!("shop"), drawn["id"].clone()], &Value::Null));

    root.delete("/clients/shop").await.expect(204);
    root.get("/clients/shop").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_and_said() {
    let stand = stand().await;
    let (app, root) = (&stand.app, root(&stand.app));
    register(app, json!({"id": "shop", "name": "The shop"})).await;
    for taken in ["shop", "portcullis"] {
        root.post("/clients").json(json!({"id": taken, "name": "x"})).await.expect(409);
    }
    for (body, pointer) in [
        (json!({"id": "a:b", "name": "x"}), "/id"),
        (json!({"id": "a b", "name": "x"}), "/id"),
        (json!({"id": "", "name": "x"}), "/id"),
        (json!({"id": "x", "name": ""}), "/name"),
        (json!({"id": "x", "name": "a\u{1b}b"}), "/name"),
        (json!({"id": "x"}), "/name"),
        (json!({"id": "x", "name": "x", "secret": "x"}), "/secret"),
    ] {
        let refused: Value = root.post("/clients").json(&body).await.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}: {refused}");
    }
    let unknown = json!({"id": "x", "name": "x", "roles": ["boss"]});
    root.post("/clients").json(unknown).await.expect(404);
    root.get("/clients/x").await.expect(404);
    root.patch("/clients/x").json(json!({"name": "x"})).await.expect(404);
    root.delete("/clients/x").await.expect(404);
    root.get("/clients?cursor=nonsense").await.expect(422);
    root.get("/clients/x/roles").await.expect(404);
    root.post("/clients/x/grants").json(json!({"permission": "read"})).await.expect(404);
    root.get("/clients/x/api-keys").await.expect(404);
    root.post("/clients/x/api-keys").json(json!({"name": "x"})).await.expect(404);
    let other = app.user("other").with_permission("users:manage");
    for path in ["/clients", "/clients/shop", "/clients/shop/api-keys", "/clients/shop/roles"] {
        other.get(path).await.expect(403);
        app.anon().get(path).await.expect(401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_speaks_for_its_client_with_what_that_has_now() {
    let stand = stand().await;
    let (app, root) = (&stand.app, root(&stand.app));
    let reader = json!({"name": "reader", "permissions": ["clients:manage"]});
    root.post("/roles").json(reader).await.expect(201);
    register(app, json!({"id": "shop", "name": "The shop"})).await;
    let (secret, id) = key(app, "shop", json!({"name": "deploy"})).await;
    assert!(secret.starts_with("pc_key_"));
    let listed = root.get("/clients/shop/api-keys").await.expect(200);
    assert!(!listed.text().contains(&secret));
    let listed: Value = listed.json();
    assert_eq!(listed["items"][0]["id"], id);
    assert_eq!(listed["items"][0]["scopes"], Value::Null, "it is not limited");
    if let Some(file) = stand.database() {
        let file = std::fs::read(file).unwrap();
        assert!(!file.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }

    // Roles and grants of the client count as they are at that moment.
    assert_eq!(status(app, &secret).await, 403);
    root.put("/clients/shop/roles/reader").await.expect(204);
    assert_eq!(status(app, &secret).await, 200);
    let denied = json!({"permission": "clients:manage", "effect": "deny"});
    let denied: Value = root.post("/clients/shop/grants").json(denied).await.expect(201).json();
    assert_eq!(status(app, &secret).await, 403);
    let grant = format!("/clients/shop/grants/{}", denied["id"].as_str().unwrap());
    root.delete(grant).await.expect(204);
    assert_eq!(status(app, &secret).await, 200);
    root.delete("/clients/shop/roles/reader").await.expect(204);
    assert_eq!(status(app, &secret).await, 403);

    // It is no user, and its key makes no other.
    root.put("/clients/shop/roles/reader").await.expect(204);
    let shop = app.anon().header("x-api-key", &secret);
    shop.get("/users/me").await.expect(403);
    shop.post("/users/me/api-keys").json(json!({"name": "x"})).await.expect(403);
    shop.post("/clients/shop/api-keys").json(json!({"name": "x"})).await.expect(403);
    shop.get("/users").await.expect(403);

    // A second process sees the same.
    let another = stand.another().await;
    assert_eq!(status(&another, &secret).await, 200);
    root.delete(format!("/clients/shop/api-keys/{id}")).await.expect(204);
    root.delete(format!("/clients/shop/api-keys/{id}")).await.expect(404);
    assert_eq!(status(app, &secret).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_inactive_or_gone_is_refused_on_the_next_request() {
    let mut stand = stand().await;
    let root_client = root(&stand.app);
    let body = json!({"name": "clerk", "permissions": ["clients:manage"]});
    root_client.post("/roles").json(body).await.expect(201);
    let app = &stand.app;
    register(app, json!({"id": "shop", "name": "The shop", "roles": ["clerk"]})).await;
    let (first, _) = key(app, "shop", json!({"name": "one"})).await;
    assert_eq!(status(app, &first).await, 200);
    root(app).patch("/clients/shop").json(json!({"is_active": false})).await.expect(200);
    assert_eq!(status(app, &first).await, 401);
    root(app).post("/clients/shop/api-keys").json(json!({"name": "x"})).await.expect(404);
    root(app).patch("/clients/shop").json(json!({"is_active": true})).await.expect(200);
    assert_eq!(status(app, &first).await, 401, "it ended with the client's activity");

    let (second, _) = key(app, "shop", json!({"name": "two"})).await;
    let (third, _) = key(app, "shop", json!({"name": "three"})).await;
    assert_eq!(status(app, &second).await, 200);
    root(app).delete("/clients/shop/api-keys").await.expect(204);
    assert_eq!([status(app, &second).await, status(app, &third).await], [401, 401]);
    let (last, _) = key(app, "shop", json!({"name": "last"})).await;
    assert_eq!(status(app, &last).await, 200);
    root(app).delete("/clients/shop").await.expect(204);
    assert_eq!(status(app, &last).await, 401);
    // Whoever takes the id later inherits neither key nor role.
    register(app, json!({"id": "shop", "name": "Another shop"})).await;
    stand.restart().await;
    assert_eq!(status(&stand.app, &last).await, 401);
    let another: Value = root(&stand.app).get("/clients/shop").await.json();
    assert_eq!(another["roles"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_limited_in_time_and_scope() {
    let stand = stand().await;
    let (app, root) = (&stand.app, root(&stand.app));
    register(app, json!({"id": "shop", "name": "The shop"})).await;
    for (body, pointer) in [
        (json!({"name": ""}), "/name"),
        (json!({"name": "x", "scopes": ["items:burn"]}), "/scopes"),
        (json!({"name": "x", "expires_at": "2026-03-02T12:00:00Z"}), "/expires_at"),
        (json!({"name": "x", "expires_at": "2046-03-02T12:00:00Z"}), "/expires_at"),
    ] {
        let refused = root.post("/clients/shop/api-keys").json(&body).await.expect(422);
        assert_eq!(refused.json::<Value>()["errors"][0]["pointer"], pointer, "{body}");
    }
    let body = json!({"name": "x", "scopes": ["items:read"],
        "expires_at": "2026-03-02T13:00:00Z"});
    let (secret, _) = key(app, "shop", body).await;
    assert_eq!(status(app, &secret).await, 403);
    stand.clock.advance(3600);
    assert_eq!(status(app, &secret).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_counts_from_its_beginning_until_its_end() {
    let stand = stand().await;
    let (app, root) = (&stand.app, root(&stand.app));
    register(app, json!({"id": "shop", "name": "The shop"})).await;
    let (secret, _) = key(app, "shop", json!({"name": "x"})).await;
    let bob = app.user("bob");
    let path = format!("/users/{}/grants", bob.id().await);
    let grant = json!({"permission": "clients:manage", "valid_from": "2026-03-02T12:01:00Z",
        "valid_until": "2026-03-02T12:02:00Z"});
    for path in ["/clients/shop/grants", &path] {
        let made: Value = root.post(path).json(&grant).await.expect(201).json();
        assert_eq!(made["valid_from"], "2026-03-02T12:01:00Z");
        assert_eq!(made["valid_until"], "2026-03-02T12:02:00Z");
        let backwards = json!({"permission": "read", "valid_from": "2026-03-02T12:02:00Z",
            "valid_until": "2026-03-02T12:01:00Z"});
        root.post(path).json(&backwards).await.expect(422);
        let no_moment = json!({"permission": "read", "valid_until": "tomorrow"});
        root.post(path).json(&no_moment).await.expect(422);
    }
    for (wait, answer) in [(0, 403), (59, 403), (1, 200), (59, 200), (1, 403)] {
        stand.clock.advance(wait);
        assert_eq!(status(app, &secret).await, answer);
        bob.get("/clients").await.expect(answer);
    }
    // A denial is over at its end as well.
    root.post(&path).json(json!({"permission": "clients:manage"})).await.expect(201);
    let denial = json!({"permission": "clients:manage", "effect": "deny",
        "valid_until": "2026-03-02T12:03:00Z"});
    root.post(&path).json(denial).await.expect(201);
    bob.get("/clients").await.expect(403);
    stand.clock.advance(60);
    bob.get("/clients").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_make_accounts_gives_them_no_role_without_the_right_to_assign_one() {
    let stand = stand().await;
    let clerk = stand.app.user("clerk");
    let clerk = clerk.with_permission("users:manage").with_permission("clients:manage");
    for (path, account) in [
        ("/clients", json!({"id": "shop", "name": "The shop"})),
        ("/users", json!({"username": "eve", "password": "a long walk by night"})),
    ] {
        let mut with_role = account.clone();
        with_role["roles"] = json!(["admin"]);
        let refused: Value = clerk.post(path).json(with_role).await.expect(403).json();
        assert_eq!(refused["missing"], json!(["permission roles:manage"]));
        clerk.post(path).json(account).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_over_an_account_above_their_own() {
    let stand = stand().await;
    let app = &stand.app;
    let boss = app.user("boss").with_permission("roles:manage").id().await;
    let peer = app.user("peer").id().await;
    register(app, json!({"id": "shop", "name": "The shop"})).await;
    let grant = json!({"permission": "audit:read", "effect": "allow"});
    root(app).post("/clients/shop/grants").json(grant).await.expect(201);
    let clerk = app.user("clerk");
    let clerk = clerk.with_permission("users:manage").with_permission("clients:manage");
    let password = json!({"password": "a long walk by night"});
    let refused = clerk.patch(format!("/users/{boss}")).json(&password).await.expect(403);
    assert_eq!(refused.json::<Value>()["missing"], json!(["permission roles:manage"]));
    clerk.post("/clients/shop/api-keys").json(json!({"name": "k"})).await.expect(403);
    clerk.patch(format!("/users/{peer}")).json(&password).await.expect(200);
    let own = clerk.id().await;
    clerk.patch(format!("/users/{own}")).json(&password).await.expect(403);
}
