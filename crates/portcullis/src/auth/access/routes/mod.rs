//! The endpoints of roles, grants and evaluation.

pub mod evaluation;
pub mod grants;
pub mod roles;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::policy::{Requirement, permission};
use crate::types::{ConditionSpec, Effect, Grant, GrantId, Permission, Place, Role, RoleRecord};

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
    /// In which place it counts, such as `tenant:acme`; everywhere where there is none.
    pub place: Option<Place>,
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
            place: grant.place,
            condition: grant.condition,
            valid_from: grant.valid_from.map(|moment| moment.to_string()),
            valid_until: grant.valid_until.map(|moment| moment.to_string()),
            created_at: grant.created_at.to_string(),
        }
    }
}

/// The roles that somebody holds in one place.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "PlacedRoles")]
pub struct PlacedRolesAnswer {
    /// Where, such as `tenant:acme`.
    pub place: Place,
    /// The roles assigned there, by name.
    pub roles: BTreeSet<Role>,
}

fn manages_roles() -> Requirement {
    permission("roles:manage")
}
