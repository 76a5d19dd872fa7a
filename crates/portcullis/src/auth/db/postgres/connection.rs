//! One connection, with a limit to how long it is waited for.

use std::time::Duration;

use sqlx::SqlStr;
use sqlx::pool::PoolConnection;

use super::super::statement::Value;
use super::super::{DatabaseError, Row};
use super::failure::{failed, is_lost};
use super::values::arguments;

/// A connection that was taken from its pool. Where its statement was given up in the middle, it is closed
/// instead of handed back: the answer could come to whoever asks next.
pub(in crate::auth::db) struct Connection {
    inner: PoolConnection<sqlx::Postgres>,
    patience: Duration,
    busy: bool,
    lost: bool,
}

impl Connection {
    pub(super) fn new(inner: PoolConnection<sqlx::Postgres>, patience: Duration) -> Self {
        Self { inner, patience, busy: false, lost: false }
    }

    pub(in crate::auth::db) async fn execute(
        &mut self,
        text: SqlStr,
        values: Vec<Value>,
    ) -> Result<u64, DatabaseError> {
        let arguments = arguments(values)?;
        self.busy = true;
        let running = sqlx::query_with(text, arguments).execute(&mut *self.inner);
        let done = tokio::time::timeout(self.patience, running).await;
        Ok(self.done(done)?.rows_affected())
    }

    pub(in crate::auth::db) async fn rows(
        &mut self,
        text: SqlStr,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, DatabaseError> {
        let arguments = arguments(values)?;
        self.busy = true;
        let running = sqlx::query_with(text, arguments).fetch_all(&mut *self.inner);
        let done = tokio::time::timeout(self.patience, running).await;
        Ok(self.done(done)?.into_iter().map(Row::Postgres).collect())
    }

    /// Runs several statements in one message: what begins a transaction is one walk to the server.
    pub(in crate::auth::db) async fn control(&mut self, text: SqlStr) -> Result<(), DatabaseError> {
        self.busy = true;
        let running = sqlx::raw_sql(text).execute(&mut *self.inner);
        let done = tokio::time::timeout(self.patience, running).await;
        self.done(done).map(drop)
    }

    fn done<T>(
        &mut self,
        done: Result<Result<T, sqlx::Error>, tokio::time::error::Elapsed>,
    ) -> Result<T, DatabaseError> {
        match done {
            Ok(answer) => {
                self.busy = false;
                answer.map_err(|error| {
                    self.lost = self.lost || is_lost(&error);
                    failed(error)
                })
            }
            Err(late) => Err(DatabaseError::Unavailable(late.into())),
        }
    }

    /// Whether it turned out to be dead.
    pub(in crate::auth::db) fn is_lost(&self) -> bool {
        self.lost
    }

    pub(in crate::auth::db) fn close_on_drop(&mut self) {
        self.inner.close_on_drop();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.busy || self.lost {
            self.inner.close_on_drop();
        }
    }
}
