use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::samples::{NOW, at, grant, ladder, new_user, ok, refused, role, user, uuid};
use crate::store::{Store, StoreError, UserChange};
use crate::types::{Client, ConditionSpec, Effect, GrantId, Role, Subject, UserId};

pub(super) async fn roles_are_made_replaced_and_deleted<S: Store>(store: &Arc<S>) {
    ladder(&**store, &["guest", "user"]).await;
    let mut moderator = role("moderator", &["user"]);
    "Keeps order".clone_into(&mut moderator.description);
    moderator.permissions = BTreeSet::from(["write".into(), "delete".into()]);
    moderator.denied = BTreeSet::from(["users:manage".into()]);
    ok(store.insert_role(&moderator).await);
    let expected = [role("guest", &[]), moderator.clone(), role("user", &["guest"])];
    assert_eq!(ok(store.roles().await), expected);

    refused!(store.insert_role(&moderator).await, StoreError::Conflict { field: "name" });
    refused!(
        store.insert_role(&role("x", &["nonesuch"])).await,
        StoreError::NotFound { what: "role" }
    );
    refused!(store.update_role(&role("x", &[]), None).await, StoreError::NotFound { what: "role" });
    refused!(
        store.update_role(&role("user", &["nonesuch"]), None).await,
        StoreError::NotFound { what: "role" }
    );
    assert_eq!(ok(store.roles().await), expected, "what is refused changes nothing");

    moderator.permissions = BTreeSet::from(["read".into()]);
    moderator.includes.clear();
    ok(store.update_role(&moderator, None).await);
    ok(store.delete_role(&"guest".into(), None).await);
    assert_eq!(ok(store.roles().await), [moderator, role("user", &[])]);
    refused!(store.delete_role(&"guest".into(), None).await, StoreError::NotFound { what: "role" });
}

pub(super) async fn a_role_never_includes_itself<S: Store>(store: &Arc<S>) {
    let answer = store.insert_role(&role("a", &["a"])).await;
    assert!(
        matches!(&answer, Err(StoreError::Cycle { path }) if path == &["a", "a"]),
        "{answer:?}"
    );
    assert_eq!(ok(store.roles().await), []);
    ladder(&**store, &["a", "b", "c", "d"]).await;
    let before = ok(store.roles().await);
    let answer = store.update_role(&role("a", &["d"]), None).await;
    let wanted = ["a", "d", "c", "b", "a"];
    assert!(matches!(&answer, Err(StoreError::Cycle { path }) if *path == wanted), "{answer:?}");
    assert_eq!(ok(store.roles().await), before);
    // A diamond is none.
    ok(store.update_role(&role("d", &["a", "b", "c"]), None).await);
}

pub(super) async fn a_cycle_is_not_made_by_two_at_once<S: Store>(store: &Arc<S>) {
    for _ in 0..10 {
        for name in ["a", "b"] {
            ok(store.insert_role(&role(name, &[])).await);
        }
        let mut tasks = JoinSet::new();
        for (name, included) in [("a", "b"), ("b", "a")] {
            let store = Arc::clone(store);
            tasks.spawn(async move { store.update_role(&role(name, &[included]), None).await });
        }
        let answers = tasks.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
        for name in ["a", "b"] {
            ok(store.delete_role(&name.into(), None).await);
        }
    }
}

pub(super) async fn roles_are_assigned_to_users_and_clients<S: Store>(store: &Arc<S>) {
    ladder(&**store, &["user", "admin"]).await;
    let robot = Client { id: "robot".into(), name: "R".into(), active: true, created_at: NOW };
    ok(store.insert_client(&robot).await);
    let ada = Subject::User(user(&**store, "ada", &["admin"]).await);
    let robot = Subject::Client(robot.id);
    let held = async |subject: &Subject| ok(store.standing(subject).await).map(|s| s.roles);
    let roles = |names: &[&str]| Some(names.iter().map(|name| Role::from(*name)).collect());
    for subject in [&ada, &robot] {
        ok(store.assign_role(subject, &"user".into()).await);
        ok(store.assign_role(subject, &"user".into()).await);
        refused!(
            store.assign_role(subject, &"nonesuch".into()).await,
            StoreError::NotFound { what: "role" }
        );
    }
    assert_eq!(held(&ada).await, roles(&["admin", "user"]));
    assert_eq!(held(&robot).await, roles(&["user"]));
    assert!(ok(store.unassign_role(&robot, &"user".into(), None).await));
    assert!(!ok(store.unassign_role(&robot, &"user".into(), None).await));
    assert_eq!(held(&robot).await, roles(&[]));
    ok(store.delete_role(&"user".into(), None).await);
    assert_eq!(held(&ada).await, roles(&["admin"]));
    let strangers = [
        (Subject::User(UserId(uuid())), "user"),
        (Subject::Client("stranger".into()), "client"),
        (Subject::Guest, "subject"),
    ];
    for (stranger, wanted) in strangers {
        let answer = store.assign_role(&stranger, &"admin".into()).await;
        assert!(matches!(answer, Err(StoreError::NotFound { what }) if what == wanted));
        let answer = store.insert_grant(&stranger, &grant("read")).await;
        assert!(matches!(answer, Err(StoreError::NotFound { what }) if what == wanted));
        assert!(!ok(store.unassign_role(&stranger, &"admin".into(), None).await));
        assert_eq!(ok(store.standing(&stranger).await), None);
    }
}

pub(super) async fn the_holders_of_a_role_are_who_was_assigned_it<S: Store>(store: &Arc<S>) {
    ladder(&**store, &["user", "admin"]).await;
    let robot = Client { id: "robot".into(), name: "R".into(), active: true, created_at: NOW };
    ok(store.insert_client(&robot).await);
    ok(store.assign_role(&robot.id.clone().into(), &"admin".into()).await);
    let ada = Subject::User(user(&**store, "ada", &["admin", "user"]).await);
    let _ = user(&**store, "bob", &["user"]).await;
    let mut ghost = new_user("ghost", &["admin"]);
    ghost.user.active = false;
    ok(store.insert_user(ghost.clone()).await);
    let holders = async |role: &str| {
        let held: BTreeSet<Subject> = ok(store.holders(&role.into()).await).into_iter().collect();
        held
    };
    let everybody = [ada.clone(), robot.id.into(), ghost.user.id.into()];
    assert_eq!(holders("admin").await, everybody.into());
    assert_eq!(holders("nonesuch").await, BTreeSet::new());
    ok(store.unassign_role(&ada, &"admin".into(), None).await);
    ok(store.delete_user(ghost.user.id, None, NOW).await);
    assert_eq!(holders("admin").await.len(), 1);
}

pub(super) async fn grants_are_direct_and_in_order<S: Store>(store: &Arc<S>) {
    let ada = Subject::User(user(&**store, "ada", &[]).await);
    let bob = Subject::User(user(&**store, "bob", &[]).await);
    let mut late = grant("write");
    late.created_at = at(5);
    late.condition = Some(ConditionSpec::All(vec![
        ConditionSpec::RecentLogin(300),
        ConditionSpec::NotAfter(at(100)),
        ConditionSpec::Not(Box::new(ConditionSpec::Countries(vec!["XX".to_owned()]))),
    ]));
    let mut early = grant("delete");
    early.effect = Effect::Deny;
    ok(store.insert_grant(&ada, &late).await);
    ok(store.insert_grant(&ada, &early).await);
    refused!(store.insert_grant(&bob, &late).await, StoreError::Conflict { field: "id" });
    let held = ok(store.standing(&ada).await).map(|standing| standing.grants);
    assert_eq!(held, Some(vec![early.clone(), late.clone()]));
    assert!(!ok(store.delete_grant(&bob, late.id).await), "another's");
    assert!(!ok(store.delete_grant(&ada, GrantId(uuid())).await));
    assert!(ok(store.delete_grant(&ada, late.id).await));
    assert!(!ok(store.delete_grant(&ada, late.id).await));
    let held = ok(store.standing(&ada).await).map(|standing| standing.grants);
    assert_eq!(held, Some(vec![early]));
}

pub(super) async fn grants_are_replaced_in_one_step<S: Store>(store: &Arc<S>) {
    let ada = Subject::User(user(&**store, "ada", &[]).await);
    let bob = Subject::User(user(&**store, "bob", &[]).await);
    let (old, theirs) = (grant("read"), grant("write"));
    ok(store.insert_grant(&ada, &old).await);
    ok(store.insert_grant(&bob, &theirs).await);
    let held = async |subject: &Subject| ok(store.standing(subject).await).map(|s| s.grants);
    let (first, mut second) = (grant("delete"), grant("write"));
    second.created_at = at(1);
    // One that is refused leaves the old ones as they were.
    for wrong in [[first.clone(), theirs.clone()], [first.clone(), first.clone()]] {
        refused!(store.set_grants(&ada, &wrong).await, StoreError::Conflict { field: "id" });
        assert_eq!(held(&ada).await, Some(vec![old.clone()]));
    }
    ok(store.set_grants(&ada, &[second.clone(), first.clone()]).await);
    assert_eq!(held(&ada).await, Some(vec![first.clone(), second]));
    ok(store.set_grants(&ada, std::slice::from_ref(&first)).await);
    assert_eq!(held(&ada).await, Some(vec![first]));
    ok(store.set_grants(&ada, &[]).await);
    assert_eq!(held(&ada).await, Some(vec![]));
    assert_eq!(held(&bob).await, Some(vec![theirs]));
    refused!(store.set_grants(&Subject::Guest, &[]).await, StoreError::NotFound { .. });
}

pub(super) async fn a_standing_follows_every_change<S: Store>(store: &Arc<S>) {
    let id = user(&**store, "ada", &[]).await;
    let standing = async || ok(store.standing(&id.into()).await);
    let before = standing().await;
    assert!(before.as_ref().is_some_and(|s| s.active && s.name == "ada"));
    let change = UserChange {
        username: Some("Ada".to_owned()),
        active: Some(false),
        password_hash: Some("another hash".to_owned()),
        ..Default::default()
    };
    ok(store.update_user(id, change, None, None, NOW).await);
    let after = standing().await;
    assert!(after.as_ref().is_some_and(|s| !s.active && s.name == "Ada"));
    let version =
        |standing: Option<crate::store::StoredAccess>| standing.map(|s| s.password_version);
    assert_ne!(version(before), version(after));

    let mut new = super::samples::new_user("nobody", &[]);
    new.password_hash = None;
    ok(store.insert_user(new.clone()).await);
    assert_eq!(version(ok(store.standing(&new.user.id.into()).await)), Some(0));
}
