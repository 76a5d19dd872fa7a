//! Conditions of conditions.

use std::borrow::Cow;
use std::sync::Arc;

use crate::types::{Condition, Principal, Remedy, ZonedDateTime};

/// All of these.
#[derive(Clone, Debug)]
pub struct AllOf(pub Vec<Arc<dyn Condition>>);

/// Any of these.
#[derive(Clone, Debug)]
pub struct AnyOf(pub Vec<Arc<dyn Condition>>);

/// Not this.
#[derive(Clone, Debug)]
pub struct NotThis(pub Arc<dyn Condition>);

fn joined(conditions: &[Arc<dyn Condition>], word: &str) -> Cow<'static, str> {
    let phrases: Vec<_> = conditions.iter().map(|condition| condition.explain()).collect();
    format!("({})", phrases.join(word)).into()
}

/// The first of what they turn at.
fn first_turn(conditions: &[Arc<dyn Condition>], who: &Principal) -> Option<ZonedDateTime> {
    conditions.iter().filter_map(|one| one.turns(who)).min()
}

impl Condition for AllOf {
    fn explain(&self) -> Cow<'static, str> {
        joined(&self.0, " and ")
    }

    fn holds(&self, who: &Principal) -> bool {
        self.0.iter().all(|condition| condition.holds(who))
    }

    fn is_known(&self, who: &Principal) -> bool {
        // One that is known not to hold decides alone.
        let known_not = |one: &Arc<dyn Condition>| one.is_known(who) && !one.holds(who);
        self.0.iter().all(|one| one.is_known(who)) || self.0.iter().any(known_not)
    }

    fn turns(&self, who: &Principal) -> Option<ZonedDateTime> {
        first_turn(&self.0, who)
    }

    fn members(&self) -> usize {
        self.0.iter().map(|one| one.members()).sum()
    }

    fn remedies(&self, who: &Principal) -> Vec<Remedy> {
        let lacking = self.0.iter().filter(|one| !one.holds(who));
        let each: Vec<Vec<Remedy>> = lacking.map(|one| one.remedies(who)).collect();
        // One that no sign-in mends makes the others not worth it.
        if each.iter().any(Vec::is_empty) { Vec::new() } else { each.concat() }
    }
}

impl Condition for AnyOf {
    fn explain(&self) -> Cow<'static, str> {
        joined(&self.0, " or ")
    }

    fn holds(&self, who: &Principal) -> bool {
        self.0.iter().any(|condition| condition.holds(who))
    }

    fn is_known(&self, who: &Principal) -> bool {
        self.0.iter().all(|one| one.is_known(who)) || self.0.iter().any(|one| one.holds(who))
    }

    fn turns(&self, who: &Principal) -> Option<ZonedDateTime> {
        first_turn(&self.0, who)
    }

    fn members(&self) -> usize {
        self.0.iter().map(|one| one.members()).sum()
    }

    fn remedies(&self, who: &Principal) -> Vec<Remedy> {
        if self.holds(who) {
            return Vec::new();
        }
        let ways = self.0.iter().map(|one| one.remedies(who)).filter(|way| !way.is_empty());
        ways.min_by_key(Vec::len).unwrap_or_default()
    }
}

impl Condition for NotThis {
    fn explain(&self) -> Cow<'static, str> {
        format!("not {}", self.0.explain()).into()
    }

    fn holds(&self, who: &Principal) -> bool {
        self.0.is_known(who) && !self.0.holds(who)
    }

    fn is_known(&self, who: &Principal) -> bool {
        self.0.is_known(who)
    }

    fn members(&self) -> usize {
        self.0.members()
    }

    fn turns(&self, who: &Principal) -> Option<ZonedDateTime> {
        self.0.turns(who)
    }
}
