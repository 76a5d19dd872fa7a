use super::samples::{HOUR, NOW, at, digest, grant, lineage, ok, role, session, user, uuid};
use crate::store::{Change, Rotation, Store};
use crate::types::{Subject, TokenId};

pub(super) async fn everything_answered_is_there<S: Store>(
    store: S,
    reopen: &impl AsyncFn(S) -> S,
) {
    ok(store.insert_role(&role("user", &[])).await);
    let ada = user(&store, "ada", &["user"]).await;
    ok(store.insert_grant(&ada.into(), &grant("write")).await);
    let (id, first) = lineage(&store, ada).await;
    let second = digest();
    ok(store.rotate_refresh(&first, &second, 10, at(500), at(1)).await);
    let (position, _) = ok(store.changes(None).await);
    let before = (
        ok(store.user(ada).await),
        ok(store.standing(&ada.into()).await),
        ok(store.roles().await),
        ok(store.session(id).await),
    );
    let store = reopen(store).await;
    let after = (
        ok(store.user(ada).await),
        ok(store.standing(&ada.into()).await),
        ok(store.roles().await),
        ok(store.session(id).await),
    );
    assert_eq!(before, after);
    assert_eq!(ok(store.changes(Some(position)).await), (position, vec![]));
    ok(store.unassign_role(&Subject::User(ada), &"user".into(), None).await);
    let (_, changes) = ok(store.changes(Some(position)).await);
    assert_eq!(changes, [Change::Subject(ada.into())]);
    let rotation = ok(store.rotate_refresh(&second, &digest(), 10, at(500), at(2)).await);
    assert!(matches!(rotation, Rotation::Rotated(..)), "{rotation:?}");
}

pub(super) async fn ended_and_revoked_stay_so<S: Store>(store: S, reopen: &impl AsyncFn(S) -> S) {
    let ada = user(&store, "ada", &[]).await;
    let bob = user(&store, "bob", &[]).await;
    let (id, refresh) = lineage(&store, ada).await;
    let other = session(&store, bob).await;
    let token = TokenId(uuid());
    ok(store.end_session(id, at(1)).await);
    ok(store.delete_user(bob, None, at(2)).await);
    ok(store.revoke_token(token, at(100)).await);
    let store = reopen(store).await;
    assert_eq!(ok(store.ended_since(NOW).await), [(id, at(1)), (other, at(2))]);
    assert_eq!(ok(store.revoked(NOW).await), [(token, at(100))]);
    let rotation = ok(store.rotate_refresh(&refresh, &digest(), 10, at(500), at(3)).await);
    assert_eq!(rotation, Rotation::Unknown);
    ok(store.sweep(at(i64::from(HOUR)), HOUR).await);
    let store = reopen(store).await;
    assert_eq!(ok(store.ended_since(NOW).await).len(), 2);
}
