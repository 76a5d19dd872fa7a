use std::sync::Arc;

use super::samples::{NOW, at, digest, ok, refused, session, user, uuid};
use crate::store::{Store, StoreError, TokenRecord};
use crate::types::{ClientId, Scopes, SessionId, TokenId, UserId};

fn token(user: UserId, session: SessionId) -> TokenRecord {
    TokenRecord {
        id: TokenId(uuid()),
        digest: digest(),
        session,
        user,
        client: ClientId::first_party(),
        scopes: Scopes::only(["items:read", "items:write"]),
        since: at(-5),
        second_factor: true,
        issued_at: NOW,
        expires_at: at(900),
    }
}

pub(super) async fn are_found_until_revoked<S: Store>(store: &Arc<S>) {
    let ada = user(&**store, "ada", &[]).await;
    let session = session(&**store, ada).await;
    let (mut first, second) = (token(ada, session), token(ada, session));
    first.scopes = Scopes::All;
    ok(store.insert_token(&first).await);
    ok(store.insert_token(&second).await);
    assert_eq!(ok(store.token(&first.digest).await), Some(first.clone()));
    assert_eq!(ok(store.token(&second.digest).await), Some(second.clone()));
    assert_eq!(ok(store.token(&digest()).await), None);
    for again in [
        TokenRecord { id: TokenId(uuid()), ..first.clone() },
        TokenRecord { digest: digest(), ..first.clone() },
    ] {
        refused!(store.insert_token(&again).await, StoreError::Conflict { field: "token" });
    }
    ok(store.revoke_token(first.id, first.expires_at).await);
    assert_eq!(ok(store.token(&first.digest).await), None);
    // A token nobody kept, such as a JWT, is revoked the same way; the later end counts.
    let stateless = TokenId(uuid());
    for expires_at in [at(100), at(300), at(200)] {
        ok(store.revoke_token(stateless, expires_at).await);
    }
    let mut revoked = ok(store.revoked(NOW).await);
    revoked.sort_unstable();
    assert_eq!(revoked, [(first.id, at(900)), (stateless, at(300))]);
    assert_eq!(ok(store.revoked(at(300)).await), [(first.id, at(900))]);
    assert_eq!(ok(store.token(&second.digest).await), Some(second));
}

pub(super) async fn belong_to_a_session<S: Store>(store: &Arc<S>) {
    let ada = user(&**store, "ada", &[]).await;
    let bob = user(&**store, "bob", &[]).await;
    let live = session(&**store, ada).await;
    let kept = token(ada, live);
    ok(store.insert_token(&kept).await);
    ok(store.end_session(live, at(1)).await);
    assert_eq!(ok(store.token(&kept.digest).await), None);
    let other = session(&**store, bob).await;
    for (user, session) in [(ada, live), (ada, other), (ada, SessionId(uuid()))] {
        refused!(
            store.insert_token(&token(user, session)).await,
            StoreError::NotFound { what: "session" }
        );
    }
    let kept = token(bob, other);
    ok(store.insert_token(&kept).await);
    ok(store.delete_user(bob, None, at(2)).await);
    assert_eq!(ok(store.token(&kept.digest).await), None);
}

pub(super) async fn are_swept<S: Store>(store: &Arc<S>) {
    let ada = user(&**store, "ada", &[]).await;
    let session = session(&**store, ada).await;
    let kept = token(ada, session);
    ok(store.insert_token(&kept).await);
    ok(store.revoke_token(TokenId(uuid()), at(900)).await);
    assert_eq!(ok(store.sweep(at(899), 0).await), 0);
    assert!(ok(store.token(&kept.digest).await).is_some());
    assert_eq!(ok(store.sweep(at(900), 0).await), 2);
    assert_eq!(ok(store.token(&kept.digest).await), None);
    assert_eq!(ok(store.revoked(NOW).await), []);
}
