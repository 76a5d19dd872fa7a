//! A fresh database for each test, on whichever engine.

use crate::auth::Database;

/// A fresh database for a test, in memory. Where the environment variable `PORTCULLIS_TEST_POSTGRES_URL`
/// names a PostgreSQL server (feature `postgres`), it is a schema of its own there, and stays behind: let
/// the variable name a database that is thrown away.
///
/// Building an [`Auth`](crate::auth::Auth) on it makes its schema.
///
/// ```
/// use portcullis::testing::database;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let database = database();
/// database.migrate().await?;
/// database.ping().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// # Panics
/// Where the variable holds no URL of a server, or the system has no randomness to give.
#[must_use]
pub fn database() -> Database {
    #[cfg(feature = "postgres")]
    if let Some(url) = database_url() {
        return super::must("a server", Database::scratch(&url));
    }
    Database::in_memory()
}

/// The URL of a fresh schema where the variable names a server: for what opens the database itself, or
/// twice.
///
/// # Panics
/// Where the system has no randomness to give.
#[cfg(feature = "postgres")]
#[must_use]
pub fn database_url() -> Option<String> {
    let url = server()?;
    let name: [u8; 8] = super::must("randomness", crate::clock::Sources::system().bytes());
    let name = u64::from_be_bytes(name);
    let and = if url.contains('?') { '&' } else { '?' };
    Some(format!("{url}{and}options[search_path]=test_{name:016x}"))
}

/// The server that tests may use.
#[cfg(feature = "postgres")]
#[expect(clippy::disallowed_methods, reason = "the engine of a test is no setting of the library")]
fn server() -> Option<String> {
    std::env::var("PORTCULLIS_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty())
}
