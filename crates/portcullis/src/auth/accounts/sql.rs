//! The statements of accounts.

use super::names::name_skeleton;
use super::{User, UserFilter, normalize_login};
use crate::auth::db::{
    Cursor, DatabaseError, Executor, Row, Statement, Transaction, limit, paged, sql,
};
use crate::types::{Page, PageRequest, UserId};

/// The columns of [`read`].
macro_rules! user_columns {
    () => {
        "id, username, name, email, email_verified, active, created_at, updated_at"
    };
}

/// An account with what signs it in.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    pub(super) user: User,
    pub(super) password_hash: Option<String>,
    pub(super) epoch: u64,
}

/// Keeps a new account.
pub(super) async fn insert(
    db: &mut Transaction,
    user: &User,
    password_hash: Option<&str>,
) -> Result<(), DatabaseError> {
    refuse_taken(db, user).await?;
    refuse_lookalike(db, user).await?;
    let insert = sql("INSERT INTO users (id, username, username_folded, name, email, email_folded,
            email_verified, active, password_hash, updated_at, username_skeleton, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
    bind_account(insert, user, password_hash).bind(user.created_at).execute(db).await.map(drop)
}

/// Writes the account as it is now, and a new password hash if there is one. The security epoch is
/// raised by the database's own trigger where the password, the address or the activity changes.
pub(super) async fn update(
    db: &mut Transaction,
    user: &User,
    password_hash: Option<&str>,
) -> Result<(), DatabaseError> {
    refuse_taken(db, user).await?;
    // A name that was there before names were compared by their looks may stay.
    let same = sql("SELECT EXISTS (SELECT 1 FROM users WHERE id = $1 AND username = $2) AS found");
    if !same.bind(user.id.to_string()).bind(&user.username).found(&mut *db).await? {
        refuse_lookalike(db, user).await?;
    }
    let update = sql("UPDATE users SET username = $2, username_folded = $3, name = $4, email = $5,
            email_folded = $6, email_verified = $7, active = $8,
            password_hash = COALESCE($9, password_hash), updated_at = $10,
            username_skeleton = CASE WHEN username = $2 THEN username_skeleton ELSE $11 END
        WHERE id = $1");
    bind_account(update, user, password_hash).execute(db).await.map(drop)
}

/// Binds `$1` to `$11`: what an insert and an update of an account have in common.
fn bind_account(statement: Statement, user: &User, password_hash: Option<&str>) -> Statement {
    statement
        .bind(user.id.to_string())
        .bind(&user.username)
        .bind(normalize_login(&user.username))
        .bind(&user.name)
        .bind(&user.email)
        .bind(user.email.as_deref().map(normalize_login))
        .bind(user.email_verified)
        .bind(user.active)
        .bind(password_hash)
        .bind(user.updated_at)
        .bind(name_skeleton(&user.username))
}

/// Writes what the names of older accounts look like, behind `after` and `limit` at the most. Where two
/// look alike, the second has no skeleton: it may stay, and nobody else may take the looks of the first.
/// Returns the last id; `None` where none is left.
pub(super) async fn write_skeletons(
    db: &mut Transaction,
    after: &str,
    limit: u32,
) -> Result<Option<String>, DatabaseError> {
    let found = sql("SELECT id, username FROM users
        WHERE username_skeleton IS NULL AND id > $1 ORDER BY id LIMIT $2");
    let mut last = None;
    for row in found.bind(after).bind(limit).all(&mut *db).await? {
        let (id, username): (String, String) = (row.get("id")?, row.get("username")?);
        let write = sql("UPDATE users SET username_skeleton = $2 WHERE id = $1
            AND NOT EXISTS (SELECT 1 FROM users WHERE username_skeleton = $2)");
        write.bind(&id).bind(name_skeleton(&username)).execute(&mut *db).await?;
        last = Some(id);
    }
    Ok(last)
}

/// Puts a stronger hash of the same password in the place of `old`: the security epoch stays.
pub(super) async fn upgrade_password_hash(
    db: &mut Transaction,
    id: UserId,
    old: &str,
    stronger: &str,
) -> Result<(), DatabaseError> {
    sql("UPDATE users SET password_hash = $3, rehashed = rehashed + 1
        WHERE id = $1 AND password_hash = $2")
    .bind(id.to_string())
    .bind(old)
    .bind(stronger)
    .execute(db)
    .await
    .map(drop)
}

/// Deletes an account. Returns whether it was there.
pub(super) async fn delete(db: &mut Transaction, id: UserId) -> Result<bool, DatabaseError> {
    Ok(sql("DELETE FROM users WHERE id = $1").bind(id.to_string()).execute(db).await? > 0)
}

/// Deletes used refresh tokens of an account, `limit` at the most: a long session leaves many.
/// Returns how many.
pub(super) async fn delete_used_refresh_tokens(
    db: &mut Transaction,
    id: UserId,
    limit: u32,
) -> Result<u64, DatabaseError> {
    sql("DELETE FROM refresh_tokens WHERE digest IN (
            SELECT t.digest FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id
            WHERE s.user_id = $1 AND t.used_at IS NOT NULL LIMIT $2)")
    .bind(id.to_string())
    .bind(limit)
    .execute(db)
    .await
}

/// Deletes sessions of an account that have ended, `limit` at the most. Returns how many.
pub(super) async fn delete_ended_sessions(
    db: &mut Transaction,
    id: UserId,
    limit: u32,
) -> Result<u64, DatabaseError> {
    sql("DELETE FROM sessions WHERE id IN (
            SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NOT NULL LIMIT $2)")
    .bind(id.to_string())
    .bind(limit)
    .execute(db)
    .await
}

/// The account with this id.
pub(in crate::auth) async fn user<'d>(
    db: impl Into<Executor<'d>>,
    id: UserId,
) -> Result<Option<User>, DatabaseError> {
    let found = sql(concat!("SELECT ", user_columns!(), " FROM users WHERE id = $1"));
    found.bind(id.to_string()).optional(db).await?.as_ref().map(read).transpose()
}

/// The account of a username or e-mail address, with what signs it in.
pub(super) async fn credentials_by_login<'d>(
    db: impl Into<Executor<'d>>,
    login: &str,
) -> Result<Option<Credentials>, DatabaseError> {
    let found = sql(concat!(
        "SELECT ",
        user_columns!(),
        ", password_hash, security_epoch FROM users
        WHERE username_folded = $1 OR email_folded = $1
        ORDER BY username_folded = $1 DESC LIMIT 1"
    ));
    let found = found.bind(normalize_login(login)).optional(db).await?;
    found.as_ref().map(read_credentials).transpose()
}

/// The account with this id, with what signs it in.
pub(super) async fn credentials<'d>(
    db: impl Into<Executor<'d>>,
    id: UserId,
) -> Result<Option<Credentials>, DatabaseError> {
    let found = sql(concat!(
        "SELECT ",
        user_columns!(),
        ", password_hash, security_epoch FROM users WHERE id = $1"
    ));
    found.bind(id.to_string()).optional(db).await?.as_ref().map(read_credentials).transpose()
}

/// Whether the account has signed in from this address, as far as sessions are kept.
pub(super) async fn signed_in_from<'d>(
    db: impl Into<Executor<'d>>,
    id: UserId,
    address: &str,
) -> Result<bool, DatabaseError> {
    sql("SELECT EXISTS (SELECT 1 FROM sessions WHERE user_id = $1 AND address = $2) AS found")
        .bind(id.to_string())
        .bind(address)
        .found(db)
        .await
}

/// A page of accounts, in the order they were made.
pub(super) async fn page<'d>(
    db: impl Into<Executor<'d>>,
    filter: &UserFilter,
    page: &PageRequest,
) -> Result<Page<User>, DatabaseError> {
    let after = Cursor::parse(page)?;
    let limit = limit(page);
    let prefix = filter.username_prefix.as_deref().map(normalize_login).unwrap_or_default();
    // Behind every name that begins so: no character is greater.
    let prefix_end = format!("{prefix}{}", char::MAX);
    // A prefix is looked up by name; without one, the list is walked by age. `+ 0` keeps the
    // engine from walking by age all the same.
    let statement = if prefix.is_empty() {
        concat!(
            "SELECT ",
            user_columns!(),
            " FROM users
            WHERE (created_at, id) > ($1, $2) AND active IN ($3, $4)
            ORDER BY created_at, id LIMIT $5"
        )
    } else {
        concat!(
            "SELECT ",
            user_columns!(),
            " FROM users
            WHERE (created_at + 0, id) > ($1, $2) AND active IN ($3, $4)
                AND username_folded >= $6 AND username_folded < $7
            ORDER BY created_at + 0, id LIMIT $5"
        )
    };
    let mut query = sql(statement)
        .bind(after.created_at)
        .bind(&after.id)
        .bind(filter.active.unwrap_or(true))
        .bind(filter.active.unwrap_or(false))
        .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX));
    if !prefix.is_empty() {
        query = query.bind(&prefix).bind(&prefix_end);
    }
    let found = query.all(db).await?.iter().map(read).collect::<Result<_, _>>()?;
    Ok(paged(found, limit, |user: &User| Cursor::new(user.created_at, &user.id)))
}

/// Refuses a login that is another's, be it as username or as e-mail address.
async fn refuse_taken(db: &mut Transaction, user: &User) -> Result<(), DatabaseError> {
    let logins = [("username", Some(&user.username)), ("email", user.email.as_ref())];
    for (field, login) in logins {
        let Some(login) = login else { continue };
        let taken = sql("SELECT EXISTS (
                SELECT 1 FROM users WHERE (username_folded = $1 OR email_folded = $1) AND id <> $2
            ) AS found");
        if taken.bind(normalize_login(login)).bind(user.id.to_string()).found(&mut *db).await? {
            return Err(DatabaseError::Conflict { field });
        }
    }
    Ok(())
}

/// Refuses a username that can be taken for another account's.
async fn refuse_lookalike(db: &mut Transaction, user: &User) -> Result<(), DatabaseError> {
    let taken = sql("SELECT EXISTS (
            SELECT 1 FROM users WHERE username_skeleton = $1 AND id <> $2) AS found");
    let taken = taken.bind(name_skeleton(&user.username)).bind(user.id.to_string());
    if taken.found(db).await? {
        return Err(DatabaseError::Conflict { field: "username" });
    }
    Ok(())
}

fn read(row: &Row) -> Result<User, DatabaseError> {
    Ok(User {
        id: row.text("id")?,
        username: row.get("username")?,
        name: row.get("name")?,
        email: row.get("email")?,
        email_verified: row.get("email_verified")?,
        active: row.get("active")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

fn read_credentials(row: &Row) -> Result<Credentials, DatabaseError> {
    Ok(Credentials {
        user: read(row)?,
        password_hash: row.get("password_hash")?,
        epoch: row.unsigned("security_epoch")?,
    })
}
