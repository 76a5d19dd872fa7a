//! When time alone would do: the next moment at which what is refused now would be allowed.

use crate::policy::check::{Verdict, behind};
use crate::policy::{Requirement, Term};
use crate::types::{Permission, Place, Principal, ZonedDateTime};

/// How many turns are looked at: two years of daily hours.
const MOST_TURNS: usize = 1500;
/// How many conditions are asked for their turns, all together: many conditions are looked at for fewer
/// turns, so that no grant makes the question expensive.
const MOST_ASKED: usize = 30_000;

impl Requirement {
    /// The next moment at which it would be held though nothing but time has passed, if there is
    /// one that can be foreseen.
    pub(super) fn opens(&self, who: &Principal, within_scope: bool) -> Option<ZonedDateTime> {
        let mut then = who.clone();
        let turns = MOST_ASKED / self.asked(who).max(1);
        for _ in 0..turns.clamp(10, MOST_TURNS) {
            let turn = self.turns(&then)?;
            // An application's own condition may be mistaken: time goes on.
            if turn.timestamp() <= then.context.now {
                return None;
            }
            then.context.now = turn.timestamp();
            if matches!(self.judge(&then, within_scope), Verdict::Yes) {
                return Some(turn);
            }
        }
        None
    }

    /// How many conditions are asked at each turn.
    fn asked(&self, who: &Principal) -> usize {
        match &self.term {
            Term::All(each) | Term::Any(each) => each.iter().map(|one| one.asked(who)).sum(),
            Term::When(condition) => condition.members(),
            Term::Permission(_) | Term::PermissionIn(..) | Term::Scope(_) => {
                let placed = who.access.within.values().flat_map(|held| &held.conditional);
                let grants = who.access.conditional.iter().chain(placed);
                grants.map(|grant| grant.condition.members()).sum()
            }
            _ => 0,
        }
    }

    /// The next moment at which the verdict may be another.
    fn turns(&self, who: &Principal) -> Option<ZonedDateTime> {
        match &self.term {
            Term::All(each) | Term::Any(each) => each.iter().filter_map(|one| one.turns(who)).min(),
            Term::Permission(wanted) => of_grants(wanted, who, None),
            Term::PermissionIn(place, wanted) => of_grants(wanted, who, place.of(who).as_ref()),
            Term::Scope(scope) => of_grants(behind(who, scope)?, who, None),
            Term::When(condition) => condition.turns(who),
            _ => None,
        }
    }
}

fn of_grants(wanted: &Permission, who: &Principal, place: Option<&Place>) -> Option<ZonedDateTime> {
    let there = place.and_then(|place| who.access.within.get(place)).into_iter();
    let there = there.flat_map(|held| &held.conditional);
    let grants =
        who.access.conditional.iter().chain(there).filter(|one| one.permission.covers(wanted));
    grants.filter_map(|one| one.condition.turns(who)).min()
}
