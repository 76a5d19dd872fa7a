//! The statements of signing keys.

use crate::auth::db::{DatabaseError, Executor, Row, Transaction, sql};
use crate::types::{KeyRecord, Timestamp};

/// Every key, oldest first.
pub(in crate::auth) async fn keys<'d>(
    db: impl Into<Executor<'d>>,
) -> Result<Vec<KeyRecord>, DatabaseError> {
    let rows = sql("SELECT id, algorithm, sealed, created_at, signs_from, signs_until, retired_at
        FROM signing_keys ORDER BY created_at, id");
    rows.all(db).await?.iter().map(read).collect()
}

pub(super) async fn insert(db: &mut Transaction, key: &KeyRecord) -> Result<(), DatabaseError> {
    sql("INSERT INTO signing_keys
            (id, algorithm, sealed, created_at, signs_from, signs_until, retired_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)")
    .bind(&key.id)
    .bind(&key.algorithm)
    .bind(&key.sealed)
    .bind(key.created_at)
    .bind(key.signs_from)
    .bind(key.signs_until)
    .bind(key.retired_at)
    .execute(db)
    .await
    .map(drop)
}

/// Deletes a key that nothing opens any more.
pub(in crate::auth) async fn delete(db: &mut Transaction, id: &str) -> Result<(), DatabaseError> {
    sql("DELETE FROM signing_keys WHERE id = $1").bind(id).execute(db).await.map(drop)
}

/// Says until when a key signs and verifies.
pub(super) async fn retire(
    db: &mut Transaction,
    id: &str,
    signs_until: Timestamp,
    retired_at: Timestamp,
) -> Result<(), DatabaseError> {
    sql("UPDATE signing_keys SET signs_until = $2, retired_at = $3 WHERE id = $1")
        .bind(id)
        .bind(signs_until)
        .bind(retired_at)
        .execute(db)
        .await
        .map(drop)
}

fn read(row: &Row) -> Result<KeyRecord, DatabaseError> {
    Ok(KeyRecord {
        id: row.get("id")?,
        algorithm: row.get("algorithm")?,
        sealed: row.get("sealed")?,
        created_at: row.time("created_at")?,
        signs_from: row.time("signs_from")?,
        signs_until: row.maybe_time("signs_until")?,
        retired_at: row.maybe_time("retired_at")?,
    })
}
