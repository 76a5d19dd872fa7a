//! Deleting rows that no longer count: each topic says which of its rows those are.

use super::db::{DatabaseError, Transaction, forget_old_changes, sql};
use super::{Auth, Settings, api_keys, audit, invitations, keys, sessions, tokens};
use crate::types::Timestamp;

/// How many rows one transaction deletes, so that others may write in between.
const BATCH: i64 = 500;

/// Rows of one table that no longer count from some moment on.
#[derive(Clone, Copy, Debug)]
pub(in crate::auth) struct Sweep {
    /// `$1` is the moment, `$2` how many rows at the most.
    pub(in crate::auth) statement: &'static str,
    /// Whether the rows stay until the last access token that they could concern has expired.
    pub(in crate::auth) waits: bool,
}

impl Auth {
    pub(super) async fn delete_what_expired(&self, now: Timestamp) -> Result<u64, DatabaseError> {
        let longest = jiff::SignedDuration::from_secs(Settings::LONGEST_ACCESS_TTL.into());
        let waited = now.checked_sub(longest).unwrap_or(Timestamp::MIN);
        let sweeps = [
            tokens::SWEEPS,
            api_keys::SWEEPS,
            invitations::SWEEPS,
            #[cfg(feature = "oauth-server")]
            super::authorization::SWEEPS,
            sessions::SWEEPS,
            keys::SWEEPS,
        ];
        let mut gone = 0;
        for sweep in sweeps.into_iter().flatten() {
            let moment = if sweep.waits { waited } else { now };
            loop {
                let statement = sql(sweep.statement).bind(moment).bind(BATCH);
                let swept = self.0.db.write_beside(async |db| statement.execute(db).await).await?;
                gone += swept;
                if swept < BATCH.unsigned_abs() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // Rows of the audit log that lie in an archive, where their deletion was interrupted.
        loop {
            let delete = async |db: &mut Transaction| audit::sql::delete_archived(db, BATCH).await;
            let swept = self.0.db.write_beside(delete).await?;
            gone += swept;
            if swept < BATCH.unsigned_abs() {
                break;
            }
            tokio::task::yield_now().await;
        }
        self.0.db.write_beside(async |db| forget_old_changes(db).await).await?;
        Ok(gone)
    }
}
