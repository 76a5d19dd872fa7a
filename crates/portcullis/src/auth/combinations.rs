//! What subjects hold, kept once: equal combinations are shared, and all of them together have a bound.
//!
//! Most subjects hold what others hold, by the same roles: they share one copy of it. What differs from
//! all others has a copy of its own, and counts in full.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::types::{Access, Conditional, Permission, PlacedAccess, Role};

/// How many bytes all combinations in memory may take, about.
pub(super) const MOST_BYTES: usize = 128 * 1024 * 1024;

/// What a name in a set takes beside its text.
const NAME: usize = 48;
/// What a conditional grant takes beside its conditions.
const GRANT: usize = 160;
/// What one condition takes.
const CONDITION: usize = 240;

/// A combination that some subject holds, and about how many bytes it takes.
type Kept = (Weak<Access>, usize);

/// The combinations that are in memory.
#[derive(Debug)]
pub(super) struct Combinations {
    most: usize,
    hasher: RandomState,
    kept: Mutex<KeptAll>,
}

#[derive(Debug, Default)]
struct KeptAll {
    /// Those that others may share, by a hash of what they hold.
    shared: HashMap<u64, Vec<Kept>>,
    /// Those with conditions or places, which belong to one subject.
    own: Vec<Kept>,
    bytes: usize,
}

impl Combinations {
    pub(super) fn new(most: usize) -> Self {
        Self { most, hasher: RandomState::new(), kept: Mutex::default() }
    }

    /// The combination as memory keeps it: an equal one where there is one. `forget` is called where all
    /// of them take more than they may, and lets memory begin anew.
    pub(super) fn share(&self, access: Access, forget: impl FnOnce()) -> Arc<Access> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let sharing = access.conditional.is_empty() && access.within.is_empty();
        let key = self.hasher.hash_one((&access.roles, &access.allowed, &access.denied));
        if sharing && let Some(equal) = kept.equal(key, &access) {
            return equal;
        }
        let bytes = size(&access);
        let access = Arc::new(access);
        let entry = (Arc::downgrade(&access), bytes);
        kept.bytes += bytes;
        if sharing {
            kept.shared.entry(key).or_default().push(entry);
        } else {
            kept.own.push(entry);
        }
        if kept.bytes > self.most {
            kept.prune();
            // A memory that is nearly full would be pruned again at once.
            if kept.bytes > self.most / 4 * 3 {
                forget();
                kept.prune();
            }
        }
        access
    }

    /// About how many bytes they take, those among them that nobody holds any more.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }
}

impl KeptAll {
    fn equal(&self, key: u64, access: &Access) -> Option<Arc<Access>> {
        let equal = |one: &Arc<Access>| {
            one.roles == access.roles
                && one.allowed == access.allowed
                && one.denied == access.denied
                && Arc::ptr_eq(&one.scopes, &access.scopes)
        };
        self.shared.get(&key)?.iter().filter_map(|(kept, _)| kept.upgrade()).find(equal)
    }

    /// Forgets those that no subject in memory holds any more.
    fn prune(&mut self) {
        let held = |(kept, _): &Kept| kept.strong_count() > 0;
        self.own.retain(held);
        self.shared.retain(|_, each| {
            each.retain(held);
            !each.is_empty()
        });
        let all = self.own.iter().chain(self.shared.values().flatten());
        self.bytes = all.map(|(_, bytes)| bytes).sum();
    }
}

/// About how many bytes a combination takes.
fn size(access: &Access) -> usize {
    let Access { roles, allowed, denied, conditional, within, .. } = access;
    let placed = |held: &PlacedAccess| {
        NAME + names(&held.roles)
            + permissions(&held.allowed)
            + permissions(&held.denied)
            + grants(&held.conditional)
    };
    size_of::<Access>()
        + names(roles)
        + permissions(allowed)
        + permissions(denied)
        + grants(conditional)
        + within.values().map(placed).sum::<usize>()
}

fn names<'a>(roles: impl IntoIterator<Item = &'a Role>) -> usize {
    roles.into_iter().map(|role| NAME + role.as_str().len()).sum()
}

fn permissions<'a>(permissions: impl IntoIterator<Item = &'a Permission>) -> usize {
    permissions.into_iter().map(|one| NAME + one.as_str().len()).sum()
}

fn grants(conditional: &[Conditional]) -> usize {
    conditional.iter().map(|grant| GRANT + CONDITION * grant.condition.members()).sum()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn holding(permissions: &[String]) -> Access {
        Access {
            allowed: permissions.iter().map(|name| Permission::from(&**name)).collect(),
            ..Access::default()
        }
    }

    /// Faults §8, row 6.
    #[test]
    fn what_is_equal_is_kept_once() {
        let all = Combinations::new(MOST_BYTES);
        let scopes = Arc::default();
        let same: Vec<String> = (0..300).map(|number| format!("things:{number}")).collect();
        let share = |permissions: &[String]| {
            let access = Access { scopes: Arc::clone(&scopes), ..holding(permissions) };
            all.share(access, || panic!("there is room"))
        };
        let first = share(&same);
        for _ in 0..1000 {
            assert!(Arc::ptr_eq(&share(&same), &first));
        }
        assert!((15_000..40_000).contains(&all.bytes()), "{}", all.bytes());
        assert!(!Arc::ptr_eq(&share(&same[1..]), &first));
    }

    #[test]
    fn what_differs_has_a_bound_and_then_memory_begins_anew() {
        let most = 1024 * 1024;
        let all = Combinations::new(most);
        let memory: RefCell<Vec<Arc<Access>>> = RefCell::default();
        let (anew, mut largest) = (RefCell::new(0), 0);
        for subject in 0..1000 {
            let own: Vec<String> = (0..100).map(|number| format!("{subject}:{number}")).collect();
            let access = all.share(holding(&own), || {
                memory.borrow_mut().clear();
                *anew.borrow_mut() += 1;
            });
            memory.borrow_mut().push(access);
            largest = largest.max(memory.borrow().iter().map(|one| size(one)).sum::<usize>());
        }
        assert!(*anew.borrow() >= 3, "{anew:?}");
        assert!(largest <= most, "{largest}");
    }
}
