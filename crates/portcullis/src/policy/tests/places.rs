//! What is held in one place.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;

use super::samples::{Granted, PERMISSIONS, granted, rank, requirement, somebody, with};
use crate::policy::{permission_at, permits};
use crate::types::{Conditional, Effect, GrantId, Place, Principal, Tenants};

fn place(name: &str) -> Place {
    Place::new("tenant", name)
}

/// The same principal, holding this in one place as well.
fn holding_in(who: &Principal, name: &str, grants: &[Granted]) -> Principal {
    let mut who = who.clone();
    let held = Arc::make_mut(&mut who.access).within.entry(place(name)).or_default();
    for grant in grants {
        match (&grant.condition, grant.effect) {
            (None, Effect::Allow) => drop(held.allowed.insert(grant.permission.clone())),
            (None, Effect::Deny) => drop(held.denied.insert(grant.permission.clone())),
            (Some(condition), effect) => held.conditional.push(Conditional {
                grant: GrantId(uuid::Uuid::nil()),
                effect,
                permission: grant.permission.clone(),
                condition: Arc::clone(condition),
            }),
        }
    }
    who
}

fn grants() -> impl Strategy<Value = Vec<Granted>> {
    prop::collection::vec(granted(), 0..5)
}

proptest! {
    #[test]
    fn what_is_held_in_one_place_changes_nothing_elsewhere(
        who in somebody(), everywhere in grants(), here in grants(), what in requirement(),
        wanted in select(&PERMISSIONS[..]),
    ) {
        // Of a place that the path does not name, any place may be the one.
        prop_assume!(what.parts().is_empty());
        let before = with(&who, &everywhere);
        let after = holding_in(&before, "acme", &here);
        prop_assert_eq!(what.check(&before), what.check(&after));
        let there = permission_at(place("other"), wanted);
        prop_assert_eq!(rank(&there.check(&before)), rank(&there.check(&after)));
        prop_assert_eq!(permits(&before, &wanted.into()), permits(&after, &wanted.into()));
    }

    #[test]
    fn in_its_place_it_counts_as_if_it_were_held_everywhere(
        who in somebody(), everywhere in grants(), here in grants(),
        wanted in select(&PERMISSIONS[..]),
    ) {
        let placed = holding_in(&with(&who, &everywhere), "acme", &here);
        let whole = with(&who, &[everywhere, here].concat());
        let there = placed.may_in(&place("acme"), &wanted.into());
        prop_assert_eq!(there, permits(&whole, &wanted.into()));
        let judged = rank(&permission_at(place("acme"), wanted).check(&placed)) == 2;
        prop_assert_eq!(judged, there);
    }

    #[test]
    fn the_list_of_tenants_says_what_each_of_them_says(
        who in somebody(), everywhere in grants(), here in grants(), there in grants(),
        wanted in select(&PERMISSIONS[..]),
    ) {
        let who = holding_in(&with(&who, &everywhere), "acme", &here);
        let who = holding_in(&who, "other", &there);
        let tenants = who.tenants_with(&wanted.into());
        for name in ["acme", "other", "unheard-of"] {
            let may = who.may_in(&place(name), &wanted.into());
            prop_assert_eq!(tenants.contains(name), may, "{} {:?}", name, &tenants);
        }
        prop_assert_eq!(who.places_with("project", &wanted.into()).contains("acme"),
            permits(&who, &wanted.into()));
    }

    #[test]
    fn where_the_path_names_no_place_only_what_holds_in_all_of_them_counts(
        who in somebody(), everywhere in grants(), here in grants(),
        wanted in select(&PERMISSIONS[..]),
    ) {
        let who = holding_in(&with(&who, &everywhere), "acme", &here);
        let unnamed = rank(&crate::policy::permission_in("tenant", wanted).check(&who)) == 2;
        let everywhere = matches!(who.tenants_with(&wanted.into()), Tenants::AllBut(ref but) if but.is_empty());
        prop_assert!(!unnamed || everywhere);
    }
}
