//! What subjects may do: roles, direct grants, the guard of the last administrator, evaluation.

mod evaluation;
mod grants;
mod graph;
mod last_administrator;
mod places;
mod roles;
pub mod routes;
pub(in crate::auth) mod sql;

use std::collections::{BTreeMap, BTreeSet};

pub use evaluation::{Supposed, Why};
pub(in crate::auth) use grants::assign;
pub(in crate::auth) use last_administrator::{AdministratorGuard, refuse_last};
pub use roles::RoleChange;

use super::cache::SubjectAccess;
use super::write::Write;
use crate::policy::Conditions;
use crate::problem::{Problem, ProblemKind};
use crate::types::{ConditionSpec, Effect, Grant, Permission, Place, Role, Subject, Timestamp};

/// How many direct grants a subject may have.
pub const GRANTS: usize = 1000;

/// How many members the conditions of all of them may have together.
pub const GRANT_MEMBERS: usize = 1000;

/// All that decides what a subject may do, read at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAccess {
    /// The username, or the client's name.
    pub name: String,
    /// What it signs in with, normalized: a username, an e-mail address.
    pub logins: [Option<String>; 2],
    /// Whether it may do anything at all.
    pub active: bool,
    /// The roles assigned directly.
    pub roles: BTreeSet<Role>,
    /// The roles assigned in single places, such as in one tenant.
    pub roles_within: BTreeMap<Place, BTreeSet<Role>>,
    /// The direct grants, oldest first.
    pub grants: Vec<Grant>,
    /// Raised by a new password, a new address, a change of activity and the end of all sessions:
    /// every action token and every sign-in under way hangs on it.
    pub epoch: u64,
}

/// A grant to be made.
#[derive(Clone, Debug)]
pub struct GrantRequest {
    /// Allow or deny.
    pub effect: Effect,
    /// What is allowed or denied.
    pub permission: Permission,
    /// In which place it counts, such as in one tenant; everywhere where `None`.
    pub place: Option<Place>,
    /// When it counts; always where `None`.
    pub condition: Option<ConditionSpec>,
    /// From when on it counts.
    pub valid_from: Option<Timestamp>,
    /// Until when it counts, that moment excluded.
    pub valid_until: Option<Timestamp>,
}

impl GrantRequest {
    /// A grant that always counts.
    #[must_use]
    pub fn new(effect: Effect, permission: impl Into<Permission>) -> Self {
        Self {
            effect,
            permission: permission.into(),
            place: None,
            condition: None,
            valid_from: None,
            valid_until: None,
        }
    }

    /// Allows a permission, always.
    #[must_use]
    pub fn allow(permission: impl Into<Permission>) -> Self {
        Self::new(Effect::Allow, permission)
    }

    /// Denies a permission, whatever else gives it.
    #[must_use]
    pub fn deny(permission: impl Into<Permission>) -> Self {
        Self { effect: Effect::Deny, ..Self::allow(permission) }
    }

    /// Counts in this place alone.
    ///
    /// ```
    /// use portcullis::auth::GrantRequest;
    /// use portcullis::types::Place;
    ///
    /// let grant = GrantRequest::allow("notes:read").within(Place::new("tenant", "acme"));
    /// assert_eq!(grant.place.map(|place| place.to_string()).as_deref(), Some("tenant:acme"));
    /// ```
    #[must_use]
    pub fn within(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Counts only while this holds.
    #[must_use]
    pub fn when(mut self, condition: ConditionSpec) -> Self {
        self.condition = Some(condition);
        self
    }
}

/// What this topic keeps.
pub(in crate::auth) struct AccessState {
    conditions: Conditions,
}

impl AccessState {
    pub(in crate::auth) fn new(conditions: Conditions) -> Self {
        Self { conditions }
    }
}

/// What a subject holds as of this transaction.
///
/// # Errors
/// A 404 where it is not there.
pub(in crate::auth) async fn required(
    write: &mut Write,
    subject: &Subject,
) -> Result<SubjectAccess, Problem> {
    write.access_of(subject).await?.ok_or_else(|| no_such(subject))
}

/// The 404 for a subject that is not there.
pub(in crate::auth) fn no_such(subject: &Subject) -> Problem {
    Problem::new(ProblemKind::NotFound).detail(match subject {
        Subject::Client(_) => "There is no such client.",
        _ => "There is no such user.",
    })
}
