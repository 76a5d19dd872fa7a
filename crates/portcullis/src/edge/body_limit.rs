//! The largest body that a route reads, and how much of all bodies is in memory while they arrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The largest body that is read, in bytes. Put it into a request's extensions to change it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimit(pub usize);

impl Default for BodyLimit {
    /// 1 MiB.
    fn default() -> Self {
        Self(1024 * 1024)
    }
}

/// How many bytes of bodies may be in memory at once while they arrive. Of these, bodies of public
/// routes, where no credential counts, may take one half: strangers do not keep out whoever is
/// signed in.
#[derive(Clone, Debug)]
pub(crate) struct BodyBudget {
    shared: Arc<Shared>,
    stranger: bool,
}

#[derive(Debug)]
struct Shared {
    most: usize,
    strangers: AtomicUsize,
    all: AtomicUsize,
}

/// What one body has taken of the budget; given back when this is dropped.
#[derive(Debug)]
pub(crate) struct HeldBytes {
    budget: BodyBudget,
    bytes: usize,
}

impl BodyBudget {
    pub(crate) fn new(most: usize) -> Self {
        let shared = Shared { most, strangers: AtomicUsize::new(0), all: AtomicUsize::new(0) };
        Self { shared: Arc::new(shared), stranger: false }
    }

    /// From here on the body is a stranger's.
    pub(crate) fn set_stranger(&mut self) {
        self.stranger = true;
    }

    /// Nothing yet, of a body that begins to arrive.
    pub(crate) fn begin(self) -> HeldBytes {
        HeldBytes { budget: self, bytes: 0 }
    }
}

impl HeldBytes {
    /// Takes so many bytes more. Where they are not there, nothing is taken.
    #[must_use]
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let Shared { most, strangers, all } = &*self.budget.shared;
        if self.budget.stranger && !add(strangers, bytes, most / 2) {
            return false;
        }
        if !add(all, bytes, *most) {
            if self.budget.stranger {
                strangers.fetch_sub(bytes, Ordering::Relaxed);
            }
            return false;
        }
        self.bytes += bytes;
        true
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        let Shared { strangers, all, .. } = &*self.budget.shared;
        all.fetch_sub(self.bytes, Ordering::Relaxed);
        if self.budget.stranger {
            strangers.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

fn add(counter: &AtomicUsize, bytes: usize, most: usize) -> bool {
    let sum = |now: usize| now.checked_add(bytes).filter(|sum| *sum <= most);
    counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Faults §8: strangers' bodies.
    #[test]
    fn strangers_take_one_half_and_leave_the_rest() {
        let budget = BodyBudget::new(100);
        let mut stranger = budget.clone();
        stranger.set_stranger();
        let (mut one, mut other) = (stranger.clone().begin(), stranger.begin());
        assert!(one.take(30) && other.take(20) && !other.take(1));
        let mut known = budget.clone().begin();
        assert!(known.take(50) && !known.take(1));
        drop(one);
        assert!(other.take(30) && !other.take(1) && !known.take(1));
        drop((other, known));
        assert!(budget.begin().take(100), "all of it was given back");
    }
}
