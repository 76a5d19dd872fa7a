//! The statements of sessions.

use super::{LIVE_SESSIONS, Session};
use crate::auth::db::{DatabaseError, Digest, Executor, Row, Transaction, scope_list, sql};
use crate::types::{ClientId, Scopes, SessionId, Timestamp, UserId};

/// The columns of [`read`], of a table or alias `s`.
macro_rules! session_columns {
    () => {
        "s.id, s.user_id, s.client_id, s.created_at, s.last_used_at, s.idle_expires_at, \
         s.expires_at, s.ended_at, s.second_factor, s.address, s.agent, s.parent"
    };
}

pub(in crate::auth) use session_columns;

pub(super) async fn insert(
    db: &mut Transaction,
    session: &Session,
    cookie: Option<&Digest>,
    scopes: &Scopes,
) -> Result<(), DatabaseError> {
    sql("INSERT INTO sessions (id, user_id, client_id, created_at, last_used_at, idle_expires_at,
            expires_at, ended_at, second_factor, address, agent, cookie, scopes, parent)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)")
    .bind(session.id.to_string())
    .bind(session.user.to_string())
    .bind(session.client.to_string())
    .bind(session.created_at)
    .bind(session.last_used_at)
    .bind(session.idle_expires_at)
    .bind(session.expires_at)
    .bind(session.ended_at)
    .bind(session.second_factor)
    .bind(&session.address)
    .bind(&session.agent)
    .bind(cookie)
    .bind(scope_list(scopes))
    .bind(session.parent.map(|parent| parent.to_string()))
    .execute(db)
    .await
    .map(drop)
}

/// Ends the oldest live sessions of the user where there are too many with the new one.
pub(super) async fn end_surplus(
    db: &mut Transaction,
    new: &Session,
) -> Result<Vec<SessionId>, DatabaseError> {
    let ended = sql("UPDATE sessions SET ended_at = $3 WHERE id IN (
            SELECT id FROM sessions
            WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL
                AND idle_expires_at > $3 AND expires_at > $3
            ORDER BY created_at DESC, id DESC LIMIT $4 OFFSET $5
        ) RETURNING id")
    .bind(new.user.to_string())
    .bind(new.id.to_string())
    .bind(new.last_used_at)
    .bind(i64::MAX)
    .bind(i64::try_from(LIVE_SESSIONS - 1).unwrap_or(i64::MAX))
    .all(db)
    .await?;
    ids(&ended)
}

/// The session with this id.
pub(in crate::auth) async fn session<'d>(
    db: impl Into<Executor<'d>>,
    id: SessionId,
) -> Result<Option<Session>, DatabaseError> {
    let found = sql(concat!("SELECT ", session_columns!(), " FROM sessions s WHERE s.id = $1"));
    found.bind(id.to_string()).optional(db).await?.as_ref().map(read).transpose()
}

/// The session of a cookie.
pub(in crate::auth) async fn session_by_cookie<'d>(
    db: impl Into<Executor<'d>>,
    cookie: &Digest,
) -> Result<Option<Session>, DatabaseError> {
    let found = sql(concat!("SELECT ", session_columns!(), " FROM sessions s WHERE s.cookie = $1"));
    found.bind(cookie).optional(db).await?.as_ref().map(read).transpose()
}

/// The user's live sessions, newest first.
pub(super) async fn live<'d>(
    db: impl Into<Executor<'d>>,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Session>, DatabaseError> {
    let found = sql(concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions s
        WHERE s.user_id = $1 AND s.ended_at IS NULL
            AND s.idle_expires_at > $2 AND s.expires_at > $2
        ORDER BY s.created_at DESC, s.id DESC"
    ));
    found.bind(user.to_string()).bind(now).all(db).await?.iter().map(read).collect()
}

/// Notes that a live session was used.
pub(in crate::auth) async fn touch(
    db: &mut Transaction,
    id: SessionId,
    now: Timestamp,
    idle_expires_at: Timestamp,
) -> Result<(), DatabaseError> {
    sql("UPDATE sessions SET last_used_at = $2, idle_expires_at = $3
        WHERE id = $1 AND ended_at IS NULL AND idle_expires_at > $2 AND expires_at > $2")
    .bind(id.to_string())
    .bind(now)
    .bind(idle_expires_at)
    .execute(db)
    .await
    .map(drop)
}

/// Ends one session. Returns whether it was live.
pub(in crate::auth) async fn end(
    db: &mut Transaction,
    id: SessionId,
    now: Timestamp,
) -> Result<bool, DatabaseError> {
    let ended = sql("UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL
        RETURNING idle_expires_at > $2 AND expires_at > $2 AS was_live");
    let ended = ended.bind(id.to_string()).bind(now).optional(db).await?;
    ended.map_or(Ok(false), |row| row.get("was_live"))
}

/// Ends every session that hangs on one of these.
pub(super) async fn end_children(
    db: &mut Transaction,
    parents: &[SessionId],
    now: Timestamp,
) -> Result<Vec<SessionId>, DatabaseError> {
    let mut ended = Vec::new();
    for parent in parents {
        let rows = sql("UPDATE sessions SET ended_at = $2 WHERE parent = $1 AND ended_at IS NULL
            RETURNING id");
        ended.extend(ids(&rows.bind(parent.to_string()).bind(now).all(&mut *db).await?)?);
    }
    Ok(ended)
}

/// Lets every session that hangs on one hang on another.
pub(super) async fn adopt(
    db: &mut Transaction,
    from: SessionId,
    to: SessionId,
) -> Result<(), DatabaseError> {
    sql("UPDATE sessions SET parent = $2 WHERE parent = $1 AND ended_at IS NULL")
        .bind(from.to_string())
        .bind(to.to_string())
        .execute(db)
        .await
        .map(drop)
}

/// Ends every session of a user but `keep`.
pub(super) async fn end_of_user(
    db: &mut Transaction,
    user: UserId,
    keep: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionId>, DatabaseError> {
    let ended = sql(
        "UPDATE sessions SET ended_at = $3 WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL
        RETURNING id",
    );
    let keep = keep.map(|id| id.to_string()).unwrap_or_default();
    ids(&ended.bind(user.to_string()).bind(keep).bind(now).all(db).await?)
}

/// Ends every session there is. Returns how many.
pub(in crate::auth) async fn end_everyones(
    db: &mut Transaction,
    now: Timestamp,
) -> Result<u64, DatabaseError> {
    sql("UPDATE sessions SET ended_at = $1 WHERE ended_at IS NULL").bind(now).execute(db).await
}

/// Raises the account's security epoch: what hangs on the one before does not count any more.
pub(super) async fn raise_epoch(db: &mut Transaction, user: UserId) -> Result<(), DatabaseError> {
    sql("UPDATE users SET security_epoch = security_epoch + 1 WHERE id = $1")
        .bind(user.to_string())
        .execute(db)
        .await
        .map(drop)
}

/// Ends every session at a client.
pub(super) async fn end_of_client(
    db: &mut Transaction,
    client: &ClientId,
    now: Timestamp,
) -> Result<Vec<SessionId>, DatabaseError> {
    let ended = sql("UPDATE sessions SET ended_at = $2 WHERE client_id = $1 AND ended_at IS NULL
        RETURNING id");
    ids(&ended.bind(client.to_string()).bind(now).all(db).await?)
}

/// The sessions that ended since a moment, and when.
pub(in crate::auth) async fn ended_since<'d>(
    db: impl Into<Executor<'d>>,
    since: Timestamp,
) -> Result<Vec<(SessionId, Timestamp)>, DatabaseError> {
    let found =
        sql("SELECT id, ended_at FROM ended_sessions WHERE ended_at >= $1 ORDER BY ended_at, id");
    let found = found.bind(since).all(db).await?;
    found.iter().map(|row| Ok((row.text("id")?, row.time("ended_at")?))).collect()
}

fn ids(rows: &[Row]) -> Result<Vec<SessionId>, DatabaseError> {
    rows.iter().map(|row| row.text("id")).collect()
}

/// A session, of the columns of `session_columns!`.
pub(in crate::auth) fn read(row: &Row) -> Result<Session, DatabaseError> {
    Ok(Session {
        id: row.text("id")?,
        user: row.text("user_id")?,
        client: row.client("client_id")?,
        created_at: row.time("created_at")?,
        last_used_at: row.time("last_used_at")?,
        idle_expires_at: row.time("idle_expires_at")?,
        expires_at: row.time("expires_at")?,
        ended_at: row.maybe_time("ended_at")?,
        second_factor: row.get("second_factor")?,
        address: row.get("address")?,
        agent: row.get("agent")?,
        parent: row.get::<Option<String>>("parent")?.map(|_| row.text("parent")).transpose()?,
    })
}
