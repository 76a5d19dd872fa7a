use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::{SqlStore, failed, row};
use crate::store::{API_KEYS, ApiKeys, Digest, StoreError};
use crate::types::{ApiKey, Timestamp, TokenId, UserId};

#[async_trait]
impl ApiKeys for SqlStore {
    async fn insert_api_key(&self, key: &ApiKey, digest: &Digest) -> Result<bool, StoreError> {
        let mut deed = self.write().await?;
        let (active, theirs): (bool, i64) = sqlx::query_as(
            "SELECT EXISTS (SELECT 1 FROM users WHERE id = $1 AND active),
                (SELECT count(*) FROM api_keys WHERE user_id = $1 AND expires_at > $2)",
        )
        .bind(key.user.to_string())
        .bind(key.created_at.as_microsecond())
        .fetch_one(&mut *deed)
        .await
        .map_err(failed)?;
        if !active {
            return Err(StoreError::NotFound { what: "user" });
        }
        if usize::try_from(theirs).is_ok_and(|theirs| theirs >= API_KEYS) {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO api_keys
                (id, digest, user_id, name, scopes, created_at, expires_at, last_used_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(key.id.to_string())
        .bind(digest.as_slice())
        .bind(key.user.to_string())
        .bind(&key.name)
        .bind(row::scope_list(&key.scopes))
        .bind(key.created_at.as_microsecond())
        .bind(key.expires_at.as_microsecond())
        .bind(key.last_used_at.map(Timestamp::as_microsecond))
        .execute(&mut *deed)
        .await
        .map_err(failed)?;
        deed.commit().await.map_err(failed)?;
        Ok(true)
    }

    async fn api_key(&self, digest: &Digest) -> Result<Option<ApiKey>, StoreError> {
        let found = sqlx::query(
            "SELECT id, user_id, name, scopes, created_at, expires_at, last_used_at
            FROM api_keys WHERE digest = $1",
        )
        .bind(digest.as_slice())
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?;
        found.as_ref().map(read_api_key).transpose()
    }

    async fn api_keys(&self, user: UserId, now: Timestamp) -> Result<Vec<ApiKey>, StoreError> {
        let found = sqlx::query(
            "SELECT id, user_id, name, scopes, created_at, expires_at, last_used_at
            FROM api_keys WHERE user_id = $1 AND expires_at > $2 ORDER BY created_at DESC, id DESC",
        )
        .bind(user.to_string())
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

    async fn delete_api_key(&self, user: UserId, id: TokenId) -> Result<bool, StoreError> {
        let deleted = sqlx::query("DELETE FROM api_keys WHERE id = $1 AND user_id = $2")
            .bind(id.to_string())
            .bind(user.to_string())
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        Ok(deleted.rows_affected() > 0)
    }

    async fn delete_api_keys(&self, user: UserId) -> Result<u64, StoreError> {
        let deleted = sqlx::query("DELETE FROM api_keys WHERE user_id = $1")
            .bind(user.to_string())
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        Ok(deleted.rows_affected())
    }
}

fn read_api_key(row: &SqliteRow) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row::text(row, "id")?,
        user: row::text(row, "user_id")?,
        name: row::get(row, "name")?,
        scopes: row::scopes(row)?,
        created_at: row::time(row, "created_at")?,
        expires_at: row::time(row, "expires_at")?,
        last_used_at: row::maybe_time(row, "last_used_at")?,
    })
}
