//! Tokens that people make for their own programs, or administrators for clients.

use super::{Scopes, Subject, Timestamp, TokenId};

/// A token that a user made for a program of theirs, or that was made for a client. The secret
/// itself is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Which key.
    pub id: TokenId,
    /// For whom it speaks: a user or a client.
    pub owner: Subject,
    /// What its owner calls it.
    pub name: String,
    /// What it is limited to.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last used, in steps of a minute.
    pub last_used_at: Option<Timestamp>,
}
