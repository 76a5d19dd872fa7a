//! What no order and no nesting may change, and what may never widen.

use proptest::prelude::*;
use proptest::sample::select;

use super::samples::{
    Fact, Granted, Line, PERMISSIONS, ROLES, SCOPES, condition, granted, holding, kind, line, rank,
    requirement, somebody, with,
};
use crate::policy::check::UNSCOPED;
use crate::policy::{
    Ask, Decision, Requirement, all_of, any_of, authenticated, permits, role, scope,
};
use crate::types::{Effect, Permission, Principal, Remedy, Scopes};

fn grants() -> impl Strategy<Value = Vec<Granted>> {
    prop::collection::vec(granted(), 0..8)
}

fn judged(who: &Requirement, by: &Principal) -> u8 {
    kind(&who.check(by))
}

/// What a wildcard covers, said another way: segment by segment.
fn covers_by_segments(held: &str, wanted: &str) -> bool {
    let (held, wanted): (Vec<_>, Vec<_>) = (held.split(':').collect(), wanted.split(':').collect());
    match held.split_last() {
        Some((&"*", stem)) => {
            wanted.starts_with(stem) && (wanted.len() > stem.len() || stem.is_empty())
        }
        _ => held == wanted,
    }
}

proptest! {
    #[test]
    fn no_order_of_grants_changes_a_decision(
        who in somebody(), what in requirement(),
        (some, mixed) in grants().prop_flat_map(|some| (Just(some.clone()), Just(some).prop_shuffle())),
    ) {
        prop_assert_eq!(judged(&what, &with(&who, &some)), judged(&what, &with(&who, &mixed)));
    }

    #[test]
    fn taking_an_allowance_away_never_widens(
        who in somebody(), what in requirement(), some in grants(), at in any::<prop::sample::Index>(),
    ) {
        let mut fewer = some.clone();
        if let Some(position) = (!some.is_empty()).then(|| at.index(some.len()))
            && some[position].effect == Effect::Allow
        {
            fewer.remove(position);
        }
        let (before, after) = (with(&who, &some), with(&who, &fewer));
        prop_assert!(rank(&what.check(&after)) <= rank(&what.check(&before)));
        for name in PERMISSIONS {
            prop_assert!(permits(&before, &name.into()) || !permits(&after, &name.into()));
        }
    }

    #[test]
    fn adding_a_denial_never_widens(
        who in somebody(), what in requirement(), some in grants(), mut more in granted(),
        at in any::<prop::sample::Index>(),
    ) {
        more.effect = Effect::Deny;
        let mut denied = some.clone();
        denied.insert(at.index(some.len() + 1), more);
        let (before, after) = (with(&who, &some), with(&who, &denied));
        prop_assert!(rank(&what.check(&after)) <= rank(&what.check(&before)));
        for name in PERMISSIONS {
            prop_assert!(permits(&before, &name.into()) || !permits(&after, &name.into()));
        }
    }

    #[test]
    fn a_denial_wins_over_any_number_of_allowances(
        who in somebody(), some in grants(), denied in select(&PERMISSIONS[..]),
        wanted in select(&PERMISSIONS[..]),
    ) {
        let mut all = some;
        all.push(Granted { effect: Effect::Deny, permission: denied.into(), condition: None });
        if Permission::from(denied).covers(&wanted.into()) {
            prop_assert!(!permits(&with(&who, &all), &wanted.into()));
        }
    }

    #[test]
    fn with_roles_that_include_roles_the_same_laws_hold(
        who in somebody(), what in requirement(), some in grants(),
        (lines, mixed) in prop::collection::vec(line(), 0..16)
            .prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
        at in any::<prop::sample::Index>(), more in (select(&ROLES[..]), select(&PERMISSIONS[..])),
    ) {
        let before = holding(&who, &lines, &some);
        prop_assert_eq!(judged(&what, &before), judged(&what, &holding(&who, &mixed, &some)));
        let mut fewer = lines.clone();
        if let Some(position) = (!lines.is_empty()).then(|| at.index(lines.len()))
            && matches!(lines[position], Line::Allow(..))
        {
            fewer.remove(position);
        }
        let mut denied = lines;
        denied.push(Line::Deny(more.0, more.1));
        for after in [holding(&who, &fewer, &some), holding(&who, &denied, &some)] {
            prop_assert!(rank(&what.check(&after)) <= rank(&what.check(&before)));
            for name in PERMISSIONS {
                prop_assert!(permits(&before, &name.into()) || !permits(&after, &name.into()));
            }
        }
        // However deep the role that denies is included, and whatever else allows.
        let after = holding(&who, &denied, &some);
        for name in PERMISSIONS {
            if after.access.roles.contains(more.0) && Permission::from(more.1).covers(&name.into()) {
                prop_assert!(!permits(&after, &name.into()));
            }
        }
    }

    #[test]
    fn and_and_or_are_commutative_associative_and_idempotent(
        who in somebody(), some in grants(),
        one in requirement(), two in requirement(), three in requirement(),
    ) {
        let who = with(&who, &some);
        let (a, b, c) = (|| one.clone(), || two.clone(), || three.clone());
        prop_assert_eq!(judged(&(a() & b()), &who), judged(&(b() & a()), &who));
        prop_assert_eq!(judged(&(a() | b()), &who), judged(&(b() | a()), &who));
        let nested = |left, right| all_of([left, right]);
        let left = nested(nested(a(), b()), c());
        let right = nested(a(), nested(b(), c()));
        prop_assert_eq!(judged(&left, &who), judged(&right, &who));
        prop_assert_eq!(judged(&left, &who), judged(&(a() & b() & c()), &who));
        let nested = |left, right| any_of([left, right]);
        let left = nested(nested(a(), b()), c());
        let right = nested(a(), nested(b(), c()));
        prop_assert_eq!(judged(&left, &who), judged(&right, &who));
        prop_assert_eq!(judged(&left, &who), judged(&(a() | b() | c()), &who));
        prop_assert_eq!(judged(&(a() & a()), &who), judged(&a(), &who));
        prop_assert_eq!(judged(&(a() | a()), &who), judged(&a(), &who));
    }

    #[test]
    fn a_guest_satisfies_nothing_but_public(what in requirement(), some in grants()) {
        let guest = with(&Principal::guest(), &some);
        match what.check(&guest) {
            Decision::Permit => prop_assert!(what.is_public()),
            decision => prop_assert_eq!(decision, Decision::Challenge(Ask::SignIn)),
        }
    }

    #[test]
    fn a_wildcard_covers_by_whole_segments(
        held in "[ab](:[xy]){0,2}(:\\*)?|\\*", wanted in "[ab](:[xy]){0,3}(:\\*)?",
    ) {
        let covers = Permission::from(&*held).covers(&Permission::from(&*wanted));
        prop_assert_eq!(covers, covers_by_segments(&held, &wanted), "{} {}", held, wanted);
    }

    #[test]
    fn what_is_not_known_fails_closed(
        who in somebody(), some in grants(), condition in condition(), wanted in select(&PERMISSIONS[..]),
    ) {
        let granted = |effect| Granted {
            effect, permission: wanted.into(), condition: Some(condition.clone()),
        };
        let who = Principal { scopes: Scopes::All, ..who };
        let (known, holds) = (condition.is_known(&who), condition.holds(&who));
        prop_assert!(known || !holds, "what is not known holds: {}", condition.explain());
        let allowed = with(&who, &[granted(Effect::Allow)]);
        prop_assert_eq!(permits(&allowed, &wanted.into()), known && holds);
        let mut all = some;
        all.push(granted(Effect::Deny));
        prop_assert!(!(permits(&with(&who, &all), &wanted.into()) && (holds || !known)));
    }

    #[test]
    fn what_is_missing_names_only_what_lacks(who in somebody(), some in grants(), what in requirement()) {
        let who = with(&who, &some);
        if let Decision::Forbid(missing) = what.check(&who) {
            let named: Vec<&str> = missing.terms.iter()
                .flat_map(|term| term.split(" or ")).flat_map(|term| term.split(" and ")).collect();
            let names = ROLES.map(role).into_iter()
                .chain(PERMISSIONS.map(crate::policy::permission))
                .chain([authenticated()]);
            for held in names.filter(|term| term.check(&who) == Decision::Permit) {
                prop_assert!(!named.contains(&&*held.to_string()), "{} in {:?}", held, named);
            }
            for name in &missing.scopes {
                prop_assert!(scope(name.clone()).check(&who) != Decision::Permit);
            }
        }
    }

    #[test]
    fn whoever_gets_what_was_missing_comes_in(
        who in somebody(),
        terms in prop::collection::vec(prop_oneof![
            select(&ROLES[..]).prop_map(role),
            select(&PERMISSIONS[..]).prop_map(crate::policy::permission),
            select(&SCOPES[..]).prop_map(scope),
        ], 1..5),
    ) {
        let what = all_of(terms);
        let mut who = with(&who, &[]);
        // A scope that was carried in vain tells of its permission only then.
        for _ in 0..2 {
            let Decision::Forbid(missing) = what.check(&who) else { break };
            for term in &missing.terms {
                who = match term.split_once(' ') {
                    Some(("role", name)) => who.with_roles([name]),
                    Some(("permission", name)) => who.with_permissions([name]),
                    _ if term.contains(UNSCOPED) => Principal { scopes: Scopes::All, ..who },
                    _ => who,
                };
            }
            if let Scopes::Only(held) = &who.scopes {
                let all = held.iter().cloned().chain(missing.scopes.iter().cloned());
                let all: Vec<_> = all.collect();
                who = who.with_scopes(all);
            }
        }
        prop_assert_eq!(what.check(&who), Decision::Permit);
    }

    #[test]
    fn a_step_up_is_asked_for_only_where_it_opens(
        who in somebody(), allowed in prop::collection::vec(granted(), 0..6),
        what in requirement().prop_filter("no negation undoes it", |what| !what.to_string().contains("not ")),
    ) {
        let allowed: Vec<Granted> = allowed.into_iter().filter(|grant| {
            grant.effect == Effect::Allow
                && grant.condition.as_ref().is_none_or(|one| !one.explain().contains("not "))
        }).collect();
        let who = with(&who, &allowed);
        if let Decision::Challenge(Ask::StepUp(remedies)) = what.check(&who) {
            prop_assert!(!remedies.is_empty());
            let mut again = who;
            for remedy in remedies {
                match remedy {
                    Remedy::RecentLogin(_) => again.authenticated_at = Some(again.context.now),
                    Remedy::SecondFactor => again.second_factor = true,
                }
            }
            prop_assert!(rank(&what.check(&again)) > 0, "{} {:?}", what, again.access);
        }
    }
}

#[test]
fn a_condition_of_no_known_state_allows_nothing_and_denies_everything() {
    let who = Principal::new(crate::types::UserId(uuid::Uuid::nil()).into(), "ann");
    let grant = |effect, fact: Fact| Granted {
        effect,
        permission: "a:*".into(),
        condition: Some(std::sync::Arc::new(fact)),
    };
    let may = |grants: &[Granted]| permits(&with(&who, grants), &"a:x".into());
    assert!(may(&[grant(Effect::Allow, Fact::Holds)]));
    assert!(!may(&[grant(Effect::Allow, Fact::Unknown)]));
    assert!(may(&[grant(Effect::Allow, Fact::Holds), grant(Effect::Deny, Fact::Fails)]));
    assert!(!may(&[grant(Effect::Allow, Fact::Holds), grant(Effect::Deny, Fact::Unknown)]));
}

#[test]
fn a_grant_that_lacks_only_a_fresh_login_asks_for_one() {
    use crate::policy::conditions::{AllOf, RecentLogin};
    let who = Principal::new(crate::types::UserId(uuid::Uuid::nil()).into(), "ann");
    let under = |conditions: Vec<std::sync::Arc<dyn crate::types::Condition>>| Granted {
        effect: Effect::Allow,
        permission: "pay".into(),
        condition: Some(std::sync::Arc::new(AllOf(conditions))),
    };
    let login = || std::sync::Arc::new(RecentLogin::within(60));
    let pay = || crate::policy::permission("pay");
    let holds = under(vec![login(), std::sync::Arc::new(Fact::Holds)]);
    assert_eq!(
        pay().check(&with(&who, std::slice::from_ref(&holds))),
        Decision::Challenge(Ask::StepUp(vec![Remedy::RecentLogin(60)]))
    );
    let fails = under(vec![login(), std::sync::Arc::new(Fact::Fails)]);
    assert!(matches!(pay().check(&with(&who, &[fails])), Decision::Forbid(_)), "in vain");
    let denied = Granted { effect: Effect::Deny, permission: "pay".into(), condition: None };
    assert!(matches!(pay().check(&with(&who, &[holds, denied])), Decision::Forbid(_)), "in vain");
}
