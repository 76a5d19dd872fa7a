//! What the endpoints answer: typed allow-lists. A field that is not declared here never leaves.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::types::{
    Client, ClientId, ConditionSpec, Effect, Grant, GrantId, Permission, Role, RoleRecord, Session,
    SessionId, User, UserId,
};

/// A user.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "User")]
pub struct UserAnswer {
    /// Who they are, for ever.
    pub id: UserId,
    /// What they sign in with.
    pub username: String,
    /// A name for people.
    pub name: Option<String>,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Whether they showed that the address is theirs.
    pub is_verified: bool,
    /// Whether they may do anything at all.
    pub is_active: bool,
    /// The roles assigned to them directly.
    pub roles: BTreeSet<Role>,
    /// When the account was made (RFC 3339).
    pub created_at: String,
}

impl UserAnswer {
    pub(super) fn new(user: User, roles: BTreeSet<Role>) -> Self {
        Self {
            id: user.id,
            username: user.username,
            name: user.name,
            email: user.email,
            is_verified: user.email_verified,
            is_active: user.active,
            roles,
            created_at: user.created_at.to_string(),
        }
    }
}

/// A session of one's own.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub struct SessionAnswer {
    /// Which session.
    pub id: SessionId,
    /// When it began (RFC 3339).
    pub created_at: String,
    /// When it was last used, to the minute (RFC 3339).
    pub last_used_at: String,
    /// When it ends in any case (RFC 3339).
    pub expires_at: String,
    /// Where the sign-in came from.
    pub address: Option<String>,
    /// What the client said it is.
    pub agent: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}

impl SessionAnswer {
    pub(super) fn new(session: Session, current: Option<SessionId>) -> Self {
        Self {
            current: current == Some(session.id),
            id: session.id,
            created_at: session.created_at.to_string(),
            last_used_at: session.last_used_at.to_string(),
            expires_at: session.expires_at.to_string(),
            address: session.address,
            agent: session.agent,
        }
    }
}

/// A role.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Role")]
pub struct RoleAnswer {
    /// Its name.
    pub name: Role,
    /// A sentence for people.
    pub description: String,
    /// What its holders may do.
    pub permissions: BTreeSet<Permission>,
    /// What its holders may not do, whatever else they hold.
    pub denied: BTreeSet<Permission>,
    /// The roles it includes.
    pub includes: BTreeSet<Role>,
}

impl From<RoleRecord> for RoleAnswer {
    fn from(role: RoleRecord) -> Self {
        Self {
            name: role.name,
            description: role.description,
            permissions: role.permissions,
            denied: role.denied,
            includes: role.includes,
        }
    }
}

/// A permission allowed or denied directly.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Grant")]
pub struct GrantAnswer {
    /// Which grant.
    pub id: GrantId,
    /// Allow or deny.
    pub effect: Effect,
    /// What is allowed or denied.
    pub permission: Permission,
    /// Under which circumstances it counts; under any where there is none.
    pub condition: Option<ConditionSpec>,
    /// From when on it counts (RFC 3339).
    pub valid_from: Option<String>,
    /// Until when it counts, that moment excluded (RFC 3339).
    pub valid_until: Option<String>,
    /// When it was made (RFC 3339).
    pub created_at: String,
}

impl From<Grant> for GrantAnswer {
    fn from(grant: Grant) -> Self {
        Self {
            id: grant.id,
            effect: grant.effect,
            permission: grant.permission,
            condition: grant.condition,
            valid_from: grant.valid_from.map(|moment| moment.to_string()),
            valid_until: grant.valid_until.map(|moment| moment.to_string()),
            created_at: grant.created_at.to_string(),
        }
    }
}

/// A program that speaks for itself.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Client")]
pub struct ClientAnswer {
    /// Its public name.
    pub id: ClientId,
    /// A name for people.
    pub name: String,
    /// Whether it may do anything at all.
    pub is_active: bool,
    /// The roles assigned to it directly.
    pub roles: BTreeSet<Role>,
    /// When it was registered (RFC 3339).
    pub created_at: String,
}

impl ClientAnswer {
    pub(super) fn new(client: Client, roles: BTreeSet<Role>) -> Self {
        Self {
            id: client.id,
            name: client.name,
            is_active: client.active,
            roles,
            created_at: client.created_at.to_string(),
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct List<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; none at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
