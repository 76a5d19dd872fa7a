use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::{SqlStore, failed, row, subject_key};
use crate::store::{API_KEYS, ApiKeys, Digest, StoreError};
use crate::types::{ApiKey, Subject, Timestamp, TokenId};

#[async_trait]
impl ApiKeys for SqlStore {
    async fn insert_api_key(&self, key: &ApiKey, digest: &Digest) -> Result<bool, StoreError> {
        let nobody = StoreError::NotFound { what: what(&key.owner) };
        let Some((kind, owner)) = subject_key(&key.owner) else { return Err(nobody) };
        let mut transaction = self.write().await?;
        let (active, theirs): (bool, i64) = sqlx::query_as(
            "SELECT EXISTS (SELECT 1 FROM users WHERE $1 = 'user' AND id = $2 AND active
                UNION ALL SELECT 1 FROM clients WHERE $1 = 'client' AND id = $2 AND active),
                (SELECT count(*) FROM api_keys
                WHERE subject_kind = $1 AND subject_id = $2 AND expires_at > $3)",
        )
        .bind(kind)
        .bind(&owner)
        .bind(key.created_at.as_microsecond())
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
        if !active {
            return Err(nobody);
        }
        if usize::try_from(theirs).is_ok_and(|theirs| theirs >= API_KEYS) {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO api_keys
                (id, digest, subject_kind, subject_id, name, scopes, created_at, expires_at,
                last_used_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(key.id.to_string())
        .bind(digest.as_slice())
        .bind(kind)
        .bind(&owner)
        .bind(&key.name)
        .bind(row::scope_list(&key.scopes))
        .bind(key.created_at.as_microsecond())
        .bind(key.expires_at.as_microsecond())
        .bind(key.last_used_at.map(Timestamp::as_microsecond))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(true)
    }

    async fn api_key(&self, digest: &Digest) -> Result<Option<ApiKey>, StoreError> {
        let found = sqlx::query(
            "SELECT id, subject_kind, subject_id, name, scopes, created_at, expires_at, last_used_at
            FROM api_keys WHERE digest = $1",
        )
        .bind(digest.as_slice())
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?;
        found.as_ref().map(read_api_key).transpose()
    }

    async fn api_keys(&self, owner: &Subject, now: Timestamp) -> Result<Vec<ApiKey>, StoreError> {
        let Some((kind, owner)) = subject_key(owner) else { return Ok(Vec::new()) };
        let found = sqlx::query(
            "SELECT id, subject_kind, subject_id, name, scopes, created_at, expires_at, last_used_at
            FROM api_keys WHERE subject_kind = $1 AND subject_id = $2 AND expires_at > $3
            ORDER BY created_at DESC, id DESC",
        )
        .bind(kind)
        .bind(owner)
        .bind(now.as_microsecond())
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        found.iter().map(read_api_key).collect()
    }

    async fn touch_api_key(&self, id: TokenId, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE api_keys SET last_used_at = $2
            WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
        )
        .bind(id.to_string())
        .bind(now.as_microsecond())
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn delete_api_key(&self, owner: &Subject, id: TokenId) -> Result<bool, StoreError> {
        let Some((kind, owner)) = subject_key(owner) else { return Ok(false) };
        let deleted = sqlx::query(
            "DELETE FROM api_keys WHERE id = $1 AND subject_kind = $2 AND subject_id = $3",
        )
        .bind(id.to_string())
        .bind(kind)
        .bind(owner)
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(deleted.rows_affected() > 0)
    }

    async fn delete_api_keys(&self, owner: &Subject) -> Result<u64, StoreError> {
        let Some((kind, owner)) = subject_key(owner) else { return Ok(0) };
        let deleted =
            sqlx::query("DELETE FROM api_keys WHERE subject_kind = $1 AND subject_id = $2")
                .bind(kind)
                .bind(owner)
                .execute(&self.writer)
                .await
                .map_err(failed)?;
        Ok(deleted.rows_affected())
    }
}

fn what(owner: &Subject) -> &'static str {
    if matches!(owner, Subject::Client(_)) { "client" } else { "user" }
}

fn read_api_key(row: &SqliteRow) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row::text(row, "id")?,
        owner: row::subject(row)?,
        name: row::get(row, "name")?,
        scopes: row::scopes(row)?,
        created_at: row::time(row, "created_at")?,
        expires_at: row::time(row, "expires_at")?,
        last_used_at: row::maybe_time(row, "last_used_at")?,
    })
}
