//! What happened, for the record.
//!
//! The rows of a change are written in its transaction, by the one write path: what was changed is in
//! the log, and what is in the log was changed. What strangers can cause at will (failed sign-ins,
//! refusals) is written beside it, at a bounded pace.
//!
//! What the chain shows: any row changed, removed, put in or moved, and an end that was cut off.
//! A log that was emptied while the database was kept is found too: only a new database begins one.
//! What it cannot show by itself: that the whole database, log and sealed head, was put back to an
//! older state or made anew. Keep [`AuditVerdict::rows`] and [`AuditVerdict::hash`] elsewhere and
//! hand them to the next verification for that.

mod action;
mod archive;
mod chain;
mod entry;
mod event;
mod pace;
mod recorder;
mod repeats;
pub mod routes;
mod seal;
pub(in crate::auth) mod sql;
mod target;
#[cfg(test)]
mod tests;
mod verify;

pub use action::Action;
pub use archive::{ArchiveFault, ArchiveReader, ArchiveWriter, AuditArchive};
pub use chain::{AuditFilter, AuditHead, AuditLink, audit_hash};
pub use entry::{AuditEntry, AuditOutcome, AuditRecord, UnknownOutcome};
pub use event::Event;
pub(super) use recorder::Recorder;
pub(super) use seal::Seal;
pub use target::AuditTarget;
pub use verify::{AuditFault, AuditVerdict};

use super::Auth;
use super::actor::Actor;
use super::db::Digest;
use crate::problem::Problem;
use crate::types::{Page, PageRequest};

impl Auth {
    /// Notes something that happened, and returns at once. It is written soon; under a flood it may
    /// only be counted.
    pub fn note(&self, event: Event) {
        self.0.recorder.note(event);
    }

    /// Notes something that happened, and returns when it is written.
    pub async fn record(&self, event: Event) {
        self.0.recorder.record(vec![event]).await;
    }

    /// A page of the audit log, the newest first.
    ///
    /// # Errors
    /// A 422 where the cursor is not one; 503.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, Problem> {
        Ok(sql::page(&self.0.db, filter, page).await?)
    }

    /// The rows of the audit log behind place `after`, oldest first, at the most `limit`: call it
    /// with the last place again until no row comes.
    ///
    /// # Errors
    /// 503.
    pub async fn audit_chain(&self, after: u64, limit: u32) -> Result<Vec<AuditLink>, Problem> {
        Ok(sql::chain(&self.0.db, after, limit).await?)
    }

    /// Whether the audit log is whole, and the first row that is not. `anchor` is a place and its
    /// hash that an earlier verification gave and somebody kept elsewhere.
    ///
    /// # Errors
    /// 503.
    pub async fn verify_audit(
        &self,
        anchor: Option<(u64, Digest)>,
    ) -> Result<AuditVerdict, Problem> {
        verify::verify(&self.0.db, self.0.recorder.seal(), anchor).await
    }

    /// Writes the audit rows that the recorder still holds, and waits for them.
    pub async fn flush(&self) {
        self.0.recorder.flush().await;
    }

    /// Writes the audit rows that the recorder still holds, and closes the database. Call it before the
    /// process ends, after the last request.
    pub async fn close(&self) {
        self.flush().await;
        self.0.db.close().await;
    }

    /// Begins the log where there is none. `used` says whether the database holds keys or users
    /// already: then there was a log that is gone, and the new one says so.
    pub(super) async fn begin_audit(&self, used: bool) -> Result<(), Problem> {
        if sql::head(&self.0.db).await?.is_none() {
            let actor = Actor::system();
            self.record(if used {
                Event::new(&actor, Action::AuditBroken).failed()
            } else {
                Event::new(&actor, Action::AuditBegun)
            })
            .await;
        }
        Ok(())
    }
}
