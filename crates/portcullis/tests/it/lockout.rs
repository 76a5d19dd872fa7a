//! Who administers can go on to administer: by no role, grant or denial can that be lost.

use portcullis::testing::{TestApp, TestClient};
use portcullis::types::Role;
use serde_json::{Value, json};

use crate::stand::{Kind, Place, Stand};

/// Somebody with the administrator's role, which may manage roles.
async fn administrator(app: &TestApp, name: &str) -> TestClient {
    let ada = app.user(name).with_role(Role::from("admin"));
    let may = json!({"permissions": ["roles:manage"]});
    let root = app.user("root").with_permission("roles:manage");
    let _ = ada.id().await;
    root.patch("/roles/admin").json(may).await.expect(200);
    ada
}

async fn stand() -> (Stand, TestClient) {
    let stand = Stand::new(Place::File, Kind::Jwt.format()).await;
    let ada = administrator(&stand.app, "ada").await;
    (stand, ada)
}

fn is_told(answer: portcullis::testing::Answer) {
    let refused: Value = answer.expect(409).json();
    assert!(refused["detail"].as_str().unwrap().contains("roles:manage"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_itself_cannot_lose_it() {
    let (_stand, ada) = stand().await;
    for change in [
        json!({"permissions": []}),
        json!({"permissions": ["roles:manage"], "denied": ["roles:*"]}),
        json!({"denied": ["roles:manage"]}),
    ] {
        is_told(ada.patch("/roles/admin").json(change).await);
    }
    let wider = json!({"permissions": ["roles:*", "users:manage"], "denied": ["items:delete"]});
    ada.patch("/roles/admin").json(wider).await.expect(200);
    ada.get("/roles").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_reaches_no_administrator_by_grant_or_role() {
    let (stand, ada) = stand().await;
    let (id, role) = (ada.id().await, |name: &str, body: Value| {
        let mut body = body;
        body["name"] = json!(name);
        ada.post("/roles").json(body)
    });
    let deny = json!({"effect": "deny", "permission": "roles:manage"});
    is_told(ada.post(format!("/users/{id}/grants")).json(&deny).await);
    is_told(ada.put(format!("/users/{id}/grants")).json(json!({"items": [deny]})).await);

    role("quiet", json!({"denied": ["roles:manage"]})).await.expect(201);
    is_told(ada.put(format!("/users/{id}/roles/quiet")).await);
    // A role that is held already may not come to deny it, itself or by what it includes.
    role("reader", json!({"permissions": ["read"]})).await.expect(201);
    role("writer", json!({"includes": ["reader"]})).await.expect(201);
    ada.put(format!("/users/{id}/roles/writer")).await.expect(204);
    for (name, change) in [
        ("writer", json!({"denied": ["roles:*"]})),
        ("writer", json!({"includes": ["quiet"]})),
        ("reader", json!({"denied": ["roles:manage"]})),
    ] {
        is_told(ada.patch(format!("/roles/{name}")).json(change).await);
    }
    ada.get("/roles").await.expect(200);
    // Who does not administer can be denied it, and is made no administrator then.
    let bob = stand.app.user("bob").id().await;
    ada.put(format!("/users/{bob}/roles/quiet")).await.expect(204);
    ada.patch("/roles/quiet").json(json!({"denied": ["roles:*"]})).await.expect(200);
    is_told(ada.put(format!("/users/{bob}/roles/admin")).await);
}
