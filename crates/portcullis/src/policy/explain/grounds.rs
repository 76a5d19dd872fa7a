//! What spoke for and against a single term.

use super::{Circumstance, Effect, Ground, Help, Provenance, State, strictest};
use crate::policy::check::{At, behind, is_unbound, reaches, standing_for};
use crate::policy::{Requirement, Term};
use crate::types::{Condition, Conditional, Permission, Place, Principal};

/// How many roles are named as a help.
const MOST: usize = 5;

type Grounds = (Vec<Ground>, Vec<Help>);

impl Requirement {
    /// What speaks for and against the term, and what would help where it is not held. Empty for
    /// a list of terms: theirs say it.
    pub(super) fn grounds(
        &self,
        who: &Principal,
        provenance: &Provenance,
        within_scope: bool,
    ) -> Grounds {
        match &self.term {
            Term::Public(reason) => {
                (vec![Ground::Open { reason: (*reason).to_owned() }], Vec::new())
            }
            Term::All(_) | Term::Any(_) => (Vec::new(), Vec::new()),
            _ if who.is_guest() => (vec![asking(who)], vec![Help::SignIn]),
            Term::Unscoped if who.limit().is_some() => {
                (vec![Ground::BeyondScope], vec![Help::NoScopeLimit])
            }
            Term::Is(_) | Term::Owner(_) if !is_unbound(who, within_scope) => {
                (vec![asking(who), Ground::BeyondScope], vec![Help::NoScopeLimit])
            }
            Term::Authenticated | Term::Unscoped | Term::Is(_) | Term::Owner(_) => {
                (vec![asking(who)], Vec::new())
            }
            Term::Role(name) => {
                if who.access.roles.contains(name) {
                    let path = provenance.ways.to(name).unwrap_or_else(|| vec![name.clone()]);
                    let mut grounds = (vec![Ground::Role { path }], Vec::new());
                    if !is_unbound(who, within_scope) {
                        grounds.0.push(Ground::BeyondScope);
                        grounds.1.push(Help::NoScopeLimit);
                    }
                    grounds
                } else {
                    (Vec::new(), vec![Help::Role { role: name.clone() }])
                }
            }
            Term::RoleIn(place, name) => {
                let at = place.of(who);
                let held = At::new(at.as_ref()).held(who).any(|held| held.roles.contains(name));
                if !held && !who.access.roles.contains(name) {
                    return (Vec::new(), vec![Help::Role { role: name.clone() }]);
                }
                let there = at.as_ref().and_then(|place| provenance.within.get(place));
                let path = there
                    .and_then(|there| there.ways.to(name))
                    .or_else(|| provenance.ways.to(name))
                    .unwrap_or_else(|| vec![name.clone()]);
                let mut grounds = (vec![Ground::Role { path }], Vec::new());
                if !is_unbound(who, within_scope) {
                    grounds.0.push(Ground::BeyondScope);
                    grounds.1.push(Help::NoScopeLimit);
                }
                grounds
            }
            Term::Permission(name) | Term::PermissionIn(_, name) => {
                let at = match self.term() {
                    Term::PermissionIn(place, _) => place.of(who),
                    _ => None,
                };
                let mut grounds = permission(name, who, provenance, at.as_ref());
                if !reaches(who, name, within_scope) {
                    grounds.0.push(Ground::BeyondScope);
                    let scopes = standing_for(who, name).cloned();
                    grounds.1.extend(scopes.map(|scope| Help::Scope { scope }));
                    grounds.1.push(Help::NoScopeLimit);
                }
                grounds
            }
            Term::Scope(name) => {
                let carried = who.scopes.carries(name.as_str());
                let behind = behind(who, name);
                let scope = Ground::Scope { scope: name.clone(), carried, behind: behind.cloned() };
                let (mut by, mut helps) = behind
                    .map(|behind| permission(behind, who, provenance, None))
                    .unwrap_or_default();
                by.insert(0, scope);
                if !carried {
                    helps.insert(0, Help::Scope { scope: name.clone() });
                }
                (by, helps)
            }
            Term::Asked(asked) => {
                let sentence = asked.question().explain().into_owned();
                let state = match who.context.answers.of(asked.number()) {
                    Some(true) => State::Holds,
                    Some(false) => State::Fails,
                    None => State::Unknown,
                };
                let helps = match state {
                    State::Holds => Vec::new(),
                    _ => vec![Help::Circumstance { sentence: sentence.clone() }],
                };
                (vec![Ground::Condition(Circumstance { sentence, state })], helps)
            }
            Term::When(condition) => {
                let now = circumstance(&**condition, who);
                let helps = match now.state {
                    State::Holds => Vec::new(),
                    _ => vec![help(&**condition, who)],
                };
                (vec![Ground::Condition(now)], helps)
            }
        }
    }
}

fn asking(who: &Principal) -> Ground {
    Ground::Subject { who: who.subject.to_string() }
}

fn circumstance(condition: &dyn Condition, who: &Principal) -> Circumstance {
    let state = if condition.holds(who) {
        State::Holds
    } else if condition.is_known(who) {
        State::Fails
    } else {
        State::Unknown
    };
    Circumstance { sentence: condition.explain().into_owned(), state }
}

fn help(condition: &dyn Condition, who: &Principal) -> Help {
    let remedies = strictest(condition.remedies(who));
    if remedies.is_empty() {
        Help::Circumstance { sentence: condition.explain().into_owned() }
    } else {
        Help::SignInAgain { remedies }
    }
}

fn permission(
    wanted: &Permission,
    who: &Principal,
    provenance: &Provenance,
    place: Option<&Place>,
) -> Grounds {
    let mut found = Found { wanted, who, provenance, place, by: Vec::new(), helps: Vec::new() };
    for effect in [Effect::Deny, Effect::Allow] {
        found.of_roles(effect);
        found.of_grants(effect);
        found.vouched(effect);
        found.in_place(effect);
    }
    let denied = found.by.iter().any(|ground| speaks(ground, Effect::Deny));
    let allowed = found.by.iter().any(|ground| speaks(ground, Effect::Allow));
    if allowed {
        // Only what denies stands in the way.
        found.helps.retain(|help| {
            denied && matches!(help, Help::RevokeGrant { .. } | Help::RoleWithout { .. })
        });
    } else {
        found.roles_that_carry();
        found.helps.push(Help::Grant { permission: wanted.clone() });
    }
    (found.by, found.helps)
}

/// Whether the ground counts at this moment.
fn speaks(ground: &Ground, wanted: Effect) -> bool {
    match ground {
        Ground::RolePermission { effect, .. }
        | Ground::Vouched { effect, .. }
        | Ground::HeldIn { effect, .. } => *effect == wanted,
        Ground::Grant { effect, counts, .. } => *effect == wanted && *counts,
        _ => false,
    }
}

struct Found<'a> {
    wanted: &'a Permission,
    who: &'a Principal,
    provenance: &'a Provenance,
    place: Option<&'a Place>,
    by: Vec<Ground>,
    helps: Vec<Help>,
}

impl Found<'_> {
    fn of_roles(&mut self, effect: Effect) {
        let Provenance { roles, ways, .. } = self.provenance;
        for record in ways.held().filter_map(|role| roles.get(role.as_str())) {
            let carried = match effect {
                Effect::Allow => &record.permissions,
                Effect::Deny => &record.denied,
            };
            for permission in carried.iter().filter(|one| one.covers(self.wanted)) {
                let path = ways.to(&record.name).unwrap_or_default();
                self.by.push(Ground::RolePermission {
                    effect,
                    permission: permission.clone(),
                    path,
                });
                if effect == Effect::Deny {
                    self.helps.push(Help::RoleWithout {
                        role: record.name.clone(),
                        permission: permission.clone(),
                    });
                }
            }
        }
    }

    fn of_grants(&mut self, effect: Effect) {
        let always = self.provenance.grants.iter();
        for (grant, _, permission) in
            always.filter(|(_, its, one)| *its == effect && one.covers(self.wanted))
        {
            self.by.push(Ground::Grant {
                grant: *grant,
                effect,
                permission: permission.clone(),
                counts: true,
                condition: None,
            });
            if effect == Effect::Deny {
                self.helps.push(Help::RevokeGrant { grant: *grant });
            }
        }
        let sometimes = self.who.access.conditional.iter();
        for one in
            sometimes.filter(|one| one.effect == effect && one.permission.covers(self.wanted))
        {
            self.sometimes(one);
        }
    }

    fn sometimes(&mut self, one: &Conditional) {
        let counts = one.counts(self.who);
        match (one.effect, counts) {
            (Effect::Deny, true) => self.helps.push(Help::RevokeGrant { grant: one.grant }),
            (Effect::Allow, false) => self.helps.push(help(&*one.condition, self.who)),
            _ => {}
        }
        self.by.push(Ground::Grant {
            grant: one.grant,
            effect: one.effect,
            permission: one.permission.clone(),
            counts,
            condition: Some(circumstance(&*one.condition, self.who)),
        });
    }

    /// What is held and that nobody knows the origin of: every permission that decides is named.
    fn vouched(&mut self, effect: Effect) {
        let held = match effect {
            Effect::Allow => &self.who.access.allowed,
            Effect::Deny => &self.who.access.denied,
        };
        for permission in held.iter().filter(|one| one.covers(self.wanted)) {
            let known = self.by.iter().any(|ground| match ground {
                Ground::RolePermission { effect: its, permission: one, .. }
                | Ground::Grant { effect: its, permission: one, condition: None, .. } => {
                    *its == effect && one == permission
                }
                _ => false,
            });
            if !known {
                self.by.push(Ground::Vouched { effect, permission: permission.clone() });
            }
        }
    }

    /// What is held in the place that is asked for.
    fn in_place(&mut self, effect: Effect) {
        let Some(place) = self.place else { return };
        let Some(held) = self.who.access.within.get(place) else { return };
        let always = match effect {
            Effect::Allow => &held.allowed,
            Effect::Deny => &held.denied,
        };
        let traced = self.origins(place, effect);
        for permission in always.iter().filter(|one| one.covers(self.wanted)) {
            let known = traced.iter().any(|ground| {
                matches!(ground, Ground::HeldIn { permission: one, .. } if one == permission)
            });
            if !known {
                let (permission, place) = (permission.clone(), place.clone());
                let (path, grant) = (Vec::new(), None);
                self.by.push(Ground::HeldIn { effect, permission, place, path, grant });
            }
        }
        self.by.extend(traced);
        let sometimes = held.conditional.iter();
        for one in
            sometimes.filter(|one| one.effect == effect && one.permission.covers(self.wanted))
        {
            self.sometimes(one);
        }
    }

    /// The roles and grants of this place that speak so, as they are traced back.
    fn origins(&mut self, place: &Place, effect: Effect) -> Vec<Ground> {
        let Some(there) = self.provenance.within.get(place) else { return Vec::new() };
        let roles = &self.provenance.roles;
        let mut found = Vec::new();
        let mut hold = |permission: &Permission, path, grant| {
            let (permission, place) = (permission.clone(), place.clone());
            found.push(Ground::HeldIn { effect, permission, place, path, grant });
        };
        for record in there.ways.held().filter_map(|role| roles.get(role.as_str())) {
            let carried = match effect {
                Effect::Allow => &record.permissions,
                Effect::Deny => &record.denied,
            };
            for permission in carried.iter().filter(|one| one.covers(self.wanted)) {
                hold(permission, there.ways.to(&record.name).unwrap_or_default(), None);
                if effect == Effect::Deny {
                    let (role, permission) = (record.name.clone(), permission.clone());
                    self.helps.push(Help::RoleWithout { role, permission });
                }
            }
        }
        for (grant, its, permission) in &there.grants {
            if *its == effect && permission.covers(self.wanted) {
                hold(permission, Vec::new(), Some(*grant));
                if effect == Effect::Deny {
                    self.helps.push(Help::RevokeGrant { grant: *grant });
                }
            }
        }
        found
    }

    /// Roles that would give it, and do not take it away again.
    fn roles_that_carry(&mut self) {
        let roles = &self.provenance.roles;
        let carry = roles.records().filter(|record| {
            record.permissions.iter().any(|one| one.covers(self.wanted))
                && !roles
                    .unfold([record.name.clone()])
                    .denied
                    .iter()
                    .any(|one| one.covers(self.wanted))
        });
        self.helps.extend(carry.take(MOST).map(|record| Help::Role { role: record.name.clone() }));
    }
}
