//! What happened: a log that only grows, each row chained to the one before it.

use std::borrow::Cow;

use aws_lc_rs::digest::{Context, SHA256};

use super::{AuditEntry, AuditOutcome, AuditRecord, AuditTarget, Seal};
use crate::auth::db::{DatabaseError, Digest};
use crate::types::{Page, PageRequest, Timestamp};

/// What stands before the first row.
pub(super) const BEGINNING: Digest = [0; 32];

/// The end of the log, sealed: what tells that rows were cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// The place of the last row.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
    /// What only a holder of the master secret can make of the two.
    pub seal: Digest,
}

/// A row as verification reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLink {
    /// Its place.
    pub seq: u64,
    /// What stands there; `None` where it cannot be read.
    pub record: Option<AuditRecord>,
}

/// Which rows are wanted. `None` is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Until this moment, itself excluded.
    pub until: Option<Timestamp>,
    /// Done by a user, client or process of this id or name.
    pub actor: Option<String>,
    /// Done to something of this id or name.
    pub subject: Option<String>,
    /// This action, such as `login`; with `.*` at the end, every one that begins so.
    pub action: Option<String>,
    /// With this outcome.
    pub outcome: Option<AuditOutcome>,
}

/// The hash of a row: SHA-256 over the one before it and everything in it. Each part is preceded
/// by its length, so that no two rows run together alike.
#[must_use]
pub fn audit_hash(previous: &Digest, seq: u64, entry: &AuditEntry) -> Digest {
    let mut context = Context::new(&SHA256);
    context.update(b"portcullis audit row v1");
    context.update(previous);
    context.update(&seq.to_be_bytes());
    context.update(&entry.at.as_microsecond().to_be_bytes());
    let mut part = |text: Option<&str>| {
        let Some(text) = text else { return context.update(&[0]) };
        context.update(&[1]);
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    };
    part(Some(&entry.action));
    part(Some(entry.outcome.as_str()));
    let mut party = |party: Option<&AuditTarget>| {
        for text in [party.map(|p| &*p.kind), party.map(|p| &*p.id), party.map(|p| &*p.name)] {
            part(text);
        }
    };
    party(Some(&entry.actor));
    party(entry.subject.as_ref());
    part(entry.address.as_deref());
    part(entry.request_id.as_deref());
    part(Some(&entry.details));
    let mut digest = BEGINNING;
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

/// Chains entries to the end of the log: the rows to be kept, and the new head. `last` is the last
/// row that is there.
pub(super) fn extend(
    head: Option<AuditHead>,
    last: Option<(u64, Digest)>,
    entries: &[AuditEntry],
    seal: &Seal,
) -> (Vec<AuditRecord>, Option<AuditHead>) {
    let (last_seq, last_hash) = last.unwrap_or((0, BEGINNING));
    let (mut seq, mut hash, whole) = match head {
        Some(head) if seal.is_genuine(&head) && head.seq >= last_seq => (head.seq, head.hash, true),
        Some(head) => (head.seq.max(last_seq), last_hash, false),
        None => (last_seq, last_hash, last.is_none()),
    };
    let warning = entries.first().filter(|_| !whole).map(|first| AuditEntry {
        at: first.at,
        action: Cow::Borrowed(super::Action::AuditBroken.as_str()),
        outcome: AuditOutcome::Failure,
        actor: AuditTarget::new("system", "", ""),
        subject: None,
        address: None,
        request_id: None,
        details: "{}".to_owned(),
    });
    let mut rows = Vec::with_capacity(entries.len() + 1);
    for entry in warning.iter().chain(entries) {
        seq += 1;
        hash = audit_hash(&hash, seq, entry);
        rows.push(AuditRecord { seq, entry: entry.clone(), hash });
    }
    let head = match rows.last() {
        Some(row) => Some(AuditHead { seq: row.seq, hash, seal: seal.seal(row.seq, &hash) }),
        None => head,
    };
    (rows, head)
}

/// Where a page ended: the place of its last row.
pub(super) fn before(page: &PageRequest) -> Result<u64, DatabaseError> {
    match &page.after {
        None => Ok(u64::MAX),
        Some(text) => text.parse().map_err(|_| DatabaseError::InvalidCursor),
    }
}

/// Makes a page of rows that were read with one more than the limit.
pub(super) fn paged(mut items: Vec<AuditRecord>, limit: usize) -> Page<AuditRecord> {
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| last.seq.to_string());
    Page { items, next }
}
