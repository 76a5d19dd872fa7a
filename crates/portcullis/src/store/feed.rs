//! What others changed.

use async_trait::async_trait;

use super::StoreError;
use crate::types::{SessionId, Subject, Timestamp, TokenId};

/// How many changes stay readable; whoever is further behind reads everything anew.
pub(super) const CHANGES_KEPT: u32 = 10_000;

/// Something that changed, by whichever process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Changes were forgotten before they were read: anything may have changed.
    Everything,
    /// A role was made, changed or deleted.
    Roles,
    /// A subject's roles, grants, name, password or activity changed, or it was deleted.
    Subject(Subject),
    /// A session was ended.
    SessionEnded(SessionId, Timestamp),
    /// A token was revoked; remembered until it would have expired.
    TokenRevoked(TokenId, Timestamp),
    /// A signing key was made, changed or retired.
    Keys,
    /// API keys were deleted.
    ApiKeys,
}

/// What others changed: another node, or the command line beside a running server.
#[async_trait]
pub trait Feed: Send + Sync {
    /// The changes behind position `after`, oldest first, and the position they end at. With
    /// `None`, no change but the present position. Positions only grow. A change may be told more
    /// than once, also one's own. Where changes were forgotten before they were read (they are
    /// many, or `after` is of another store), the only one is [`Change::Everything`]. Cheap where
    /// nothing changed.
    async fn changes(&self, after: Option<u64>) -> Result<(u64, Vec<Change>), StoreError>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}
