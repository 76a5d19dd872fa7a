//! Values in and out of rows. What cannot be is `Corrupt`, never a panic.

use std::str::FromStr;

use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row, Sqlite, Type};

use super::failed;
use crate::store::{Digest, StoreError, TokenRecord};
use crate::types::{Client, ClientId, Scope, Scopes, Session, Subject, Timestamp, User};

/// The columns of [`user`].
macro_rules! user_columns {
    () => {
        "id, username, name, email, email_verified, active, created_at, updated_at"
    };
}

/// The columns of [`session`], of a table or alias `s`.
macro_rules! session_columns {
    () => {
        "s.id, s.user_id, s.client_id, s.created_at, s.last_used_at, s.idle_expires_at, \
         s.expires_at, s.ended_at, s.second_factor, s.address, s.agent"
    };
}

pub(super) use {session_columns, user_columns};

/// A column's value as it is.
pub(super) fn get<'r, T>(row: &'r SqliteRow, column: &str) -> Result<T, StoreError>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    row.try_get(column).map_err(failed)
}

fn corrupt(column: &str) -> StoreError {
    StoreError::Corrupt { what: column.to_owned() }
}

/// A value kept as text, such as an id.
pub(super) fn text<T: FromStr>(row: &SqliteRow, column: &str) -> Result<T, StoreError> {
    get::<&str>(row, column)?.parse().map_err(|_| corrupt(column))
}

/// A user or client, of the columns `subject_kind` and `subject_id`.
pub(super) fn subject(row: &SqliteRow) -> Result<Subject, StoreError> {
    Ok(match get::<&str>(row, "subject_kind")? {
        "user" => Subject::User(text(row, "subject_id")?),
        _ => Subject::Client(ClientId::from(get::<&str>(row, "subject_id")?)),
    })
}

/// A moment.
pub(super) fn time(row: &SqliteRow, column: &str) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(get(row, column)?).map_err(|_| corrupt(column))
}

/// A moment that need not be.
pub(super) fn maybe_time(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, StoreError> {
    let micros: Option<i64> = get(row, column)?;
    micros.map(Timestamp::from_microsecond).transpose().map_err(|_| corrupt(column))
}

/// What stands where a credential is not limited: no scope has such a name.
const ALL_SCOPES: &str = "\"all\"";

/// Scopes, kept as RFC 6749 §3.3 writes them: with a space between.
pub(super) fn scopes(row: &SqliteRow) -> Result<Scopes, StoreError> {
    let list: &str = get(row, "scopes")?;
    if list == ALL_SCOPES {
        return Ok(Scopes::All);
    }
    Ok(Scopes::only(list.split(' ').filter(|scope| !scope.is_empty())))
}

/// Scopes as they are kept.
pub(super) fn scope_list(scopes: &Scopes) -> String {
    match scopes {
        Scopes::All => ALL_SCOPES.to_owned(),
        Scopes::Only(scopes) => scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" "),
    }
}

pub(super) fn digest(row: &SqliteRow, column: &str) -> Result<Digest, StoreError> {
    get::<&[u8]>(row, column)?.try_into().map_err(|_| corrupt(column))
}

pub(super) fn user(row: &SqliteRow) -> Result<User, StoreError> {
    Ok(User {
        id: text(row, "id")?,
        username: get(row, "username")?,
        name: get(row, "name")?,
        email: get(row, "email")?,
        email_verified: get(row, "email_verified")?,
        active: get(row, "active")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

pub(super) fn client(row: &SqliteRow) -> Result<Client, StoreError> {
    Ok(Client {
        id: ClientId::from(get::<&str>(row, "id")?),
        name: get(row, "name")?,
        active: get(row, "active")?,
        created_at: time(row, "created_at")?,
    })
}

pub(super) fn session(row: &SqliteRow) -> Result<Session, StoreError> {
    Ok(Session {
        id: text(row, "id")?,
        user: text(row, "user_id")?,
        client: ClientId::from(get::<&str>(row, "client_id")?),
        created_at: time(row, "created_at")?,
        last_used_at: time(row, "last_used_at")?,
        idle_expires_at: time(row, "idle_expires_at")?,
        expires_at: time(row, "expires_at")?,
        ended_at: maybe_time(row, "ended_at")?,
        second_factor: get(row, "second_factor")?,
        address: get(row, "address")?,
        agent: get(row, "agent")?,
    })
}

pub(super) fn token(row: &SqliteRow) -> Result<TokenRecord, StoreError> {
    Ok(TokenRecord {
        id: text(row, "id")?,
        digest: digest(row, "digest")?,
        session: text(row, "session_id")?,
        user: text(row, "user_id")?,
        client: ClientId::from(get::<&str>(row, "client_id")?),
        scopes: scopes(row)?,
        since: time(row, "since")?,
        second_factor: get(row, "second_factor")?,
        issued_at: time(row, "issued_at")?,
        expires_at: time(row, "expires_at")?,
    })
}
