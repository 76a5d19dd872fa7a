//! What the errors of PostgreSQL mean: by SQLSTATE and the name of the constraint, never by the text,
//! which a server may write in any language.

use super::super::DatabaseError;

/// Which field a unique constraint holds, as people know it.
const UNIQUE: &[(&str, &str)] = &[
    ("users_username_folded_key", "username"),
    ("users_by_skeleton", "username"),
    ("users_email_folded_key", "email"),
    ("clients_pkey", "client_id"),
    ("roles_pkey", "name"),
    ("sessions_pkey", "session"),
    ("sessions_cookie_key", "cookie"),
    ("refresh_tokens_pkey", "refresh_token"),
    ("access_tokens_pkey", "token"),
    ("access_tokens_digest_key", "token"),
    ("api_keys_pkey", "api_key"),
    ("api_keys_digest_key", "api_key"),
    ("invitations_pkey", "invitation"),
    ("invitations_digest_key", "invitation"),
];

/// What passes (<https://www.postgresql.org/docs/current/errcodes-appendix.html>), by how the code begins:
/// the connection, who may connect (a password that is being changed), a transaction that another one
/// crossed, resources, a limit in time, an operator at work, the machine itself. A database that was made
/// read-only, as a primary that became a standby is, comes back too.
const PASSING: &[&str] =
    &["08", "25006", "25P03", "25P04", "28", "3D000", "40", "53", "55P03", "57", "58"];

/// What ends a connection.
const ENDING: &[&str] = &["08", "25P03", "25P04", "57P01", "57P02", "57P03", "57P04", "57P05"];

/// Says what went wrong as a [`DatabaseError`].
pub(in crate::auth::db) fn failed(error: sqlx::Error) -> DatabaseError {
    use sqlx::Error;
    match &error {
        Error::Database(cause) => {
            let code = cause.code().unwrap_or_default();
            if code == "23505" {
                let name = cause.constraint().unwrap_or_default();
                let known = UNIQUE.iter().find(|(constraint, _)| *constraint == name);
                return DatabaseError::Conflict { field: known.map_or("id", |(_, field)| field) };
            }
            if begins(&code, PASSING) {
                return DatabaseError::Unavailable(error.into());
            }
            DatabaseError::Corrupt { what: error.to_string() }
        }
        Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::Configuration(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed => DatabaseError::Unavailable(error.into()),
        _ => DatabaseError::Corrupt { what: error.to_string() },
    }
}

/// Whether the connection is gone with this error.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(cause) => begins(&cause.code().unwrap_or_default(), ENDING),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        _ => false,
    }
}

fn begins(code: &str, with: &[&str]) -> bool {
    with.iter().any(|start| code.starts_with(start))
}
