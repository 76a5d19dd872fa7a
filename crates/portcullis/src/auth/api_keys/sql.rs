//! The statements of API keys.

use super::ApiKey;
use crate::auth::db::{
    DatabaseError, Digest, Executor, Row, Transaction, scope_list, sql, subject_key,
};
use crate::types::{Subject, Timestamp, TokenId};

/// How many live keys an owner has.
pub(super) async fn count(
    db: &mut Transaction,
    owner: &Subject,
    now: Timestamp,
) -> Result<u64, DatabaseError> {
    let Some((kind, id)) = subject_key(owner) else { return Ok(0) };
    let count = sql("SELECT count(*) AS keys FROM api_keys
        WHERE subject_kind = $1 AND subject_id = $2 AND expires_at > $3");
    count.bind(kind).bind(id).bind(now).one(db).await?.unsigned("keys")
}

pub(super) async fn insert(
    db: &mut Transaction,
    key: &ApiKey,
    digest: &Digest,
    by_administrator: bool,
) -> Result<(), DatabaseError> {
    let nobody = DatabaseError::NotFound { what: "owner" };
    let (kind, owner) = subject_key(&key.owner).ok_or(nobody)?;
    sql("INSERT INTO api_keys
            (id, digest, subject_kind, subject_id, name, scopes, created_at, expires_at,
            last_used_at, by_administrator)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(key.id.to_string())
    .bind(digest)
    .bind(kind)
    .bind(owner)
    .bind(&key.name)
    .bind(scope_list(&key.scopes))
    .bind(key.created_at)
    .bind(key.expires_at)
    .bind(key.last_used_at)
    .bind(by_administrator)
    .execute(db)
    .await
    .map(drop)
}

/// The key of this digest.
pub(in crate::auth) async fn api_key<'d>(
    db: impl Into<Executor<'d>>,
    digest: &Digest,
) -> Result<Option<ApiKey>, DatabaseError> {
    let found = sql(
        "SELECT id, subject_kind, subject_id, name, scopes, created_at, expires_at, last_used_at
        FROM api_keys WHERE digest = $1",
    );
    found.bind(digest).optional(db).await?.as_ref().map(read).transpose()
}

/// Whether this key is there and has not expired.
pub(in crate::auth) async fn is_live<'d>(
    db: impl Into<Executor<'d>>,
    id: TokenId,
    now: Timestamp,
) -> Result<bool, DatabaseError> {
    sql("SELECT EXISTS (SELECT 1 FROM api_keys WHERE id = $1 AND expires_at > $2) AS found")
        .bind(id.to_string())
        .bind(now)
        .found(db)
        .await
}

/// The live keys of an owner, newest first.
pub(super) async fn of_owner<'d>(
    db: impl Into<Executor<'d>>,
    owner: &Subject,
    now: Timestamp,
) -> Result<Vec<ApiKey>, DatabaseError> {
    let Some((kind, owner)) = subject_key(owner) else { return Ok(Vec::new()) };
    let found = sql(
        "SELECT id, subject_kind, subject_id, name, scopes, created_at, expires_at, last_used_at
        FROM api_keys WHERE subject_kind = $1 AND subject_id = $2 AND expires_at > $3
        ORDER BY created_at DESC, id DESC",
    );
    found.bind(kind).bind(owner).bind(now).all(db).await?.iter().map(read).collect()
}

/// Notes that a key was used.
pub(in crate::auth) async fn touch(
    db: &mut Transaction,
    id: TokenId,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    sql("UPDATE api_keys SET last_used_at = $2
        WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)")
    .bind(id.to_string())
    .bind(now)
    .execute(db)
    .await
    .map(drop)
}

/// Deletes one key of an owner. Returns whether it was there.
pub(super) async fn delete(
    db: &mut Transaction,
    owner: &Subject,
    id: TokenId,
) -> Result<bool, DatabaseError> {
    let Some((kind, owner)) = subject_key(owner) else { return Ok(false) };
    let deleted =
        sql("DELETE FROM api_keys WHERE id = $1 AND subject_kind = $2 AND subject_id = $3");
    Ok(deleted.bind(id.to_string()).bind(kind).bind(owner).execute(db).await? > 0)
}

/// Deletes every key of an owner. Returns how many.
pub(super) async fn delete_of_owner(
    db: &mut Transaction,
    owner: &Subject,
) -> Result<u64, DatabaseError> {
    let Some((kind, owner)) = subject_key(owner) else { return Ok(0) };
    sql("DELETE FROM api_keys WHERE subject_kind = $1 AND subject_id = $2")
        .bind(kind)
        .bind(owner)
        .execute(db)
        .await
}

fn read(row: &Row) -> Result<ApiKey, DatabaseError> {
    Ok(ApiKey {
        id: row.text("id")?,
        owner: row.subject()?,
        name: row.get("name")?,
        scopes: row.scopes()?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        last_used_at: row.maybe_time("last_used_at")?,
    })
}
