use std::sync::Arc;

use tokio::task::JoinSet;

use super::samples::{NOW, is_live, ladder, new_user, ok, refused, role, session, user};
use crate::store::{Store, StoreError, UserChange};
use crate::types::{Client, Role, Subject};

fn deactivate() -> UserChange {
    UserChange { active: Some(false), ..Default::default() }
}

pub(super) async fn the_last_one_stays<S: Store>(store: &Arc<S>) {
    // Whoever is a root is an admin, by way of chief.
    ladder(&**store, &["user", "admin", "chief", "root"]).await;
    let admin = Role::from("admin");
    let keep = Some(&admin);
    // Neither the inactive nor a client counts.
    let mut ghost = new_user("ghost", &["admin"]);
    ghost.user.active = false;
    ok(store.insert_user(ghost.clone()).await);
    let robot = Client { id: "robot".into(), name: "R".into(), active: true, created_at: NOW };
    ok(store.insert_client(&robot).await);
    ok(store.assign_role(&robot.id.into(), &admin).await);
    let ada = user(&**store, "ada", &["root", "user"]).await;
    let open = session(&**store, ada).await;
    let subject = Subject::User(ada);
    let before = (ok(store.user(ada).await), ok(store.standing(&subject).await));
    let roles = ok(store.roles().await);

    refused!(
        store.update_user(ada, deactivate(), None, keep, NOW).await,
        StoreError::LastHolder { .. }
    );
    refused!(store.delete_user(ada, keep, NOW).await, StoreError::LastHolder { .. });
    refused!(
        store.unassign_role(&subject, &"root".into(), keep).await,
        StoreError::LastHolder { .. }
    );
    refused!(
        store.update_role(&role("chief", &["user"]), keep).await,
        StoreError::LastHolder { .. }
    );
    for name in ["chief", "root", "admin"] {
        let answer = store.delete_role(&name.into(), keep).await;
        let wanted = matches!(&answer, Err(StoreError::LastHolder { role }) if *role == admin);
        assert!(wanted, "{name}: {answer:?}");
    }
    assert_eq!((ok(store.user(ada).await), ok(store.standing(&subject).await)), before);
    assert_eq!(ok(store.roles().await), roles);
    assert!(is_live(&**store, open, NOW).await, "what is refused changes nothing");

    // What takes nothing from the role is free.
    ok(store.unassign_role(&subject, &"user".into(), keep).await);
    let rename = UserChange { username: Some("Ada".to_owned()), ..Default::default() };
    ok(store.update_user(ada, rename, None, keep, NOW).await);
    ok(store.delete_user(ghost.user.id, keep, NOW).await);
    // A second one, and the first may go.
    let bob = user(&**store, "bob", &["admin"]).await;
    ok(store.delete_user(ada, keep, NOW).await);
    refused!(store.delete_user(bob, keep, NOW).await, StoreError::LastHolder { .. });
    // Nobody to keep, nothing to refuse: not asked for, or none there before.
    ok(store.update_user(bob, deactivate(), None, None, NOW).await);
    ok(store.delete_user(bob, keep, NOW).await);
    ok(store.delete_role(&admin, keep).await);
}

pub(super) async fn of_two_who_leave_at_once_one_stays<S: Store>(store: &Arc<S>) {
    ladder(&**store, &["admin"]).await;
    for round in 0..10 {
        let mut leaving = Vec::new();
        for name in ["a", "b"] {
            leaving.push(user(&**store, &format!("{name}{round}"), &["admin"]).await);
        }
        let mut tasks = JoinSet::new();
        for id in leaving.clone() {
            let store = Arc::clone(store);
            tasks.spawn(async move {
                store.update_user(id, deactivate(), None, Some(&"admin".into()), NOW).await
            });
        }
        let answers = tasks.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
        for id in leaving {
            ok(store.delete_user(id, None, NOW).await);
        }
    }
}
