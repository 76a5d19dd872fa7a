//! A clock that stands still, and chance that repeats itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::SignedDuration;

use super::must;
use crate::clock::{Clock, NoRandomness, Rng, Sources, SystemRng};
use crate::types::Timestamp;

/// A clock that stands still until it is moved. Its clones show the same time.
///
/// ```
/// use portcullis::clock::Clock;
/// use portcullis::testing::FixedClock;
///
/// let clock = FixedClock::at("2026-03-02T09:00:00Z");
/// clock.advance(90);
/// assert_eq!(clock.now().to_string(), "2026-03-02T09:01:30Z");
/// ```
#[derive(Clone, Debug)]
pub struct FixedClock(Arc<RwLock<Hands>>);

#[derive(Clone, Copy, Debug)]
struct Hands {
    now: Timestamp,
    monotonic: Duration,
}

impl FixedClock {
    /// Stands at this moment.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(RwLock::new(Hands { now, monotonic: Duration::from_secs(1) })))
    }

    /// Stands at this moment, written like `2026-03-02T09:00:00Z`.
    ///
    /// # Panics
    /// Where it is no moment.
    #[must_use]
    #[track_caller]
    pub fn at(now: &str) -> Self {
        Self::new(must("a moment", now.parse()))
    }

    /// Moves to this moment. Forward, time passes; backward, the wall clock alone is set.
    pub fn set(&self, now: Timestamp) {
        let mut hands = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let passed: Duration = now.duration_since(hands.now).try_into().unwrap_or_default();
        hands.monotonic += passed;
        hands.now = now;
    }

    /// Moves on by this many seconds; where they are negative, the wall clock is set back.
    pub fn advance(&self, seconds: i64) {
        let moved = SignedDuration::from_secs(seconds);
        let then = Clock::now(self).checked_add(moved).unwrap_or(Timestamp::MAX);
        self.set(then);
    }

    /// Sets the wall clock alone, as an operator or NTP does: no time passes.
    pub fn jump(&self, seconds: i64) {
        let mut hands = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let moved = SignedDuration::from_secs(seconds);
        hands.now = hands.now.checked_add(moved).unwrap_or(Timestamp::MAX);
    }

    /// This clock with the system's chance.
    #[must_use]
    pub fn sources(&self) -> Sources {
        Sources { clock: Arc::new(self.clone()), rng: Arc::new(SystemRng) }
    }

    /// This clock with chance that repeats itself: the same ids and opaque tokens in every run.
    #[must_use]
    pub fn seeded(&self, seed: u64) -> Sources {
        Sources { clock: Arc::new(self.clone()), rng: Arc::new(SeededRng::new(seed)) }
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0.read().unwrap_or_else(PoisonError::into_inner).now
    }

    fn monotonic(&self) -> Duration {
        self.0.read().unwrap_or_else(PoisonError::into_inner).monotonic
    }
}

/// Chance that repeats itself: the same seed draws the same bytes in the same order, and hardly
/// ever the same twice.
#[derive(Debug)]
pub struct SeededRng {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededRng {
    /// Begins anew from this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }
}

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        for chunk in bytes.chunks_mut(32) {
            let count = self.drawn.fetch_add(1, Ordering::Relaxed);
            let block = digest(&SHA256, &[self.seed.to_be_bytes(), count.to_be_bytes()].concat());
            chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_never_draws_the_same_twice() {
        let draw = |seed| {
            let rng = SeededRng::new(seed);
            let mut drawn = [[0; 40]; 50];
            for bytes in &mut drawn {
                rng.fill(bytes).unwrap();
            }
            drawn
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let distinct: std::collections::BTreeSet<_> = draw(1).into_iter().collect();
        assert_eq!(distinct.len(), 50);
    }

    #[test]
    fn a_clock_shows_its_clones_what_it_was_set_to() {
        let clock = FixedClock::at("2026-01-01T00:00:00Z");
        let sources = clock.seeded(1);
        clock.advance(-1);
        assert_eq!(sources.now().to_string(), "2025-12-31T23:59:59Z");
        assert_eq!(clock.seeded(7).uuid(), clock.seeded(7).uuid());
    }
}
