use async_trait::async_trait;

use super::{SqlStore, failed, row, sessions};
use crate::store::cursor::{self, Cursor};
use crate::store::{ClientChange, Clients, StoreError};
use crate::types::{Client, ClientId, Page, PageRequest, SessionId, Timestamp};

const NO_CLIENT: StoreError = StoreError::NotFound { what: "client" };

#[async_trait]
impl Clients for SqlStore {
    async fn insert_client(&self, client: &Client) -> Result<(), StoreError> {
        if client.id == ClientId::first_party() {
            return Err(StoreError::Conflict { field: "client_id" });
        }
        sqlx::query("INSERT INTO clients (id, name, active, created_at) VALUES ($1, $2, $3, $4)")
            .bind(client.id.to_string())
            .bind(&client.name)
            .bind(client.active)
            .bind(client.created_at.as_microsecond())
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let found = sqlx::query("SELECT id, name, active, created_at FROM clients WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(failed)?;
        found.as_ref().map(row::client).transpose()
    }

    async fn update_client(
        &self,
        id: &ClientId,
        change: ClientChange,
    ) -> Result<Client, StoreError> {
        let mut transaction = self.write().await?;
        let changed = sqlx::query(
            "UPDATE clients SET name = COALESCE($2, name), active = COALESCE($3, active)
            WHERE id = $1 RETURNING id, name, active, created_at",
        )
        .bind(id.to_string())
        .bind(change.name)
        .bind(change.active)
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed)?;
        let client = row::client(changed.first().ok_or(NO_CLIENT)?)?;
        if !client.active {
            sqlx::query("DELETE FROM api_keys WHERE subject_kind = 'client' AND subject_id = $1")
                .bind(id.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(client)
    }

    async fn delete_client(
        &self,
        id: &ClientId,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut transaction = self.write().await?;
        let deleted = sqlx::query("DELETE FROM clients WHERE id = $1")
            .bind(id.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        if deleted.rows_affected() == 0 {
            return Err(NO_CLIENT);
        }
        let ended = sqlx::query(
            "UPDATE sessions SET ended_at = $2 WHERE client_id = $1 AND ended_at IS NULL
            RETURNING id",
        )
        .bind(id.to_string())
        .bind(now.as_microsecond())
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed)?;
        let ended = sessions::ids(&ended)?;
        transaction.commit().await.map_err(failed)?;
        Ok(ended)
    }

    async fn clients(&self, page: &PageRequest) -> Result<Page<Client>, StoreError> {
        let after = Cursor::parse(page)?;
        let limit = cursor::limit(page);
        let found = sqlx::query(
            "SELECT id, name, active, created_at FROM clients WHERE (created_at, id) > ($1, $2)
            ORDER BY created_at, id LIMIT $3",
        )
        .bind(after.created_at)
        .bind(&after.id)
        .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        let found = found.iter().map(row::client).collect::<Result<_, _>>()?;
        Ok(cursor::paged(found, limit, |client: &Client| {
            Cursor::new(client.created_at, &client.id)
        }))
    }
}
