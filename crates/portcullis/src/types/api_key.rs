//! Tokens that people make for their own programs.

use std::collections::BTreeSet;

use super::{Scope, Timestamp, TokenId, UserId};

/// A token that a user made for a program of theirs. The secret itself is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Which key.
    pub id: TokenId,
    /// Whose.
    pub user: UserId,
    /// What its owner calls it.
    pub name: String,
    /// What it is limited to.
    pub scopes: BTreeSet<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last used, in steps of a minute.
    pub last_used_at: Option<Timestamp>,
}
