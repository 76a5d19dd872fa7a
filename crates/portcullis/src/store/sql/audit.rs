use std::borrow::Cow;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Sqlite};

use super::{SqlStore, failed, row};
use crate::store::audit::{self, extend};
use crate::store::{Audit, AuditFilter, AuditHead, AuditLink, SealAudit, StoreError, cursor};
use crate::types::{AuditEntry, AuditRecord, AuditTarget, Digest, Page, PageRequest};

macro_rules! audit_columns {
    () => {
        "seq, at, action, outcome, actor_kind, actor_id, actor_name, subject_kind, subject_id, \
         subject_name, address, request_id, details, hash"
    };
}

#[async_trait]
impl Audit for SqlStore {
    async fn append_audit(
        &self,
        entries: &[AuditEntry],
        seal: &dyn SealAudit,
    ) -> Result<AuditHead, StoreError> {
        let mut transaction = self.write().await?;
        let head = read_head(&mut transaction).await?;
        let last = sqlx::query("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let last = last.map(|last| Ok((place(&last)?, row::digest(&last, "hash")?)));
        let (rows, head) = extend(head, last.transpose()?, entries, seal);
        let head = head.ok_or(StoreError::NotFound { what: "audit entry" })?;
        for row in &rows {
            insert(&mut transaction, row).await?;
        }
        if !rows.is_empty() {
            write_head(&mut transaction, &head).await?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(head)
    }

    async fn audit_head(&self) -> Result<Option<AuditHead>, StoreError> {
        let mut view = self.read().await?;
        read_head(&mut view).await
    }

    async fn audit(
        &self,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError> {
        let (before, limit) = (audit::before(page)?, cursor::limit(page));
        let mut query = wanted(filter, before);
        query.push(" ORDER BY seq DESC LIMIT ").push_bind(number(limit as u64 + 1));
        let found = query.build().fetch_all(&self.readers).await.map_err(failed)?;
        let found = found.iter().map(read_record).collect::<Result<_, _>>()?;
        Ok(audit::paged(found, limit))
    }

    async fn audit_chain(&self, after: u64, limit: u32) -> Result<Vec<AuditLink>, StoreError> {
        let found = sqlx::query(concat!(
            "SELECT ",
            audit_columns!(),
            " FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2"
        ))
        .bind(number(after))
        .bind(limit)
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        let link = |found: &SqliteRow| {
            Ok(AuditLink { seq: place(found)?, record: read_record(found).ok() })
        };
        found.iter().map(link).collect()
    }
}

/// The engine's numbers have a sign; no log comes near the end of them.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn place(found: &SqliteRow) -> Result<u64, StoreError> {
    let seq: i64 = row::get(found, "seq")?;
    u64::try_from(seq).map_err(|_| StoreError::Corrupt { what: "seq".to_owned() })
}

async fn read_head(db: &mut SqliteConnection) -> Result<Option<AuditHead>, StoreError> {
    let found = sqlx::query("SELECT seq, hash, seal FROM audit_head")
        .fetch_optional(db)
        .await
        .map_err(failed)?;
    let head = |found: &SqliteRow| {
        Ok(AuditHead {
            seq: place(found)?,
            hash: row::digest(found, "hash")?,
            seal: row::digest(found, "seal")?,
        })
    };
    found.as_ref().map(head).transpose()
}

async fn write_head(db: &mut SqliteConnection, head: &AuditHead) -> Result<(), StoreError> {
    let changed = sqlx::query("UPDATE audit_head SET seq = $1, hash = $2, seal = $3")
        .bind(number(head.seq))
        .bind(head.hash.as_slice())
        .bind(head.seal.as_slice())
        .execute(&mut *db)
        .await
        .map_err(failed)?;
    if changed.rows_affected() == 0 {
        sqlx::query("INSERT INTO audit_head (only, seq, hash, seal) VALUES (1, $1, $2, $3)")
            .bind(number(head.seq))
            .bind(head.hash.as_slice())
            .bind(head.seal.as_slice())
            .execute(db)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

async fn insert(db: &mut SqliteConnection, record: &AuditRecord) -> Result<(), StoreError> {
    let entry = &record.entry;
    let subject = entry.subject.as_ref();
    sqlx::query(concat!(
        "INSERT INTO audit (",
        audit_columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
    ))
    .bind(number(record.seq))
    .bind(entry.at.as_microsecond())
    .bind(&*entry.action)
    .bind(entry.outcome.as_str())
    .bind(&*entry.actor.kind)
    .bind(&entry.actor.id)
    .bind(&entry.actor.name)
    .bind(subject.map(|party| &*party.kind))
    .bind(subject.map(|party| &party.id))
    .bind(subject.map(|party| &party.name))
    .bind(&entry.address)
    .bind(&entry.request_id)
    .bind(&entry.details)
    .bind(record.hash.as_slice())
    .execute(db)
    .await
    .map_err(failed)?;
    Ok(())
}

fn wanted(filter: &AuditFilter, before: u64) -> QueryBuilder<Sqlite> {
    let mut query =
        QueryBuilder::new(concat!("SELECT ", audit_columns!(), " FROM audit WHERE seq < "));
    query.push_bind(number(before));
    if let Some(from) = filter.from {
        query.push(" AND at >= ").push_bind(from.as_microsecond());
    }
    if let Some(until) = filter.until {
        query.push(" AND at < ").push_bind(until.as_microsecond());
    }
    if let Some(actor) = &filter.actor {
        query.push(" AND (actor_id = ").push_bind(actor.clone());
        query.push(" OR actor_name = ").push_bind(actor.clone()).push(")");
    }
    if let Some(subject) = &filter.subject {
        query.push(" AND (subject_id = ").push_bind(subject.clone());
        query.push(" OR subject_name = ").push_bind(subject.clone()).push(")");
    }
    match filter.action.as_deref().map(|action| (action, action.strip_suffix('*'))) {
        None => {}
        Some((action, None)) => {
            query.push(" AND action = ").push_bind(action.to_owned());
        }
        Some((_, Some(stem))) => {
            // Behind everything that begins so: no character is greater.
            query.push(" AND action >= ").push_bind(stem.to_owned());
            query.push(" AND action < ").push_bind(format!("{stem}{}", char::MAX));
        }
    }
    if let Some(outcome) = filter.outcome {
        query.push(" AND outcome = ").push_bind(outcome.as_str());
    }
    query
}

fn read_record(found: &SqliteRow) -> Result<AuditRecord, StoreError> {
    let party = |kind: String, id: &str, name: &str| -> Result<AuditTarget, StoreError> {
        Ok(AuditTarget {
            kind: Cow::Owned(kind),
            id: row::get(found, id)?,
            name: row::get(found, name)?,
        })
    };
    let subject: Option<String> = row::get(found, "subject_kind")?;
    let hash: Digest = row::digest(found, "hash")?;
    Ok(AuditRecord {
        seq: place(found)?,
        entry: AuditEntry {
            at: row::time(found, "at")?,
            action: Cow::Owned(row::get(found, "action")?),
            outcome: row::text(found, "outcome")?,
            actor: party(row::get(found, "actor_kind")?, "actor_id", "actor_name")?,
            subject: subject.map(|kind| party(kind, "subject_id", "subject_name")).transpose()?,
            address: row::get(found, "address")?,
            request_id: row::get(found, "request_id")?,
            details: row::get(found, "details")?,
        },
        hash,
    })
}
