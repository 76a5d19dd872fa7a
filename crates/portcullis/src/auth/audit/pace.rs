//! How many events that strangers can cause are written: a bucket that refills (GCRA).

use std::sync::atomic::{AtomicI64, Ordering};

use crate::types::Timestamp;

/// How many are let through a second, once the bucket is empty.
const A_SECOND: i64 = 200;
/// How many fit into the bucket.
const AT_ONCE: i64 = 2000;
/// The cost of one event, in microseconds.
const ONE: i64 = 1_000_000 / A_SECOND;

/// A bucket. Full at first.
#[derive(Debug)]
pub(super) struct Pace {
    /// When it will be full again, in microseconds since 1970.
    full_at: AtomicI64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { full_at: AtomicI64::new(i64::MIN) }
    }

    /// Takes one out. Returns whether there was one.
    pub(super) fn take(&self, now: Timestamp) -> bool {
        let now = now.as_microsecond();
        // Further off only where the clock was set back.
        let seen = |full_at: i64| full_at.clamp(now, now + AT_ONCE * ONE);
        let fits = |full_at: i64| seen(full_at) - now <= (AT_ONCE - 1) * ONE;
        let next = |full_at| Some(seen(full_at) + if fits(full_at) { ONE } else { 0 });
        self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok_and(fits)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn it_lets_a_burst_through_and_then_so_many_a_second() {
        let (pace, start) = (Pace::new(), Timestamp::UNIX_EPOCH);
        let taken = |now| (0..10_000).filter(|_| pace.take(now)).count();
        assert_eq!(taken(start), 2000);
        assert_eq!(taken(start + SignedDuration::from_secs(1)), 200);
        assert_eq!(taken(start + SignedDuration::from_secs(3600)), 2000);
        assert_eq!(taken(start), 0, "a clock that is set back fills nothing");
        assert_eq!(taken(start + SignedDuration::from_secs(1)), 200, "and stops nothing");
    }
}
