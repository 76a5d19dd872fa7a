//! Roles and direct grants, as the store keeps them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Clause, GrantId, Permission, Role, Timestamp};

/// A role: which permissions it carries or denies, which roles it includes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRecord {
    /// Its name.
    pub name: Role,
    /// A sentence for people.
    pub description: String,
    /// What its holders may do.
    pub permissions: BTreeSet<Permission>,
    /// What its holders may not do, whatever else they hold.
    pub denied: BTreeSet<Permission>,
    /// The roles whose permissions and denials it takes over.
    pub includes: BTreeSet<Role>,
}

impl RoleRecord {
    /// A role that carries nothing yet.
    #[must_use]
    pub fn new(name: impl Into<Role>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            permissions: BTreeSet::new(),
            denied: BTreeSet::new(),
            includes: BTreeSet::new(),
        }
    }
}

/// Allow or deny.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The permission is given.
    Allow,
    /// The permission is refused, whatever else gives it.
    Deny,
}

/// A permission allowed or denied to one subject directly, perhaps only under a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// Which grant.
    pub id: GrantId,
    /// Allow or deny.
    pub effect: Effect,
    /// What is allowed or denied.
    pub permission: Permission,
    /// When it counts; always where `None`.
    pub condition: Option<Clause>,
    /// When it was made.
    pub created_at: Timestamp,
}
