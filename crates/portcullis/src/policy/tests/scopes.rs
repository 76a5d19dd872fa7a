//! What a credential may do: its scopes and what its user may do, both.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use uuid::Uuid;

use super::samples::{PERMISSIONS, SCOPES, book, granted, rank, requirement, somebody, term, with};
use crate::policy::{
    Decision, Missing, Requirement, Term, authenticated, is, owner, permission, permits, role,
    scope, unscoped,
};
use crate::types::{
    Access, Effect, External, Permission, Principal, ScopeBook, Scopes, Subject, UserId,
};

const ME: UserId = UserId(Uuid::nil());

fn admin() -> Principal {
    let book = ScopeBook::new()
        .register_for("items:write", "Change items.", "write")
        .register_for("users", "Administer users.", "users:*")
        .register("profile", "See who you are.");
    let mut who = Principal::new(Subject::User(ME), "ada");
    who.access = Arc::new(Access {
        roles: ["admin".into()].into(),
        allowed: ["write".into(), "delete".into(), "users:*".into()].into(),
        scopes: Arc::new(book),
        ..Access::default()
    });
    who
}

fn lacks(what: &Requirement, who: &Principal) -> Missing {
    match what.check(who) {
        Decision::Forbid(missing) => missing,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_credential_without_limit_may_do_all_its_user_may() {
    for what in [role("admin"), permission("delete"), scope("items:write") & permission("write")] {
        assert_eq!(what.check(&admin()), Decision::Permit, "{what}");
    }
}

#[test]
fn a_narrow_token_of_an_administrator_is_no_administrator() {
    let who = admin().with_scopes(["profile"]);
    assert_eq!(lacks(&role("admin"), &who).terms, ["a credential that is not limited to scopes"]);
    assert_eq!(lacks(&permission("delete"), &who).scopes, []);
    let users = lacks(&permission("users:manage"), &who);
    assert_eq!((users.terms, users.scopes), (vec!["scope users".to_owned()], vec!["users".into()]));
    assert!(!who.may(&"write".into()));
    assert!(who.must(permission("delete")).is_err());
    assert_eq!(authenticated().check(&who), Decision::Permit);
    assert_eq!(lacks(&is(ME), &who).terms, ["a credential that is not limited to scopes"]);
    assert!(matches!(owner("item").check(&who), Decision::Forbid(_)));
    assert!(matches!(unscoped().check(&who), Decision::Forbid(_)));
}

#[test]
fn what_is_ones_own_is_reached_by_a_scope_that_the_route_names() {
    let who = admin().with_scopes(["profile"]);
    assert_eq!((scope("profile") & is(ME)).check(&who), Decision::Permit);
    assert_eq!((scope("profile") & owner("item")).check(&who), Decision::Defer);
    assert!(matches!((scope("items:write") & owner("item")).check(&who), Decision::Forbid(_)));
    assert!(matches!((permission("delete") | owner("item")).check(&who), Decision::Forbid(_)));
}

#[test]
fn a_scope_vouches_for_its_permission_and_for_what_is_named_beside_it() {
    let who = admin().with_scopes(["items:write"]);
    assert_eq!(permission("write").check(&who), Decision::Permit);
    assert_eq!((role("admin") & scope("items:write")).check(&who), Decision::Permit);
    let either = scope("items:write") & (permission("delete") | is(ME));
    assert_eq!(either.check(&who), Decision::Permit);
    assert!(matches!((role("admin") | scope("profile")).check(&who), Decision::Forbid(_)));
    assert!(matches!((role("admin") & scope("profile")).check(&who), Decision::Forbid(_)));
}

#[test]
fn a_route_within_scope_lets_its_handler_ask_for_permissions() {
    let mut who = admin().with_scopes(["items:write"]);
    assert!(who.must(permission("delete")).is_err());
    who.context.within_scope = scope("items:write").is_within_scope(&who);
    assert!(who.must(permission("delete")).is_ok());
    assert!(!scope("profile").is_within_scope(&who));
    assert!(!(scope("items:write") & role("nobody") | is(ME)).is_within_scope(&who));
}

#[test]
fn limited_is_limited_whoever_issued_the_token() {
    let mut who = admin().with_scopes(["openid"]);
    who.subject = External::new("https://id.example", "ada").into();
    for what in [role("admin"), permission("delete"), scope("profile"), unscoped()] {
        assert!(matches!(what.check(&who), Decision::Forbid(_)), "{what}");
    }
    let reaching = who.clone().with_scopes(["items:write"]);
    assert_eq!(permission("write").check(&reaching), Decision::Permit);
    // An issuer that has no scopes at all limits by none, and gives none.
    let without = who.without_scopes();
    for what in [role("admin"), permission("delete"), unscoped()] {
        assert_eq!(what.check(&without), Decision::Permit, "{what}");
    }
    assert!(matches!(scope("profile").check(&without), Decision::Forbid(_)));
}

#[test]
fn a_scope_that_opens_one_way_in_vouches_for_no_other() {
    let who = admin().with_scopes(["items:write"]);
    let moderated = permission("delete") | scope("items:write") & owner("item");
    for same in [
        moderated.clone(),
        moderated.clone() & authenticated(),
        moderated.clone() & moderated.clone(),
    ] {
        assert_eq!(same.check(&who), Decision::Defer, "{same}");
    }
    // The handler asks whose it is: the token does not reach the permission.
    let mut inside = who.clone();
    inside.context.within_scope = moderated.is_within_scope(&who);
    let other = UserId(Uuid::from_u128(99));
    assert!(inside.must(permission("delete") | scope("items:write") & is(other)).is_err());
    assert!(inside.must(permission("delete") | scope("items:write") & is(ME)).is_ok());
}

/// Somebody else, who holds nothing, by a credential that is limited to the same scopes.
fn stranger(who: &Principal) -> Principal {
    let nothing = Access { scopes: Arc::clone(&who.access.scopes), ..Access::default() };
    let subject = Subject::User(UserId(Uuid::from_u128(99)));
    Principal { subject, access: Arc::new(nothing), ..who.clone() }
}

proptest! {
    #[test]
    fn a_credential_limited_to_nothing_reaches_what_a_stranger_does(
        who in somebody(), some in prop::collection::vec(granted(), 0..6), what in requirement(),
    ) {
        // Denials only take away: without them, holding more never means less.
        let allowed: Vec<_> =
            some.into_iter().filter(|one| one.effect == Effect::Allow).collect();
        let who = with(&who, &allowed).with_scopes(Vec::<&str>::new());
        prop_assert_eq!(rank(&what.check(&who)), rank(&what.check(&stranger(&who))), "{}", what);
    }

    #[test]
    fn no_term_alone_gives_a_limited_credential_what_its_scopes_do_not_reach(
        who in somebody().prop_filter("limited", |who| who.limit().is_some()),
        some in prop::collection::vec(granted(), 0..6), what in term(),
    ) {
        let who = with(&who, &some);
        let carried: Vec<Permission> = who.limit().into_iter().flatten()
            .filter_map(|scope| book().rules.get(scope)?.permission.clone()).collect();
        let reached = match what.term() {
            Term::Permission(wanted) | Term::PermissionIn(_, wanted) => {
                carried.iter().any(|one| one.covers(wanted))
            }
            Term::Asked(_)
            | Term::RoleIn(..)
            | Term::Role(_)
            | Term::Is(_)
            | Term::Owner(_)
            | Term::Unscoped => false,
            Term::Scope(name) => who.scopes.carries(name.as_str()),
            _ => true,
        };
        prop_assert!(reached || rank(&what.check(&who)) == 0, "{}", what);
    }

    #[test]
    fn a_limit_never_widens(who in somebody(), what in requirement()) {
        let mut whole = who.clone();
        whole.scopes = Scopes::All;
        prop_assert!(rank(&what.check(&who)) <= rank(&what.check(&whole)));
        for name in PERMISSIONS {
            prop_assert!(permits(&whole, &name.into()) || !permits(&who, &name.into()));
        }
    }

    #[test]
    fn fewer_scopes_never_widen(
        who in somebody(), what in requirement(),
        held in subsequence(&SCOPES[..], 0..=SCOPES.len()), gone in select(&SCOPES[..]),
    ) {
        let more = who.clone().with_scopes(held.clone());
        let fewer = who.with_scopes(held.into_iter().filter(|scope| *scope != gone));
        prop_assert!(rank(&what.check(&fewer)) <= rank(&what.check(&more)));
    }
}
