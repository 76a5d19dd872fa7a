//! The judge and the explanation never disagree.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use uuid::Uuid;

use super::samples::{PERMISSIONS, ROLES, book, granted, requirement, somebody, with};
use crate::policy::conditions::OpenHours;
use crate::policy::{
    Conditions, Ground, Held, Help, Join, Outcome, Provenance, Reason, Roles, permission, role,
    scope,
};
use crate::types::{
    Access, ConditionSpec, Conditional, Effect, Grant, GrantId, Principal, Role, Subject,
    Timestamp, UserId,
};

fn of_terms(reason: &Reason) -> Held {
    let any = |held| reason.terms.iter().any(|term| term.held == held);
    match reason.join {
        Some(Join::All) if any(Held::No) => Held::No,
        Some(Join::All) if any(Held::Later) => Held::Later,
        Some(Join::All) => Held::Yes,
        Some(Join::Any) if any(Held::Yes) => Held::Yes,
        Some(Join::Any) if any(Held::Later) => Held::Later,
        Some(Join::Any) => Held::No,
        None => reason.held,
    }
}

/// What the grounds of a permission amount to.
fn of_grounds(by: &[Ground]) -> Held {
    let counts = |wanted: Effect| {
        by.iter().any(|ground| match ground {
            Ground::RolePermission { effect, .. } | Ground::Vouched { effect, .. } => {
                *effect == wanted
            }
            Ground::Grant { effect, counts, .. } => *effect == wanted && *counts,
            _ => false,
        })
    };
    let beyond = by.contains(&Ground::BeyondScope);
    if counts(Effect::Allow) && !counts(Effect::Deny) && !beyond { Held::Yes } else { Held::No }
}

/// What a verifier denies, nobody here can take back.
fn denied_elsewhere(ground: &Ground) -> bool {
    matches!(ground, Ground::Vouched { effect: Effect::Deny, .. })
}

fn each<'a>(reason: &'a Reason, all: &mut Vec<&'a Reason>) {
    all.push(reason);
    reason.terms.iter().for_each(|term| each(term, all));
}

fn graph() -> impl Strategy<Value = Roles> {
    let edges = subsequence(vec![("r", "s"), ("s", "t"), ("r", "t")], 0..=3);
    let carried =
        prop::collection::vec((select(&ROLES[..]), select(&PERMISSIONS[..]), any::<bool>()), 0..6);
    (edges, carried).prop_map(|(edges, carried)| {
        let roles = edges.into_iter().fold(Roles::new(), |all, (a, b)| all.include(a, b));
        carried.into_iter().fold(roles, |all, (role, permission, allow)| {
            if allow { all.grant(role, [permission]) } else { all.deny(role, [permission]) }
        })
    })
}

proptest! {
    #[test]
    fn the_explanation_agrees_with_the_judge(
        who in somebody(), guest in any::<bool>(), some in prop::collection::vec(granted(), 0..6),
        what in requirement(),
    ) {
        let who = with(&if guest { Principal::guest() } else { who }, &some);
        let why = what.explain(&who);
        prop_assert_eq!(why.outcome, Outcome::from(what.check(&who)));
        let mut all = Vec::new();
        each(&why.because, &mut all);
        for reason in all {
            if who.is_guest() {
                prop_assert!(reason.held == Held::No || what.is_public() || reason.required.starts_with("anyone"));
                continue;
            }
            prop_assert_eq!(reason.held, of_terms(reason), "{}", why);
            if reason.required.starts_with("permission ") && reason.join.is_none() {
                prop_assert_eq!(reason.held, of_grounds(&reason.by), "{}", why);
            }
            if reason.held == Held::Yes {
                prop_assert!(reason.helps.is_empty(), "{}", why);
            } else if reason.held == Held::No && reason.join.is_none()
                && !reason.required.starts_with("user") && !reason.by.iter().any(denied_elsewhere)
            {
                prop_assert!(!reason.helps.is_empty(), "{}", why);
            }
        }
    }

    #[test]
    fn everything_a_store_gave_is_traced_to_a_role_or_a_grant(
        roles in graph(), assigned in subsequence(&ROLES[..], 0..=3),
        direct in prop::collection::vec((select(&PERMISSIONS[..]), any::<bool>(), any::<bool>()), 0..5),
        wanted in select(&PERMISSIONS[..]),
    ) {
        let assigned: BTreeSet<Role> = assigned.into_iter().map(Role::from).collect();
        let grants: Vec<Grant> = direct.iter().enumerate().map(|(number, (name, allow, always))| Grant {
            place: None,
            id: GrantId(Uuid::from_u128(number as u128)),
            effect: if *allow { Effect::Allow } else { Effect::Deny },
            permission: (*name).into(),
            condition: (!always).then(|| ConditionSpec::NotAfter(Timestamp::from_second(9).unwrap())),
            valid_from: None,
            valid_until: None,
            created_at: Timestamp::UNIX_EPOCH,
        }).collect();
        let unfolded = roles.unfold(assigned.iter().cloned());
        let mut access = Access {
            roles: unfolded.roles, allowed: unfolded.allowed, denied: unfolded.denied,
            scopes: Arc::new(book()), ..Access::default()
        };
        for grant in &grants {
            match (&grant.condition, grant.effect) {
                (None, Effect::Allow) => drop(access.allowed.insert(grant.permission.clone())),
                (None, Effect::Deny) => drop(access.denied.insert(grant.permission.clone())),
                (Some(spec), effect) => access.conditional.push(Conditional {
                    grant: grant.id, effect, permission: grant.permission.clone(),
                    condition: Conditions::new().compile(spec).unwrap(),
                }),
            }
        }
        let mut who = Principal::new(Subject::User(UserId(Uuid::nil())), "ann");
        who.access = Arc::new(access);
        let provenance = Provenance::new(Arc::new(roles), &assigned, &grants);
        let why = permission(wanted).explain_from(&who, &provenance);
        prop_assert_eq!(why.because.held, of_grounds(&why.because.by), "{}", why);
        let vouched = why.because.by.iter().any(|ground| matches!(ground, Ground::Vouched { .. }));
        prop_assert!(!vouched, "{}", why);
    }
}

fn ann() -> Principal {
    let mut who = Principal::new(Subject::User(UserId(Uuid::nil())), "ann");
    who.context.now = "2026-01-04T10:00:00Z".parse().unwrap();
    who
}

#[test]
fn the_tree_names_paths_grants_conditions_and_what_would_help() {
    let roles = Roles::new()
        .include("admin", "moderator")
        .grant("moderator", ["items:*"])
        .deny("intern", ["items:delete"])
        .grant("clerk", ["write"]);
    let assigned = BTreeSet::from(["admin".into(), "intern".into()]);
    let unfolded = roles.unfold(assigned.iter().cloned());
    let hours = OpenHours::working("09:00", "17:00", "UTC").unwrap();
    let mut who = ann().with_scopes(["items:read"]);
    who.access = Arc::new(Access {
        roles: unfolded.roles,
        allowed: unfolded.allowed,
        denied: unfolded.denied,
        conditional: vec![Conditional {
            grant: GrantId(Uuid::from_u128(5)),
            effect: Effect::Allow,
            permission: "write".into(),
            condition: Arc::new(hours),
        }],
        ..Access::default()
    });
    let provenance = Provenance::new(Arc::new(roles), &assigned, &[]);
    let what = permission("items:read")
        & permission("items:delete")
        & permission("write")
        & (role("moderator") | scope("items:write"));
    let why = what.explain_from(&who, &provenance);
    assert_eq!(why.outcome, Outcome::Forbid);
    let tree = "\
refused (403)
  no     permission items:read and permission items:delete and permission write and (role moderator or scope items:write)
    no     permission items:read
             items:* allowed by role admin > moderator
             beyond the scopes of the credential
             would help: a credential that is not limited to scopes
    no     permission items:delete
             items:delete denied by role intern
             items:* allowed by role admin > moderator
             beyond the scopes of the credential
             would help: role intern without the denial of items:delete
             would help: a credential that is not limited to scopes
    no     permission write
             write allowed by grant 00000000-0000-0000-0000-000000000005, Monday to Friday 09:00–17:00 UTC (does not hold); does not count
             beyond the scopes of the credential
             would help: asking Monday to Friday 09:00–17:00 UTC
             would help: role clerk
             would help: a grant of write
             would help: a credential that is not limited to scopes
    no     role moderator or scope items:write
      no     role moderator
               held: admin > moderator
               beyond the scopes of the credential
               would help: a credential that is not limited to scopes
      no     scope items:write
               scope items:write not carried
               would help: a token with scope items:write
";
    assert_eq!(why.to_string(), tree);
}

/// ann, with permissions under conditions.
fn under(grants: &[(Effect, &str, ConditionSpec)]) -> Principal {
    let mut who = ann();
    let conditional = grants.iter().enumerate().map(|(number, (effect, name, spec))| Conditional {
        grant: GrantId(Uuid::from_u128(number as u128)),
        effect: *effect,
        permission: (*name).into(),
        condition: Conditions::new().compile(spec).unwrap(),
    });
    who.access = Arc::new(Access { conditional: conditional.collect(), ..Access::default() });
    who
}

fn spec(json: serde_json::Value) -> ConditionSpec {
    serde_json::from_value(json).unwrap()
}

fn hours(days: &[&str], from: &str, to: &str, zone: &str) -> ConditionSpec {
    let span = serde_json::json!({"weekdays": days, "from": from, "to": to, "time_zone": zone});
    spec(serde_json::json!({"hours": span}))
}

#[test]
fn it_says_when_waiting_would_do() {
    let says = |who: &Principal, what: &crate::policy::Requirement| {
        what.explain(who).opens.map(|opens| opens.local)
    };
    let office = hours(&["monday", "tuesday"], "08:00", "17:00", "Europe/Vienna");
    let who = under(&[(Effect::Allow, "write", office.clone())]);
    let write = permission("write");
    assert_eq!(says(&who, &write).unwrap(), "Monday 2026-01-05 08:00 Europe/Vienna");
    assert_eq!(write.explain(&who).opens.unwrap().at, "2026-01-05T07:00:00Z");
    let text = write.explain(&who).to_string();
    assert!(text.contains("would help: waiting until Monday 2026-01-05 08:00 Europe/Vienna"));

    // A validity that begins later, and hours within it.
    let from = spec(serde_json::json!({"not_before": "2027-06-01T00:00:00Z"}));
    let later = under(&[(Effect::Allow, "write", ConditionSpec::All(vec![from, office.clone()]))]);
    assert_eq!(says(&later, &write).unwrap(), "Tuesday 2027-06-01 08:00 Europe/Vienna");
    // A denial must be over too.
    let denied = spec(serde_json::json!({"not_after": "2026-01-05T10:00:30Z"}));
    let denied =
        under(&[(Effect::Allow, "write", office.clone()), (Effect::Deny, "write", denied)]);
    assert_eq!(says(&denied, &write).unwrap(), "Monday 2026-01-05 10:00:30 UTC");
    // All terms at once, or any of them.
    let night = hours(&["monday"], "22:00", "09:00", "Europe/Vienna");
    let both = under(&[(Effect::Allow, "write", office), (Effect::Allow, "read", night)]);
    let all = permission("read") & write.clone();
    assert_eq!(says(&both, &all).unwrap(), "Tuesday 2026-01-06 08:00 Europe/Vienna");
    let any = permission("read") | write.clone();
    assert_eq!(says(&both, &any).unwrap(), "Monday 2026-01-05 08:00 Europe/Vienna");
    assert!(all.explain(&both).to_string().starts_with(
        "refused (403)\nwould be allowed from Tuesday 2026-01-06 08:00 Europe/Vienna\n"
    ));

    // Where time does not help, nothing is promised.
    let over = spec(serde_json::json!({"not_after": "2026-01-01T00:00:00Z"}));
    let place = spec(serde_json::json!({"networks": ["10.0.0.0/8"]}));
    let never = ConditionSpec::All(vec![hours(&["monday"], "08:00", "17:00", "UTC"), over.clone()]);
    for condition in [over, place, never] {
        let who = under(&[(Effect::Allow, "write", condition)]);
        assert_eq!(says(&who, &write), None);
        assert_eq!(says(&who, &(write.clone() & role("admin"))), None);
    }
    assert_eq!(says(&Principal::guest(), &write), None);
}

#[test]
fn reasons_are_data() {
    let why = permission("write").explain(&ann());
    let json = serde_json::to_value(&why).unwrap();
    assert_eq!(json["outcome"], "forbid");
    assert_eq!(json["because"]["held"], "no");
    assert_eq!(json["because"]["helps"][0]["kind"], "grant");
    assert_eq!(why.because.helps, [Help::Grant { permission: "write".into() }]);
}

/// Turns every minute, never holds, and counts how often it was asked.
#[derive(Debug)]
struct Restless(Arc<std::sync::atomic::AtomicUsize>);

impl crate::types::Condition for Restless {
    fn explain(&self) -> std::borrow::Cow<'static, str> {
        "never".into()
    }

    fn holds(&self, _: &Principal) -> bool {
        false
    }

    fn turns(&self, who: &Principal) -> Option<crate::types::ZonedDateTime> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let then = who.context.now + jiff::SignedDuration::from_mins(1);
        Some(then.to_zoned_datetime(jiff::tz::TimeZone::UTC))
    }
}

/// Faults §8, row 5: a grant with a thousand conditions, asked when it would open.
#[test]
fn what_it_costs_to_say_when_is_bounded() {
    for number in [1, 10, 1000] {
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let each = (0..number).map(|_| Arc::new(Restless(Arc::clone(&asked))) as Arc<_>).collect();
        let mut who = ann();
        let grant = Conditional {
            grant: GrantId(Uuid::from_u128(1)),
            effect: Effect::Allow,
            permission: "write".into(),
            condition: Arc::new(crate::policy::conditions::AnyOf(each)),
        };
        who.access = Arc::new(Access { conditional: vec![grant], ..Access::default() });
        assert!(permission("write").explain(&who).opens.is_none());
        let asked = asked.load(std::sync::atomic::Ordering::Relaxed);
        // For the term, and for the whole.
        assert!(
            (3000..=2 * 30_000).contains(&asked),
            "{number} conditions were asked {asked} times"
        );
    }
}
