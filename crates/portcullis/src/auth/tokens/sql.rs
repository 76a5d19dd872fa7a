//! The statements of tokens.

use super::rotation::{Used, Verdict, judge};
use super::{TokenRecord, VerifiedToken};
use crate::auth::db::{
    DatabaseError, Digest, Executor, Row, Transaction, scope_list, sql, subject_key,
};
use crate::auth::sessions::Session;
use crate::auth::sessions::sql::{self as sessions, session_columns};
use crate::types::{Scopes, SessionId, Timestamp, TokenId};

/// What became of a refresh token that was shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rotation {
    /// It was good: the successor takes its place.
    Rotated(Box<Session>),
    /// It was used a moment ago: the very same successor.
    Retried(Box<Session>, FirstUse),
    /// It was used before: its session is ended.
    Reused(Box<Session>),
    /// It is no refresh token, or its session is over.
    Unknown,
}

/// The first use of a refresh token that is shown again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FirstUse {
    /// From which address.
    pub(super) from: Option<String>,
    /// Which access token it was answered with.
    pub(super) answer: Option<TokenId>,
}

/// Notes from where a refresh token was used, and with which access token it was answered.
pub(super) async fn note_use(
    db: &mut Transaction,
    shown: &Digest,
    from: Option<String>,
    answer: TokenId,
) -> Result<(), DatabaseError> {
    sql("UPDATE refresh_tokens SET used_from = $2, answer = $3 WHERE digest = $1")
        .bind(shown)
        .bind(from)
        .bind(answer.to_string())
        .execute(db)
        .await
        .map(drop)
}

/// Keeps the first refresh token of a session.
pub(in crate::auth) async fn insert_refresh(
    db: &mut Transaction,
    digest: &Digest,
    session: SessionId,
) -> Result<(), DatabaseError> {
    sql("INSERT INTO refresh_tokens (digest, session_id) VALUES ($1, $2)")
        .bind(digest)
        .bind(session.to_string())
        .execute(db)
        .await
        .map(drop)
}

/// Keeps an opaque access token.
pub(super) async fn insert(
    db: &mut Transaction,
    record: &TokenRecord,
) -> Result<(), DatabaseError> {
    let token = &record.token;
    let Some((kind, subject)) = subject_key(&token.subject) else {
        return Err(DatabaseError::Corrupt { what: "the subject of a token".to_owned() });
    };
    sql("INSERT INTO access_tokens (id, digest, session_id, subject_kind, subject_id, client_id,
            scopes, audience, since, second_factor, issued_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
    .bind(token.id.to_string())
    .bind(&record.digest)
    .bind(token.session.map(|session| session.to_string()))
    .bind(kind)
    .bind(subject)
    .bind(token.client.to_string())
    .bind(scope_list(&token.scopes))
    .bind(&token.audience)
    .bind(token.authenticated_at)
    .bind(token.second_factor)
    .bind(token.issued_at)
    .bind(token.expires_at)
    .execute(db)
    .await
    .map(drop)
}

/// The opaque access token of this digest, if neither it nor its session was ended.
pub(super) async fn token<'d>(
    db: impl Into<Executor<'d>>,
    digest: &Digest,
) -> Result<Option<VerifiedToken>, DatabaseError> {
    let found =
        sql("SELECT t.id, t.session_id, t.subject_kind, t.subject_id, t.client_id, t.scopes,
            t.audience, t.since, t.second_factor, t.issued_at, t.expires_at
        FROM access_tokens t LEFT JOIN sessions s ON s.id = t.session_id
        WHERE t.digest = $1 AND s.ended_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM revoked_tokens r WHERE r.id = t.id)");
    found.bind(digest).optional(db).await?.as_ref().map(read).transpose()
}

/// Notes that a token does not count any more, until it would have expired.
pub(super) async fn revoke(
    db: &mut Transaction,
    id: TokenId,
    expires_at: Timestamp,
) -> Result<(), DatabaseError> {
    sql("INSERT INTO revoked_tokens (id, expires_at) VALUES ($1, $2)
        ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at
        WHERE excluded.expires_at > revoked_tokens.expires_at")
    .bind(id.to_string())
    .bind(expires_at)
    .execute(db)
    .await
    .map(drop)
}

/// Every revoked token that could still be shown, and until when.
pub(in crate::auth) async fn revoked<'d>(
    db: impl Into<Executor<'d>>,
    now: Timestamp,
) -> Result<Vec<(TokenId, Timestamp)>, DatabaseError> {
    let found = sql("SELECT id, expires_at FROM revoked_tokens WHERE expires_at > $1");
    let found = found.bind(now).all(db).await?;
    found.iter().map(|row| Ok((row.text("id")?, row.time("expires_at")?))).collect()
}

/// Whether this token was revoked.
pub(in crate::auth) async fn is_revoked<'d>(
    db: impl Into<Executor<'d>>,
    id: TokenId,
) -> Result<bool, DatabaseError> {
    sql("SELECT EXISTS (SELECT 1 FROM revoked_tokens WHERE id = $1) AS found")
        .bind(id.to_string())
        .found(db)
        .await
}

/// Whether this token and its session still count, as of the database.
pub(super) async fn is_alive<'d>(
    db: impl Into<Executor<'d>>,
    id: TokenId,
    session: Option<SessionId>,
    now: Timestamp,
) -> Result<bool, DatabaseError> {
    let Some(session) = session else { return Ok(!is_revoked(db, id).await?) };
    sql("SELECT EXISTS (
            SELECT 1 FROM sessions WHERE id = $2 AND ended_at IS NULL
                AND idle_expires_at > $3 AND expires_at > $3
                AND NOT EXISTS (SELECT 1 FROM revoked_tokens WHERE id = $1)
        ) AS found")
    .bind(id.to_string())
    .bind(session.to_string())
    .bind(now)
    .found(db)
    .await
}

/// Judges a refresh token of this session and an active user, and puts its successor in its place or ends
/// the session.
pub(super) async fn rotate(
    db: &mut Transaction,
    mut session: Session,
    shown: &Digest,
    successor: &Digest,
    window_seconds: u32,
    idle_ttl: jiff::SignedDuration,
    now: Timestamp,
) -> Result<Rotation, DatabaseError> {
    let found = sql(
        "SELECT t.used_at, t.used_from, t.answer, COALESCE(t.successor = $2, false) AS same_successor,
            n.digest IS NULL OR n.used_at IS NOT NULL AS successor_spent
        FROM refresh_tokens t LEFT JOIN refresh_tokens n ON n.digest = t.successor
        WHERE t.digest = $1",
    );
    let found = found.bind(shown).bind(successor).one(&mut *db).await?;
    let used = match found.maybe_time("used_at")? {
        None => None,
        Some(at) => Some(Used {
            at,
            same_successor: found.get("same_successor")?,
            successor_spent: found.get("successor_spent")?,
        }),
    };
    match judge(&session, used, window_seconds, now) {
        Verdict::Ignore => Ok(Rotation::Unknown),
        Verdict::Retry => {
            let answer: Option<String> = found.get("answer")?;
            let first = FirstUse {
                from: found.get("used_from")?,
                answer: answer.and_then(|id| id.parse().ok()),
            };
            Ok(Rotation::Retried(Box::new(session), first))
        }
        Verdict::End => {
            if session.ended_at.is_none() {
                sessions::end(db, session.id, now).await?;
                session.ended_at = Some(now);
            }
            Ok(Rotation::Reused(Box::new(session)))
        }
        Verdict::Rotate => {
            session.last_used_at = now;
            let idle = now.checked_add(idle_ttl).unwrap_or(Timestamp::MAX);
            session.idle_expires_at = idle.min(session.expires_at);
            succeed(db, shown, successor, &session).await?;
            Ok(Rotation::Rotated(Box::new(session)))
        }
    }
}

/// Marks a refresh token as used and keeps its successor.
async fn succeed(
    db: &mut Transaction,
    shown: &Digest,
    successor: &Digest,
    session: &Session,
) -> Result<(), DatabaseError> {
    sql("UPDATE refresh_tokens SET used_at = $2, successor = $3 WHERE digest = $1")
        .bind(shown)
        .bind(session.last_used_at)
        .bind(successor)
        .execute(db)
        .await?;
    insert_refresh(db, successor, session.id).await?;
    sessions::touch(db, session.id, session.last_used_at, session.idle_expires_at).await
}

/// The session that a refresh token belongs to, and what it is limited to.
pub(in crate::auth) async fn session_by_refresh<'d>(
    db: impl Into<Executor<'d>>,
    digest: &Digest,
) -> Result<Option<(Session, Scopes)>, DatabaseError> {
    let found = sql(concat!(
        "SELECT ",
        session_columns!(),
        ", s.scopes FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
        WHERE t.digest = $1"
    ));
    let found = found.bind(digest).optional(db).await?;
    found.map(|found| Ok((sessions::read(&found)?, found.scopes()?))).transpose()
}

fn read(row: &Row) -> Result<VerifiedToken, DatabaseError> {
    let session: Option<String> = row.get("session_id")?;
    Ok(VerifiedToken {
        id: row.text("id")?,
        session: session.map(|_| row.text("session_id")).transpose()?,
        subject: row.subject()?,
        client: row.client("client_id")?,
        audience: row.get("audience")?,
        scopes: row.scopes()?,
        authenticated_at: row.time("since")?,
        second_factor: row.get("second_factor")?,
        issued_at: row.time("issued_at")?,
        expires_at: row.time("expires_at")?,
    })
}
