//! What a credential may do: its scopes and what its user may do, both.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use uuid::Uuid;

use super::samples::{PERMISSIONS, SCOPES, rank, requirement, somebody};
use crate::policy::{
    Decision, Missing, Requirement, authenticated, is, permission, permits, role, scope,
};
use crate::types::{Access, External, Principal, ScopeBook, Scopes, Subject, UserId};

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
    assert_eq!(is(ME).check(&who), Decision::Permit);
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
fn what_another_issuer_vouches_for_came_in_the_token() {
    let mut who = admin().with_scopes(["openid"]);
    who.subject = External::new("https://id.example", "ada").into();
    assert_eq!(role("admin").check(&who), Decision::Permit);
    assert!(matches!(scope("profile").check(&who), Decision::Forbid(_)));
}

proptest! {
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
