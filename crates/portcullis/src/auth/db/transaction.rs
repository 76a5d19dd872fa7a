//! A transaction that leaves no connection behind in an unknown state.

use std::fmt;

use sqlx::{SqlSafeStr, SqlStr};

use super::connection::Connection;
use super::{Database, DatabaseError, DatabaseSettings};

/// A transaction. Whoever drops it before it is committed or rolled back closes its connection: what
/// the engine makes of one that broke in the middle cannot be known.
pub(in crate::auth) struct Transaction {
    connection: Connection,
    open: bool,
    #[cfg(test)]
    faults: super::faults::Faults,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("open", &self.open).finish_non_exhaustive()
    }
}

impl Database {
    /// Begins a transaction that writes: the only one at a time, whichever process begins it, so that
    /// what it reads stays true and changes are numbered in the order of their commits.
    ///
    /// `Auth::write` calls this; what writes beside it calls [`Self::write_beside`].
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] also where its turn does not come within
    /// [`DatabaseSettings::lock_timeout`]. That covers the queue as well: one that stands behind ten others
    /// waits no longer than the first.
    pub(in crate::auth) async fn begin_writing(&self) -> Result<Transaction, DatabaseError> {
        let begun = tokio::time::timeout(self.lock_timeout(), self.take_turn()).await;
        begun.unwrap_or_else(|late| Err(DatabaseError::Unavailable(late.into())))
    }

    async fn take_turn(&self) -> Result<Transaction, DatabaseError> {
        let (connection, how) = self.writer().await?;
        match self.begin(connection, how).await {
            // Nothing has happened yet on a connection that turns out to be dead: the next one is new.
            Err(Unbegun { lost: true, .. }) => {
                let (connection, how) = self.writer().await?;
                Ok(self.begin(connection, how).await?)
            }
            begun => Ok(begun?),
        }
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
        let mut view = self.begin_view().await?;
        let result = read(&mut view).await;
        view.roll_back().await;
        result
    }

    async fn begin_view(&self) -> Result<Transaction, DatabaseError> {
        // Each try takes a dead connection out of the pool, and no pool is larger.
        for _ in 0..DatabaseSettings::MOST_CONNECTIONS {
            let (connection, how) = self.viewer().await?;
            match self.begin(connection, how).await {
                Err(Unbegun { lost: true, .. }) => {}
                begun => return Ok(begun?),
            }
        }
        let (connection, how) = self.viewer().await?;
        Ok(self.begin(connection, how).await?)
    }

    /// Begins a transaction as the engine says.
    pub(super) async fn begin(
        &self,
        connection: Connection,
        how: SqlStr,
    ) -> Result<Transaction, Unbegun> {
        let mut transaction = Transaction {
            connection,
            // Counts as open while it begins: a caller that goes away meanwhile must not hand a
            // connection back that is inside a transaction.
            open: true,
            #[cfg(test)]
            faults: self.faults().clone(),
        };
        transaction.before_statement(how.as_str())?;
        let Err(error) = transaction.connection.control(how).await else { return Ok(transaction) };
        let lost = transaction.connection.is_lost();
        if matches!(error, DatabaseError::Unavailable(_)) && !lost {
            if transaction.connection.begins_in_part() {
                transaction.roll_back().await;
            } else {
                transaction.open = false;
            }
        }
        Err(Unbegun { error, lost })
    }
}

/// A transaction that did not begin.
pub(super) struct Unbegun {
    error: DatabaseError,
    /// Whether its connection turned out to be dead.
    lost: bool,
}

impl From<DatabaseError> for Unbegun {
    fn from(error: DatabaseError) -> Self {
        Self { error, lost: false }
    }
}

impl From<Unbegun> for DatabaseError {
    fn from(unbegun: Unbegun) -> Self {
        unbegun.error
    }
}

impl Transaction {
    pub(super) fn connection(&mut self) -> &mut Connection {
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
        self.connection.control("COMMIT".into_sql_str()).await?;
        self.open = false;
        #[cfg(test)]
        self.faults.after_commit()?;
        Ok(())
    }

    /// Rolls the transaction back.
    pub(in crate::auth) async fn roll_back(mut self) {
        if self.connection.control("ROLLBACK".into_sql_str()).await.is_ok() {
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
