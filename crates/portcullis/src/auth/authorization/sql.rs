//! The statements of codes and consents.

use std::collections::BTreeSet;

use super::codes::Code;
use crate::auth::db::{DatabaseError, Digest, Executor, Row, Transaction, scope_list, sql};
use crate::types::{ClientId, Scope, SessionId, Timestamp, UserId};

pub(super) async fn insert_code(db: &mut Transaction, code: &Code) -> Result<(), DatabaseError> {
    sql("INSERT INTO authorization_codes (digest, client_id, session_id, redirect_uri, challenge,
            scopes, offline, nonce, created_at, expires_at, used_for)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL)")
    .bind(&code.digest)
    .bind(code.client.to_string())
    .bind(code.session.to_string())
    .bind(&code.redirect_uri)
    .bind(&code.challenge)
    .bind(scope_list(&code.scopes))
    .bind(code.offline)
    .bind(&code.nonce)
    .bind(code.created_at)
    .bind(code.expires_at)
    .execute(db)
    .await
    .map(drop)
}

/// Deletes the oldest unused codes of a sign-in where there are more than `most`.
pub(super) async fn drop_surplus(
    db: &mut Transaction,
    session: SessionId,
    most: u32,
) -> Result<(), DatabaseError> {
    sql("DELETE FROM authorization_codes WHERE digest IN (
            SELECT digest FROM authorization_codes WHERE session_id = $1 AND used_for IS NULL
            ORDER BY created_at DESC, digest LIMIT $2 OFFSET $3)")
    .bind(session.to_string())
    .bind(i64::MAX)
    .bind(most)
    .execute(db)
    .await
    .map(drop)
}

/// The code of this digest.
pub(super) async fn code<'d>(
    db: impl Into<Executor<'d>>,
    digest: &Digest,
) -> Result<Option<Code>, DatabaseError> {
    let found =
        sql("SELECT digest, client_id, session_id, redirect_uri, challenge, scopes, offline,
            nonce, created_at, expires_at, used_for
        FROM authorization_codes WHERE digest = $1");
    found.bind(digest).optional(db).await?.as_ref().map(read).transpose()
}

/// Notes which session a code gave.
pub(super) async fn use_up(
    db: &mut Transaction,
    digest: &Digest,
    session: SessionId,
) -> Result<(), DatabaseError> {
    sql("UPDATE authorization_codes SET used_for = $2 WHERE digest = $1")
        .bind(digest)
        .bind(session.to_string())
        .execute(db)
        .await
        .map(drop)
}

/// The scopes that a person let a client have.
pub(super) async fn consents<'d>(
    db: impl Into<Executor<'d>>,
    user: UserId,
    client: &ClientId,
) -> Result<BTreeSet<Scope>, DatabaseError> {
    let found = sql("SELECT scope FROM consents WHERE user_id = $1 AND client_id = $2");
    let found = found.bind(user.to_string()).bind(client.to_string()).all(db).await?;
    found.iter().map(|row| Ok(Scope::from(row.get::<String>("scope")?))).collect()
}

pub(super) async fn keep_consents(
    db: &mut Transaction,
    user: UserId,
    client: &ClientId,
    scopes: &BTreeSet<Scope>,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    for scope in scopes {
        sql("INSERT INTO consents (user_id, client_id, scope, created_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (user_id, client_id, scope) DO NOTHING")
        .bind(user.to_string())
        .bind(client.to_string())
        .bind(scope.as_str())
        .bind(now)
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

fn read(row: &Row) -> Result<Code, DatabaseError> {
    let used_for: Option<String> = row.get("used_for")?;
    Ok(Code {
        digest: row.digest("digest")?,
        client: row.client("client_id")?,
        session: row.text("session_id")?,
        redirect_uri: row.get("redirect_uri")?,
        challenge: row.get("challenge")?,
        scopes: row.scopes()?,
        offline: row.get("offline")?,
        nonce: row.get("nonce")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        used_for: used_for.map(|_| row.text("used_for")).transpose()?,
    })
}
