use std::sync::Arc;

use super::samples::{HOUR, NOW, at, digest, grant, lineage, ok, role, session, user, uuid};
use crate::store::{Change, ClientChange, KeyRecord, Store, UserChange};
use crate::types::{Client, Subject, TokenId};

/// What changed since, and moves on.
async fn news(store: &impl Store, position: &mut u64) -> Vec<Change> {
    let (now, changes) = ok(store.changes(Some(*position)).await);
    assert!(now >= *position, "positions only grow");
    *position = now;
    changes
}

pub(super) async fn tells_what_changed<S: Store>(store: &Arc<S>) {
    let s = &**store;
    let (mut here, none) = ok(s.changes(None).await);
    assert_eq!(none, []);
    let forwarded = async |wanted: Change, position: &mut u64| {
        let news = news(s, position).await;
        assert!(news.contains(&wanted), "{wanted:?} is not in {news:?}");
    };
    ok(s.insert_role(&role("user", &[])).await);
    forwarded(Change::Roles, &mut here).await;
    let mut changed = role("user", &[]);
    changed.permissions.insert("read".into());
    ok(s.update_role(&changed, None).await);
    forwarded(Change::Roles, &mut here).await;

    let ada = user(s, "ada", &["user"]).await;
    let subject = Subject::User(ada);
    let robot = Client { id: "robot".into(), name: "R".into(), active: true, created_at: NOW };
    ok(s.insert_client(&robot).await);
    let client = Subject::Client(robot.id.clone());
    news(s, &mut here).await;
    for who in [&subject, &client] {
        ok(s.unassign_role(who, &"user".into(), None).await);
        ok(s.assign_role(who, &"user".into()).await);
        forwarded(Change::Subject(who.clone()), &mut here).await;
        let grant = grant("write");
        ok(s.insert_grant(who, &grant).await);
        forwarded(Change::Subject(who.clone()), &mut here).await;
        ok(s.delete_grant(who, grant.id).await);
        forwarded(Change::Subject(who.clone()), &mut here).await;
        ok(s.set_grants(who, &[grant]).await);
        forwarded(Change::Subject(who.clone()), &mut here).await;
        ok(s.unassign_role(who, &"user".into(), None).await);
        forwarded(Change::Subject(who.clone()), &mut here).await;
        ok(s.assign_role(who, &"user".into()).await);
    }
    news(s, &mut here).await;
    ok(s.delete_role(&"user".into(), None).await);
    let changes = news(s, &mut here).await;
    for wanted in [Change::Roles, Change::Subject(subject.clone()), Change::Subject(client.clone())]
    {
        assert!(changes.contains(&wanted), "{wanted:?} is not in {changes:?}");
    }
    ok(s.update_client(&robot.id, ClientChange { active: Some(false), name: None }).await);
    forwarded(Change::Subject(client.clone()), &mut here).await;
    ok(s.delete_client(&robot.id, NOW).await);
    forwarded(Change::Subject(client), &mut here).await;

    let id = session(s, ada).await;
    ok(s.end_session(id, at(1)).await);
    forwarded(Change::SessionEnded(id, at(1)), &mut here).await;
    let (id, first) = lineage(s, ada).await;
    for now in [at(1), at(100)] {
        ok(s.rotate_refresh(&first, &digest(), 10, at(500), now).await);
    }
    forwarded(Change::SessionEnded(id, at(100)), &mut here).await;
    let id = session(s, ada).await;
    let password = UserChange { password_hash: Some("new".to_owned()), ..Default::default() };
    ok(s.update_user(ada, password, None, None, at(2)).await);
    let changes = news(s, &mut here).await;
    assert!(changes.contains(&Change::SessionEnded(id, at(2))), "{changes:?}");
    assert!(changes.contains(&Change::Subject(subject.clone())), "{changes:?}");
    let id = session(s, ada).await;
    ok(s.delete_user(ada, None, at(3)).await);
    let changes = news(s, &mut here).await;
    assert!(changes.contains(&Change::SessionEnded(id, at(3))), "{changes:?}");
    assert!(changes.contains(&Change::Subject(subject)), "{changes:?}");

    let token = TokenId(uuid());
    ok(s.revoke_token(token, at(50)).await);
    forwarded(Change::TokenRevoked(token, at(50)), &mut here).await;
    let key = KeyRecord {
        id: uuid().to_string(),
        algorithm: "EdDSA".to_owned(),
        sealed: Vec::new(),
        created_at: NOW,
        signs_from: NOW,
        signs_until: None,
        retired_at: None,
    };
    ok(s.insert_key(&key, false).await);
    forwarded(Change::Keys, &mut here).await;
    ok(s.retire_key(&key.id, Some(at(1)), None).await);
    forwarded(Change::Keys, &mut here).await;
}

pub(super) async fn is_quiet_where_nothing_did<S: Store>(store: &Arc<S>) {
    ok(store.ping().await);
    let ada = user(&**store, "ada", &[]).await;
    let (_, first) = lineage(&**store, ada).await;
    let (mut here, _) = ok(store.changes(None).await);
    assert_eq!(news(&**store, &mut here).await, []);
    let before = here;
    // A lookup, a use and a rotation concern nobody else.
    let id = session(&**store, ada).await;
    ok(store.touch_session(id, at(1), at(100)).await);
    ok(store.rotate_refresh(&first, &digest(), 10, at(500), at(1)).await);
    ok(store.sessions(ada, at(1)).await);
    ok(store.sweep(at(1), HOUR).await);
    assert_eq!((news(&**store, &mut here).await, here), (vec![], before));
    // Changes are there for whoever asks, not only for the first.
    ok(store.end_session(id, at(2)).await);
    let (_, first) = ok(store.changes(Some(before)).await);
    let (_, second) = ok(store.changes(Some(before)).await);
    assert_eq!(first, [Change::SessionEnded(id, at(2))]);
    assert_eq!(first, second);
}

pub(super) async fn says_so_where_it_forgot<S: Store>(store: &Arc<S>) {
    user(&**store, "ada", &[]).await;
    let (here, _) = ok(store.changes(None).await);
    // A position nobody was ever given, such as one of another database.
    for foreign in [here + 1000, u64::MAX] {
        assert_eq!(ok(store.changes(Some(foreign)).await), (here, vec![Change::Everything]));
    }
}
