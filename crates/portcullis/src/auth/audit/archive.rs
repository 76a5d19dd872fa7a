//! Archives: the older rows of the log in a file, sealed, and the log going on from where it ends.
//!
//! A file is written whole and kept safe before the log is cut. From then on the log begins behind its
//! last row, whose hash is sealed in the database as the end of the log is: the chain can still be
//! verified, and a log that was cut by anybody else is found.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Action, AuditEntry, AuditOutcome, AuditRecord, AuditTarget, audit_hash, sql};
use crate::auth::db::Digest;
use crate::auth::{Actor, Auth};
use crate::policy::permission;
use crate::problem::{Problem, ProblemKind};
use crate::types::Timestamp;

/// What stands in the first line of an archive.
const KIND: &str = "portcullis audit archive";
/// How many rows are deleted in one step.
const STEP: u32 = 500;

/// A part of the log that lies, or is to lie, in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditArchive {
    /// Its first row.
    pub first: u64,
    /// The hash of the row before that.
    pub previous: Digest,
    /// Its last row.
    pub last: u64,
    /// The hash of that.
    pub hash: Digest,
    /// What only a holder of the master secret can make of all of these.
    pub seal: Digest,
}

/// Why a file is no archive, or not a whole one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveFault {
    /// The line is none that an archive has at that place.
    #[error("line {0} is not what stands there in an archive")]
    Line(u64),
    /// The row does not have the hash it must have.
    #[error("row {0} was changed, removed or put in")]
    Row(u64),
    /// The last line is not sealed with this secret, or seals something else.
    #[error("the end of the archive is not sealed by this server's secret")]
    Unsealed,
    /// The last line is missing.
    #[error("the archive was cut off: its last line is missing")]
    CutOff,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLine {
    archive: String,
    version: u32,
    first: u64,
    previous: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LastLine {
    last: u64,
    hash: String,
    seal: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Party {
    kind: String,
    id: String,
    name: String,
}

/// A row as an archive keeps it: all that its hash covers, as it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowLine {
    seq: u64,
    at: Timestamp,
    action: String,
    outcome: AuditOutcome,
    actor: Party,
    subject: Option<Party>,
    address: Option<String>,
    request_id: Option<String>,
    details: String,
    hash: String,
}

impl From<&AuditTarget> for Party {
    fn from(target: &AuditTarget) -> Self {
        let AuditTarget { kind, id, name } = target.clone();
        Self { kind: kind.into_owned(), id, name }
    }
}

impl From<Party> for AuditTarget {
    fn from(party: Party) -> Self {
        Self { kind: Cow::Owned(party.kind), id: party.id, name: party.name }
    }
}

/// Writes an archive line by line, and checks the chain as it goes.
#[derive(Debug)]
pub struct ArchiveWriter {
    first: u64,
    previous: Digest,
    last: u64,
    hash: Digest,
}

impl ArchiveWriter {
    /// The first line.
    ///
    /// # Errors
    /// A 500, which does not happen.
    pub fn first_line(&self) -> Result<String, Problem> {
        line(&FirstLine {
            archive: KIND.to_owned(),
            version: 1,
            first: self.first,
            previous: hex(&self.previous),
        })
    }

    /// The line of the next row.
    ///
    /// # Errors
    /// A 409 where the row is not the next one of the chain: verify the log first.
    pub fn row(&mut self, record: &AuditRecord) -> Result<String, Problem> {
        let (seq, entry) = (record.seq, &record.entry);
        if seq != self.last + 1 || record.hash != audit_hash(&self.hash, seq, entry) {
            return Err(Problem::new(ProblemKind::Conflict).detail(format!(
                "Row {seq} of the audit log was changed, or is not the next one."
            )));
        }
        (self.last, self.hash) = (seq, record.hash);
        line(&RowLine {
            seq,
            at: entry.at,
            action: entry.action.clone().into_owned(),
            outcome: entry.outcome,
            actor: (&entry.actor).into(),
            subject: entry.subject.as_ref().map(Into::into),
            address: entry.address.clone(),
            request_id: entry.request_id.clone(),
            details: entry.details.clone(),
            hash: hex(&record.hash),
        })
    }

    /// The last line, and what the archive holds.
    ///
    /// # Errors
    /// A 409 where no row was written.
    pub fn finish(self, auth: &Auth) -> Result<(String, AuditArchive), Problem> {
        let Self { first, previous, last, hash } = self;
        if last < first {
            return Err(Problem::new(ProblemKind::Conflict).detail("There is no row to archive."));
        }
        let seal = auth.0.recorder.seal().seal_archive(first, &previous, last, &hash);
        let text = line(&LastLine { last, hash: hex(&hash), seal: hex(&seal) })?;
        Ok((text, AuditArchive { first, previous, last, hash, seal }))
    }
}

/// Reads an archive line by line.
#[derive(Debug, Default)]
pub struct ArchiveReader {
    lines: u64,
    begins: Option<(u64, Digest)>,
    last: u64,
    hash: Digest,
    seal: Option<Digest>,
}

impl ArchiveReader {
    /// Nothing read yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next line.
    ///
    /// # Errors
    /// [`ArchiveFault`].
    pub fn line(&mut self, text: &str) -> Result<(), ArchiveFault> {
        self.lines += 1;
        let wrong = ArchiveFault::Line(self.lines);
        if self.begins.is_none() {
            let line: FirstLine = serde_json::from_str(text).map_err(|_| wrong.clone())?;
            let previous = digest(&line.previous).ok_or_else(|| wrong.clone())?;
            if line.archive != KIND || line.version != 1 || line.first == 0 {
                return Err(wrong);
            }
            self.begins = Some((line.first, previous));
            (self.last, self.hash) = (line.first - 1, previous);
            return Ok(());
        }
        if self.seal.is_some() {
            return Err(wrong);
        }
        if let Ok(line) = serde_json::from_str::<LastLine>(text) {
            if line.last != self.last || digest(&line.hash) != Some(self.hash) {
                return Err(wrong);
            }
            self.seal = Some(digest(&line.seal).ok_or(wrong)?);
            return Ok(());
        }
        let line: RowLine = serde_json::from_str(text).map_err(|_| wrong.clone())?;
        let kept = digest(&line.hash).ok_or(wrong)?;
        let seq = line.seq;
        let entry = AuditEntry {
            at: line.at,
            action: Cow::Owned(line.action),
            outcome: line.outcome,
            actor: line.actor.into(),
            subject: line.subject.map(Into::into),
            address: line.address,
            request_id: line.request_id,
            details: line.details,
        };
        if seq != self.last + 1 || kept != audit_hash(&self.hash, seq, &entry) {
            return Err(ArchiveFault::Row(seq));
        }
        (self.last, self.hash) = (seq, kept);
        Ok(())
    }

    /// What the archive holds, if it is whole and sealed by the secret of `auth`.
    ///
    /// # Errors
    /// [`ArchiveFault`].
    pub fn finish(self, auth: &Auth) -> Result<AuditArchive, ArchiveFault> {
        let ((first, previous), seal) = self.begins.zip(self.seal).ok_or(ArchiveFault::CutOff)?;
        let (last, hash) = (self.last, self.hash);
        let archive = AuditArchive { first, previous, last, hash, seal };
        if auth.0.recorder.seal().is_genuine_archive(&archive) {
            Ok(archive)
        } else {
            Err(ArchiveFault::Unsealed)
        }
    }
}

impl Auth {
    /// Begins an archive of the rows that the log holds, from its first one on.
    ///
    /// # Errors
    /// 503.
    pub async fn begin_archive(&self) -> Result<ArchiveWriter, Problem> {
        let (last, hash) = sql::beginning(&self.0.db).await?;
        Ok(ArchiveWriter { first: last + 1, previous: hash, last, hash })
    }

    /// The last row that lies in an archive and its hash: the log begins behind it.
    ///
    /// # Errors
    /// 503.
    pub async fn archived(&self) -> Result<(u64, Digest), Problem> {
        Ok(sql::beginning(&self.0.db).await?)
    }

    /// Cuts the rows of an archive off the log, which goes on behind them. Call it once the archive is on
    /// the disk, and verified. Needs `audit:archive`. Returns how many rows went.
    ///
    /// The cut itself is one transaction, with its row in the log; the rows are deleted behind it in
    /// steps, so that nobody waits for long. Where that is interrupted, the next sweep goes on.
    ///
    /// # Errors
    /// 403; 409 where the log does not begin with this archive, or it is not sealed by this server; 503.
    pub async fn cut_audit(&self, actor: &Actor, archive: AuditArchive) -> Result<u64, Problem> {
        self.write(actor, move |write| {
            Box::pin(async move {
                write.require(permission("audit:archive"))?;
                let seal = write.auth().0.recorder.seal().clone();
                let begins = sql::beginning(write.db()).await?;
                let there = sql::hash_of(write.db(), archive.last).await?;
                if !seal.is_genuine_archive(&archive)
                    || begins != (archive.first - 1, archive.previous)
                    || there != Some(archive.hash)
                {
                    return Err(Problem::new(ProblemKind::Conflict)
                        .detail("The audit log does not begin with the rows of this archive."));
                }
                sql::write_base(write.db(), archive.last, &archive.hash, &seal).await?;
                let event = write.event(Action::AuditArchived);
                write.note(event.count("first", archive.first).count("last", archive.last));
                Ok(())
            })
        })
        .await?;
        let (mut gone, system) = (0, Actor::system());
        loop {
            let step = self.write(&system, |write| {
                Box::pin(async move { Ok(sql::delete_archived(write.db(), STEP.into()).await?) })
            });
            match step.await {
                Ok(step) => {
                    gone += step;
                    if step < u64::from(STEP) {
                        return Ok(gone);
                    }
                }
                // The cut counts all the same.
                Err(problem) => {
                    tracing::warn!(%problem, "archived rows are left for the next sweep");
                    return Ok(gone);
                }
            }
        }
    }
}

fn line(of: &impl Serialize) -> Result<String, Problem> {
    let mut text = serde_json::to_string(of).map_err(Problem::internal)?;
    text.push('\n');
    Ok(text)
}

fn hex(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(text: &str) -> Option<Digest> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = Digest::default();
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(digest)
}
