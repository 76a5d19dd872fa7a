use std::sync::Arc;

use super::samples::{
    NOW, at, grant, is_live, new_session, ok, page, refused, role, session, user,
};
use crate::store::{ClientChange, Store, StoreError};
use crate::types::{Client, ClientId, Subject};

fn client(id: &str) -> Client {
    Client { id: id.into(), name: format!("The {id}"), active: true, created_at: NOW }
}

pub(super) async fn are_registered_changed_and_deleted<S: Store>(store: &Arc<S>) {
    let robot = client("robot");
    let subject = Subject::Client(robot.id.clone());
    ok(store.insert_client(&robot).await);
    assert_eq!(ok(store.client(&robot.id).await), Some(robot.clone()));
    for taken in ["robot", &ClientId::first_party().0] {
        let answer = store.insert_client(&client(taken)).await;
        refused!(answer, StoreError::Conflict { field: "client_id" });
    }
    let change = ClientChange { active: Some(false), ..Default::default() };
    let changed = ok(store.update_client(&robot.id, change).await);
    assert_eq!(changed, Client { active: false, ..robot.clone() });
    assert_eq!(ok(store.client(&robot.id).await), Some(changed));
    assert!(ok(store.standing(&subject).await).is_some_and(|standing| !standing.active));

    ok(store.insert_role(&role("user", &[])).await);
    ok(store.assign_role(&subject, &"user".into()).await);
    ok(store.insert_grant(&subject, &grant("write")).await);
    let ada = user(&**store, "ada", &[]).await;
    let elsewhere = session(&**store, ada).await;
    let mut there = new_session(ada);
    there.client = robot.id.clone();
    ok(store.insert_session(&there, None, None).await);

    assert_eq!(ok(store.delete_client(&robot.id, at(1)).await), [there.id]);
    assert!(!is_live(&**store, there.id, at(1)).await);
    assert!(is_live(&**store, elsewhere, at(1)).await);
    assert_eq!(ok(store.client(&robot.id).await), None);
    assert_eq!(ok(store.standing(&subject).await), None);
    refused!(store.delete_client(&robot.id, NOW).await, StoreError::NotFound { what: "client" });
    refused!(
        store.update_client(&robot.id, ClientChange::default()).await,
        StoreError::NotFound { what: "client" }
    );
    // Whoever takes the id later inherits nothing.
    ok(store.insert_client(&robot).await);
    let standing = ok(store.standing(&subject).await);
    assert!(standing.is_some_and(|s| s.roles.is_empty() && s.grants.is_empty()));
}

pub(super) async fn come_in_pages<S: Store>(store: &Arc<S>) {
    for id in ["b", "c", "a"] {
        ok(store.insert_client(&client(id)).await);
    }
    let first = ok(store.clients(&page(None, 2)).await);
    let second = ok(store.clients(&page(first.next.clone(), 2)).await);
    let ids: Vec<_> = first.items.iter().chain(&second.items).map(|c| c.id.to_string()).collect();
    assert_eq!((ids, second.next), (vec!["a".into(), "b".into(), "c".into()], None));
    refused!(store.clients(&page(Some("?".to_owned()), 2)).await, StoreError::InvalidCursor);
}
