//! A row of the audit log.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AuditTarget;
use crate::auth::db::Digest;
use crate::types::Timestamp;

/// Whether what was tried was done.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum AuditOutcome {
    /// It was done.
    Success,
    /// It was tried and refused.
    Failure,
}

impl AuditOutcome {
    /// The word it is kept as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

impl std::str::FromStr for AuditOutcome {
    type Err = UnknownOutcome;

    fn from_str(word: &str) -> Result<Self, UnknownOutcome> {
        match word {
            "success" => Ok(Self::Success),
            "failure" => Ok(Self::Failure),
            _ => Err(UnknownOutcome),
        }
    }
}

/// A word that is no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an outcome is `success` or `failure`")]
pub struct UnknownOutcome;

/// Something that happened: who did what, to whom, from where, when, with which outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When, to the microsecond.
    pub at: Timestamp,
    /// What, such as `login` or `role.assigned`.
    pub action: Cow<'static, str>,
    /// Whether it was done.
    pub outcome: AuditOutcome,
    /// Who.
    pub actor: AuditTarget,
    /// To whom, or to what.
    pub subject: Option<AuditTarget>,
    /// From which address.
    pub address: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// What else there is to say: a JSON object as text. Never a secret.
    pub details: String,
}

/// A row of the log: an entry in its place, chained to all before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its place, from 1 on without a gap.
    pub seq: u64,
    /// What happened.
    pub entry: AuditEntry,
    /// SHA-256 over the hash of the row before it and all of this one.
    pub hash: Digest,
}
