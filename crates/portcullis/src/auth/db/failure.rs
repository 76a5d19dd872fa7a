//! What the engine's errors mean.

use sqlx::error::{DatabaseError as EngineError, ErrorKind};

use super::DatabaseError;

/// Which field a unique column is, as people know it.
const UNIQUE: &[(&str, &str)] = &[
    ("users.username_folded", "username"),
    ("users.username_skeleton", "username"),
    ("users.email_folded", "email"),
    ("clients.id", "client_id"),
    ("roles.name", "name"),
    ("sessions.id", "session"),
    ("sessions.cookie", "cookie"),
    ("refresh_tokens.digest", "refresh_token"),
    ("access_tokens.", "token"),
    ("api_keys.", "api_key"),
];

/// SQLite's primary result codes that pass: busy, locked, no memory, read-only, interrupted, I/O
/// error, full, cannot open (<https://sqlite.org/rescode.html>).
const PASSING: &[i32] = &[5, 6, 7, 8, 9, 10, 13, 14];

/// Says what went wrong as a [`DatabaseError`].
pub(super) fn failed(error: sqlx::Error) -> DatabaseError {
    match &error {
        sqlx::Error::Database(cause) if cause.kind() == ErrorKind::UniqueViolation => {
            let message = cause.message();
            let known = UNIQUE.iter().find(|(column, _)| message.contains(column));
            DatabaseError::Conflict { field: known.map_or("id", |(_, field)| field) }
        }
        sqlx::Error::Database(cause) if passes(&**cause) => {
            DatabaseError::Unavailable(error.into())
        }
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => DatabaseError::Unavailable(error.into()),
        _ => DatabaseError::Corrupt { what: error.to_string() },
    }
}

/// Whether another connection holds what is wanted: trying again may do.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|cause| cause.code()?.parse::<i32>().ok());
    code.is_some_and(|code| matches!(code & 0xFF, 5 | 6))
}

fn passes(cause: &dyn EngineError) -> bool {
    let code = cause.code().and_then(|code| code.parse::<i32>().ok());
    // The low byte is the primary code.
    code.is_some_and(|code| PASSING.contains(&(code & 0xFF)))
}
