use std::sync::Arc;

use super::samples::{HOUR, NOW, at, digest, ok, refused, session, user, uuid};
use crate::store::{API_KEYS, Change, ClientChange, Store, StoreError, UserChange};
use crate::types::{ApiKey, Client, ClientId, External, Scopes, Subject, TokenId, UserId};

fn key(owner: &Subject, name: &str) -> ApiKey {
    ApiKey {
        id: TokenId(uuid()),
        owner: owner.clone(),
        name: name.to_owned(),
        scopes: Scopes::only(["items:read", "items:write"]),
        created_at: NOW,
        expires_at: at(900),
        last_used_at: None,
    }
}

pub(super) async fn are_kept_used_and_deleted<S: Store>(store: &Arc<S>) {
    let ada = Subject::User(user(&**store, "ada", &[]).await);
    let bob = Subject::User(user(&**store, "bob", &[]).await);
    let (mut first, second) = (key(&ada, "deploy"), ApiKey { created_at: at(1), ..key(&ada, "") });
    let (secret, other) = (digest(), digest());
    assert!(ok(store.insert_api_key(&first, &secret).await));
    assert!(ok(store.insert_api_key(&second, &other).await));
    assert_eq!(ok(store.api_key(&secret).await), Some(first.clone()));
    assert_eq!(ok(store.api_key(&digest()).await), None);
    assert_eq!(ok(store.api_keys(&ada, NOW).await), [second.clone(), first.clone()]);
    assert_eq!(ok(store.api_keys(&bob, NOW).await), []);
    assert_eq!(ok(store.api_keys(&ada, at(900)).await), []);
    refused!(
        store.insert_api_key(&first, &digest()).await,
        StoreError::Conflict { field: "api_key" }
    );
    let again = key(&ada, "again");
    refused!(
        store.insert_api_key(&again, &secret).await,
        StoreError::Conflict { field: "api_key" }
    );
    for (now, noted) in [(60, 60), (120, 120), (90, 120)] {
        ok(store.touch_api_key(first.id, at(now)).await);
        first.last_used_at = Some(at(noted));
        assert_eq!(ok(store.api_key(&secret).await), Some(first.clone()));
    }
    ok(store.touch_api_key(TokenId(uuid()), NOW).await);
    let (here, _) = ok(store.changes(None).await);
    assert!(!ok(store.delete_api_key(&bob, first.id).await), "another's");
    assert!(ok(store.delete_api_key(&ada, first.id).await));
    assert!(!ok(store.delete_api_key(&ada, first.id).await));
    assert_eq!(ok(store.changes(Some(here)).await).1, [Change::ApiKeys]);
    assert_eq!(ok(store.api_key(&secret).await), None);
    assert_eq!(ok(store.delete_api_keys(&bob).await), 0);
    assert_eq!(ok(store.delete_api_keys(&ada).await), 1);
    assert_eq!(ok(store.api_key(&other).await), None);
}

pub(super) async fn end_with_their_user<S: Store>(store: &Arc<S>) {
    let ids = [user(&**store, "ada", &[]).await, user(&**store, "bob", &[]).await];
    let [ada, bob] = ids.map(Subject::User);
    let (secret, theirs) = (digest(), digest());
    assert!(ok(store.insert_api_key(&key(&bob, "bob's"), &theirs).await));
    let keep = session(&**store, ids[0]).await;
    let deeds = [
        UserChange { name: Some(Some("Ada".to_owned())), ..Default::default() },
        UserChange { password_hash: Some("new".to_owned()), ..Default::default() },
        UserChange { active: Some(false), ..Default::default() },
    ];
    for (change, left) in deeds.into_iter().zip([true, false, false]) {
        assert!(ok(store.insert_api_key(&key(&ada, "x"), &secret).await));
        let (here, _) = ok(store.changes(None).await);
        ok(store.update_user(ids[0], change, Some(keep), None, at(1)).await);
        assert_eq!(ok(store.api_key(&secret).await).is_some(), left);
        let forwarded = ok(store.changes(Some(here)).await).1.contains(&Change::ApiKeys);
        assert_eq!(forwarded, !left);
        ok(store.delete_api_keys(&ada).await);
    }
    for stranger in [ada, UserId(uuid()).into(), Subject::Guest] {
        let answer = store.insert_api_key(&key(&stranger, "x"), &secret).await;
        assert!(matches!(answer, Err(StoreError::NotFound { what: "user" })), "{answer:?}");
    }
    assert!(ok(store.api_key(&theirs).await).is_some());
    ok(store.delete_user(ids[1], None, at(2)).await);
    assert_eq!(ok(store.api_key(&theirs).await), None);
}

pub(super) async fn of_a_client_end_with_it<S: Store>(store: &Arc<S>) {
    let robot =
        Client { id: "robot".into(), name: "Robot".to_owned(), active: true, created_at: NOW };
    let (subject, secret) = (Subject::Client(robot.id.clone()), digest());
    let answer = store.insert_api_key(&key(&subject, "x"), &secret).await;
    assert!(matches!(answer, Err(StoreError::NotFound { what: "client" })), "{answer:?}");
    ok(store.insert_client(&robot).await);
    // A user of the same id is somebody else.
    let ada = user(&**store, "ada", &[]).await;
    let named_alike = Client { id: ClientId::from(&*ada.to_string()), ..robot.clone() };
    ok(store.insert_client(&named_alike).await);
    let (theirs, of_ada) = (digest(), key(&Subject::User(ada), "x"));
    assert!(ok(store.insert_api_key(&of_ada, &theirs).await));
    assert_eq!(ok(store.api_keys(&named_alike.id.clone().into(), NOW).await), []);
    assert!(!ok(store.delete_api_key(&named_alike.id.clone().into(), of_ada.id).await));
    ok(store.delete_client(&named_alike.id, at(1)).await);
    assert_eq!(ok(store.api_key(&theirs).await), Some(of_ada));

    let made = key(&subject, "deploy");
    assert!(ok(store.insert_api_key(&made, &secret).await));
    assert_eq!(ok(store.api_key(&secret).await), Some(made.clone()));
    assert_eq!(ok(store.api_keys(&subject, NOW).await), std::slice::from_ref(&made));
    let renamed = ClientChange { name: Some("R2".to_owned()), active: None };
    ok(store.update_client(&robot.id, renamed).await);
    assert_eq!(ok(store.api_key(&secret).await), Some(made.clone()));
    let (here, _) = ok(store.changes(None).await);
    let inactive = ClientChange { name: None, active: Some(false) };
    ok(store.update_client(&robot.id, inactive).await);
    assert_eq!(ok(store.api_key(&secret).await), None);
    assert!(ok(store.changes(Some(here)).await).1.contains(&Change::ApiKeys));
    let answer = store.insert_api_key(&made, &secret).await;
    assert!(matches!(answer, Err(StoreError::NotFound { what: "client" })), "{answer:?}");

    ok(store.update_client(&robot.id, ClientChange { name: None, active: Some(true) }).await);
    assert!(ok(store.insert_api_key(&made, &secret).await));
    let (here, _) = ok(store.changes(None).await);
    ok(store.delete_client(&robot.id, at(2)).await);
    assert_eq!(ok(store.api_key(&secret).await), None);
    assert!(ok(store.changes(Some(here)).await).1.contains(&Change::ApiKeys));
    // Somebody whom another issuer vouches for has none.
    let stranger: Subject = External::new("https://issuer.example", "robot").into();
    let answer = store.insert_api_key(&key(&stranger, "x"), &secret).await;
    assert!(matches!(answer, Err(StoreError::NotFound { .. })), "{answer:?}");
    assert_eq!(ok(store.api_keys(&stranger, NOW).await), []);
    assert_eq!(ok(store.delete_api_keys(&stranger).await), 0);
}

pub(super) async fn are_bounded_and_swept<S: Store>(store: &Arc<S>) {
    let ada = Subject::User(user(&**store, "ada", &[]).await);
    let last = digest();
    for n in 0..API_KEYS {
        let expires_at = if n == 0 { at(10) } else { at(900) };
        let key = ApiKey { expires_at, ..key(&ada, "x") };
        assert!(ok(store.insert_api_key(&key, &digest()).await));
    }
    assert!(!ok(store.insert_api_key(&key(&ada, "x"), &last).await), "one too many");
    assert_eq!(ok(store.api_key(&last).await), None);
    let later = ApiKey { created_at: at(10), ..key(&ada, "x") };
    assert!(ok(store.insert_api_key(&later, &last).await), "one has expired");
    assert_eq!(ok(store.sweep(at(9), HOUR).await), 0);
    assert_eq!(ok(store.sweep(at(10), HOUR).await), 1);
    assert_eq!(ok(store.api_keys(&ada, NOW).await).len(), API_KEYS);
}
