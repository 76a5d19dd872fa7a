//! One connection of either engine: the only place where the two are told apart for each statement.

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, SqlStr, Sqlite};

use super::failure::{failed, is_busy};
#[cfg(feature = "postgres")]
use super::postgres;
use super::statement::Value;
use super::{DatabaseError, Row};

/// Begins as the only one that writes, in SQLite.
pub(super) const IMMEDIATE: &str = "BEGIN IMMEDIATE";

/// A connection that was taken from its pool.
pub(super) enum Connection {
    /// A file, or memory.
    Sqlite(PoolConnection<Sqlite>),
    /// A server.
    #[cfg(feature = "postgres")]
    Postgres(postgres::Connection),
}

impl Connection {
    /// Runs a statement, and says how many rows it changed.
    pub(super) async fn execute(
        &mut self,
        text: SqlStr,
        values: Vec<Value>,
    ) -> Result<u64, DatabaseError> {
        match self {
            Self::Sqlite(connection) => {
                let query = sqlx::query_with(text, arguments(values)?);
                Ok(query.execute(&mut **connection).await.map_err(failed)?.rows_affected())
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => connection.execute(text, values).await,
        }
    }

    /// Runs a statement, and returns its rows.
    pub(super) async fn rows(
        &mut self,
        text: SqlStr,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, DatabaseError> {
        match self {
            Self::Sqlite(connection) => {
                let query = sqlx::query_with(text, arguments(values)?);
                let rows = query.fetch_all(&mut **connection).await.map_err(failed)?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => connection.rows(text, values).await,
        }
    }

    /// Runs what begins or ends a transaction.
    pub(super) async fn control(&mut self, text: SqlStr) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite(connection) => loop {
                match sqlx::query(text.clone()).execute(&mut **connection).await {
                    // Another process writes. `begin_writing` says for how long that is waited for.
                    Err(error) if is_busy(&error) && text.as_str() == IMMEDIATE => {}
                    done => return done.map(drop).map_err(failed),
                }
            },
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => connection.control(text).await,
        }
    }

    /// Whether a transaction that could not begin leaves one behind that must be rolled back. SQLite
    /// begins nothing where another writes.
    pub(super) fn begins_in_part(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => true,
        }
    }

    /// Whether it turned out to be dead, so that what did not begin on it may begin on another.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => connection.is_lost(),
        }
    }

    /// Closes the connection instead of handing it back.
    pub(super) fn close_on_drop(&mut self) {
        match self {
            Self::Sqlite(connection) => connection.close_on_drop(),
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => connection.close_on_drop(),
        }
    }
}

fn arguments(values: Vec<Value>) -> Result<SqliteArguments, DatabaseError> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        let added = match value {
            Value::Integer(value) => arguments.add(value),
            Value::Boolean(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
        };
        added.map_err(|fault| DatabaseError::Corrupt { what: fault.to_string() })?;
    }
    Ok(arguments)
}
