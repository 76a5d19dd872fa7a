//! What ends a credential ends it on the next request: here, after a restart, on another node, and
//! for good. Each way of ending × each kind of credential × each store.

use portcullis::auth::{Actor, Settings};
use portcullis::testing::TestApp;
use serde_json::json;

use crate::stand::{Credential, Kind, Place, Stand, ada};

/// A way to end a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Revoke,
    LogOut,
    LogOutEverywhere,
    ByAdministrator,
    Disable,
    Delete,
    ChangePassword,
    ResetPassword,
    RetireKey,
}

impl End {
    const ALL: [Self; 9] = [
        Self::Revoke,
        Self::LogOut,
        Self::LogOutEverywhere,
        Self::ByAdministrator,
        Self::Disable,
        Self::Delete,
        Self::ChangePassword,
        Self::ResetPassword,
        Self::RetireKey,
    ];

    fn concerns(self, credential: &Credential) -> bool {
        self != Self::RetireKey || credential.is_signed()
    }

    async fn happen(self, stand: &Stand, credential: &Credential) {
        let app = &stand.app;
        let shown = credential.shown_to(app);
        let key = credential.kind == Kind::ApiKey;
        let id = ada(app).id().await;
        match self {
            Self::Revoke => {
                let form = [("token", credential.text.as_str())];
                app.anon().post("/revoke").form(form).await.expect(200);
            }
            Self::LogOut => {
                let path = match credential.kind {
                    Kind::Jwt | Kind::Jwe => "/auth/jwt/logout",
                    Kind::Opaque => "/auth/opaque/logout",
                    Kind::Cookie => "/auth/cookie/logout",
                    Kind::ApiKey => {
                        let id = credential.id.as_deref().unwrap();
                        let path = format!("/users/me/api-keys/{id}");
                        shown.delete(path).await.expect(204);
                        return;
                    }
                };
                shown.post(path).await.expect(204);
            }
            Self::LogOutEverywhere => {
                // A key is no sign-in: it has a list of its own.
                let list = if key { "api-keys" } else { "sessions" };
                ada(app).delete(format!("/users/me/{list}")).await.expect(204);
            }
            Self::ByAdministrator => {
                let list = if key { "api-keys" } else { "sessions" };
                stand.root().delete(format!("/users/{id}/{list}")).await.expect(204);
            }
            Self::Disable => {
                let path = format!("/users/{id}");
                stand.root().patch(&path).json(json!({"is_active": false})).await.expect(200);
                assert_eq!(credential.status(app).await, 401);
                // What was ended stays so when the account may act again.
                stand.root().patch(&path).json(json!({"is_active": true})).await.expect(200);
            }
            Self::Delete => {
                stand.root().delete(format!("/users/{id}")).await.expect(204);
            }
            Self::ChangePassword => {
                let change = json!({
                    "password": "quite another phrase",
                    "current_password": "orchids grow on tall trees",
                });
                ada(app).patch("/users/me").json(change).await.expect(200);
            }
            Self::ResetPassword => {
                let change = json!({"password": "quite another phrase"});
                stand.root().patch(format!("/users/{id}")).json(change).await.expect(200);
            }
            Self::RetireKey => {
                let keys = app.auth().keys().await.unwrap();
                app.auth().retire_key(&Actor::system(), &keys[0].id).await.unwrap();
            }
        }
    }
}

async fn is_void(credential: &Credential, apps: &[&TestApp], end: End) {
    for (which, app) in apps.iter().enumerate() {
        let status = credential.status(app).await;
        assert_eq!(status, 401, "{end:?} of {:?}, on node {which}", credential.kind);
        let form = [("token", credential.text.as_str())];
        let root = app.user("root").basic();
        let answer = root.post("/introspect").form(form).await.expect(200);
        assert_eq!(answer.text(), r#"{"active":false}"#, "{end:?} of {:?}", credential.kind);
    }
}

async fn ends_at_once_and_for_good(place: Place) {
    for kind in Kind::ALL {
        for end in End::ALL {
            let mut stand = Stand::new(place, kind.format()).await;
            stand.root().id().await;
            let credential = Credential::of(&stand.app, kind).await;
            if !end.concerns(&credential) {
                continue;
            }
            let other = stand.another().await;
            // Both have it in memory.
            assert_eq!(credential.status(&stand.app).await, 200, "{end:?} of {kind:?}");
            assert_eq!(credential.status(&other).await, 200, "{end:?} of {kind:?}");

            end.happen(&stand, &credential).await;
            is_void(&credential, &[&stand.app], end).await;
            other.auth().catch_up().await.unwrap();
            is_void(&credential, &[&other], end).await;
            let first = stand.app.clone();
            stand.restart().await;
            is_void(&credential, &[&stand.app], end).await;

            // When nothing made before can count any more, memory has forgotten, and yet.
            stand.clock.advance(25 * 3600);
            for app in [&first, &other, &stand.app] {
                app.auth().sweep().await;
                app.auth().catch_up().await.unwrap();
                assert_eq!(app.auth().remembered(), (0, 0), "{end:?} of {kind:?}");
            }
            is_void(&credential, &[&first, &other, &stand.app], end).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_a_credential_ends_it_at_once_and_for_good_in_memory() {
    ends_at_once_and_for_good(Place::Memory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_a_credential_ends_it_at_once_and_for_good_in_a_file() {
    ends_at_once_and_for_good(Place::File).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_and_grants_count_on_the_next_request_whatever_is_shown() {
    for (place, kind) in Kind::ALL
        .map(|kind| (Place::Memory, kind))
        .into_iter()
        .chain([Kind::Jwt, Kind::ApiKey].map(|kind| (Place::File, kind)))
    {
        let stand = Stand::new(place, kind.format()).await;
        let root = stand.root();
        let credential = Credential::of(&stand.app, kind).await;
        let other = stand.another().await;
        let id = ada(&stand.app).id().await;
        let check = async |status: u16| {
            let found = credential.shown_to(&stand.app).get("/users").await.status.as_u16();
            assert_eq!(found, status, "{kind:?}");
            other.auth().catch_up().await.unwrap();
            let found = credential.shown_to(&other).get("/users").await.status.as_u16();
            assert_eq!(found, status, "{kind:?} on another node");
        };
        check(403).await;
        let role = json!({"name": "clerk", "permissions": ["users:manage"]});
        root.post("/roles").json(role).await.expect(201);
        root.put(format!("/users/{id}/roles/clerk")).await.expect(204);
        check(200).await;
        root.patch("/roles/clerk").json(json!({"permissions": []})).await.expect(200);
        check(403).await;
        root.patch("/roles/clerk").json(json!({"permissions": ["users:*"]})).await.expect(200);
        check(200).await;
        let deny = json!({"permission": "users:manage", "effect": "deny"});
        root.post(format!("/users/{id}/grants")).json(deny).await.expect(201);
        check(403).await;
        root.delete(format!("/users/{id}/grants")).await.expect(204);
        check(200).await;
        root.delete(format!("/users/{id}/roles/clerk")).await.expect(204);
        check(403).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_key_leaves_what_another_signed_and_what_was_not_signed() {
    let mut settings = Settings::new("http://127.0.0.1:8000");
    settings.access_ttl = 3600;
    let stand = Stand::with(Place::File, settings).await;
    let old = Credential::of(&stand.app, Kind::Jwt).await;
    let opaque = Credential::of(&stand.app, Kind::Opaque).await;
    let auth = stand.app.auth();
    let first = auth.keys().await.unwrap()[0].id.clone();
    auth.rotate_key(&Actor::system()).await.unwrap();
    // The new key is published before it signs.
    assert_eq!(auth.public_keys().keys.len(), 2);
    stand.clock.advance(900);
    let new = Credential::of(&stand.app, Kind::Jwt).await;
    auth.retire_key(&Actor::system(), &first).await.unwrap();
    assert_eq!(old.status(&stand.app).await, 401);
    assert_eq!((new.status(&stand.app).await, opaque.status(&stand.app).await), (200, 200));
    assert_eq!(auth.public_keys().keys.len(), 1);
}
