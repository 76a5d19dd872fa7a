//! PostgreSQL: any number of nodes over one database.
//!
//! A node has one connection that writes, a few that read, and one that listens. Before a transaction
//! writes, it takes one lock that all nodes share (`hold_writing()` of the migrations), so that there is
//! one writer, as SQLite has it. Statements are those of SQLite, letter by letter.

mod address;
mod connection;
mod failure;
mod listener;
mod values;

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use self::address::Address;
pub(super) use self::connection::Connection;
pub(super) use self::failure::failed;
pub(super) use self::listener::Listener;
pub(super) use self::values::{boolean, bytes, integer, text};
use super::connect::{ConnectError, newest, unmigrated};
use super::statement::Value;
use super::{DatabaseError, DatabaseSettings, Row, Wakes};

/// A transaction of ours holds the lock already: sqlx's would outlive one that fails.
static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("migrations/postgres");
    migrations.set_locking(false);
    migrations
});

/// What only one may do at a time, whichever the schema: to look for the schema and to make it.
const MIGRATING: &str = "SELECT pg_advisory_xact_lock(1886548836, 0)";

/// How a transaction begins that writes. Each statement sees what was committed before it began, so those
/// behind the lock see all that others wrote before. A stricter level, which a server may have as its
/// default, would show the moment before the lock was waited for.
const WRITING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// How long a connection may have been idle before it is tried out: a server that was restarted, or a
/// firewall, leaves dead ones.
const UNTRIED: Duration = Duration::from_secs(1);

/// The oldest version that is tested, as `server_version_num` has it.
const OLDEST: i64 = 130_000;

/// The connections to one server.
#[derive(Clone)]
pub(super) struct Postgres {
    writer: PgPool,
    readers: PgPool,
    listener: PgPool,
    server: String,
    /// Whether it is for one test, which makes its schema.
    scratch: bool,
    settings: DatabaseSettings,
    writing: SqlStr,
    viewing: SqlStr,
    probing: SqlStr,
}

impl Postgres {
    pub(super) async fn open(url: &str, settings: &DatabaseSettings) -> Result<Self, ConnectError> {
        let this = Self::lazy(Address::read(url)?, false, settings);
        this.refuse_unfit().await?;
        Ok(this)
    }

    /// The same for a test: nothing is asked of the server yet.
    #[cfg(feature = "testing")]
    pub(super) fn scratch(url: &str) -> Result<Self, ConnectError> {
        Ok(Self::lazy(Address::read(url)?, true, &DatabaseSettings::default()))
    }

    fn lazy(address: Address, scratch: bool, settings: &DatabaseSettings) -> Self {
        let Address { options, server } = address;
        let connect = |most: u32| pool(settings, most).connect_lazy_with(options.clone());
        let limits = |begin: &str, lock: Duration| {
            let mut text = begin.to_owned();
            for (name, limit) in [
                ("lock_timeout", lock),
                ("statement_timeout", settings.statement_timeout),
                ("idle_in_transaction_session_timeout", settings.statement_timeout),
            ] {
                let _ = write!(text, "; SET LOCAL {name} = {}", limit.as_millis().max(1));
            }
            text
        };
        let statement = |text: String| AssertSqlSafe(text).into_sql_str();
        let (lock, most) = (settings.lock_timeout, settings.statement_timeout);
        Self {
            writer: connect(1),
            readers: connect(settings.connections),
            listener: connect(1),
            server,
            scratch,
            settings: *settings,
            writing: statement(limits(WRITING, lock) + "; SELECT hold_writing()"),
            viewing: statement(limits("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", most)),
            probing: statement(limits(WRITING, lock)),
        }
    }

    /// The host, the port and the name.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    pub(super) fn lock_timeout(&self) -> Duration {
        self.settings.lock_timeout
    }

    pub(super) fn is_scratch(&self) -> bool {
        self.scratch
    }

    /// Opens the first connection, and says what would fail later on.
    async fn refuse_unfit(&self) -> Result<(), ConnectError> {
        let server = || self.server.clone();
        let reach =
            |error: sqlx::Error| ConnectError::Reach { server: server(), source: error.into() };
        let (version, encoding, standby): (String, String, bool) = sqlx::query_as(
            "SELECT current_setting('server_version_num'), current_setting('server_encoding'),
                pg_is_in_recovery()",
        )
        .fetch_one(&self.writer)
        .await
        .map_err(reach)?;
        let wrong = if version.parse().is_ok_and(|version: i64| version < OLDEST) {
            "its version is before 13: use a newer one"
        } else if encoding != "UTF8" {
            "its encoding is not UTF8: make another by `createdb --encoding=UTF8 --template=template0`"
        } else if standby {
            "it is a standby, which takes no changes: name the primary"
        } else {
            return Ok(());
        };
        Err(ConnectError::Unfit { server: server(), wrong })
    }

    pub(super) async fn writer(&self) -> Result<(Connection, SqlStr), DatabaseError> {
        Ok((self.take(&self.writer).await?, self.writing.clone()))
    }

    pub(super) async fn viewer(&self) -> Result<(Connection, SqlStr), DatabaseError> {
        Ok((self.take(&self.readers).await?, self.viewing.clone()))
    }

    pub(super) async fn prober(&self) -> Result<(Connection, SqlStr), DatabaseError> {
        Ok((self.take(&self.readers).await?, self.probing.clone()))
    }

    /// Reads by itself. What reads may be asked again where its connection turns out to be dead.
    pub(super) async fn read(
        &self,
        text: SqlStr,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, DatabaseError> {
        for _ in 0..self.settings.connections {
            let mut connection = self.take(&self.readers).await?;
            match connection.rows(text.clone(), values.clone()).await {
                Err(_) if connection.is_lost() => {}
                done => return done,
            }
        }
        self.take(&self.readers).await?.rows(text, values).await
    }

    pub(super) fn wakes(&self) -> Wakes {
        Wakes::of(Listener::new(self.listener.clone()))
    }

    async fn take(&self, pool: &PgPool) -> Result<Connection, DatabaseError> {
        let patience = self.settings.statement_timeout + self.settings.lock_timeout;
        Ok(Connection::new(pool.acquire().await.map_err(failed)?, patience))
    }

    pub(super) async fn migrate(&self) -> Result<(), ConnectError> {
        let wrong = |error: sqlx::Error| ConnectError::Migrate(failed(error).into());
        let mut connection = self.writer.acquire().await.map_err(wrong)?;
        // A role that may not change the schema finds that it need not.
        let all = i64::try_from(MIGRATIONS.iter().count()).unwrap_or(i64::MAX);
        if found(&mut connection).await.map_err(wrong)? == Some((newest(&MIGRATIONS), all)) {
            return Ok(());
        }
        drop(connection);
        let begun = self.writer.begin_with(WRITING).await;
        let mut transaction = begun.map_err(wrong)?;
        sqlx::raw_sql(MIGRATING).execute(&mut *transaction).await.map_err(wrong)?;
        // The URL may name a schema that is not there yet.
        let named =
            "SELECT quote_ident(trim('\"' FROM split_part(current_setting('search_path'), ',', 1)))
            WHERE current_schema() IS NULL";
        let named: Option<String> =
            sqlx::query_scalar(named).fetch_optional(&mut *transaction).await.map_err(wrong)?;
        if let Some(schema) = named {
            let made = AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {schema}"));
            sqlx::raw_sql(made).execute(&mut *transaction).await.map_err(wrong)?;
        }
        // The functions of the migrations name the schema that they were made in, and no other.
        let path =
            "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)";
        sqlx::raw_sql(path).execute(&mut *transaction).await.map_err(wrong)?;
        match MIGRATIONS.run_direct(None, &mut *transaction, false).await {
            Ok(()) => transaction.commit().await.map_err(wrong),
            Err(error) => Err(unmigrated(error, &MIGRATIONS)),
        }
    }

    /// Whether no schema was made yet.
    pub(super) async fn is_empty(&self) -> Result<bool, DatabaseError> {
        let mut connection = self.writer.acquire().await.map_err(failed)?;
        Ok(found(&mut connection).await.map_err(failed)?.is_none())
    }

    pub(super) async fn close(&self) {
        self.listener.close().await;
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// The newest migration that was made, and how many were; `None` where there is no schema.
async fn found(connection: &mut PgConnection) -> Result<Option<(i64, i64)>, sqlx::Error> {
    let there = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    if !sqlx::query_scalar(there).fetch_one(&mut *connection).await? {
        return Ok(None);
    }
    sqlx::query_as("SELECT coalesce(max(version), 0), count(*) FROM _sqlx_migrations")
        .fetch_optional(connection)
        .await
}

fn pool(settings: &DatabaseSettings, most: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(settings.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, past| {
            Box::pin(async move {
                if past.idle_for < UNTRIED {
                    return Ok(true);
                }
                Ok(sqlx::Connection::ping(connection).await.is_ok())
            })
        })
}

/// Options as every connection has them.
fn named(options: PgConnectOptions) -> PgConnectOptions {
    if options.get_application_name().is_some() {
        return options;
    }
    options.application_name("portcullis")
}
