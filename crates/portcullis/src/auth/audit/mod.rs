//! What happened, for the record.
//!
//! A change and its row are two commits, one right after the other in a task that nobody's
//! cancelling can stop: what is answered is in the log. Only the death of the process, or a store
//! that goes away, between the two can part them; the second is counted and said in the log
//! itself.
//!
//! What the chain shows: any row changed, removed, put in or moved, and an end that was cut off.
//! A log that was emptied while the database was kept is found too: only a new database begins one.
//! What it cannot show by itself: that the whole database, log and sealed head, was put back to an
//! older state or made anew. Keep [`AuditVerdict::rows`] and [`AuditVerdict::hash`] elsewhere and
//! hand them to the next verification for that.

mod action;
mod event;
mod pace;
mod recorder;
mod seal;
#[cfg(test)]
mod tests;
mod verify;

pub use action::Action;
pub use event::Event;
pub(super) use recorder::Recorder;
pub(super) use seal::Seal;
pub use verify::{AuditFault, AuditVerdict};

use super::Auth;
use super::standing::CacheGuard;
use crate::problem::{Problem, ProblemKind};
use crate::store::{AuditFilter, AuditLink, UserFilter};
use crate::types::{Actor, AuditRecord, AuditTarget, Digest, Page, PageRequest, Subject};

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
        Ok(self.store().audit(filter, page).await?)
    }

    /// The rows of the audit log behind place `after`, oldest first, at the most `limit`: call it
    /// with the last place again until no row comes.
    ///
    /// # Errors
    /// 503.
    pub async fn audit_chain(&self, after: u64, limit: u32) -> Result<Vec<AuditLink>, Problem> {
        Ok(self.store().audit_chain(after, limit).await?)
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
        self.0.recorder.flush().await;
        verify::verify(self.store(), self.0.recorder.seal(), anchor).await
    }

    /// Writes down what is noted and not yet written. Call it after the last request.
    pub async fn close(&self) {
        self.0.recorder.flush().await;
    }

    /// Begins the log where there is none. Call it before anything is kept: where there are keys or
    /// users already, there was a log that is gone, and the new one says so.
    pub(super) async fn begin_audit(&self) -> Result<(), Problem> {
        // Asked before the head: another process may be starting on an empty store.
        let one = PageRequest { after: None, limit: 1 };
        let used = !self.store().keys().await?.is_empty()
            || !self.store().users(&UserFilter::default(), &one).await?.items.is_empty();
        if self.store().audit_head().await?.is_none() {
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

    /// Does a deed of change to its end, then notes it: as done, or as refused where it conflicts
    /// with what is there.
    pub(super) async fn noted<T: Send + 'static>(
        &self,
        event: Event,
        of: impl FnOnce(CacheGuard) -> CacheGuard,
        change: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        self.change_and(of, change, |result| match result {
            Ok(_) => vec![event],
            Err(problem) if problem.kind() == ProblemKind::Conflict => vec![event.failed()],
            Err(_) => Vec::new(),
        })
        .await
    }

    /// A subject by the name it has now.
    pub(super) async fn party(&self, subject: &Subject) -> Result<AuditTarget, Problem> {
        let known = self.0.access_cache.of(self.store(), subject).await?;
        let name = known.as_ref().map_or("", |known| &*known.name);
        Ok(AuditTarget::subject(subject, name))
    }
}
