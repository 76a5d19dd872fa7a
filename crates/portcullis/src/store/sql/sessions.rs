use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::row::{self, session_columns};
use super::{SqlStore, failed};
use crate::store::{Digest, LIVE_SESSIONS, NewRefresh, Sessions, StoreError};
use crate::types::{Scopes, Session, SessionId, Timestamp, UserId};

#[async_trait]
impl Sessions for SqlStore {
    async fn insert_session(
        &self,
        session: &Session,
        cookie: Option<&Digest>,
        refresh: Option<&NewRefresh>,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut transaction = self.write().await?;
        let active: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users WHERE id = $1 AND active)")
                .bind(session.user.to_string())
                .fetch_one(&mut *transaction)
                .await
                .map_err(failed)?;
        if !active {
            return Err(StoreError::NotFound { what: "user" });
        }
        insert(&mut transaction, session, cookie, refresh).await?;
        if let Some(refresh) = refresh {
            sqlx::query("INSERT INTO refresh_tokens (digest, session_id) VALUES ($1, $2)")
                .bind(refresh.digest.as_slice())
                .bind(session.id.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        let ended = end_surplus(&mut transaction, session).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(ended)
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let found =
            sqlx::query(concat!("SELECT ", session_columns!(), " FROM sessions s WHERE s.id = $1"))
                .bind(id.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(failed)?;
        found.as_ref().map(row::session).transpose()
    }

    async fn session_by_cookie(&self, cookie: &Digest) -> Result<Option<Session>, StoreError> {
        let found = sqlx::query(concat!(
            "SELECT ",
            session_columns!(),
            " FROM sessions s WHERE s.cookie = $1"
        ))
        .bind(cookie.as_slice())
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?;
        found.as_ref().map(row::session).transpose()
    }

    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let found = sqlx::query(concat!(
            "SELECT ",
            session_columns!(),
            " FROM sessions s
            WHERE s.user_id = $1 AND s.ended_at IS NULL
                AND s.idle_expires_at > $2 AND s.expires_at > $2
            ORDER BY s.created_at DESC, s.id DESC"
        ))
        .bind(user.to_string())
        .bind(now.as_microsecond())
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        found.iter().map(row::session).collect()
    }

    async fn touch_session(
        &self,
        id: SessionId,
        now: Timestamp,
        idle_expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE sessions SET last_used_at = $2, idle_expires_at = $3
            WHERE id = $1 AND ended_at IS NULL AND idle_expires_at > $2 AND expires_at > $2",
        )
        .bind(id.to_string())
        .bind(now.as_microsecond())
        .bind(idle_expires_at.as_microsecond())
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn end_session(&self, id: SessionId, now: Timestamp) -> Result<bool, StoreError> {
        let ended = sqlx::query(
            "UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL
            RETURNING idle_expires_at > $2 AND expires_at > $2 AS was_live",
        )
        .bind(id.to_string())
        .bind(now.as_microsecond())
        .fetch_all(&self.writer)
        .await
        .map_err(failed)?;
        ended.first().map_or(Ok(false), |row| row::get(row, "was_live"))
    }

    async fn end_sessions(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut transaction = self.write().await?;
        let ended = end_all(&mut transaction, user, keep, now).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(ended)
    }

    async fn ended_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<(SessionId, Timestamp)>, StoreError> {
        let found = sqlx::query(
            "SELECT id, ended_at FROM ended_sessions WHERE ended_at >= $1 ORDER BY ended_at, id",
        )
        .bind(since.as_microsecond())
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        found.iter().map(|row| Ok((row::text(row, "id")?, row::time(row, "ended_at")?))).collect()
    }
}

/// The ids that a statement returned.
pub(super) fn ids(rows: &[SqliteRow]) -> Result<Vec<SessionId>, StoreError> {
    rows.iter().map(|row| row::text(row, "id")).collect()
}

/// Ends every session of a user but `keep`.
pub(super) async fn end_all(
    db: &mut SqliteConnection,
    user: UserId,
    keep: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    let ended = sqlx::query(
        "UPDATE sessions SET ended_at = $3 WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL
        RETURNING id",
    )
    .bind(user.to_string())
    .bind(keep.map(|id| id.to_string()).unwrap_or_default())
    .bind(now.as_microsecond())
    .fetch_all(db)
    .await
    .map_err(failed)?;
    ids(&ended)
}

async fn insert(
    db: &mut SqliteConnection,
    session: &Session,
    cookie: Option<&Digest>,
    refresh: Option<&NewRefresh>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO sessions (id, user_id, client_id, created_at, last_used_at, idle_expires_at,
            expires_at, ended_at, second_factor, address, agent, cookie, scopes)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(session.id.to_string())
    .bind(session.user.to_string())
    .bind(session.client.to_string())
    .bind(session.created_at.as_microsecond())
    .bind(session.last_used_at.as_microsecond())
    .bind(session.idle_expires_at.as_microsecond())
    .bind(session.expires_at.as_microsecond())
    .bind(session.ended_at.map(Timestamp::as_microsecond))
    .bind(session.second_factor)
    .bind(&session.address)
    .bind(&session.agent)
    .bind(cookie.map(Digest::as_slice))
    .bind(row::scope_list(refresh.map_or(&Scopes::All, |refresh| &refresh.scopes)))
    .execute(db)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Ends the oldest live sessions of the user where there are too many with the new one.
async fn end_surplus(
    db: &mut SqliteConnection,
    new: &Session,
) -> Result<Vec<SessionId>, StoreError> {
    let ended = sqlx::query(
        "UPDATE sessions SET ended_at = $3 WHERE id IN (
            SELECT id FROM sessions
            WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL
                AND idle_expires_at > $3 AND expires_at > $3
            ORDER BY created_at DESC, id DESC LIMIT $4 OFFSET $5
        ) RETURNING id",
    )
    .bind(new.user.to_string())
    .bind(new.id.to_string())
    .bind(new.created_at.as_microsecond())
    .bind(i64::MAX)
    .bind(i64::try_from(LIVE_SESSIONS - 1).unwrap_or(i64::MAX))
    .fetch_all(db)
    .await
    .map_err(failed)?;
    ids(&ended)
}
