//! `[cluster]`: several processes over one database.

use std::time::Duration;

use super::table::settings;

settings! {
    /// Several processes over one database.
    Cluster reads "cluster" {
        /// How long this process may answer from memory without having read what others changed: 100ms to
        /// 60s. A change of another process counts after this time at the latest; usually within a tenth
        /// of a second. Where the database is away for longer, guarded routes answer 503.
        max_staleness: Duration = Duration::from_secs(1);
    }
}
