//! Principals, grants and requirements, drawn at random from a small world.

use std::borrow::Cow;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use uuid::Uuid;

use crate::policy::conditions::{AllOf, AnyOf, NotThis, RecentLogin, SecondFactor};
use crate::policy::{Decision, Requirement, Roles, Term};
use crate::types::{
    Access, Condition, Conditional, Effect, External, GrantId, Permission, Principal, ScopeBook,
    Subject, Timestamp, UserId,
};

pub(super) const PERMISSIONS: [&str; 9] =
    ["*", "a", "a:*", "a:x", "a:x:*", "a:x:y", "ab:x", "b", "b:x"];
pub(super) const ROLES: [&str; 3] = ["r", "s", "t"];
pub(super) const SCOPES: [&str; 3] = ["free", "of-b", "of-ax"];

/// A condition whose state the test decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    Holds,
    Fails,
    Unknown,
}

impl Condition for Fact {
    fn explain(&self) -> Cow<'static, str> {
        format!("while {self:?}").into()
    }

    fn holds(&self, _: &Principal) -> bool {
        *self == Self::Holds
    }

    fn is_known(&self, _: &Principal) -> bool {
        *self != Self::Unknown
    }
}

/// A question that nobody has answered.
#[derive(Debug)]
struct Unanswered;

#[async_trait::async_trait]
impl crate::policy::Question for Unanswered {
    fn explain(&self) -> Cow<'static, str> {
        "while somebody says so".into()
    }

    async fn ask(&self, _: &Principal) -> Result<bool, crate::problem::BoxError> {
        Err("nobody is asked".into())
    }
}

pub(super) fn condition() -> impl Strategy<Value = Arc<dyn Condition>> {
    let leaf = prop_oneof![
        select(vec![Fact::Holds, Fact::Fails, Fact::Unknown])
            .prop_map(|fact| Arc::new(fact) as Arc<dyn Condition>),
        (1..100u32).prop_map(|age| Arc::new(RecentLogin::within(age)) as Arc<dyn Condition>),
        Just(Arc::new(SecondFactor) as Arc<dyn Condition>),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let list = || prop::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            list().prop_map(|all| Arc::new(AllOf(all)) as Arc<dyn Condition>),
            list().prop_map(|any| Arc::new(AnyOf(any)) as Arc<dyn Condition>),
            inner.clone().prop_map(|one| Arc::new(NotThis(one)) as Arc<dyn Condition>),
        ]
    })
}

/// One grant, as a store has it.
#[derive(Clone, Debug)]
pub(super) struct Granted {
    pub(super) effect: Effect,
    pub(super) permission: Permission,
    pub(super) condition: Option<Arc<dyn Condition>>,
}

pub(super) fn granted() -> impl Strategy<Value = Granted> {
    let effect = select(vec![Effect::Allow, Effect::Allow, Effect::Deny]);
    (effect, select(&PERMISSIONS[..]), prop::option::of(condition())).prop_map(
        |(effect, permission, condition)| Granted {
            effect,
            permission: permission.into(),
            condition,
        },
    )
}

pub(super) fn book() -> ScopeBook {
    ScopeBook::new()
        .register("free", "Free.")
        .register_for("of-b", "For b.", "b")
        .register_for("of-ax", "For a:x.", "a:x")
}

/// Somebody signed in: everything but their grants.
pub(super) fn somebody() -> impl Strategy<Value = Principal> {
    let roles = subsequence(&ROLES[..], 0..=ROLES.len());
    let scopes = prop::option::of(subsequence(&SCOPES[..], 0..=SCOPES.len()));
    let age = prop::option::of(0..200i64);
    let ways = (any::<bool>(), any::<bool>());
    (roles, scopes, age, ways).prop_map(|(roles, scopes, age, (second_factor, elsewhere))| {
        let subject = if elsewhere {
            External::new("https://id.example", "ann").into()
        } else {
            Subject::User(UserId(Uuid::from_u128(7)))
        };
        let mut who = Principal::new(subject, "ann").with_roles(roles);
        if let Some(scopes) = scopes {
            who = who.with_scopes(scopes);
        }
        who.context.now = Timestamp::from_second(1_000_000).unwrap();
        who.authenticated_at = age.map(|age| Timestamp::from_second(1_000_000 - age).unwrap());
        who.second_factor = second_factor;
        who
    })
}

/// The same principal with these grants.
pub(super) fn with(who: &Principal, grants: &[Granted]) -> Principal {
    let mut access =
        Access { roles: who.access.roles.clone(), scopes: Arc::new(book()), ..Access::default() };
    for (number, grant) in grants.iter().enumerate() {
        match (&grant.condition, grant.effect) {
            (None, Effect::Allow) => drop(access.allowed.insert(grant.permission.clone())),
            (None, Effect::Deny) => drop(access.denied.insert(grant.permission.clone())),
            (Some(condition), effect) => access.conditional.push(Conditional {
                grant: GrantId(Uuid::from_u128(number as u128)),
                effect,
                permission: grant.permission.clone(),
                condition: Arc::clone(condition),
            }),
        }
    }
    Principal { access: Arc::new(access), ..who.clone() }
}

/// One thing that is written down of roles.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    Allow(&'static str, &'static str),
    Deny(&'static str, &'static str),
    /// The first includes the second.
    Include(&'static str, &'static str),
}

pub(super) fn line() -> impl Strategy<Value = Line> {
    let role = || select(&ROLES[..]);
    let permission = || select(&PERMISSIONS[..]);
    prop_oneof![
        4 => (role(), permission()).prop_map(|(role, what)| Line::Allow(role, what)),
        1 => (role(), permission()).prop_map(|(role, what)| Line::Deny(role, what)),
        2 => (role(), role()).prop_map(|(role, other)| Line::Include(role, other)),
    ]
}

/// The same principal with these grants, and all that its roles carry and include.
pub(super) fn holding(who: &Principal, lines: &[Line], grants: &[Granted]) -> Principal {
    let roles = lines.iter().fold(Roles::new(), |roles, line| match *line {
        Line::Allow(role, what) => roles.grant(role, [what]),
        Line::Deny(role, what) => roles.deny(role, [what]),
        Line::Include(role, other) => roles.include(role, other),
    });
    let unfolded = roles.unfold(who.access.roles.iter().cloned());
    let mut all = with(who, grants);
    let access = Arc::make_mut(&mut all.access);
    access.roles.extend(unfolded.roles);
    access.allowed.extend(unfolded.allowed);
    access.denied.extend(unfolded.denied);
    all
}

pub(super) fn term() -> impl Strategy<Value = Requirement> {
    prop_oneof![
        1 => Just(crate::policy::public("a part")),
        1 => Just(crate::policy::authenticated()),
        1 => Just(crate::policy::unscoped()),
        2 => select(&ROLES[..]).prop_map(crate::policy::role),
        4 => select(&PERMISSIONS[..]).prop_map(crate::policy::permission),
        2 => select(&SCOPES[..]).prop_map(crate::policy::scope),
        1 => (6..9u128).prop_map(|id| crate::policy::is(UserId(Uuid::from_u128(id)))),
        1 => Just(crate::policy::owner("thing")),
        1 => Just(crate::policy::when_asked(Unanswered)),
        1 => select(&PERMISSIONS[..]).prop_map(|name| crate::policy::permission_in("tenant", name)),
        1 => select(&ROLES[..]).prop_map(|name| crate::policy::role_in("tenant", name)),
        2 => condition().prop_map(|condition| Term::When(condition).into()),
    ]
}

pub(super) fn requirement() -> impl Strategy<Value = Requirement> {
    term().prop_recursive(4, 16, 4, |inner| {
        let list = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            list().prop_map(crate::policy::all_of),
            list().prop_map(crate::policy::any_of),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| one & other),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| one | other),
        ]
    })
}

/// How far a request comes.
pub(super) fn rank(decision: &Decision) -> u8 {
    match decision {
        Decision::Forbid(_) | Decision::Challenge(_) => 0,
        Decision::Defer => 1,
        Decision::Permit => 2,
    }
}

/// Which kind of decision it is, whatever its words.
pub(super) fn kind(decision: &Decision) -> u8 {
    match decision {
        Decision::Permit => 0,
        Decision::Defer => 1,
        Decision::Challenge(_) => 2,
        Decision::Forbid(_) => 3,
    }
}
