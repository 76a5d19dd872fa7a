//! A transaction that leaves no connection behind in an unknown state.

use std::fmt;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, SqliteConnection};

use super::failure::{failed, is_busy};
use super::{Database, DatabaseError};

/// A transaction. Whoever drops it before it is committed or rolled back closes its connection: what
/// the engine makes of one that broke in the middle cannot be known.
pub(in crate::auth) struct Transaction {
    connection: PoolConnection<Sqlite>,
    open: bool,
    #[cfg(test)]
    faults: super::faults::Faults,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("open", &self.open).finish_non_exhaustive()
    }
}

/// How long a change waits for its turn, behind changes of this process and of others. It covers the
/// queue as well: one that stands behind ten others waits no longer than the first.
const TURN: Duration = Duration::from_secs(5);

/// Begins as the only one that writes.
const IMMEDIATE: &str = "BEGIN IMMEDIATE";

impl Database {
    /// Begins a transaction that writes: the only one at a time, so that what it reads stays true.
    ///
    /// `Auth::write` calls this; what writes beside it calls [`Self::write_beside`].
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] also where its turn does not come within five seconds.
    pub(in crate::auth) async fn begin_writing(&self) -> Result<Transaction, DatabaseError> {
        let begun = self.begin(self.writer(), IMMEDIATE);
        let begun = tokio::time::timeout(TURN, begun).await;
        begun.unwrap_or_else(|late| Err(DatabaseError::Unavailable(late.into())))
    }

    /// Changes something in a transaction of its own: whole, or not at all.
    ///
    /// For the few that write beside `Auth::write`: see `ARCHITECTURE.md`.
    pub(in crate::auth) async fn write_beside<T>(
        &self,
        change: impl AsyncFnOnce(&mut Transaction) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let mut transaction = self.begin_writing().await?;
        match change(&mut transaction).await {
            Ok(value) => transaction.commit().await.map(|()| value),
            Err(error) => {
                transaction.roll_back().await;
                Err(error)
            }
        }
    }

    /// Reads within one moment, for what needs several statements.
    pub(in crate::auth) async fn snapshot<T>(
        &self,
        read: impl AsyncFnOnce(&mut Transaction) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let mut view = self.begin(self.readers(), "BEGIN").await?;
        let result = read(&mut view).await;
        view.roll_back().await;
        result
    }

    async fn begin(
        &self,
        pool: &SqlitePool,
        how: &'static str,
    ) -> Result<Transaction, DatabaseError> {
        let connection = pool.acquire().await.map_err(failed)?;
        let mut transaction = Transaction {
            connection,
            // Counts as open while it begins: a caller that goes away meanwhile must not hand a
            // connection back that is inside a transaction.
            open: true,
            #[cfg(test)]
            faults: self.faults().clone(),
        };
        transaction.before_statement(how)?;
        let begun = loop {
            match sqlx::query(how).execute(&mut *transaction.connection).await {
                // Another process writes. `begin_writing` says for how long that is waited for.
                Err(error) if is_busy(&error) && how == IMMEDIATE => {}
                begun => break begun,
            }
        };
        if let Err(error) = begun {
            let error = failed(error);
            // Nothing began where another writes: the connection is as good as before.
            transaction.open = !matches!(error, DatabaseError::Unavailable(_));
            return Err(error);
        }
        Ok(transaction)
    }
}

impl Transaction {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Where tests let statements fail.
    #[cfg_attr(not(test), expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests"))]
    pub(super) fn before_statement(&self, text: &str) -> Result<(), DatabaseError> {
        #[cfg(test)]
        self.faults.before(text)?;
        #[cfg(not(test))]
        let _ = text;
        Ok(())
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// After any error it is not known whether it was committed.
    pub(in crate::auth) async fn commit(mut self) -> Result<(), DatabaseError> {
        self.before_statement("COMMIT")?;
        sqlx::query("COMMIT").execute(&mut *self.connection).await.map_err(failed)?;
        self.open = false;
        #[cfg(test)]
        self.faults.after_commit()?;
        Ok(())
    }

    /// Rolls the transaction back.
    pub(in crate::auth) async fn roll_back(mut self) {
        if sqlx::query("ROLLBACK").execute(&mut *self.connection).await.is_ok() {
            self.open = false;
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.open {
            self.connection.close_on_drop();
        }
    }
}
