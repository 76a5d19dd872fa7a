//! The laws of roles that include roles.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::policy::Roles;
use crate::types::{Permission, Role};

/// A graph of a few roles, cycles and all.
fn graph() -> impl Strategy<Value = Roles> {
    let edges = prop::collection::vec((0..6u8, 0..6u8), 0..12);
    let carried = prop::collection::vec((0..6u8, 0..4u8, any::<bool>()), 0..8);
    (edges, carried).prop_map(|(edges, carried)| {
        let mut roles = Roles::new();
        for (role, included) in edges {
            roles = roles.include(&format!("r{role}"), &format!("r{included}"));
        }
        for (role, permission, denied) in carried {
            let (role, permission) = (format!("r{role}"), format!("p{permission}"));
            roles = if denied {
                roles.deny(&role, [permission])
            } else {
                roles.grant(&role, [permission])
            };
        }
        roles
    })
}

fn named(numbers: &[u8]) -> Vec<Role> {
    numbers.iter().map(|number| Role::from(format!("r{number}"))).collect()
}

/// Whether a role includes itself, found the plain way.
fn has_cycle(roles: &Roles) -> bool {
    roles
        .records()
        .any(|record| roles.unfold(record.includes.iter().cloned()).roles.contains(&record.name))
}

proptest! {
    #[test]
    fn unfolding_twice_is_unfolding_once(
        roles in graph(), held in prop::collection::vec(0..8u8, 0..4),
    ) {
        let once = roles.unfold(named(&held));
        prop_assert_eq!(&roles.unfold(once.roles.iter().cloned()), &once);
    }

    #[test]
    fn more_roles_never_carry_less(
        roles in graph(), held in prop::collection::vec(0..6u8, 0..4), more in 0..6u8,
    ) {
        let mut all = held.clone();
        all.push(more);
        let (before, after) = (roles.unfold(named(&held)), roles.unfold(named(&all)));
        prop_assert!(before.roles.is_subset(&after.roles));
        prop_assert!(before.allowed.is_subset(&after.allowed));
        prop_assert!(before.denied.is_subset(&after.denied));
    }

    #[test]
    fn a_cycle_is_found_where_there_is_one_and_named_along_its_way(roles in graph()) {
        let found = roles.cycle();
        prop_assert_eq!(found.is_some(), has_cycle(&roles));
        if let Some(way) = found {
            prop_assert_eq!(way.first(), way.last());
            prop_assert!(way.len() >= 2);
            for step in way.windows(2) {
                let record = roles.get(step[0].as_str()).unwrap();
                prop_assert!(record.includes.contains(&step[1]), "{:?}", way);
            }
            let distinct: BTreeSet<&Role> = way.iter().collect();
            prop_assert_eq!(distinct.len(), way.len() - 1);
        }
    }

    #[test]
    fn the_ways_lead_from_what_was_assigned_to_everything_held(
        roles in graph(), held in prop::collection::vec(0..6u8, 0..4),
    ) {
        let ways = roles.ways(named(&held));
        let reached: BTreeSet<Role> = ways.held().cloned().collect();
        prop_assert_eq!(&reached, &roles.unfold(named(&held)).roles);
        for role in &reached {
            let way = ways.to(role).unwrap();
            prop_assert!(named(&held).contains(&way[0]));
            prop_assert_eq!(way.last(), Some(role));
            for step in way.windows(2) {
                prop_assert!(roles.get(step[0].as_str()).unwrap().includes.contains(&step[1]));
            }
        }
    }
}

/// `r0` includes `r1` includes … and the last carries `deep`.
fn chain(length: usize) -> Roles {
    (1..length)
        .fold(Roles::new(), |roles, number| {
            roles.include(&format!("r{}", number - 1), &format!("r{number}"))
        })
        .grant(&format!("r{}", length - 1), ["deep"])
}

#[test]
fn ten_thousand_roles_in_a_row_are_walked_without_recursion() {
    let roles = chain(10_000);
    assert_eq!(roles.cycle(), None);
    let held = roles.unfold(["r0".into()]);
    assert_eq!(held.roles.len(), 10_000);
    assert!(held.allowed.contains(&Permission::from("deep")));
    assert_eq!(roles.ways(["r0".into()]).to(&"r9999".into()).unwrap().len(), 10_000);

    let round = roles.include("r9999", "r0").cycle().unwrap();
    assert_eq!(round.len(), 10_001);
}
