use std::borrow::Cow;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::samples::{NOW, at, ok, page, refused};
use crate::store::{AuditFilter, AuditHead, SealAudit, Store, StoreError, audit_hash};
use crate::types::{AuditEntry, AuditOutcome, AuditTarget, Digest};

/// A seal that anybody could make: a store need not know what is behind it.
struct Stamp;

impl SealAudit for Stamp {
    fn seal(&self, _: u64, hash: &Digest) -> Digest {
        let mut seal = *hash;
        seal.reverse();
        seal
    }

    fn is_genuine(&self, head: &AuditHead) -> bool {
        head.seal == self.seal(head.seq, &head.hash)
    }
}

fn entry(action: &'static str, actor: &str, seconds: i64) -> AuditEntry {
    AuditEntry {
        at: at(seconds),
        action: Cow::Borrowed(action),
        outcome: AuditOutcome::Success,
        actor: AuditTarget::new("user", format!("id of {actor}"), actor),
        subject: Some(AuditTarget::new("role", "editor", "editor")),
        address: Some("192.0.2.7".to_owned()),
        request_id: None,
        details: r#"{"a":1}"#.to_owned(),
    }
}

pub(super) async fn chains_without_a_gap<S: Store>(store: &Arc<S>) {
    assert_eq!(ok(store.audit_head().await), None);
    let mut tasks = JoinSet::new();
    for _ in 0..25 {
        let store = Arc::clone(store);
        tasks.spawn(async move {
            let entries = [entry("login", "ada", 0), entry("logout", "ada", 1)];
            ok(store.append_audit(&entries, &Stamp).await)
        });
    }
    tasks.join_all().await;
    let first = ok(store.audit_chain(0, 30).await);
    let second = ok(store.audit_chain(30, 30).await);
    let (mut seq, mut hash) = (0, [0; 32]);
    for link in first.iter().chain(&second) {
        let record = link.record.as_ref();
        seq += 1;
        hash = record.map_or([0; 32], |record| audit_hash(&hash, seq, &record.entry));
        assert_eq!((link.seq, record.map(|record| record.hash)), (seq, Some(hash)));
    }
    let head = ok(store.audit_head().await);
    assert_eq!(head, Some(AuditHead { seq: 50, hash, seal: Stamp.seal(50, &hash) }));
}

pub(super) async fn is_filtered_and_paged<S: Store>(store: &Arc<S>) {
    let mut failed = entry("role.deleted", "bob", 3);
    (failed.outcome, failed.subject) = (AuditOutcome::Failure, None);
    let entries = [
        entry("login", "ada", 0),
        entry("role.created", "ada", 1),
        entry("rolexcreated", "bob", 2),
        failed,
    ];
    ok(store.append_audit(&entries, &Stamp).await);
    let found = async |filter: AuditFilter| -> Vec<u64> {
        let page = ok(store.audit(&filter, &page(None, 10)).await);
        page.items.iter().map(|row| row.seq).collect()
    };
    let all = AuditFilter::default;
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(found(all()).await, [4, 3, 2, 1]);
    assert_eq!(found(AuditFilter { actor: text("ada"), ..all() }).await, [2, 1]);
    assert_eq!(found(AuditFilter { actor: text("id of bob"), ..all() }).await, [4, 3]);
    assert_eq!(found(AuditFilter { subject: text("editor"), ..all() }).await, [3, 2, 1]);
    assert_eq!(found(AuditFilter { action: text("login"), ..all() }).await, [1]);
    assert_eq!(found(AuditFilter { action: text("role.*"), ..all() }).await, [4, 2]);
    let outcome = Some(AuditOutcome::Failure);
    assert_eq!(found(AuditFilter { outcome, ..all() }).await, [4]);
    let between = AuditFilter { from: Some(at(1)), until: Some(at(3)), ..all() };
    assert_eq!(found(between).await, [3, 2]);
    let hostile = AuditFilter { actor: text("' OR 1 = 1 --"), ..all() };
    assert!(found(hostile).await.is_empty());

    let first = ok(store.audit(&all(), &page(None, 3)).await);
    let second = ok(store.audit(&all(), &page(first.next.clone(), 3)).await);
    assert_eq!((first.items.len(), second.items.len(), second.next), (3, 1, None));
    assert_eq!(second.items.first().map(|row| &row.entry), entries.first());
    let answer = store.audit(&all(), &page(Some("?".to_owned()), 3)).await;
    refused!(answer, StoreError::InvalidCursor);
    assert_eq!(entries.first().map(|entry| entry.at), Some(NOW));
}
