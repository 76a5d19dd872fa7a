//! When time alone would do: the next moment at which what is refused now would be allowed.

use crate::policy::check::{Verdict, behind};
use crate::policy::{Requirement, Term};
use crate::types::{Permission, Principal, ZonedDateTime};

/// How many turns are looked at: two years of daily hours.
const MOST_TURNS: usize = 1500;

impl Requirement {
    /// The next moment at which it would be held though nothing but time has passed, if there is
    /// one that can be foreseen.
    pub(super) fn opens(&self, who: &Principal, within_scope: bool) -> Option<ZonedDateTime> {
        let mut then = who.clone();
        for _ in 0..MOST_TURNS {
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

    /// The next moment at which the verdict may be another.
    fn turns(&self, who: &Principal) -> Option<ZonedDateTime> {
        match &self.term {
            Term::All(each) | Term::Any(each) => each.iter().filter_map(|one| one.turns(who)).min(),
            Term::Permission(wanted) => of_grants(wanted, who),
            Term::Scope(scope) => of_grants(behind(who, scope)?, who),
            Term::When(condition) => condition.turns(who),
            _ => None,
        }
    }
}

fn of_grants(wanted: &Permission, who: &Principal) -> Option<ZonedDateTime> {
    let grants = who.access.conditional.iter().filter(|one| one.permission.covers(wanted));
    grants.filter_map(|one| one.condition.turns(who)).min()
}
