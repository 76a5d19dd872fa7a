//! The statements of the audit log.

use std::borrow::Cow;

use super::chain::{BEGINNING, before, extend, paged};
use super::{
    AuditEntry, AuditFilter, AuditHead, AuditLink, AuditRecord, AuditTarget, Seal, audit_hash,
};
use crate::auth::db::{
    DatabaseError, Digest, Executor, Row, Statement, Transaction, Value, limit, sql, sql_built,
};
use crate::types::{Page, PageRequest};

macro_rules! audit_columns {
    () => {
        "seq, at, action, outcome, actor_kind, actor_id, actor_name, subject_kind, subject_id, \
         subject_name, address, request_id, details, hash"
    };
}

/// Puts entries at the end of the log, each chained to the one before it, and seals the new end.
///
/// The chain goes on from the sealed head, never from the last row alone: where rows were cut off or
/// the head was tampered with, what is added after does not cover it up.
pub(in crate::auth) async fn append(
    transaction: &mut Transaction,
    entries: &[AuditEntry],
    seal: &Seal,
) -> Result<(), DatabaseError> {
    if entries.is_empty() {
        return Ok(());
    }
    let head = head(&mut *transaction).await?;
    let last = sql("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1");
    let last = match last.optional(&mut *transaction).await? {
        None => None,
        Some(last) => Some((last.unsigned("seq")?, last.digest("hash")?)),
    };
    let (rows, new_head) = extend(head, last, entries, seal);
    for row in &rows {
        insert(transaction, row).await?;
    }
    match new_head {
        Some(head) => write_head(transaction, &head).await,
        None => Ok(()),
    }
}

/// The end of the log; `None` where it has not begun.
pub(in crate::auth) async fn head<'d>(
    db: impl Into<Executor<'d>>,
) -> Result<Option<AuditHead>, DatabaseError> {
    let Some(found) = sql("SELECT seq, hash, seal FROM audit_head").optional(db).await? else {
        return Ok(None);
    };
    Ok(Some(AuditHead {
        seq: found.unsigned("seq")?,
        hash: found.digest("hash")?,
        seal: found.digest("seal")?,
    }))
}

/// Where the log begins, as it is sealed; `None` where nothing was archived.
pub(super) async fn base<'d>(
    db: impl Into<Executor<'d>>,
) -> Result<Option<AuditHead>, DatabaseError> {
    let Some(found) = sql("SELECT seq, hash, seal FROM audit_base").optional(db).await? else {
        return Ok(None);
    };
    Ok(Some(AuditHead {
        seq: found.unsigned("seq")?,
        hash: found.digest("hash")?,
        seal: found.digest("seal")?,
    }))
}

/// The last row that lies in an archive and its hash.
pub(super) async fn beginning<'d>(
    db: impl Into<Executor<'d>>,
) -> Result<(u64, Digest), DatabaseError> {
    Ok(base(db).await?.map_or((0, BEGINNING), |base| (base.seq, base.hash)))
}

/// The hash of a row, as it is kept.
pub(super) async fn hash_of<'d>(
    db: impl Into<Executor<'d>>,
    seq: u64,
) -> Result<Option<Digest>, DatabaseError> {
    let found = sql("SELECT hash FROM audit WHERE seq = $1").bind(number(seq)).optional(db).await?;
    found.map(|row| row.digest("hash")).transpose()
}

/// Says, sealed, that the log begins behind this row.
pub(super) async fn write_base(
    db: &mut Transaction,
    seq: u64,
    hash: &Digest,
    seal: &Seal,
) -> Result<(), DatabaseError> {
    let seal = seal.seal_base(seq, hash);
    sql("INSERT INTO audit_base (\"only\", seq, hash, seal)
        SELECT 1, 0, $1, $1 WHERE NOT EXISTS (SELECT 1 FROM audit_base)")
    .bind(&BEGINNING)
    .execute(db)
    .await?;
    sql("UPDATE audit_base SET seq = $1, hash = $2, seal = $3")
        .bind(number(seq))
        .bind(hash)
        .bind(&seal)
        .execute(db)
        .await
        .map(drop)
}

/// Deletes rows that lie in an archive, `limit` at the most. Returns how many.
pub(in crate::auth) async fn delete_archived(
    db: &mut Transaction,
    limit: i64,
) -> Result<u64, DatabaseError> {
    sql("DELETE FROM audit WHERE seq IN (
            SELECT seq FROM audit WHERE seq <= (SELECT seq FROM audit_base) LIMIT $1)")
    .bind(limit)
    .execute(db)
    .await
}

/// Whether the end of the log is sealed by this secret; a log that has not begun is.
pub(in crate::auth) async fn is_sealed_by<'d>(
    db: impl Into<Executor<'d>>,
    seal: &Seal,
) -> Result<bool, DatabaseError> {
    Ok(head(db).await?.is_none_or(|head| seal.is_genuine(&head)))
}

/// Goes on with the log under a new master secret: a row says so, and it is sealed from there on. What the
/// old secret sealed can be judged no more; that the chain has no break is asked before.
pub(in crate::auth) async fn reseal(
    db: &mut Transaction,
    entry: &AuditEntry,
    seal: &Seal,
) -> Result<(), DatabaseError> {
    let Some(head) = head(&mut *db).await? else { return Ok(()) };
    if hash_of(&mut *db, head.seq).await? == Some(head.hash)
        || head.seq == beginning(&mut *db).await?.0
    {
        let seq = head.seq + 1;
        let hash = audit_hash(&head.hash, seq, entry);
        insert(db, &AuditRecord { seq, entry: entry.clone(), hash }).await?;
        write_head(db, &AuditHead { seq, hash, seal: seal.seal(seq, &hash) }).await?;
    }
    if let Some(base) = base(&mut *db).await? {
        write_base(db, base.seq, &base.hash, seal).await?;
    }
    Ok(())
}

/// A page of the log, the newest first.
pub(super) async fn page<'d>(
    db: impl Into<Executor<'d>>,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditRecord>, DatabaseError> {
    let limit = limit(page);
    let found = filtered(filter, before(page)?, limit as u64 + 1).all(db).await?;
    let found = found.iter().map(read).collect::<Result<_, _>>()?;
    Ok(paged(found, limit))
}

/// The rows behind place `after`, oldest first, at the most `limit`.
pub(super) async fn chain<'d>(
    db: impl Into<Executor<'d>>,
    after: u64,
    limit: u32,
) -> Result<Vec<AuditLink>, DatabaseError> {
    let rows = sql(concat!(
        "SELECT ",
        audit_columns!(),
        " FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2"
    ));
    let rows = rows.bind(number(after)).bind(limit).all(db).await?;
    let link = |row: &Row| Ok(AuditLink { seq: row.unsigned("seq")?, record: read(row).ok() });
    rows.iter().map(link).collect()
}

/// The engine's numbers have a sign; no log comes near the end of them.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

async fn write_head(db: &mut Transaction, head: &AuditHead) -> Result<(), DatabaseError> {
    let changed = sql("UPDATE audit_head SET seq = $1, hash = $2, seal = $3")
        .bind(number(head.seq))
        .bind(&head.hash)
        .bind(&head.seal)
        .execute(db)
        .await?;
    if changed == 0 {
        sql("INSERT INTO audit_head (\"only\", seq, hash, seal) VALUES (1, $1, $2, $3)")
            .bind(number(head.seq))
            .bind(&head.hash)
            .bind(&head.seal)
            .execute(db)
            .await?;
    }
    Ok(())
}

async fn insert(db: &mut Transaction, record: &AuditRecord) -> Result<(), DatabaseError> {
    let entry = &record.entry;
    let subject = entry.subject.as_ref();
    sql(concat!(
        "INSERT INTO audit (",
        audit_columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
    ))
    .bind(number(record.seq))
    .bind(entry.at)
    .bind(&*entry.action)
    .bind(entry.outcome.as_str())
    .bind(&*entry.actor.kind)
    .bind(&entry.actor.id)
    .bind(&entry.actor.name)
    .bind(subject.map(|target| &*target.kind))
    .bind(subject.map(|target| &*target.id))
    .bind(subject.map(|target| &*target.name))
    .bind(&entry.address)
    .bind(&entry.request_id)
    .bind(&entry.details)
    .bind(&record.hash)
    .execute(db)
    .await
    .map(drop)
}

/// A statement that grows with its filter: the text has only placeholders.
struct Filtered {
    text: String,
    values: Vec<Value>,
}

impl Filtered {
    fn push(&mut self, text: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        self.text.push_str(&text.replace('?', &format!("${}", self.values.len())));
    }
}

fn filtered(filter: &AuditFilter, before: u64, limit: u64) -> Statement {
    let text = concat!("SELECT ", audit_columns!(), " FROM audit WHERE true").to_owned();
    let mut query = Filtered { text, values: Vec::new() };
    query.push(" AND seq < ?", number(before));
    if let Some(from) = filter.from {
        query.push(" AND at >= ?", from);
    }
    if let Some(until) = filter.until {
        query.push(" AND at < ?", until);
    }
    if let Some(actor) = &filter.actor {
        query.push(" AND (actor_id = ? OR actor_name = ?)", actor);
    }
    if let Some(subject) = &filter.subject {
        query.push(" AND (subject_id = ? OR subject_name = ?)", subject);
    }
    match filter.action.as_deref().map(|action| (action, action.strip_suffix('*'))) {
        None => {}
        Some((action, None)) => query.push(" AND action = ?", action),
        Some((_, Some(stem))) => {
            // Behind everything that begins so: no character is greater.
            query.push(" AND action >= ?", stem);
            query.push(" AND action < ?", format!("{stem}{}", char::MAX));
        }
    }
    if let Some(outcome) = filter.outcome {
        query.push(" AND outcome = ?", outcome.as_str());
    }
    query.push(" ORDER BY seq DESC LIMIT ?", number(limit));
    query.values.into_iter().fold(sql_built(query.text), Statement::bind)
}

fn read(row: &Row) -> Result<AuditRecord, DatabaseError> {
    let target = |kind: String, id: &str, name: &str| -> Result<AuditTarget, DatabaseError> {
        Ok(AuditTarget { kind: Cow::Owned(kind), id: row.get(id)?, name: row.get(name)? })
    };
    let subject: Option<String> = row.get("subject_kind")?;
    Ok(AuditRecord {
        seq: row.unsigned("seq")?,
        entry: AuditEntry {
            at: row.time("at")?,
            action: Cow::Owned(row.get("action")?),
            outcome: row.text("outcome")?,
            actor: target(row.get("actor_kind")?, "actor_id", "actor_name")?,
            subject: subject.map(|kind| target(kind, "subject_id", "subject_name")).transpose()?,
            address: row.get("address")?,
            request_id: row.get("request_id")?,
            details: row.get("details")?,
        },
        hash: row.digest("hash")?,
    })
}
