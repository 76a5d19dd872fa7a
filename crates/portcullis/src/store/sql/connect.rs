//! Opening the file, and bringing it to the newest schema.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{SqlStore, failed};
use crate::problem::BoxError;
use crate::store::StoreError;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How many connections read at once.
const READERS: u32 = 4;
/// How long a deed waits for another process that writes.
const BUSY: Duration = Duration::from_secs(5);
/// How long a deed waits for a connection; then the store counts as away.
const ACQUIRE: Duration = Duration::from_secs(10);

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not one of a SQLite file.
    #[error("{url:?} is no database we know: write it like sqlite://portcullis.db")]
    Url {
        /// What was given.
        url: String,
    },
    /// The file cannot be opened or made.
    #[error("cannot open the database {}", file.display())]
    Open {
        /// Which file.
        file: PathBuf,
        /// Why not.
        #[source]
        source: BoxError,
    },
    /// A newer version of the program wrote it.
    #[error(
        "the database has schema {found}, this program knows up to {known}: use a newer version of \
         the program, or a copy of the database from before"
    )]
    Newer {
        /// The schema of the database.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// Its schema is not one of ours, or the change of schema failed. Nothing was changed.
    #[error("cannot bring the database to the newest schema")]
    Migrate(#[source] BoxError),
}

impl SqlStore {
    /// Opens the SQLite file of a URL such as `sqlite://portcullis.db`, and makes it, for its owner
    /// only, where there is none. Call [`migrate`](Self::migrate) before anything else.
    ///
    /// # Errors
    /// [`ConnectError`] where the URL is of another kind or the file cannot be opened.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        let invalid = || ConnectError::Url { url: url.to_owned() };
        // A database in memory would be another one for each connection.
        if !url.starts_with("sqlite:") || url.contains(":memory:") || url.contains("mode=") {
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
        let pool = || {
            SqlitePoolOptions::new()
                .acquire_timeout(ACQUIRE)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
        };
        // SQLite does not wait for its turn where several switch a new file to WAL at once.
        let mut tries = 0;
        let writer = loop {
            match pool().max_connections(1).connect_with(options.clone()).await {
                Ok(writer) => break writer,
                Err(error) if tries < 50 && error.to_string().contains("locked") => {
                    tries += 1;
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                Err(error) => return Err(unopened(error.into())),
            }
        };
        let readers = pool().max_connections(READERS);
        let readers = readers.connect_lazy_with(options.pragma("query_only", "ON"));
        Ok(Self { writer, readers })
    }

    /// Brings the database to the newest schema, in one step: all of it or nothing. Does nothing
    /// where it is there already.
    ///
    /// # Errors
    /// [`ConnectError::Newer`] where the database has a schema this program does not know;
    /// [`ConnectError::Migrate`] where it is not one of ours.
    pub async fn migrate(&self) -> Result<(), ConnectError> {
        let wrong = |error: StoreError| ConnectError::Migrate(error.into());
        let mut transaction = self.write().await.map_err(wrong)?;
        match MIGRATIONS.run_direct(None, &mut *transaction, false).await {
            Ok(()) => transaction.commit().await.map_err(|error| wrong(failed(error))),
            Err(MigrateError::VersionMissing(found)) if found > newest() => {
                Err(ConnectError::Newer { found, known: newest() })
            }
            Err(error) => Err(ConnectError::Migrate(error.into())),
        }
    }

    /// Waits for the deeds under way and closes the file. Dropping the store is as safe; this also
    /// leaves no `-wal` file behind.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// The newest schema known here.
fn newest() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// Makes the file, readable for its owner only; leaves one that is there.
async fn make_file(file: &Path) -> std::io::Result<()> {
    let mut options = tokio::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(file).await.map(drop)
}
