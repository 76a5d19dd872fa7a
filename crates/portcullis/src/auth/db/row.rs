//! A row, and values out of it. What cannot be is `Corrupt`, never a panic.

use std::str::FromStr;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::failure::failed;
#[cfg(feature = "postgres")]
use super::postgres;
use super::{DatabaseError, Digest};
use crate::types::{ClientId, Scope, Scopes, Subject, Timestamp};

/// A row that a statement answered with.
pub(in crate::auth) enum Row {
    /// Of a file, or of memory.
    Sqlite(SqliteRow),
    /// Of a server.
    #[cfg(feature = "postgres")]
    Postgres(sqlx::postgres::PgRow),
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row").finish_non_exhaustive()
    }
}

/// A type that a column can be read as: `i64`, `bool`, text or bytes, and an `Option` of each.
pub(in crate::auth) trait Column: Sized {
    fn read(row: &Row, name: &str) -> Result<Self, DatabaseError>;
}

macro_rules! columns {
    ($($type:ty, $postgres:path;)*) => {
        $(impl Column for $type {
            fn read(row: &Row, name: &str) -> Result<Self, DatabaseError> {
                match row {
                    Row::Sqlite(row) => row.try_get(name).map_err(failed),
                    #[cfg(feature = "postgres")]
                    Row::Postgres(row) => $postgres(row, name)?.ok_or_else(|| corrupt(name)),
                }
            }
        }

        impl Column for Option<$type> {
            fn read(row: &Row, name: &str) -> Result<Self, DatabaseError> {
                match row {
                    Row::Sqlite(row) => row.try_get(name).map_err(failed),
                    #[cfg(feature = "postgres")]
                    Row::Postgres(row) => $postgres(row, name),
                }
            }
        })*
    };
}

columns! {
    i64, postgres::integer;
    bool, postgres::boolean;
    String, postgres::text;
    Vec<u8>, postgres::bytes;
}

fn corrupt(column: &str) -> DatabaseError {
    DatabaseError::Corrupt { what: column.to_owned() }
}

/// What stands where a credential is not limited: no scope has such a name.
const ALL_SCOPES: &str = "\"all\"";

impl Row {
    /// A column's value as it is.
    pub(in crate::auth) fn get<T: Column>(&self, column: &str) -> Result<T, DatabaseError> {
        T::read(self, column)
    }

    /// A value kept as text, such as an id.
    pub(in crate::auth) fn text<T: FromStr>(&self, column: &str) -> Result<T, DatabaseError> {
        self.get::<String>(column)?.parse().map_err(|_| corrupt(column))
    }

    /// A client's id.
    pub(in crate::auth) fn client(&self, column: &str) -> Result<ClientId, DatabaseError> {
        Ok(ClientId::from(&*self.get::<String>(column)?))
    }

    /// A user or client, of the columns `subject_kind` and `subject_id`.
    pub(in crate::auth) fn subject(&self) -> Result<Subject, DatabaseError> {
        Ok(match &*self.get::<String>("subject_kind")? {
            "user" => Subject::User(self.text("subject_id")?),
            _ => Subject::Client(self.client("subject_id")?),
        })
    }

    /// A moment.
    pub(in crate::auth) fn time(&self, column: &str) -> Result<Timestamp, DatabaseError> {
        Timestamp::from_microsecond(self.get(column)?).map_err(|_| corrupt(column))
    }

    /// A moment that need not be.
    pub(in crate::auth) fn maybe_time(
        &self,
        column: &str,
    ) -> Result<Option<Timestamp>, DatabaseError> {
        let micros: Option<i64> = self.get(column)?;
        micros.map(Timestamp::from_microsecond).transpose().map_err(|_| corrupt(column))
    }

    /// Scopes, of the column `scopes`, kept as RFC 6749 §3.3 writes them: with a space between.
    pub(in crate::auth) fn scopes(&self) -> Result<Scopes, DatabaseError> {
        let list: String = self.get("scopes")?;
        if list == ALL_SCOPES {
            return Ok(Scopes::All);
        }
        Ok(Scopes::only(list.split(' ').filter(|scope| !scope.is_empty())))
    }

    /// A digest, or another 32 bytes.
    pub(in crate::auth) fn digest(&self, column: &str) -> Result<Digest, DatabaseError> {
        self.get::<Vec<u8>>(column)?.try_into().map_err(|_| corrupt(column))
    }

    /// A number that has no sign.
    pub(in crate::auth) fn unsigned(&self, column: &str) -> Result<u64, DatabaseError> {
        u64::try_from(self.get::<i64>(column)?).map_err(|_| corrupt(column))
    }
}

/// Scopes as they are kept.
pub(in crate::auth) fn scope_list(scopes: &Scopes) -> String {
    match scopes {
        Scopes::All => ALL_SCOPES.to_owned(),
        Scopes::Only(scopes) => scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" "),
    }
}
