//! The ways to satisfy a requirement.

use crate::policy::{Requirement, Term};

/// A requirement as an OR of ANDs: each list of terms is a way.
pub(super) fn ways(who: &Requirement) -> Vec<Vec<&Requirement>> {
    match who.term() {
        Term::Any(terms) => terms.iter().flat_map(ways).collect(),
        Term::All(terms) => terms.iter().fold(vec![Vec::new()], |ways_so_far, term| {
            let more = ways(term);
            let join = |way: &Vec<_>| {
                more.iter().map(|one| [way.as_slice(), one].concat()).collect::<Vec<_>>()
            };
            ways_so_far.iter().flat_map(join).collect()
        }),
        _ => vec![vec![who]],
    }
}
