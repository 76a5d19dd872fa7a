//! A store in one SQLite file (feature `sqlite`).
//!
//! Placeholders are `$1`, times are microseconds and ids text, so that a second engine can run the
//! same statements.

mod api_keys;
mod audit;
mod clients;
mod connect;
mod error;
mod feed;
mod grants;
mod keys;
mod row;
mod sessions;
#[cfg(test)]
mod tests;
mod tokens;
mod users;

use std::fmt;

use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Sqlite, Transaction};

pub use self::connect::ConnectError;
use self::error::failed;
use super::StoreError;
use crate::types::{Role, Subject};

/// A store in one SQLite file. Its clones share their connections.
///
/// One connection writes, a few read beside it. What was answered survives the death of the
/// process and of the power: each write is on the disk before it is answered. Several processes
/// may share the file.
///
/// ```
/// use portcullis::store::Feed;
/// use portcullis::store::sql::SqlStore;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let folder = tempfile::tempdir()?;
/// let url = format!("sqlite://{}", folder.path().join("portcullis.db").display());
/// let store = SqlStore::connect(&url).await?;
/// store.migrate().await?;
/// store.ping().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct SqlStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqlStore {
    /// Begins a deed that writes: the only one at a time, so that what it reads stays true.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)
    }

    /// Begins a deed that only reads, all of it at one moment.
    async fn read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.readers.begin().await.map_err(failed)
    }
}

impl fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").finish_non_exhaustive()
    }
}

/// How a subject is kept; a guest and a stranger of another issuer are kept nowhere.
fn subject_key(subject: &Subject) -> Option<(&'static str, String)> {
    match subject {
        Subject::User(id) => Some(("user", id.to_string())),
        Subject::Client(id) => Some(("client", id.to_string())),
        Subject::External(_) | Subject::Guest => None,
    }
}

/// A role that must not lose its last active holder in this deed.
struct KeepOne<'r>(Option<&'r Role>);

impl<'r> KeepOne<'r> {
    /// Takes note of the role, if somebody active holds it now.
    async fn begin(db: &mut SqliteConnection, role: Option<&'r Role>) -> Result<Self, StoreError> {
        Ok(match role {
            Some(role) if has_holder(db, role).await? => Self(Some(role)),
            _ => Self(None),
        })
    }

    /// Refuses where nobody active holds it any more.
    async fn check(self, db: &mut SqliteConnection) -> Result<(), StoreError> {
        match self.0 {
            Some(role) if !has_holder(db, role).await? => {
                Err(StoreError::LastHolder { role: role.clone() })
            }
            _ => Ok(()),
        }
    }
}

/// `CROSS JOIN` holds SQLite to this order: from the role to its holders, not from every user.
async fn has_holder(db: &mut SqliteConnection, role: &Role) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "WITH RECURSIVE holding (role) AS (
            SELECT $1
            UNION
            SELECT i.role FROM role_includes i JOIN holding h ON i.included = h.role
        )
        SELECT EXISTS (
            SELECT 1 FROM holding h CROSS JOIN subject_roles s CROSS JOIN users u
            WHERE s.role = h.role AND s.subject_kind = 'user' AND u.id = s.subject_id AND u.active
        )",
    )
    .bind(role.as_str())
    .fetch_one(db)
    .await
    .map_err(failed)
}
