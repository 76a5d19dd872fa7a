use std::sync::Arc;

use tokio::task::JoinSet;

use super::samples::{HOUR, NOW, at, ok, refused, uuid};
use crate::store::{KeyRecord, Store, StoreError};

fn key() -> KeyRecord {
    KeyRecord {
        id: uuid().to_string(),
        algorithm: "EdDSA".to_owned(),
        sealed: vec![0, 1, 255],
        created_at: NOW,
        signs_from: at(60),
        signs_until: None,
        retired_at: None,
    }
}

pub(super) async fn are_kept_in_order<S: Store>(store: &Arc<S>) {
    let (late, mut early) = (KeyRecord { created_at: at(1), ..key() }, key());
    assert!(ok(store.insert_key(&late, false).await));
    assert!(ok(store.insert_key(&early, false).await));
    assert!(!ok(store.insert_key(&key(), true).await), "not the first");
    refused!(store.insert_key(&late, false).await, StoreError::Conflict { field: "id" });
    assert_eq!(ok(store.keys().await), [early.clone(), late.clone()]);
    ok(store.retire_key(&early.id, Some(at(100)), Some(at(200))).await);
    (early.signs_until, early.retired_at) = (Some(at(100)), Some(at(200)));
    assert_eq!(ok(store.keys().await), [early, late.clone()]);
    refused!(store.retire_key("nonesuch", None, None).await, StoreError::NotFound { what: "key" });
    ok(store.sweep(at(199 + i64::from(HOUR)), HOUR).await);
    assert_eq!(ok(store.keys().await).len(), 2);
    assert_eq!(ok(store.sweep(at(200 + i64::from(HOUR)), HOUR).await), 1);
    assert_eq!(ok(store.keys().await), [late]);
}

pub(super) async fn are_made_first_by_one_only<S: Store>(store: &Arc<S>) {
    let mut tasks = JoinSet::new();
    for _ in 0..10 {
        let store = Arc::clone(store);
        tasks.spawn(async move { ok(store.insert_key(&key(), true).await) });
    }
    let kept = tasks.join_all().await.into_iter().filter(|kept| *kept).count();
    assert_eq!((kept, ok(store.keys().await).len()), (1, 1));
}
