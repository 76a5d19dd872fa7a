use std::sync::{MutexGuard, PoisonError};

use async_trait::async_trait;

use super::MemoryStore;
use crate::store::audit::{self, extend};
use crate::store::{Audit, AuditFilter, AuditHead, AuditLink, SealAudit, StoreError, cursor};
use crate::types::{AuditEntry, AuditRecord, AuditTarget, Page, PageRequest};

/// The log, beside the rest of the state: it is never rolled back.
#[derive(Debug, Default)]
pub(super) struct Log {
    rows: Vec<AuditRecord>,
    head: Option<AuditHead>,
}

impl MemoryStore {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_wanted(filter: &AuditFilter, entry: &AuditEntry) -> bool {
    let is = |wanted: &Option<String>, party: Option<&AuditTarget>| {
        wanted.as_ref().is_none_or(|wanted| {
            party.is_some_and(|party| party.id == *wanted || party.name == *wanted)
        })
    };
    filter.from.is_none_or(|from| entry.at >= from)
        && filter.until.is_none_or(|until| entry.at < until)
        && is(&filter.actor, Some(&entry.actor))
        && is(&filter.subject, entry.subject.as_ref())
        && filter.outcome.is_none_or(|outcome| entry.outcome == outcome)
        && filter.action.as_ref().is_none_or(|action| match action.strip_suffix('*') {
            Some(stem) => entry.action.starts_with(stem),
            None => entry.action == **action,
        })
}

#[async_trait]
impl Audit for MemoryStore {
    async fn append_audit(
        &self,
        entries: &[AuditEntry],
        seal: &dyn SealAudit,
    ) -> Result<AuditHead, StoreError> {
        let mut log = self.log();
        let last = log.rows.last().map(|row| (row.seq, row.hash));
        let (rows, head) = extend(log.head, last, entries, seal);
        log.rows.extend(rows);
        log.head = head;
        head.ok_or(StoreError::NotFound { what: "audit entry" })
    }

    async fn audit_head(&self) -> Result<Option<AuditHead>, StoreError> {
        Ok(self.log().head)
    }

    async fn audit(
        &self,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError> {
        let (before, limit) = (audit::before(page)?, cursor::limit(page));
        let log = self.log();
        let newest_first = log.rows.iter().rev().filter(|row| row.seq < before);
        let wanted = newest_first.filter(|row| is_wanted(filter, &row.entry));
        Ok(audit::paged(wanted.take(limit + 1).cloned().collect(), limit))
    }

    async fn audit_chain(&self, after: u64, limit: u32) -> Result<Vec<AuditLink>, StoreError> {
        let log = self.log();
        let rows = log.rows.iter().skip_while(|row| row.seq <= after).take(limit as usize);
        Ok(rows.map(|row| AuditLink { seq: row.seq, record: Some(row.clone()) }).collect())
    }
}
