//! A person with an account.

use super::{Timestamp, UserId};

/// A person with an account. The password's hash is not part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Who they are, for ever.
    pub id: UserId,
    /// What they sign in with. Unique, without regard to case.
    pub username: String,
    /// A name for people.
    pub name: Option<String>,
    /// An e-mail address. Unique, without regard to case.
    pub email: Option<String>,
    /// Whether they showed that the address is theirs.
    pub email_verified: bool,
    /// Whether they may do anything at all.
    pub active: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Says what is wrong with a username, or `None` where nothing is.
///
/// 1 to 64 characters; no colon (RFC 7617 §2 splits at the first one), no control character, no
/// white space at either end.
///
/// ```
/// use portcullis::types::username_fault;
///
/// assert_eq!(username_fault("ïvan"), None);
/// assert!(username_fault("a:b").is_some());
/// ```
#[must_use]
pub fn username_fault(username: &str) -> Option<&'static str> {
    if username.is_empty() {
        Some("must not be empty")
    } else if username.chars().count() > 64 {
        Some("must have at most 64 characters")
    } else if username.contains(':') {
        Some("must not have a colon")
    } else if username.chars().any(char::is_control) {
        Some("must not have a control character")
    } else if username.trim() != username {
        Some("must not begin or end with white space")
    } else {
        None
    }
}
