//! How many connections a process holds, and how long it waits.

use std::time::Duration;

/// How many connections a process holds, and how long it waits for one, for a statement and for others
/// that write. The defaults suit one node with a database near by.
///
/// ```
/// use portcullis::auth::DatabaseSettings;
///
/// let mut settings = DatabaseSettings::default();
/// settings.connections = 20;
/// assert_eq!(settings.lock_timeout.as_secs(), 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseSettings {
    /// How many connections read at once: 1 to 1 000. One more writes; on PostgreSQL one more listens.
    pub connections: u32,
    /// How long a statement waits for a connection before the database counts as away.
    pub acquire_timeout: Duration,
    /// How long one statement may take on PostgreSQL before it is given up. A transaction that does
    /// nothing for so long is ended by the server, so that a node that is cut off holds nobody up.
    pub statement_timeout: Duration,
    /// How long a change waits for others that write.
    pub lock_timeout: Duration,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            connections: 8,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(5),
        }
    }
}

impl DatabaseSettings {
    /// The most connections of one process.
    pub const MOST_CONNECTIONS: u32 = 1000;
}
