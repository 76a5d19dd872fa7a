//! Who did something, or to what it was done, by the name it had then.

use std::borrow::Cow;

use crate::types::{ClientId, GrantId, Role, SessionId, Subject, TokenId, UserId};

/// Somebody who did something, or something it was done to, by the name it had then.
///
/// ```
/// use portcullis::auth::AuditTarget;
///
/// let role = AuditTarget::role(&"editor".into());
/// assert_eq!((&*role.kind, &*role.id), ("role", "editor"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditTarget {
    /// What it is: `user`, `client`, `role`, `key` and so on.
    pub kind: Cow<'static, str>,
    /// Which one, for ever.
    pub id: String,
    /// What it was called at the time.
    pub name: String,
}

impl AuditTarget {
    /// Anything else that has an id, and perhaps a name.
    #[must_use]
    pub fn new(kind: &'static str, id: impl ToString, name: impl Into<String>) -> Self {
        Self { kind: Cow::Borrowed(kind), id: id.to_string(), name: name.into() }
    }

    /// A user, a client, or nobody.
    #[must_use]
    pub fn subject(subject: &Subject, name: impl Into<String>) -> Self {
        match subject {
            Subject::User(id) => Self::new("user", id, name),
            Subject::Client(id) => Self::new("client", id, name),
            Subject::External(who) => {
                Self::new("external", format!("{} {}", who.issuer, who.subject), name)
            }
            Subject::Guest => Self::new("nobody", "", ""),
        }
    }

    /// A user.
    #[must_use]
    pub fn user(id: UserId, username: &str) -> Self {
        Self::new("user", id, username)
    }

    /// A client.
    #[must_use]
    pub fn client(id: &ClientId, name: &str) -> Self {
        Self::new("client", id, name)
    }

    /// A role, whose name is its id.
    #[must_use]
    pub fn role(role: &Role) -> Self {
        Self::new("role", role, role.as_str())
    }

    /// A direct grant.
    #[must_use]
    pub fn grant(id: GrantId) -> Self {
        Self::new("grant", id, "")
    }

    /// A session.
    #[must_use]
    pub fn session(id: SessionId) -> Self {
        Self::new("session", id, "")
    }

    /// An access token, by its id.
    #[must_use]
    pub fn token(id: TokenId) -> Self {
        Self::new("token", id, "")
    }

    /// A signing key, by its id.
    #[must_use]
    pub fn key(id: &str) -> Self {
        Self::new("key", id, "")
    }

    /// A route, by method and path as declared.
    #[must_use]
    pub fn route(method: &str, path: &str) -> Self {
        Self::new("route", format!("{method} {path}"), "")
    }
}
