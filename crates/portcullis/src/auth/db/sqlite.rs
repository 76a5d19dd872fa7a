//! The embedded engine: one file, or memory.

use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::connect::{ConnectError, unmigrated};
use super::connection::IMMEDIATE;
use super::failure::{failed, is_busy};
use super::{DatabaseError, DatabaseSettings};
use crate::problem::BoxError;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a statement that writes waits for another process before it is tried again, or fails.
const BUSY: Duration = Duration::from_millis(250);
/// How often a change of schema is tried while another process writes: for ten seconds.
const MIGRATION_TRIES: u32 = 40;
/// How long a statement that reads waits for another process.
const READING: Duration = Duration::from_secs(10);

/// How long to wait where several switch a new file to its journal at once, and how often.
const AGAIN: (Duration, u32) = (Duration::from_millis(20), 50);

/// One connection that writes, a few that read beside it.
#[derive(Clone)]
pub(super) struct Sqlite {
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
    /// Keeps a database in memory alive while no other connection is open.
    anchor: Option<SqlitePool>,
    pub(super) lock_timeout: Duration,
}

fn pool(settings: &DatabaseSettings) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .acquire_timeout(settings.acquire_timeout)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

impl Sqlite {
    pub(super) async fn open(url: &str, settings: &DatabaseSettings) -> Result<Self, ConnectError> {
        let invalid = || ConnectError::Url { url: url.to_owned() };
        // A database in memory would be another one for each connection.
        if url.contains(":memory:") || url.contains("mode=") {
            return Err(invalid());
        }
        let options = SqliteConnectOptions::from_str(url).map_err(|_| invalid())?;
        let file = options.get_filename().to_owned();
        if file.as_os_str().is_empty() {
            return Err(invalid());
        }
        let unopened = |source: BoxError| ConnectError::Open { file: file.clone(), source };
        make_file(&file).await.map_err(|error| unopened(error.into()))?;
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        // SQLite does not wait for its turn where several switch a new file to WAL at once.
        let mut tries = 0;
        let writer = loop {
            match pool(settings).max_connections(1).connect_with(options.clone()).await {
                Ok(writer) => break writer,
                Err(error) if tries < AGAIN.1 && error.to_string().contains("locked") => {
                    tries += 1;
                    tokio::time::sleep(AGAIN.0).await;
                }
                Err(error) => return Err(unopened(error.into())),
            }
        };
        let readers = pool(settings).max_connections(settings.connections);
        let options = options.busy_timeout(READING).pragma("query_only", "ON");
        let readers = readers.connect_lazy_with(options);
        Ok(Self { writer, readers, anchor: None, lock_timeout: settings.lock_timeout })
    }

    pub(super) fn in_memory() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let settings = DatabaseSettings::default();
        let name = format!("file:portcullis-{}", MADE.fetch_add(1, Ordering::Relaxed));
        let options = SqliteConnectOptions::new()
            .filename(name)
            .in_memory(true)
            .shared_cache(true)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        let connect = || pool(&settings).max_connections(1).connect_lazy_with(options.clone());
        let writer = connect();
        Self {
            readers: writer.clone(),
            writer,
            anchor: Some(connect()),
            lock_timeout: settings.lock_timeout,
        }
    }

    pub(super) fn is_in_memory(&self) -> bool {
        self.anchor.is_some()
    }

    pub(super) async fn migrate(&self) -> Result<(), ConnectError> {
        let wrong = |error: DatabaseError| ConnectError::Migrate(error.into());
        if let Some(anchor) = &self.anchor {
            // Goes back into its pool, and stays there for as long as the database lives.
            drop(anchor.acquire().await.map_err(|error| wrong(failed(error)))?);
        }
        // The driver's own transaction: each migration becomes a savepoint within it.
        let mut tries = 0;
        let mut transaction = loop {
            match self.writer.begin_with(IMMEDIATE).await {
                Ok(transaction) => break transaction,
                Err(error) if is_busy(&error) && tries < MIGRATION_TRIES => tries += 1,
                Err(error) => return Err(wrong(failed(error))),
            }
        };
        match MIGRATIONS.run_direct(None, &mut *transaction, false).await {
            Ok(()) => transaction.commit().await.map_err(|error| wrong(failed(error))),
            Err(error) => Err(unmigrated(error, &MIGRATIONS)),
        }
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Makes the file, readable for its owner only; leaves one that is there.
async fn make_file(file: &Path) -> std::io::Result<()> {
    let mut options = tokio::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(file).await.map(drop)
}
