//! Roles and direct grants, as the store keeps them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConditionSpec, GrantId, Permission, Place, Role, Timestamp};

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
#[non_exhaustive]
pub struct Grant {
    /// Which grant.
    pub id: GrantId,
    /// Allow or deny.
    pub effect: Effect,
    /// What is allowed or denied.
    pub permission: Permission,
    /// In which place it counts, such as in one tenant; everywhere where `None`.
    pub place: Option<Place>,
    /// Under which circumstances it counts; under any where `None`.
    pub condition: Option<ConditionSpec>,
    /// From when on it counts.
    pub valid_from: Option<Timestamp>,
    /// Until when it counts, that moment excluded.
    pub valid_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Grant {
    /// When it counts, its validity and its condition in one; always where `None`.
    #[must_use]
    pub fn when(&self) -> Option<ConditionSpec> {
        let from = self.valid_from.map(ConditionSpec::NotBefore);
        let until = self.valid_until.map(ConditionSpec::NotAfter);
        let mut clauses: Vec<_> =
            from.into_iter().chain(until).chain(self.condition.clone()).collect();
        match clauses.len() {
            0 | 1 => clauses.pop(),
            _ => Some(ConditionSpec::All(clauses)),
        }
    }
}
