//! Why: what was required, what was held, what decided, and what would help.
//!
//! The verdict on every term is the judge's own: nothing is decided a second time in here, it is
//! only traced back to where it came from.

mod grounds;
mod opening;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::check::{Verdict, strictest};
use super::{Ask, Decision, Requirement, Roles, Term, Ways};
use crate::types::{
    Effect, Grant, GrantId, Permission, Place, Principal, Remedy, Role, Scope, ZonedDateTime,
};

/// What became of a requirement, and why. Displays as a tree for people.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Reasons {
    /// What the gate would do.
    pub outcome: Outcome,
    /// The requirement, term by term.
    pub because: Reason,
    /// When all of it would be held next though nothing but time has passed, where that can be
    /// foreseen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens: Option<Opening>,
}

/// A moment at which something will be held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Opening {
    /// The moment (RFC 3339).
    pub at: String,
    /// The same for people, in the time zone of the condition, such as
    /// `Monday 2026-03-02 08:00 Europe/Vienna`.
    pub local: String,
}

impl From<ZonedDateTime> for Opening {
    fn from(moment: ZonedDateTime) -> Self {
        let seconds = if moment.second() == 0 { "" } else { ":%S" };
        let local = moment.strftime(&format!("%A %Y-%m-%d %H:%M{seconds} %Q")).to_string();
        Self { at: moment.timestamp().to_string(), local }
    }
}

/// What the gate would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Let the request through.
    Permit,
    /// Let it through as far as the handler, which asks who the owner is.
    AskOwner,
    /// 401: sign in.
    SignIn,
    /// 401: sign in again, more freshly or more strongly.
    StepUp,
    /// 403.
    Forbid,
}

/// One term of a requirement.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Reason {
    /// What was required.
    pub required: String,
    /// Whether it is held.
    pub held: Held,
    /// What decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<Ground>,
    /// What would help, each by itself or where there are several faults together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub helps: Vec<Help>,
    /// Whether all or any of the terms below are needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join: Option<Join>,
    /// The terms below.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<Reason>,
}

/// Whether a term is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// Only the handler can tell, once it has the row.
    Later,
}

/// How terms are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// All are needed.
    All,
    /// Any of them does.
    Any,
}

/// Something that spoke for or against a term.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ground {
    /// The route is open.
    Open {
        /// Why it is.
        reason: String,
    },
    /// Who asks.
    Subject {
        /// Such as `user 0190…` or `guest`.
        who: String,
    },
    /// A role that is held.
    Role {
        /// From the role assigned to the one meant, such as `admin`, `moderator`.
        path: Vec<Role>,
    },
    /// What a role allows or denies.
    RolePermission {
        /// Allow or deny.
        effect: Effect,
        /// The permission as the role has it.
        permission: Permission,
        /// From the role assigned to the one that carries it.
        path: Vec<Role>,
    },
    /// A direct grant.
    Grant {
        /// Which grant.
        grant: GrantId,
        /// Allow or deny.
        effect: Effect,
        /// The permission as granted.
        permission: Permission,
        /// Whether it counts now.
        counts: bool,
        /// When it counts, where not always.
        #[serde(skip_serializing_if = "Option::is_none")]
        condition: Option<Circumstance>,
    },
    /// What a verifier vouches for, or a role whose origin was not looked up.
    Vouched {
        /// Allow or deny.
        effect: Effect,
        /// The permission.
        permission: Permission,
    },
    /// What is held in the place that was asked for, by a role or a grant there where that is known.
    HeldIn {
        /// Allow or deny.
        effect: Effect,
        /// The permission.
        permission: Permission,
        /// Where.
        place: Place,
        /// From the role assigned there to the one that carries it.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        path: Vec<Role>,
        /// Which direct grant.
        #[serde(skip_serializing_if = "Option::is_none")]
        grant: Option<GrantId>,
    },
    /// A scope.
    Scope {
        /// Which scope.
        scope: Scope,
        /// Whether the credential carries it. One without limits carries all.
        carried: bool,
        /// The permission that must stand behind it.
        #[serde(skip_serializing_if = "Option::is_none")]
        behind: Option<Permission>,
    },
    /// The credential is limited to scopes, and none of them reaches so far.
    BeyondScope,
    /// A condition.
    Condition(Circumstance),
}

/// A condition, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Circumstance {
    /// The condition as it says itself.
    pub sentence: String,
    /// Whether it holds.
    pub state: State,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It does.
    Holds,
    /// It does not.
    Fails,
    /// What it looks at is not known: an allowance under it does not count, a denial does.
    Unknown,
}

/// Something that would help.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Help {
    /// Signing in.
    SignIn,
    /// Signing in again, so as to show this.
    SignInAgain {
        /// What must be shown.
        remedies: Vec<Remedy>,
    },
    /// Being assigned a role.
    Role {
        /// Which role.
        role: Role,
    },
    /// A grant of a permission.
    Grant {
        /// Which permission.
        permission: Permission,
    },
    /// A token with a scope.
    Scope {
        /// Which scope.
        scope: Scope,
    },
    /// A credential that is not limited to scopes.
    NoScopeLimit,
    /// Waiting.
    Waiting {
        /// Until when.
        until: Opening,
    },
    /// Another hour or place.
    Circumstance {
        /// What must be so.
        sentence: String,
    },
    /// Taking a denial back.
    RevokeGrant {
        /// The grant that denies.
        grant: GrantId,
    },
    /// Taking away a role that denies.
    RoleWithout {
        /// The role that denies.
        role: Role,
        /// What it denies.
        permission: Permission,
    },
}

/// Where what a subject holds came from, for an explanation. Judging does without.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    roles: Arc<Roles>,
    ways: Ways,
    /// Grants without condition. Those with one are in the [`Access`](crate::types::Access).
    grants: Always,
    /// What is held in single places.
    within: BTreeMap<Place, Placed>,
}

type Always = Vec<(GrantId, Effect, Permission)>;

/// Where what is held in one place came from.
#[derive(Clone, Debug, Default)]
struct Placed {
    ways: Ways,
    grants: Always,
}

impl Provenance {
    /// From the roles that exist, those assigned directly, and the direct grants.
    #[must_use]
    pub fn new(roles: Arc<Roles>, assigned: &BTreeSet<Role>, grants: &[Grant]) -> Self {
        let mut traced =
            Self { ways: roles.ways(assigned.iter().cloned()), roles, ..Self::default() };
        for one in grants.iter().filter(|one| one.when().is_none()) {
            let there = match &one.place {
                None => &mut traced.grants,
                Some(place) => &mut traced.within.entry(place.clone()).or_default().grants,
            };
            there.push((one.id, one.effect, one.permission.clone()));
        }
        traced
    }

    /// And from the roles assigned in single places.
    #[must_use]
    pub fn and_within(mut self, assigned: &BTreeMap<Place, BTreeSet<Role>>) -> Self {
        for (place, assigned) in assigned {
            let ways = self.roles.ways(assigned.iter().cloned());
            self.within.entry(place.clone()).or_default().ways = ways;
        }
        self
    }
}

impl Requirement {
    /// Says why [`check`](Self::check) decides as it does for this principal.
    ///
    /// ```
    /// use portcullis::policy::{Held, Outcome, permission, role};
    /// use portcullis::types::{Principal, Subject, UserId};
    ///
    /// let ann = Principal::new(Subject::User(UserId(uuid::Uuid::nil())), "ann")
    ///     .with_permissions(["items:*"]);
    /// let why = (permission("items:delete") & role("admin")).explain(&ann);
    /// assert_eq!(why.outcome, Outcome::Forbid);
    /// assert_eq!(why.because.terms[0].held, Held::Yes);
    /// assert_eq!(why.because.terms[1].held, Held::No);
    /// ```
    #[must_use]
    pub fn explain(&self, who: &Principal) -> Reasons {
        self.explain_from(who, &Provenance::default())
    }

    /// As [`explain`](Self::explain), tracing what is held back to roles and grants.
    #[must_use]
    pub fn explain_from(&self, who: &Principal, provenance: &Provenance) -> Reasons {
        let within = who.context.within_scope;
        let because = self.reason(who, provenance, within);
        let opens = (because.held == Held::No && !who.is_guest()).then(|| self.opens(who, within));
        let opens = opens.flatten().map(Opening::from);
        Reasons { outcome: self.check(who).into(), because, opens }
    }

    fn reason(&self, who: &Principal, provenance: &Provenance, within_scope: bool) -> Reason {
        let (by, mut helps) = self.grounds(who, provenance, within_scope);
        let held = self.held(who, within_scope);
        if held == Held::No
            && !who.is_guest()
            && !matches!(self.term, Term::All(_) | Term::Any(_))
            && let Some(moment) = self.opens(who, within_scope)
        {
            helps.insert(0, Help::Waiting { until: moment.into() });
        }
        let within = within_scope || matches!(self.term, Term::All(_)) && self.is_within_scope(who);
        let terms =
            |terms: &[Self]| terms.iter().map(|one| one.reason(who, provenance, within)).collect();
        let (join, terms) = match &self.term {
            Term::All(each) => (Some(Join::All), terms(each)),
            Term::Any(each) => (Some(Join::Any), terms(each)),
            _ => (None, Vec::new()),
        };
        Reason { required: self.to_string(), held, by, helps, join, terms }
    }

    fn held(&self, who: &Principal, within_scope: bool) -> Held {
        // A guest holds nothing, and is let in only where the whole requirement is public.
        if who.is_guest() && !self.is_public() {
            return Held::No;
        }
        match self.judge(who, within_scope) {
            Verdict::Yes => Held::Yes,
            Verdict::Later => Held::Later,
            Verdict::No { .. } => Held::No,
        }
    }
}

impl Reasons {
    /// Whether the request is let through for certain.
    #[must_use]
    pub fn is_permitted(&self) -> bool {
        self.outcome == Outcome::Permit
    }
}

impl From<Decision> for Outcome {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Permit => Self::Permit,
            Decision::Defer => Self::AskOwner,
            Decision::Challenge(Ask::SignIn) => Self::SignIn,
            Decision::Challenge(Ask::StepUp(_)) => Self::StepUp,
            Decision::Forbid(_) => Self::Forbid,
        }
    }
}
