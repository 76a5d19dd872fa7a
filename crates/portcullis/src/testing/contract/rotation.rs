use std::sync::Arc;

use tokio::task::JoinSet;

use super::samples::{IDLE, LIFE, NOW, at, digest, is_live, lineage, ok, refused, user};
use crate::store::{Digest, Rotation, Store, StoreError, UserChange};
use crate::types::{Scopes, Timestamp};

const WINDOW: u32 = 10;

async fn rotate(
    store: &impl Store,
    shown: &Digest,
    successor: &Digest,
    now: Timestamp,
) -> Rotation {
    ok(store.rotate_refresh(shown, successor, WINDOW, at(IDLE + 60), now).await)
}

pub(super) async fn goes_from_one_to_the_next<S: Store>(store: &Arc<S>) {
    let ada = user(&**store, "ada", &[]).await;
    let (id, first) = lineage(&**store, ada).await;
    let (second, third) = (digest(), digest());
    for (shown, successor, now) in [(first, second, at(100)), (second, third, at(200))] {
        let rotation = rotate(&**store, &shown, &successor, now).await;
        let Rotation::Rotated(session, scopes) = &rotation else {
            unexpected(&rotation);
            return;
        };
        assert_eq!((session.id, session.last_used_at), (id, now));
        assert_eq!(session.idle_expires_at, at(IDLE + 60));
        assert_eq!(*scopes, Scopes::only(["items:read", "items:write"]));
        assert_eq!(ok(store.session(id).await).as_ref(), Some(&**session));
    }
    for known in [first, second, third] {
        let found = ok(store.session_by_refresh(&known).await);
        let scopes = Scopes::only(["items:read", "items:write"]);
        assert_eq!(found.as_ref().map(|(_, kept)| kept), Some(&scopes));
        let session = found.map(|(session, _)| session);
        assert_eq!(session.map(|session| session.id), Some(id));
    }
    assert_eq!(rotate(&**store, &digest(), &digest(), NOW).await, Rotation::Unknown);
    // Never a digest twice: not another's, not one's own.
    let (_, other) = lineage(&**store, ada).await;
    for taken in [other, first, third] {
        let answer = store.rotate_refresh(&third, &taken, WINDOW, at(IDLE), at(201)).await;
        refused!(answer, StoreError::Conflict { field: "refresh_token" });
    }
    assert!(matches!(rotate(&**store, &third, &digest(), at(202)).await, Rotation::Rotated(..)));
}

#[track_caller]
fn unexpected(rotation: &Rotation) {
    assert!(matches!(rotation, Rotation::Rotated(..)), "{rotation:?}");
}

pub(super) async fn gives_a_retry_the_same_successor<S: Store>(store: &Arc<S>) {
    let ada = user(&**store, "ada", &[]).await;
    let (id, first) = lineage(&**store, ada).await;
    let second = digest();
    rotate(&**store, &first, &second, at(100)).await;
    for now in [at(100), at(105), at(110), at(95)] {
        let rotation = rotate(&**store, &first, &second, now).await;
        assert!(
            matches!(&rotation, Rotation::Retried(s, scopes) if s.id == id && scopes.limit().is_some_and(|limit| limit.len() == 2)),
            "{rotation:?}"
        );
    }
    assert!(matches!(rotate(&**store, &second, &digest(), at(111)).await, Rotation::Rotated(..)));
}

pub(super) async fn ends_the_session_on_reuse<S: Store>(store: &Arc<S>) {
    let ada = user(&**store, "ada", &[]).await;
    // Each reuse: how long after the rotation, by which successor, with the successor used.
    for (later, same, used) in
        [(11, true, false), (-11, true, false), (1, true, true), (1, false, false)]
    {
        let (id, first) = lineage(&**store, ada).await;
        let (second, third) = (digest(), digest());
        rotate(&**store, &first, &second, at(100)).await;
        if used {
            rotate(&**store, &second, &third, at(100)).await;
        }
        let offered = if same { second } else { digest() };
        let rotation = rotate(&**store, &first, &offered, at(100 + later)).await;
        let ended = Some(at(100 + later));
        assert!(
            matches!(&rotation, Rotation::Reused(s) if s.id == id && s.ended_at == ended),
            "{later} {same} {used}: {rotation:?}"
        );
        assert_eq!(ok(store.session(id).await).and_then(|session| session.ended_at), ended);
        assert!(ok(store.ended_since(NOW).await).contains(&(id, at(100 + later))));
        // The thief's token and the owner's are worthless alike.
        let newest = if used { third } else { second };
        assert_eq!(rotate(&**store, &newest, &digest(), at(120)).await, Rotation::Unknown);
        assert_eq!(ok(store.session_by_refresh(&offered).await).is_some(), same);
        // Shown once more, it says the same and changes nothing.
        let again = rotate(&**store, &first, &second, at(500)).await;
        assert!(matches!(&again, Rotation::Reused(s) if s.ended_at == ended), "{again:?}");
    }
    // Without a window there is no second time.
    let (id, first) = lineage(&**store, ada).await;
    let second = digest();
    ok(store.rotate_refresh(&first, &second, 0, at(IDLE), NOW).await);
    let again = ok(store.rotate_refresh(&first, &second, 0, at(IDLE), NOW).await);
    assert!(matches!(again, Rotation::Reused(_)), "{again:?}");
    assert!(!is_live(&**store, id, NOW).await);
}

pub(super) async fn stops_where_the_session_does<S: Store>(store: &Arc<S>) {
    let ada = user(&**store, "ada", &[]).await;
    let (_, idle) = lineage(&**store, ada).await;
    assert_eq!(rotate(&**store, &idle, &digest(), at(IDLE)).await, Rotation::Unknown);
    let (id, old) = lineage(&**store, ada).await;
    ok(store.touch_session(id, NOW, at(2 * LIFE)).await);
    assert_eq!(rotate(&**store, &old, &digest(), at(LIFE)).await, Rotation::Unknown);
    let (id, ended) = lineage(&**store, ada).await;
    let next = digest();
    rotate(&**store, &ended, &next, at(1)).await;
    ok(store.end_session(id, at(2)).await);
    for shown in [ended, next] {
        let rotation = rotate(&**store, &shown, &next, at(3)).await;
        assert_eq!(rotation, Rotation::Unknown);
    }
    let (_, inactive) = lineage(&**store, ada).await;
    let change = UserChange { active: Some(false), ..Default::default() };
    ok(store.update_user(ada, change, None, None, at(4)).await);
    assert_eq!(rotate(&**store, &inactive, &digest(), at(5)).await, Rotation::Unknown);
}

pub(super) async fn of_fifty_at_once_leaves_one_lineage<S: Store>(store: &Arc<S>) {
    let ada = user(&**store, "ada", &[]).await;
    let (id, first) = lineage(&**store, ada).await;
    let second = digest();
    let all_at_once = async |window: u32, shown: Digest, successor: Digest| {
        let mut tasks = JoinSet::new();
        for _ in 0..50 {
            let store = Arc::clone(store);
            tasks.spawn(async move {
                ok(store.rotate_refresh(&shown, &successor, window, at(IDLE), at(1)).await)
            });
        }
        let answers = tasks.join_all().await;
        let count = |which: fn(&Rotation) -> bool| answers.iter().filter(|r| which(r)).count();
        [
            count(|rotation| matches!(rotation, Rotation::Rotated(..))),
            count(|rotation| matches!(rotation, Rotation::Retried(..))),
            count(|rotation| matches!(rotation, Rotation::Reused(_))),
        ]
    };
    assert_eq!(all_at_once(WINDOW, first, second).await, [1, 49, 0]);
    assert!(is_live(&**store, id, at(1)).await);
    // With no window for retries, one is served and the other forty-nine end the session.
    assert_eq!(all_at_once(0, second, digest()).await, [1, 0, 49]);
    assert!(!is_live(&**store, id, at(1)).await);
}
