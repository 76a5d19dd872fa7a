//! `POST /introspect`: what each kind of credential comes to, and nothing of what does not count.

use portcullis::testing::{TestApp, TestClient};
use serde_json::{Value, json};

use crate::stand::{Credential, Kind, Place, Stand, ada};

async fn introspect(stand: &Stand, token: &str) -> Value {
    let form = [("token", token)];
    stand.root().post("/introspect").form(form).await.expect(200).json()
}

fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn administrator(app: &TestApp) -> TestClient {
    app.user("root").with_permission("clients:manage").with_permission("roles:manage")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bearer_credential_of_a_user_says_whose_it_is_until_when_and_for_what() {
    for kind in [Kind::Jwt, Kind::Jwe, Kind::Opaque, Kind::ApiKey] {
        let stand = Stand::new(Place::Memory, kind.format()).await;
        let credential = Credential::of(&stand.app, kind).await;
        let said = introspect(&stand, &credential.text).await;
        assert_eq!(said["active"], true, "{kind:?}: {said}");
        assert_eq!(said["sub"], ada(&stand.app).id().await.to_string(), "{kind:?}");
        assert_eq!(said["username"], "ada", "{kind:?}");
        assert_eq!(said["token_type"], "Bearer", "{kind:?}");
        let now = stand.app.auth().now().as_second();
        assert_eq!((&said["iat"], &said["nbf"]), (&now.into(), &now.into()), "{kind:?}");
        assert!(said["exp"].as_i64().unwrap() > now, "{kind:?}");
        // Without a limit: every scope that ada may have.
        assert_eq!(said["scope"], "items:read items:write", "{kind:?}");
        let is_key = kind == Kind::ApiKey;
        assert_eq!(said.get("sid").is_none(), is_key, "{kind:?}");
        assert_eq!(said.get("client_id").is_none(), is_key, "{kind:?}");
        if let Some(id) = &credential.id {
            assert_eq!(said["jti"], **id, "as the list of keys names it");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn introspection_says_of_a_jwt_what_the_jwt_says_of_itself() {
    let stand = Stand::new(Place::Memory, Kind::Jwt.format()).await;
    let token = Credential::of(&stand.app, Kind::Jwt).await;
    let (said, claims) = (introspect(&stand, &token.text).await, claims(&token.text));
    assert_eq!(claims["jti"].as_str().unwrap().len(), 22);
    for name in ["jti", "sid", "sub", "iss", "aud", "exp", "iat", "nbf", "client_id", "scope"] {
        assert_eq!(said[name], claims[name], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_client_speaks_for_the_client() {
    let stand = Stand::new(Place::File, Kind::Jwt.format()).await;
    let root = administrator(&stand.app);
    root.post("/clients").json(json!({"id": "shop", "name": "The shop"})).await.expect(201);
    for permission in ["read", "write"] {
        let allow = json!({"permission": permission, "effect": "allow"});
        root.post("/clients/shop/grants").json(allow).await.expect(201);
    }
    let keys = "/clients/shop/api-keys";
    let made: Value = root
        .post(keys)
        .json(json!({"name": "a", "scopes": ["items:read"]}))
        .await
        .expect(201)
        .json();
    let key = made["key"].as_str().unwrap();
    let said = introspect(&stand, key).await;
    let (iat, exp) = (said["iat"].as_i64().unwrap(), said["exp"].as_i64().unwrap());
    assert_eq!(exp - iat, 90 * 86_400);
    assert_eq!(
        said,
        json!({
            "active": true, "sub": "shop", "client_id": "shop", "scope": "items:read",
            "token_type": "Bearer", "exp": exp, "iat": iat, "nbf": iat, "jti": made["id"],
            "aud": "http://127.0.0.1:8000", "iss": "http://127.0.0.1:8000",
        })
    );

    let dead = json!({"active": false});
    for unknown in [&key[..key.len() - 1], "pc_key_", &format!("{key}x")] {
        assert_eq!(introspect(&stand, unknown).await, dead, "{unknown}");
    }
    let foreign = Stand::new(Place::Memory, Kind::Jwt.format()).await;
    assert_eq!(introspect(&foreign, key).await, dead);
    stand.clock.advance(90 * 86_400 - 1);
    assert_eq!(introspect(&stand, key).await["active"], true);
    stand.clock.advance(1);
    assert_eq!(introspect(&stand, key).await, dead);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_who_is_inactive_or_deleted_says_nothing_but_that() {
    for (change, delete) in [(Some(json!({"is_active": false})), false), (None, true)] {
        let stand = Stand::new(Place::File, Kind::Jwt.format()).await;
        let root = administrator(&stand.app);
        root.post("/clients").json(json!({"id": "shop", "name": "The shop"})).await.expect(201);
        let made = root.post("/clients/shop/api-keys").json(json!({"name": "a"})).await;
        let made: Value = made.expect(201).json();
        let key = made["key"].as_str().unwrap();
        assert_eq!(introspect(&stand, key).await["active"], true);
        if let Some(change) = change {
            root.patch("/clients/shop").json(change).await.expect(200);
        }
        if delete {
            root.delete("/clients/shop").await.expect(204);
        }
        assert_eq!(introspect(&stand, key).await, json!({"active": false}));
    }
}
