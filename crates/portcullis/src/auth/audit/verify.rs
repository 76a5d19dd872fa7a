//! Is the log whole?

use super::Action;
use super::chain::BEGINNING;
use super::{AuditHead, Seal, audit_hash, sql};
use crate::auth::db::{Database, Digest};
use crate::problem::Problem;

/// How many rows are read at once.
const BATCH: u32 = 500;

/// What verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditVerdict {
    /// The last row that is good: all before it are, too.
    pub rows: u64,
    /// How many of these lie in archives, and were not read.
    pub archived: u64,
    /// The row from which on the log is sealed by this server's secret, where an older secret was lost:
    /// who could write to the database until then could have written the rows before it anew.
    pub resealed: Option<u64>,
    /// The hash of the last good row. Kept elsewhere, together with `rows`, it also tells when the
    /// whole database is put back to an older state.
    pub hash: Digest,
    /// The first thing that is wrong, if anything is.
    pub fault: Option<AuditFault>,
}

/// The first thing that is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditFault {
    /// The row does not have the hash it must have: it was changed, put in, or moved here.
    #[error("row {0} was changed, or is not the one that stood here")]
    Changed(u64),
    /// The row is not there: it was removed, or the end of the log was cut off.
    #[error("row {0} is missing")]
    Missing(u64),
    /// The row stands behind the end.
    #[error("row {0} stands behind the sealed end of the log")]
    Added(u64),
    /// When this row was written, the log was found tampered with: its end was, or all of it was
    /// gone.
    #[error(
        "before row {0} was written, the end of the log was tampered with or all of it removed"
    )]
    Broken(u64),
    /// The end is not sealed with our secret, or seals another row: the rows before it may have
    /// been written anew.
    #[error("the end of the log, row {0}, is not sealed by this server's secret")]
    Unsealed(u64),
    /// There is nothing at all, though a log begins with a first row.
    #[error("the log is empty: it was removed as a whole, or no server has run on this database")]
    Empty,
    /// The row that was noted elsewhere lies in an archive.
    #[error("row {0}, which was noted elsewhere, lies in an archive: verify that instead")]
    Archived(u64),
    /// The row is not the one that was noted elsewhere.
    #[error("row {0} is not the one that was noted elsewhere")]
    Anchor(u64),
}

impl AuditFault {
    /// The row it concerns; 0 for none.
    #[must_use]
    pub fn row(self) -> u64 {
        match self {
            Self::Changed(row)
            | Self::Missing(row)
            | Self::Added(row)
            | Self::Broken(row)
            | Self::Unsealed(row)
            | Self::Archived(row)
            | Self::Anchor(row) => row,
            Self::Empty => 0,
        }
    }
}

/// Reads the whole log. It may grow meanwhile, and its beginning may be archived.
pub(super) async fn verify(
    db: &Database,
    seal: &Seal,
    anchor: Option<(u64, Digest)>,
) -> Result<AuditVerdict, Problem> {
    loop {
        let base = sql::base(db).await?;
        let verdict = walk(db, seal, anchor, base).await?;
        // Rows that went into an archive meanwhile are not missing.
        if verdict.fault.is_none() || sql::base(db).await? == base {
            return Ok(verdict);
        }
    }
}

async fn walk(
    db: &Database,
    seal: &Seal,
    anchor: Option<(u64, Digest)>,
    base: Option<AuditHead>,
) -> Result<AuditVerdict, Problem> {
    let (archived, mut hash) = base.map_or((0, BEGINNING), |base| (base.seq, base.hash));
    let (mut seq, mut resealed) = (archived, None);
    let verdict = |seq, hash, resealed, fault| {
        Ok(AuditVerdict { rows: seq, archived, resealed, hash, fault })
    };
    if base.is_some_and(|base| !seal.is_genuine_base(&base)) {
        return verdict(0, BEGINNING, None, Some(AuditFault::Unsealed(archived)));
    }
    match anchor {
        Some((at, _)) if at < archived => {
            return verdict(seq, hash, None, Some(AuditFault::Archived(at)));
        }
        Some((at, noted)) if at == archived && at > 0 && noted != hash => {
            return verdict(seq, hash, None, Some(AuditFault::Anchor(at)));
        }
        _ => {}
    }
    loop {
        let links = sql::chain(db, seq, BATCH).await?;
        for link in &links {
            if link.seq != seq + 1 {
                return verdict(seq, hash, resealed, Some(AuditFault::Missing(seq + 1)));
            }
            let good = link
                .record
                .as_ref()
                .filter(|record| record.hash == audit_hash(&hash, link.seq, &record.entry));
            let Some(record) = good else {
                return verdict(seq, hash, resealed, Some(AuditFault::Changed(link.seq)));
            };
            // A log that was emptied goes on with something else than its beginning.
            let begins = link.seq != 1 || record.entry.action == Action::AuditBegun.as_str();
            if !begins || record.entry.action == Action::AuditBroken.as_str() {
                return verdict(seq, hash, resealed, Some(AuditFault::Broken(link.seq)));
            }
            if anchor.is_some_and(|(at, noted)| at == link.seq && noted != record.hash) {
                return verdict(seq, hash, resealed, Some(AuditFault::Anchor(link.seq)));
            }
            if record.entry.action == Action::AuditResealed.as_str() {
                resealed = Some(link.seq);
            }
            (seq, hash) = (link.seq, record.hash);
        }
        if !links.is_empty() {
            continue;
        }
        // Read after the rows: an honest head is never behind them.
        let head = sql::head(db).await?;
        let fault = match head {
            None if seq == 0 => Some(AuditFault::Empty),
            None => Some(AuditFault::Unsealed(seq)),
            Some(head) if !seal.is_genuine(&head) => Some(AuditFault::Unsealed(head.seq)),
            Some(AuditHead { seq: end, .. }) if end > seq => {
                if !sql::chain(db, seq, 1).await?.is_empty() {
                    continue;
                }
                Some(AuditFault::Missing(seq + 1))
            }
            Some(AuditHead { seq: end, .. }) if end < seq => Some(AuditFault::Added(end + 1)),
            Some(head) if head.hash != hash => Some(AuditFault::Unsealed(seq)),
            Some(_) => anchor.filter(|(at, _)| *at > seq).map(|(at, _)| AuditFault::Anchor(at)),
        };
        return verdict(seq, hash, resealed, fault);
    }
}
