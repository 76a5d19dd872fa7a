use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::{SqlStore, failed, row};
use crate::store::{KeyRecord, Keys, StoreError};
use crate::types::Timestamp;

#[async_trait]
impl Keys for SqlStore {
    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        let found = sqlx::query(
            "SELECT id, algorithm, sealed, created_at, signs_from, signs_until, retired_at
            FROM signing_keys ORDER BY created_at, id",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        found.iter().map(read_key).collect()
    }

    async fn insert_key(&self, key: &KeyRecord, first: bool) -> Result<bool, StoreError> {
        let mut transaction = self.write().await?;
        let any: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM signing_keys)")
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;
        if first && any {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO signing_keys
                (id, algorithm, sealed, created_at, signs_from, signs_until, retired_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&key.id)
        .bind(&key.algorithm)
        .bind(&key.sealed)
        .bind(key.created_at.as_microsecond())
        .bind(key.signs_from.as_microsecond())
        .bind(key.signs_until.map(Timestamp::as_microsecond))
        .bind(key.retired_at.map(Timestamp::as_microsecond))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(true)
    }

    async fn retire_key(
        &self,
        id: &str,
        signs_until: Option<Timestamp>,
        retired_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let changed =
            sqlx::query("UPDATE signing_keys SET signs_until = $2, retired_at = $3 WHERE id = $1")
                .bind(id)
                .bind(signs_until.map(Timestamp::as_microsecond))
                .bind(retired_at.map(Timestamp::as_microsecond))
                .execute(&self.writer)
                .await
                .map_err(failed)?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "key" });
        }
        Ok(())
    }
}

fn read_key(row: &SqliteRow) -> Result<KeyRecord, StoreError> {
    Ok(KeyRecord {
        id: row::get(row, "id")?,
        algorithm: row::get(row, "algorithm")?,
        sealed: row::get(row, "sealed")?,
        created_at: row::time(row, "created_at")?,
        signs_from: row::time(row, "signs_from")?,
        signs_until: row::maybe_time(row, "signs_until")?,
        retired_at: row::maybe_time(row, "retired_at")?,
    })
}
