use std::sync::Arc;

use super::samples::{
    HOUR, IDLE, LIFE, NOW, at, digest, is_live, lineage, new_session, ok, refused, session, user,
    uuid,
};
use crate::store::{LIVE_SESSIONS, NewRefresh, Store, StoreError, UserChange};
use crate::types::{Scopes, SessionId, UserId};

pub(super) async fn begin_for_the_active_only<S: Store>(store: &Arc<S>) {
    let ada = user(&**store, "ada", &[]).await;
    let change = UserChange { active: Some(false), ..Default::default() };
    ok(store.update_user(ada, change, None, None, NOW).await);
    for nobody in [ada, UserId(uuid())] {
        let new = new_session(nobody);
        refused!(
            store.insert_session(&new, None, None).await,
            StoreError::NotFound { what: "user" }
        );
        assert_eq!(ok(store.session(new.id).await), None);
    }
}

pub(super) async fn are_found<S: Store>(store: &Arc<S>) {
    let ada = user(&**store, "ada", &[]).await;
    let bob = user(&**store, "bob", &[]).await;
    let (cookie, refresh) = (digest(), digest());
    let mut first = new_session(ada);
    first.second_factor = true;
    first.agent = Some("curl/8".to_owned());
    ok(store.insert_session(&first, Some(&cookie), None).await);
    let mut second = new_session(ada);
    second.created_at = at(1);
    let token = NewRefresh { digest: refresh, scopes: Scopes::All };
    ok(store.insert_session(&second, None, Some(&token)).await);
    session(&**store, bob).await;

    assert_eq!(ok(store.session(first.id).await), Some(first.clone()));
    assert_eq!(ok(store.session_by_cookie(&cookie).await), Some(first.clone()));
    assert_eq!(ok(store.session_by_cookie(&refresh).await), None);
    let found = ok(store.session_by_refresh(&refresh).await);
    assert_eq!(found.map(|(session, _)| session), Some(second.clone()));
    assert_eq!(ok(store.session_by_refresh(&cookie).await), None);
    assert_eq!(ok(store.sessions(ada, at(1)).await), [second.clone(), first.clone()]);
    assert_eq!(ok(store.sessions(ada, at(IDLE)).await), []);

    let conflicts = [
        (first.id, None, None, "session"),
        (SessionId(uuid()), Some(&cookie), None, "cookie"),
        (SessionId(uuid()), None, Some(&token), "refresh_token"),
    ];
    for (id, cookie, refresh, wanted) in conflicts {
        let mut new = new_session(bob);
        new.id = id;
        let answer = store.insert_session(&new, cookie, refresh).await;
        assert!(matches!(answer, Err(StoreError::Conflict { field }) if field == wanted));
    }
    assert_eq!(ok(store.sessions(bob, NOW).await).len(), 1);
}

pub(super) async fn move_their_idle_expiry_while_live<S: Store>(store: &Arc<S>) {
    let ada = user(&**store, "ada", &[]).await;
    let id = session(&**store, ada).await;
    ok(store.touch_session(id, at(60), at(60 + IDLE)).await);
    let touched = ok(store.session(id).await);
    let wanted = Some((at(60), at(60 + IDLE)));
    assert_eq!(touched.map(|s| (s.last_used_at, s.idle_expires_at)), wanted);
    // Neither the idle, nor the old, nor the ended comes back.
    ok(store.touch_session(id, at(60 + IDLE), at(LIFE)).await);
    assert!(!is_live(&**store, id, at(60 + IDLE)).await);
    ok(store.touch_session(id, at(100), at(2 * LIFE)).await);
    assert!(!is_live(&**store, id, at(LIFE)).await);
    ok(store.end_session(id, at(200)).await);
    let before = ok(store.session(id).await);
    ok(store.touch_session(id, at(201), at(LIFE)).await);
    assert_eq!(ok(store.session(id).await), before);
    ok(store.touch_session(SessionId(uuid()), NOW, at(LIFE)).await);
}

pub(super) async fn end_for_ever<S: Store>(store: &Arc<S>) {
    let ada = user(&**store, "ada", &[]).await;
    let bob = user(&**store, "bob", &[]).await;
    let (first, refresh) = lineage(&**store, ada).await;
    assert!(ok(store.end_session(first, at(5)).await));
    assert!(!ok(store.end_session(first, at(9)).await), "it was ended before");
    assert!(!ok(store.end_session(SessionId(uuid()), at(9)).await));
    let kept = ok(store.session_by_refresh(&refresh).await).map(|(session, _)| session);
    assert_eq!(kept.and_then(|session| session.ended_at), Some(at(5)));
    assert_eq!(ok(store.sessions(ada, at(5)).await), []);

    let (second, third) = (session(&**store, ada).await, session(&**store, ada).await);
    let others = session(&**store, bob).await;
    assert_eq!(ok(store.end_sessions(ada, Some(third), at(6)).await), [second]);
    assert_eq!(ok(store.end_sessions(ada, None, at(7)).await), [third]);
    assert_eq!(ok(store.end_sessions(ada, None, at(8)).await), []);
    assert!(is_live(&**store, others, at(8)).await);

    // One that only expired may have left tokens behind: it is ended, though it was not live.
    assert!(!ok(store.end_session(others, at(IDLE)).await));
    let ended = ok(store.ended_since(at(6)).await);
    assert_eq!(ended, [(second, at(6)), (third, at(7)), (others, at(IDLE))]);
    assert_eq!(ok(store.ended_since(at(IDLE + 1)).await), []);
}

pub(super) async fn end_with_password_and_activity<S: Store>(store: &Arc<S>) {
    let ada = user(&**store, "ada", &[]).await;
    let bob = user(&**store, "bob", &[]).await;
    let others = session(&**store, bob).await;
    let (first, second) = (session(&**store, ada).await, session(&**store, ada).await);
    let password = UserChange { password_hash: Some("new".to_owned()), ..Default::default() };
    let (_, ended) = ok(store.update_user(ada, password, Some(second), None, at(1)).await);
    assert_eq!(ended, [first]);
    assert_eq!(ok(store.password_hash(ada).await).as_deref(), Some("new"));
    assert!(is_live(&**store, second, at(1)).await);
    let inactive = UserChange { active: Some(false), ..Default::default() };
    let (_, ended) = ok(store.update_user(ada, inactive, None, None, at(2)).await);
    assert_eq!(ended, [second]);
    // They stay ended when the user comes back.
    let active = UserChange { active: Some(true), ..Default::default() };
    assert_eq!(ok(store.update_user(ada, active, None, None, at(3)).await).1, []);
    assert_eq!(ok(store.sessions(ada, at(3)).await), []);
    assert_eq!(ok(store.ended_since(NOW).await), [(first, at(1)), (second, at(2))]);
    assert!(is_live(&**store, others, at(3)).await);
}

pub(super) async fn are_at_most_a_hundred<S: Store>(store: &Arc<S>) {
    let ada = user(&**store, "ada", &[]).await;
    // One that is idle for long does not count.
    let mut idle = new_session(ada);
    idle.created_at = at(-2 * IDLE);
    idle.idle_expires_at = at(-IDLE);
    ok(store.insert_session(&idle, None, None).await);
    let mut made = Vec::new();
    for n in 0..LIVE_SESSIONS + 2 {
        let mut new = new_session(ada);
        new.created_at = at(i64::try_from(n).unwrap_or_default());
        let ended = ok(store.insert_session(&new, None, None).await);
        let wanted: Vec<SessionId> = n
            .checked_sub(LIVE_SESSIONS)
            .and_then(|oldest| made.get(oldest))
            .copied()
            .into_iter()
            .collect();
        assert_eq!(ended, wanted, "session {n}");
        made.push(new.id);
    }
    assert_eq!(ok(store.sessions(ada, at(200)).await).len(), LIVE_SESSIONS);
    assert_eq!(ok(store.ended_since(NOW).await).len(), 2);
}

pub(super) async fn stay_known_as_ended_until_swept<S: Store>(store: &Arc<S>) {
    let ada = user(&**store, "ada", &[]).await;
    let bob = user(&**store, "bob", &[]).await;
    let gone = session(&**store, ada).await;
    let (idle, refresh) = lineage(&**store, bob).await;
    ok(store.delete_user(ada, None, at(1)).await);
    let hour = i64::from(HOUR);
    ok(store.sweep(at(hour), HOUR).await);
    assert_eq!(ok(store.ended_since(NOW).await), [(gone, at(1))]);
    ok(store.sweep(at(hour + 1), HOUR).await);
    assert_eq!(ok(store.ended_since(NOW).await), []);
    // A session is forgotten that long after it was over, not before; nobody ended it.
    ok(store.sweep(at(IDLE + hour - 1), HOUR).await);
    assert!(ok(store.session(idle).await).is_some());
    assert!(ok(store.sweep(at(IDLE + hour), HOUR).await) >= 1);
    assert_eq!(ok(store.session(idle).await), None);
    assert_eq!(ok(store.session_by_refresh(&refresh).await), None);
    assert_eq!(ok(store.ended_since(NOW).await), []);
    assert_eq!(ok(store.sweep(at(IDLE + hour), HOUR).await), 0);
}
