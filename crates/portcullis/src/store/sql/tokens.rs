use async_trait::async_trait;
use sqlx::sqlite::SqliteConnection;

use super::row::{self, session_columns};
use super::{SqlStore, failed};
use crate::store::feed::CHANGES_KEPT;
use crate::store::rotation::{Used, Verdict, judge};
use crate::store::{Digest, Rotation, StoreError, TokenRecord, Tokens, tokens};
use crate::types::{Scopes, Session, Timestamp, TokenId};

/// How many rows one statement of a sweep deletes, so that others may write in between.
const BATCH: i64 = 500;

/// What is forgotten, each with whether it waits until nobody needs to know (`$1` is the moment).
const SWEEPS: &[(&str, bool)] = &[
    (
        "DELETE FROM access_tokens WHERE id IN
            (SELECT id FROM access_tokens WHERE expires_at <= $1 LIMIT $2)",
        false,
    ),
    (
        "DELETE FROM revoked_tokens WHERE id IN
            (SELECT id FROM revoked_tokens WHERE expires_at <= $1 LIMIT $2)",
        false,
    ),
    (
        "DELETE FROM api_keys WHERE id IN
            (SELECT id FROM api_keys WHERE expires_at <= $1 LIMIT $2)",
        false,
    ),
    (
        "DELETE FROM sessions WHERE id IN
            (SELECT id FROM sessions WHERE idle_expires_at <= $1 OR expires_at <= $1 LIMIT $2)",
        true,
    ),
    (
        "DELETE FROM ended_sessions WHERE id IN
            (SELECT id FROM ended_sessions WHERE ended_at <= $1 LIMIT $2)",
        true,
    ),
    (
        "DELETE FROM signing_keys WHERE id IN
            (SELECT id FROM signing_keys WHERE retired_at <= $1 LIMIT $2)",
        true,
    ),
];

#[async_trait]
impl Tokens for SqlStore {
    async fn insert_token(&self, token: &TokenRecord) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        let there: bool = sqlx::query_scalar(
            "SELECT EXISTS (
                SELECT 1 FROM sessions WHERE id = $1 AND user_id = $2 AND ended_at IS NULL
            )",
        )
        .bind(token.session.to_string())
        .bind(token.user.to_string())
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
        if !there {
            return Err(StoreError::NotFound { what: "session" });
        }
        sqlx::query(
            "INSERT INTO access_tokens (id, digest, session_id, user_id, client_id, scopes, since,
                second_factor, issued_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(token.id.to_string())
        .bind(token.digest.as_slice())
        .bind(token.session.to_string())
        .bind(token.user.to_string())
        .bind(token.client.to_string())
        .bind(row::scope_list(&token.scopes))
        .bind(token.since.as_microsecond())
        .bind(token.second_factor)
        .bind(token.issued_at.as_microsecond())
        .bind(token.expires_at.as_microsecond())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn token(&self, digest: &Digest) -> Result<Option<TokenRecord>, StoreError> {
        let found = sqlx::query(
            "SELECT t.id, t.digest, t.session_id, t.user_id, t.client_id, t.scopes, t.since,
                t.second_factor, t.issued_at, t.expires_at
            FROM access_tokens t JOIN sessions s ON s.id = t.session_id
            WHERE t.digest = $1 AND s.ended_at IS NULL
                AND NOT EXISTS (SELECT 1 FROM revoked_tokens r WHERE r.id = t.id)",
        )
        .bind(digest.as_slice())
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?;
        found.as_ref().map(row::token).transpose()
    }

    async fn revoke_token(&self, id: TokenId, expires_at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO revoked_tokens (id, expires_at) VALUES ($1, $2)
            ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at
            WHERE excluded.expires_at > revoked_tokens.expires_at",
        )
        .bind(id.to_string())
        .bind(expires_at.as_microsecond())
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn revoked(&self, now: Timestamp) -> Result<Vec<(TokenId, Timestamp)>, StoreError> {
        let found = sqlx::query("SELECT id, expires_at FROM revoked_tokens WHERE expires_at > $1")
            .bind(now.as_microsecond())
            .fetch_all(&self.readers)
            .await
            .map_err(failed)?;
        found.iter().map(|row| Ok((row::text(row, "id")?, row::time(row, "expires_at")?))).collect()
    }

    async fn rotate_refresh(
        &self,
        shown: &Digest,
        successor: &Digest,
        window_seconds: u32,
        idle_expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let mut transaction = self.write().await?;
        let found = sqlx::query(concat!(
            "SELECT ",
            session_columns!(),
            ", s.scopes, u.active, t.used_at, t.successor = $2 AS same_successor,
                n.digest IS NULL OR n.used_at IS NOT NULL AS successor_spent
            FROM refresh_tokens t
            JOIN sessions s ON s.id = t.session_id
            JOIN users u ON u.id = s.user_id
            LEFT JOIN refresh_tokens n ON n.digest = t.successor
            WHERE t.digest = $1"
        ))
        .bind(shown.as_slice())
        .bind(successor.as_slice())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
        let Some(found) = found else { return Ok(Rotation::Unknown) };
        let mut session = row::session(&found)?;
        let scopes = row::scopes(&found)?;
        let used = match row::maybe_time(&found, "used_at")? {
            None => None,
            Some(at) => Some(Used {
                at,
                same_successor: row::get(&found, "same_successor")?,
                successor_spent: row::get(&found, "successor_spent")?,
            }),
        };
        let active = row::get(&found, "active")?;
        let session = match judge(&session, active, used, window_seconds, now) {
            Verdict::Ignore => return Ok(Rotation::Unknown),
            Verdict::Retry => return Ok(Rotation::Retried(Box::new(session), scopes)),
            Verdict::End => {
                end(&mut transaction, &mut session, now).await?;
                Rotation::Reused(Box::new(session))
            }
            Verdict::Rotate => {
                session.last_used_at = now;
                session.idle_expires_at = idle_expires_at;
                succeed(&mut transaction, shown, successor, &session).await?;
                Rotation::Rotated(Box::new(session), scopes)
            }
        };
        transaction.commit().await.map_err(failed)?;
        Ok(session)
    }

    async fn session_by_refresh(
        &self,
        digest: &Digest,
    ) -> Result<Option<(Session, Scopes)>, StoreError> {
        let found = sqlx::query(concat!(
            "SELECT ",
            session_columns!(),
            ", s.scopes FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE t.digest = $1"
        ))
        .bind(digest.as_slice())
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?;
        found.as_ref().map(|found| Ok((row::session(found)?, row::scopes(found)?))).transpose()
    }

    async fn sweep(&self, now: Timestamp, keep_seconds: u32) -> Result<u64, StoreError> {
        let cutoff = tokens::cutoff(now, keep_seconds);
        let mut gone = 0;
        for (sweep, waits) in SWEEPS {
            let moment = if *waits { cutoff } else { now };
            loop {
                let swept = sqlx::query(*sweep)
                    .bind(moment.as_microsecond())
                    .bind(BATCH)
                    .execute(&self.writer)
                    .await
                    .map_err(failed)?
                    .rows_affected();
                gone += swept;
                if swept < BATCH.unsigned_abs() {
                    break;
                }
            }
        }
        sqlx::query("DELETE FROM changes WHERE seq <= (SELECT max(seq) FROM changes) - $1")
            .bind(CHANGES_KEPT)
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        Ok(gone)
    }
}

/// Ends the session of a reused token, if it was not.
async fn end(
    db: &mut SqliteConnection,
    session: &mut Session,
    now: Timestamp,
) -> Result<(), StoreError> {
    if session.ended_at.is_some() {
        return Ok(());
    }
    sqlx::query("UPDATE sessions SET ended_at = $2 WHERE id = $1")
        .bind(session.id.to_string())
        .bind(now.as_microsecond())
        .execute(db)
        .await
        .map_err(failed)?;
    session.ended_at = Some(now);
    Ok(())
}

/// Marks a refresh token as used and keeps its successor.
async fn succeed(
    db: &mut SqliteConnection,
    shown: &Digest,
    successor: &Digest,
    session: &Session,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE refresh_tokens SET used_at = $2, successor = $3 WHERE digest = $1")
        .bind(shown.as_slice())
        .bind(session.last_used_at.as_microsecond())
        .bind(successor.as_slice())
        .execute(&mut *db)
        .await
        .map_err(failed)?;
    sqlx::query("INSERT INTO refresh_tokens (digest, session_id) VALUES ($1, $2)")
        .bind(successor.as_slice())
        .bind(session.id.to_string())
        .execute(&mut *db)
        .await
        .map_err(failed)?;
    sqlx::query("UPDATE sessions SET last_used_at = $2, idle_expires_at = $3 WHERE id = $1")
        .bind(session.id.to_string())
        .bind(session.last_used_at.as_microsecond())
        .bind(session.idle_expires_at.as_microsecond())
        .execute(&mut *db)
        .await
        .map_err(failed)?;
    Ok(())
}
