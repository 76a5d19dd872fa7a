//! An OAuth client: a program that acts for a user, or for itself.

use super::{ClientId, Timestamp};

/// A registered program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its public name.
    pub id: ClientId,
    /// A name for people.
    pub name: String,
    /// Whether it may do anything at all.
    pub active: bool,
    /// When it was registered.
    pub created_at: Timestamp,
}
