//! Opening the file, and bringing it to the newest schema.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::DatabaseError;
use super::failure::{failed, is_busy};
use crate::problem::BoxError;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How many connections read at once.
const READERS: u32 = 4;
/// How long a statement that writes waits for another process before it is tried again, or fails.
const BUSY: Duration = Duration::from_millis(250);
/// How often a change of schema is tried while another process writes: for ten seconds.
const MIGRATION_TRIES: u32 = 40;
/// How long a transaction waits for a connection; then the database counts as away.
const ACQUIRE: Duration = Duration::from_secs(10);

/// How long a probe may take to write.
const PROBE: Duration = Duration::from_secs(2);

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

/// The database: one SQLite file. Its clones share their connections.
///
/// One connection writes, a few read beside it. What was answered survives the death of the
/// process and of the power: each change is on the disk before it is answered. Several processes
/// may share the file.
///
/// ```
/// use portcullis::auth::Database;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let folder = tempfile::tempdir()?;
/// let url = format!("sqlite://{}", folder.path().join("portcullis.db").display());
/// let database = Database::connect(&url).await?;
/// database.migrate().await?;
/// database.ping().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Database {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Keeps a database in memory alive while no other connection is open.
    anchor: Option<SqlitePool>,
    #[cfg(test)]
    faults: super::faults::Faults,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("in_memory", &self.anchor.is_some())
            .finish_non_exhaustive()
    }
}

fn pool() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .acquire_timeout(ACQUIRE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

impl Database {
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
        let options = options.busy_timeout(ACQUIRE).pragma("query_only", "ON");
        let readers = readers.connect_lazy_with(options);
        Ok(Self {
            writer,
            readers,
            anchor: None,
            #[cfg(test)]
            faults: super::faults::Faults::default(),
        })
    }

    /// A database in memory: for tests and examples. It is gone with its last clone. One connection
    /// does all of its work. Building an [`Auth`](crate::auth::Auth) on it makes its schema.
    #[must_use]
    pub fn in_memory() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let name = format!("file:portcullis-{}", MADE.fetch_add(1, Ordering::Relaxed));
        let options = SqliteConnectOptions::new()
            .filename(name)
            .in_memory(true)
            .shared_cache(true)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        let connect = || pool().max_connections(1).connect_lazy_with(options.clone());
        let writer = connect();
        Self {
            readers: writer.clone(),
            writer,
            anchor: Some(connect()),
            #[cfg(test)]
            faults: super::faults::Faults::default(),
        }
    }

    /// Whether it is kept in memory only.
    pub(in crate::auth) fn is_in_memory(&self) -> bool {
        self.anchor.is_some()
    }

    pub(super) fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    pub(super) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Where tests let it fail.
    #[cfg(test)]
    pub(in crate::auth) fn faults(&self) -> &super::faults::Faults {
        &self.faults
    }

    /// Whether the database can be written: a small change is made and committed.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] where it cannot be, or not within two seconds.
    pub async fn probe(&self) -> Result<(), DatabaseError> {
        // A number in the file's head that nobody reads: to write it is to write the file.
        let number = super::sql("PRAGMA user_version = 1");
        let written = self.write_beside(async |db| number.execute(db).await.map(drop));
        tokio::time::timeout(PROBE, written)
            .await
            .unwrap_or_else(|late| Err(DatabaseError::Unavailable(late.into())))
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] where it does not.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        super::sql("SELECT max(seq) AS newest FROM changes").one(self).await.map(drop)
    }

    /// Brings the database to the newest schema, in one step: all of it or nothing. Does nothing
    /// where it is there already.
    ///
    /// # Errors
    /// [`ConnectError::Newer`] where the database has a schema this program does not know;
    /// [`ConnectError::Migrate`] where it is not one of ours.
    pub async fn migrate(&self) -> Result<(), ConnectError> {
        let wrong = |error: DatabaseError| ConnectError::Migrate(error.into());
        if let Some(anchor) = &self.anchor {
            // Goes back into its pool, and stays there for as long as the database lives.
            drop(anchor.acquire().await.map_err(|error| wrong(failed(error)))?);
        }
        // The driver's own transaction: each migration becomes a savepoint within it.
        let mut tries = 0;
        let mut transaction = loop {
            match self.writer.begin_with("BEGIN IMMEDIATE").await {
                Ok(transaction) => break transaction,
                Err(error) if is_busy(&error) && tries < MIGRATION_TRIES => tries += 1,
                Err(error) => return Err(wrong(failed(error))),
            }
        };
        match MIGRATIONS.run_direct(None, &mut *transaction, false).await {
            Ok(()) => transaction.commit().await.map_err(|error| wrong(failed(error))),
            Err(MigrateError::VersionMissing(found)) if found > newest() => {
                Err(ConnectError::Newer { found, known: newest() })
            }
            Err(error) => Err(ConnectError::Migrate(error.into())),
        }
    }

    /// Waits for the transactions under way and closes the file. Dropping the database is as safe; this also
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
