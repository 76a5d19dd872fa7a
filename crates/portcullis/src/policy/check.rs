//! Judging a requirement: pure, total, and able to say what is missing.

use std::collections::BTreeSet;

use crate::problem::{Problem, ProblemKind};
use crate::types::{
    Conditional, Effect, Permission, Place, PlacedAccess, Principal, Remedy, Role, Scope,
};

use self::At::Everywhere;
use super::{Requirement, Term};

/// What is missing where no scope would do.
pub(super) const UNSCOPED: &str = "a credential that is not limited to scopes";

/// What became of a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Go on.
    Permit,
    /// Go on, and the handler must ask once it has the row: it hangs on who the owner is.
    Defer,
    /// 401: sign in, or again and more strongly (RFC 9470).
    Challenge(Ask),
    /// 403, and what is missing.
    Forbid(Missing),
}

/// What a 401 asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ask {
    /// Any credential.
    SignIn,
    /// A fresher or stronger one.
    StepUp(Vec<Remedy>),
}

/// What somebody lacks, in words they may know.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Missing {
    /// Each is needed; one that offers a choice says "or".
    pub terms: Vec<String>,
    /// The scopes among them: for `insufficient_scope`.
    pub scopes: Vec<Scope>,
}

/// Whether `who` may do `wanted` at this moment: holds it, and shows a credential whose scopes
/// reach that far. A denial wins over any number of allowances.
#[must_use]
pub fn permits(who: &Principal, wanted: &Permission) -> bool {
    holds(who, wanted, Everywhere) && reaches(who, wanted, who.context.within_scope)
}

/// Whether the subject holds `wanted` at this moment, whatever the credential is limited to.
pub(super) fn holds(who: &Principal, wanted: &Permission, at: At<'_>) -> bool {
    !is_denied(who, wanted, at)
        && (covers(&who.access.allowed, wanted)
            || counts(who, &who.access.conditional, Effect::Allow, wanted)
            || at.held(who).any(|held| {
                covers(&held.allowed, wanted)
                    || counts(who, &held.conditional, Effect::Allow, wanted)
            }))
}

/// For which place something is asked.
#[derive(Clone, Copy)]
pub(super) enum At<'a> {
    /// For none: what is held in single places does not count.
    Everywhere,
    /// For this one.
    Place(&'a Place),
    /// For one that is not known: only what is held everywhere counts, and a denial of any place.
    Somewhere,
}

impl<'a> At<'a> {
    pub(super) fn new(place: Option<&'a Place>) -> Self {
        place.map_or(Self::Somewhere, Self::Place)
    }

    /// What is held in the place besides.
    pub(super) fn held(self, who: &'a Principal) -> impl Iterator<Item = &'a PlacedAccess> {
        let held = match self {
            Self::Place(place) => who.access.within.get(place),
            Everywhere | Self::Somewhere => None,
        };
        held.into_iter()
    }

    /// All that may deny there.
    fn denying(self, who: &'a Principal) -> impl Iterator<Item = &'a PlacedAccess> {
        let any = matches!(self, Self::Somewhere);
        self.held(who).chain(who.access.within.values().filter(move |_| any))
    }
}

/// Whether the credential's scopes let its subject use `wanted`: it has no limit, the route named
/// a scope that it carries, or it carries one that stands for the permission.
pub(super) fn reaches(who: &Principal, wanted: &Permission, within_scope: bool) -> bool {
    let Some(limit) = who.limit() else { return true };
    within_scope || standing_for(who, wanted).any(|scope| limit.contains(scope))
}

/// The scopes that stand for a permission.
pub(super) fn standing_for<'a>(
    who: &'a Principal,
    wanted: &'a Permission,
) -> impl Iterator<Item = &'a Scope> {
    let rules = who.access.scopes.rules.iter();
    rules
        .filter(|(_, rule)| rule.permission.as_ref().is_some_and(|behind| behind.covers(wanted)))
        .map(|(scope, _)| scope)
}

/// Whether what the subject is or holds counts by this credential where no scope stands for it: a
/// role, or a thing that is theirs.
pub(super) fn is_unbound(who: &Principal, within_scope: bool) -> bool {
    who.limit().is_none() || within_scope
}

fn is_denied(who: &Principal, wanted: &Permission, at: At<'_>) -> bool {
    covers(&who.access.denied, wanted)
        || counts(who, &who.access.conditional, Effect::Deny, wanted)
        || at.denying(who).any(|held| {
            covers(&held.denied, wanted) || counts(who, &held.conditional, Effect::Deny, wanted)
        })
}

fn covers(held: &BTreeSet<Permission>, wanted: &Permission) -> bool {
    held.contains(wanted) || held.iter().any(|one| one.is_wildcard() && one.covers(wanted))
}

fn counts(who: &Principal, grants: &[Conditional], effect: Effect, wanted: &Permission) -> bool {
    grants
        .iter()
        .any(|grant| grant.effect == effect && grant.permission.covers(wanted) && grant.counts(who))
}

/// What a fresh sign-in would have to show for `who` to hold `wanted`: where it is not denied, and
/// an allowance would count but for that. The least of it.
fn remedies(who: &Principal, wanted: &Permission, at: At<'_>) -> Vec<Remedy> {
    if is_denied(who, wanted, at) {
        return Vec::new();
    }
    let there = at.held(who).flat_map(|held| &held.conditional);
    let allowances = who.access.conditional.iter().chain(there).filter(|grant| {
        grant.effect == Effect::Allow && grant.permission.covers(wanted) && !grant.counts(who)
    });
    let ways = allowances.map(|grant| grant.condition.remedies(who)).filter(|way| !way.is_empty());
    ways.min_by_key(Vec::len).unwrap_or_default()
}

/// The permission that the subject must hold for the scope to be of use.
pub(super) fn behind<'a>(who: &'a Principal, scope: &Scope) -> Option<&'a Permission> {
    who.access.scopes.rules.get(scope)?.permission.as_ref()
}

/// Whether the credential carries the scope and its subject may make use of it at this moment.
fn judge_scope(who: &Principal, wanted: &Scope) -> Verdict {
    if !who.scopes.carries(wanted.as_str()) {
        let missing =
            Missing { terms: vec![format!("scope {wanted}")], scopes: vec![wanted.clone()] };
        return Verdict::No { missing, remedies: Vec::new() };
    }
    behind(who, wanted).map_or(Verdict::Yes, |behind| {
        judge_permission(who, behind, (Everywhere, true), String::new)
    })
}

fn judge_permission(
    who: &Principal,
    wanted: &Permission,
    (at, within_scope): (At<'_>, bool),
    place: impl Fn() -> String,
) -> Verdict {
    let reaches = reaches(who, wanted, within_scope);
    if !holds(who, wanted, at) {
        let term = format!("permission {wanted}{}", place());
        let missing = Missing { terms: vec![term], scopes: Vec::new() };
        // A fresh sign-in does not stretch the scopes.
        let remedies = if reaches { remedies(who, wanted, at) } else { Vec::new() };
        return Verdict::No { missing, remedies };
    }
    if reaches {
        return Verdict::Yes;
    }
    Verdict::beyond_scope(standing_for(who, wanted).cloned().collect())
}

fn judge_role(
    who: &Principal,
    wanted: &Role,
    (at, within_scope): (At<'_>, bool),
    place: impl Fn() -> String,
) -> Verdict {
    let held =
        who.access.roles.contains(wanted) || at.held(who).any(|held| held.roles.contains(wanted));
    if !held {
        let term = format!("role {wanted}{}", place());
        let missing = Missing { terms: vec![term], scopes: Vec::new() };
        return Verdict::No { missing, remedies: Vec::new() };
    }
    if is_unbound(who, within_scope) { Verdict::Yes } else { Verdict::beyond_scope(Vec::new()) }
}

/// A term's verdict. `No` lists what would help by signing in again, where that alone would do.
pub(super) enum Verdict {
    Yes,
    Later,
    No { missing: Missing, remedies: Vec<Remedy> },
}

impl Verdict {
    /// The subject holds it, but the credential is limited to scopes that do not reach so far.
    fn beyond_scope(helping: Vec<Scope>) -> Self {
        let named = helping.iter().map(|scope| format!("scope {scope}")).collect::<Vec<_>>();
        let term = if named.is_empty() { UNSCOPED.to_owned() } else { named.join(" or ") };
        let missing = Missing { terms: vec![term], scopes: helping };
        Self::No { missing, remedies: Vec::new() }
    }
}

impl Requirement {
    /// Judges the requirement for this principal.
    ///
    /// A guest satisfies nothing but [`public`](super::public): every other answer to a guest is
    /// [`Decision::Challenge`].
    #[must_use]
    pub fn check(&self, who: &Principal) -> Decision {
        if self.is_public() {
            return Decision::Permit;
        }
        if who.is_guest() {
            return Decision::Challenge(Ask::SignIn);
        }
        match self.judge(who, who.context.within_scope) {
            Verdict::Yes => Decision::Permit,
            Verdict::Later => Decision::Defer,
            Verdict::No { remedies, .. } if !remedies.is_empty() => {
                Decision::Challenge(Ask::StepUp(strictest(remedies)))
            }
            Verdict::No { missing, .. } => Decision::Forbid(missing),
        }
    }

    /// Whether a scope that the credential carries is named beside the other terms, so that it
    /// vouches for them. Of alternatives, each must name one: a scope that opens one way in says nothing of
    /// another.
    #[must_use]
    pub fn is_within_scope(&self, who: &Principal) -> bool {
        match &self.term {
            Term::Scope(name) => matches!(judge_scope(who, name), Verdict::Yes),
            Term::All(terms) => terms.iter().any(|term| term.is_within_scope(who)),
            // The alternative that lets the request in is what counts.
            Term::Any(terms) => {
                self.names_scope()
                    && terms.iter().any(|term| {
                        term.is_within_scope(who)
                            && !matches!(term.judge(who, false), Verdict::No { .. })
                    })
            }
            _ => false,
        }
    }

    /// Whether there is no way in but by a scope.
    fn names_scope(&self) -> bool {
        match &self.term {
            Term::Scope(_) => true,
            Term::All(terms) => terms.iter().any(Self::names_scope),
            Term::Any(terms) => terms.iter().all(Self::names_scope),
            _ => false,
        }
    }

    pub(super) fn judge(&self, who: &Principal, within_scope: bool) -> Verdict {
        let lacks = |holds: bool| {
            if holds {
                Verdict::Yes
            } else {
                let missing = Missing { terms: vec![self.to_string()], scopes: Vec::new() };
                Verdict::No { missing, remedies: Vec::new() }
            }
        };
        match &self.term {
            Term::Unscoped if who.limit().is_some() => Verdict::beyond_scope(Vec::new()),
            Term::Public(_) | Term::Authenticated | Term::Unscoped => Verdict::Yes,
            Term::Role(name) => judge_role(who, name, (Everywhere, within_scope), String::new),
            Term::Permission(name) => {
                judge_permission(who, name, (Everywhere, within_scope), String::new)
            }
            Term::RoleIn(place, name) => {
                let found = place.of(who);
                let at = At::new(found.as_ref());
                judge_role(who, name, (at, within_scope), || format!(" in {place}"))
            }
            Term::PermissionIn(place, name) => {
                let found = place.of(who);
                let at = At::new(found.as_ref());
                judge_permission(who, name, (at, within_scope), || format!(" in {place}"))
            }
            Term::Scope(name) => judge_scope(who, name),
            Term::Is(subject) => match lacks(who.subject == *subject) {
                Verdict::Yes if !is_unbound(who, within_scope) => Verdict::beyond_scope(Vec::new()),
                verdict => verdict,
            },
            Term::Owner(_) if !is_unbound(who, within_scope) => Verdict::beyond_scope(Vec::new()),
            Term::Owner(_) => Verdict::Later,
            Term::When(condition) => match lacks(condition.holds(who)) {
                Verdict::No { missing, .. } => {
                    Verdict::No { missing, remedies: condition.remedies(who) }
                }
                verdict => verdict,
            },
            Term::Asked(asked) => lacks(who.context.answers.of(asked.number()) == Some(true)),
            Term::All(terms) => all(terms, who, within_scope || self.is_within_scope(who)),
            Term::Any(terms) => any(terms, who, within_scope),
        }
    }
}

/// One remedy of each kind: a login fresh enough for the strictest is fresh enough for all.
pub(super) fn strictest(mut remedies: Vec<Remedy>) -> Vec<Remedy> {
    remedies.sort_unstable();
    remedies.dedup_by_key(|remedy| std::mem::discriminant(remedy));
    remedies
}

fn all(terms: &[Requirement], who: &Principal, within_scope: bool) -> Verdict {
    let mut later = false;
    let mut missing = Missing::default();
    let mut remedies = Vec::new();
    let mut beyond_remedy = false;
    for term in terms {
        match term.judge(who, within_scope) {
            Verdict::Yes => {}
            Verdict::Later => later = true,
            Verdict::No { missing: more, remedies: help } => {
                beyond_remedy |= help.is_empty();
                remedies.extend(help);
                missing.terms.extend(more.terms);
                missing.scopes.extend(more.scopes);
            }
        }
    }
    if !missing.terms.is_empty() {
        if beyond_remedy {
            remedies.clear();
        }
        missing.terms.dedup();
        Verdict::No { missing, remedies }
    } else if later {
        Verdict::Later
    } else {
        Verdict::Yes
    }
}

fn any(terms: &[Requirement], who: &Principal, within_scope: bool) -> Verdict {
    let mut later = false;
    let mut choices = Vec::new();
    let mut scopes = Vec::new();
    let mut cheapest: Option<Vec<Remedy>> = None;
    for term in terms {
        match term.judge(who, within_scope) {
            Verdict::Yes => return Verdict::Yes,
            Verdict::Later => later = true,
            Verdict::No { missing, remedies } => {
                choices.push(missing.terms.join(" and "));
                scopes.extend(missing.scopes);
                if !remedies.is_empty()
                    && cheapest.as_ref().is_none_or(|c| remedies.len() < c.len())
                {
                    cheapest = Some(remedies);
                }
            }
        }
    }
    if later {
        return Verdict::Later;
    }
    Verdict::No {
        missing: Missing { terms: vec![choices.join(" or ")], scopes },
        remedies: cheapest.unwrap_or_default(),
    }
}

impl Missing {
    /// The 403 that says it.
    #[must_use]
    pub fn into_problem(self) -> Problem {
        let detail = format!("You lack: {}.", self.terms.join(", "));
        Problem::new(ProblemKind::Forbidden).detail(detail).missing(self.terms)
    }
}
