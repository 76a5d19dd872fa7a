//! Who does something, and from where.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use super::{ClientId, GrantId, Principal, Role, SessionId, Subject, TokenId, User};

/// Somebody who did something, or something it was done to, by the name it had then.
///
/// ```
/// use portcullis::types::AuditTarget;
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
    pub fn user(user: &User) -> Self {
        Self::new("user", user.id, &user.username)
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

/// Who does something, from where, and in which request: what every change is noted with.
///
/// In a handler it is [`Actor::of`] the principal; on a public route, where nobody has signed in yet,
/// [`Actor::nobody`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub actor: AuditTarget,
    /// From which address.
    pub address: Option<IpAddr>,
    /// In which request, as in `X-Request-Id`.
    pub request_id: Option<Arc<str>>,
}

impl Actor {
    /// Whoever this request speaks for.
    #[must_use]
    pub fn of(who: &Principal) -> Self {
        Self {
            actor: AuditTarget::subject(&who.subject, &*who.name),
            address: who.context.address,
            request_id: who.context.request_id.clone(),
        }
    }

    /// Somebody who has not signed in.
    #[must_use]
    pub fn nobody(address: Option<IpAddr>, request_id: Option<Arc<str>>) -> Self {
        Self { actor: AuditTarget::subject(&Subject::Guest, ""), address, request_id }
    }

    /// Whoever sits at the command line of the server.
    #[must_use]
    pub fn command_line() -> Self {
        Self::local("command line")
    }

    /// The server itself, on a timer or at start.
    #[must_use]
    pub fn system() -> Self {
        Self::local("system")
    }

    fn local(kind: &'static str) -> Self {
        Self { actor: AuditTarget::new(kind, "", ""), address: None, request_id: None }
    }

    /// The same request, now that it is known who makes it.
    #[must_use]
    pub fn signed_in(&self, user: &User) -> Self {
        Self { actor: AuditTarget::user(user), ..self.clone() }
    }

    /// Whether it is this user.
    #[must_use]
    pub fn is_user(&self, id: super::UserId) -> bool {
        self.actor.kind == "user" && self.actor.id == id.to_string()
    }
}
