//! Opening a database, and bringing it to the newest schema.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{SqlSafeStr, SqlStr};

use super::connection::{Connection, IMMEDIATE};
use super::failure::failed;
#[cfg(feature = "postgres")]
use super::postgres::Postgres;
use super::sqlite::Sqlite;
use super::statement::Value;
use super::{DatabaseError, DatabaseSettings, Row};
use crate::problem::BoxError;

/// How long a probe may take to write.
const PROBE: Duration = Duration::from_secs(2);

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is of no kind we know, or has a part that cannot be.
    #[error(
        "{url:?} is no database we know: write it like sqlite://portcullis.db or \
         postgres://user@host/portcullis"
    )]
    Url {
        /// What was given; of a server's URL only how it begins.
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
    /// The server cannot be reached, or does not let us in.
    #[error("cannot open the database {server}")]
    Reach {
        /// Which one: the host, the port and the name, without a password.
        server: String,
        /// Why not.
        #[source]
        source: BoxError,
    },
    /// The server, or the way to it, cannot be used as it is set up.
    #[error("the database {server} cannot be used: {wrong}")]
    Unfit {
        /// Which one.
        server: String,
        /// Why not, and what to do.
        wrong: &'static str,
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

/// The database: one SQLite file, or one on a PostgreSQL server. Its clones share their connections.
///
/// One connection writes, a few read beside it. What was answered survives the death of the
/// process and of the power: each change is on the disk before it is answered. Several processes
/// may share the database; on PostgreSQL they may be nodes on many machines.
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
    engine: Engine,
    #[cfg(test)]
    faults: super::faults::Faults,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Sqlite),
    #[cfg(feature = "postgres")]
    Postgres(Postgres),
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Database");
        match &self.engine {
            Engine::Sqlite(sqlite) => shown.field("in_memory", &sqlite.is_in_memory()),
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => shown.field("server", &postgres.server()),
        };
        shown.finish_non_exhaustive()
    }
}

impl Database {
    fn over(engine: Engine) -> Self {
        Self {
            engine,
            #[cfg(test)]
            faults: super::faults::Faults::default(),
        }
    }

    /// Opens the database of a URL, as [`connect_with`](Self::connect_with) does, with the settings
    /// that suit most.
    ///
    /// # Errors
    /// [`ConnectError`] where the URL is of another kind or the database cannot be opened.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::connect_with(url, &DatabaseSettings::default()).await
    }

    /// Opens the database of a URL. Call [`migrate`](Self::migrate) before anything else.
    ///
    /// - `sqlite://portcullis.db` is a file; it is made, for its owner only, where there is none.
    /// - `postgres://user:password@host:5432/portcullis` is a database of a server (feature `postgres`).
    ///   Beyond this machine the connection is encrypted and the server's certificate verified, unless the
    ///   URL says otherwise by `?sslmode=`; `prefer` and `allow`, which whoever stands in between can turn
    ///   off, are refused there. `?sslrootcert=FILE` names an authority of one's own. What the URL leaves
    ///   out comes from the variables of the environment that every PostgreSQL client reads (`PGPASSWORD`,
    ///   `PGPASSFILE`, …). `?options[search_path]=auth` keeps everything in the schema `auth`, which
    ///   [`migrate`](Self::migrate) makes where it is missing.
    ///
    /// # Errors
    /// [`ConnectError`] where the URL is of another kind or the database cannot be opened. It holds no
    /// password.
    pub async fn connect_with(
        url: &str,
        settings: &DatabaseSettings,
    ) -> Result<Self, ConnectError> {
        if url.starts_with("sqlite:") {
            return Ok(Self::over(Engine::Sqlite(Sqlite::open(url, settings).await?)));
        }
        let server =
            ["postgres://", "postgresql://"].into_iter().find(|kind| url.starts_with(kind));
        match server {
            #[cfg(feature = "postgres")]
            Some(_) => Ok(Self::over(Engine::Postgres(Postgres::open(url, settings).await?))),
            // A password may stand in it.
            #[cfg(not(feature = "postgres"))]
            Some(kind) => Err(ConnectError::Url { url: format!("{kind}…") }),
            None => Err(ConnectError::Url { url: url.to_owned() }),
        }
    }

    /// A database in memory: for tests and examples. It is gone with its last clone. One connection
    /// does all of its work. Building an [`Auth`](crate::auth::Auth) on it makes its schema.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::over(Engine::Sqlite(Sqlite::in_memory()))
    }

    /// The database of this URL, for one test: nothing is asked of the server before the schema is
    /// made, by [`migrate`](Self::migrate) or by building an [`Auth`](crate::auth::Auth) on it.
    #[cfg(all(feature = "postgres", feature = "testing"))]
    pub(crate) fn scratch(url: &str) -> Result<Self, ConnectError> {
        Ok(Self::over(Engine::Postgres(Postgres::scratch(url)?)))
    }

    /// Whether whoever builds an [`Auth`](crate::auth::Auth) on it finds no schema yet.
    pub(in crate::auth) fn makes_its_schema(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.is_in_memory(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.is_scratch(),
        }
    }

    /// Whether several nodes may share it, each on a machine of its own.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => true,
        }
    }

    /// How long a change waits for its turn.
    pub(super) fn lock_timeout(&self) -> Duration {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.lock_timeout,
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.lock_timeout(),
        }
    }

    /// Where tests let it fail.
    #[cfg(test)]
    pub(in crate::auth) fn faults(&self) -> &super::faults::Faults {
        &self.faults
    }

    /// The connection that writes, and how a transaction begins on it that is the only one to write.
    pub(super) async fn writer(&self) -> Result<(Connection, SqlStr), DatabaseError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => {
                let writer = sqlite.writer.acquire().await.map_err(failed)?;
                Ok((Connection::Sqlite(writer), IMMEDIATE.into_sql_str()))
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => {
                let (writer, how) = postgres.writer().await?;
                Ok((Connection::Postgres(writer), how))
            }
        }
    }

    /// A connection that reads, and how a transaction begins on it that sees one moment.
    pub(super) async fn viewer(&self) -> Result<(Connection, SqlStr), DatabaseError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => {
                let reader = sqlite.readers.acquire().await.map_err(failed)?;
                Ok((Connection::Sqlite(reader), "BEGIN".into_sql_str()))
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => {
                let (reader, how) = postgres.viewer().await?;
                Ok((Connection::Postgres(reader), how))
            }
        }
    }

    /// Reads by itself.
    pub(super) async fn read(
        &self,
        text: SqlStr,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, DatabaseError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => {
                let reader = sqlite.readers.acquire().await.map_err(failed)?;
                Connection::Sqlite(reader).rows(text, values).await
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.read(text, values).await,
        }
    }

    /// What wakes this process where another has changed something.
    pub(in crate::auth) fn wakes(&self) -> super::Wakes {
        match &self.engine {
            Engine::Sqlite(_) => super::Wakes::none(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.wakes(),
        }
    }

    /// Whether the database can be written: a small change is made and committed.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] where it cannot be, or not within two seconds.
    pub async fn probe(&self) -> Result<(), DatabaseError> {
        let written = async {
            let (begun, statement) = match &self.engine {
                // A number in the file's head that nobody reads: to write it is to write the file.
                Engine::Sqlite(_) => (self.begin_writing().await?, "PRAGMA user_version = 1"),
                // A row of its own, beside those who write: it must not wait for its turn.
                #[cfg(feature = "postgres")]
                Engine::Postgres(postgres) => {
                    let (reader, how) = postgres.prober().await?;
                    let begun = self.begin(Connection::Postgres(reader), how).await?;
                    (begun, "UPDATE readiness SET written = NOT written")
                }
            };
            let mut transaction = begun;
            match super::sql(statement).execute(&mut transaction).await {
                Ok(_) => transaction.commit().await,
                Err(error) => {
                    transaction.roll_back().await;
                    Err(error)
                }
            }
        };
        tokio::time::timeout(PROBE, written)
            .await
            .unwrap_or_else(|late| Err(DatabaseError::Unavailable(late.into())))
    }

    /// Whether no schema was made in it yet.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] where it is away.
    pub async fn is_empty(&self) -> Result<bool, DatabaseError> {
        match &self.engine {
            Engine::Sqlite(_) => {
                let there = super::sql(
                    "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'users') AS found",
                );
                Ok(!there.found(self).await?)
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.is_empty().await,
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] where it does not.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        super::sql("SELECT max(seq) AS newest FROM changes").one(self).await.map(drop)
    }

    /// Brings the database to the newest schema, in one step: all of it or nothing. Does nothing
    /// where it is there already. Several processes may do it at once: one does, the others wait.
    ///
    /// # Errors
    /// [`ConnectError::Newer`] where the database has a schema this program does not know;
    /// [`ConnectError::Migrate`] where it is not one of ours.
    pub async fn migrate(&self) -> Result<(), ConnectError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.migrate().await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.migrate().await,
        }
    }

    /// Waits for the transactions under way and closes every connection. Dropping the database is as
    /// safe; on SQLite this also leaves no `-wal` file behind.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.close().await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.close().await,
        }
    }
}

/// Why the newest schema could not be reached.
pub(super) fn unmigrated(error: MigrateError, migrations: &Migrator) -> ConnectError {
    let known = newest(migrations);
    match error {
        MigrateError::VersionMissing(found) if found > known => {
            ConnectError::Newer { found, known }
        }
        error => ConnectError::Migrate(error.into()),
    }
}

/// The newest schema known here.
pub(super) fn newest(migrations: &Migrator) -> i64 {
    migrations.iter().map(|migration| migration.version).max().unwrap_or_default()
}
