//! Who makes a change, from where, and by which credential.

use std::net::IpAddr;
use std::sync::Arc;

use super::audit::AuditTarget;
use crate::types::{ClientId, Principal, Subject, UserId};

/// Who makes a change, from which address and in which request.
///
/// In a handler it is [`Actor::of`] the principal: the operation judges that principal again, by what
/// the transaction reads. [`Actor::system`] and [`Actor::command_line`] may do anything.
///
/// ```
/// use portcullis::auth::Actor;
/// use portcullis::types::Principal;
///
/// assert_eq!(&*Actor::of(&Principal::guest()).target.kind, "nobody");
/// assert_eq!(&*Actor::system().target.kind, "system");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Actor {
    /// Who, by the name they have now.
    pub target: AuditTarget,
    /// From which address.
    pub address: Option<IpAddr>,
    /// In which request, as in `X-Request-Id`.
    pub request_id: Option<Arc<str>>,
    pub(super) authority: Authority,
    /// The account whose own change it is, where the actor has not signed in.
    account: Option<UserId>,
}

/// By which right a change is made.
#[derive(Clone, Debug)]
pub(super) enum Authority {
    /// The process itself, or its command line: everything.
    Process,
    /// A principal, which is judged again when the change is made.
    Principal(Arc<Principal>),
}

impl Actor {
    /// The principal of a request.
    #[must_use]
    pub fn of(who: &Principal) -> Self {
        Self {
            target: AuditTarget::subject(&who.subject, &*who.name),
            address: who.context.address,
            request_id: who.context.request_id.clone(),
            authority: Authority::Principal(Arc::new(who.clone())),
            account: None,
        }
    }

    /// Somebody who has not signed in.
    #[must_use]
    pub fn nobody(address: Option<IpAddr>, request_id: Option<Arc<str>>) -> Self {
        Self {
            target: AuditTarget::subject(&Subject::Guest, ""),
            address,
            request_id,
            authority: Authority::Principal(Arc::new(Principal::guest())),
            account: None,
        }
    }

    /// Somebody at the command line of the server.
    #[must_use]
    pub fn command_line() -> Self {
        Self::process("command line")
    }

    /// The server itself, on a timer or at its start.
    #[must_use]
    pub fn system() -> Self {
        Self::process("system")
    }

    fn process(kind: &'static str) -> Self {
        Self {
            target: AuditTarget::new(kind, "", ""),
            address: None,
            request_id: None,
            authority: Authority::Process,
            account: None,
        }
    }

    /// The same, by the name of an account that has just signed in or is known by its e-mail.
    #[must_use]
    pub fn named(&self, id: UserId, username: &str) -> Self {
        Self { target: AuditTarget::user(id, username), ..self.clone() }
    }

    /// The same, who shows something of this account's: what they change counts for it.
    pub(super) fn for_account(&self, id: UserId) -> Self {
        Self { account: Some(id), ..self.clone() }
    }

    /// The account that changes count for: that of a user or a client.
    pub(super) fn account(&self) -> Option<String> {
        let own = matches!(&*self.target.kind, "user" | "client" | "external");
        self.account.map(|id| id.to_string()).or_else(|| own.then(|| self.target.id.clone()))
    }

    /// The same, by the name of a client that has just shown its secret.
    pub(super) fn of_client(&self, id: &ClientId, name: &str) -> Self {
        Self { target: AuditTarget::client(id, name), ..self.clone() }
    }

    /// Whether it is this user.
    #[must_use]
    pub fn is_user(&self, id: UserId) -> bool {
        self.target.kind == "user" && self.target.id == id.to_string()
    }

    /// The principal that makes the change; `None` where the process does.
    pub(super) fn principal(&self) -> Option<&Principal> {
        match &self.authority {
            Authority::Process => None,
            Authority::Principal(who) => Some(who),
        }
    }
}
