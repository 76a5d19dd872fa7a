//! How often may somebody guess, or have us work for nothing?
//!
//! Of guesses at passwords only failures count: an attempt is taken up front, so that many at once count too, and given
//! back where it was right. Three buckets: one for an account from one address, which a person who
//! mistypes fills first; one for the address; and a ten times larger one for the account, so that
//! nobody can be locked out of their account from elsewhere for long.
//!
//! What anyone may ask for, an account or a letter, counts always: for the address that asks, and
//! letters also for the address that they go to.
//!
//! Each bucket is one number, the time at which it would be empty again (GCRA).

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::problem::{Problem, ProblemKind};
use crate::store::fold;
use crate::types::Timestamp;

/// How many attempts may fail before one must wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleSettings {
    /// At one account from one address; ten times as many at one account from anywhere.
    pub account_attempts: u32,
    /// From one address, at whatever account; and as many registrations and letters asked for.
    pub address_attempts: u32,
    /// In which time, in seconds.
    pub window: u32,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self { account_attempts: 20, address_attempts: 100, window: 900 }
    }
}

/// How many letters go to one address in a window. More are of no use to whoever reads them.
const LETTERS: u32 = 5;

/// One bucket: its key, and how much an attempt fills it, in microseconds.
type Bucket = (u64, i64);

/// How often may somebody guess?
#[derive(Debug)]
pub(super) struct Throttle {
    settings: ThrottleSettings,
    /// When each bucket would be empty again, in microseconds.
    buckets: Mutex<HashMap<u64, i64>>,
    hasher: RandomState,
}

/// An attempt that was taken: give it back where it was right.
#[derive(Debug)]
#[must_use]
pub(super) struct Attempt([Bucket; 3]);

/// Too many attempts: when to try again, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany(pub(super) u64);

impl From<TooMany> for Problem {
    fn from(many: TooMany) -> Self {
        Self::new(ProblemKind::TooManyRequests).retry_after(many.0)
    }
}

impl Throttle {
    pub(super) fn new(settings: ThrottleSettings) -> Self {
        Self { settings, buckets: Mutex::default(), hasher: RandomState::new() }
    }

    /// Takes one attempt out of each bucket.
    pub(super) fn take(
        &self,
        account: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Attempt, TooMany> {
        let account = fold(account);
        let address = address.map(network);
        let few = self.each(self.settings.account_attempts);
        let taken = [
            (self.key(("account from", &account, address)), few),
            (self.key(("from", address)), self.each(self.settings.address_attempts)),
            (self.key(("account", &account)), few / 10),
        ];
        self.fill(&taken, now)?;
        Ok(Attempt(taken))
    }

    /// Takes note that an address asks for what anyone may ask for.
    pub(super) fn ask(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), TooMany> {
        let each = self.each(self.settings.address_attempts);
        self.fill(&[(self.key(("asked from", address.map(network))), each)], now)
    }

    /// Takes note of a letter to this address.
    pub(super) fn letter(&self, to: &str, now: Timestamp) -> Result<(), TooMany> {
        self.fill(&[(self.key(("letter to", fold(to))), self.each(LETTERS))], now)
    }

    fn key(&self, of: impl Hash) -> u64 {
        self.hasher.hash_one(of)
    }

    /// In microseconds.
    fn window(&self) -> i64 {
        i64::from(self.settings.window) * 1_000_000
    }

    /// How much one of so many attempts in a window fills a bucket.
    fn each(&self, attempts: u32) -> i64 {
        self.window() / i64::from(attempts.max(1))
    }

    /// Fills all of these buckets, or none where one is full.
    fn fill(&self, taken: &[Bucket], now: Timestamp) -> Result<(), TooMany> {
        let (now, window) = (now.as_microsecond(), self.window());
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in taken {
            // Further off than a window only where the clock was set back: then a window it is.
            let empty = buckets.entry(*key).or_insert(now);
            *empty = (*empty).clamp(now, now + window);
        }
        for (key, each) in taken {
            let over = buckets.get(key).unwrap_or(&now) + each - now - window;
            if over > 0 {
                return Err(TooMany(u64::try_from(over / 1_000_000).unwrap_or_default() + 1));
            }
        }
        for (key, each) in taken {
            *buckets.entry(*key).or_insert(now) += each;
        }
        Ok(())
    }

    /// Whether an attempt would be one too many.
    pub(super) fn is_full(&self, account: &str, address: Option<IpAddr>, now: Timestamp) -> bool {
        self.take(account, address, now).map(|attempt| self.give_back(&attempt)).is_err()
    }

    /// Gives an attempt back that was right.
    pub(super) fn give_back(&self, attempt: &Attempt) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, each) in &attempt.0 {
            if let Some(empty) = buckets.get_mut(key) {
                *empty -= each;
            }
        }
    }

    /// Forgets empty buckets.
    pub(super) fn sweep(&self, now: Timestamp) {
        let now = now.as_microsecond();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.retain(|_, empty| *empty > now);
    }
}

/// A customer of IPv6 has a /64 at least.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) >> 64 << 64).into()),
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    const THERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));

    fn throttle() -> Throttle {
        Throttle::new(ThrottleSettings { account_attempts: 3, address_attempts: 5, window: 60 })
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    #[test]
    fn failures_fill_a_bucket_that_time_empties() {
        let throttle = throttle();
        for _ in 0..3 {
            assert!(throttle.take("ann", HERE, at(0)).is_ok());
        }
        assert_eq!(throttle.take("ANN", HERE, at(0)).unwrap_err(), TooMany(21));
        assert!(throttle.take("ann", THERE, at(0)).is_ok(), "she is not locked out elsewhere");
        assert!(throttle.take("ann", HERE, at(21)).is_ok());
        assert!(throttle.take("ann", HERE, at(21)).is_err());
    }

    #[test]
    fn what_was_right_does_not_count() {
        let throttle = throttle();
        for _ in 0..100 {
            let attempt = throttle.take("ann", HERE, at(0)).unwrap();
            throttle.give_back(&attempt);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out_for_longer_than_a_window() {
        let throttle = throttle();
        let _ = throttle.take("ann", HERE, at(1_000_000)).unwrap();
        assert_eq!(throttle.take("ann", HERE, at(0)).unwrap_err(), TooMany(21));
        assert!(throttle.take("ann", HERE, at(60)).is_ok());
    }

    #[test]
    fn one_address_cannot_try_every_account() {
        let throttle = throttle();
        let tried = (0..10).filter(|n| throttle.take(&n.to_string(), HERE, at(0)).is_ok());
        assert_eq!(tried.count(), 5);
    }

    #[test]
    fn one_account_cannot_be_tried_from_everywhere() {
        let throttle = throttle();
        let from = |n: u8| Some(IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, n)));
        let tried = (0..50).filter(|n| throttle.take("ann", from(*n), at(0)).is_ok());
        assert_eq!(tried.count(), 30);
    }

    #[test]
    fn what_anyone_may_ask_for_counts_for_the_address_apart_from_guesses() {
        let throttle = throttle();
        for _ in 0..5 {
            throttle.ask(HERE, at(0)).unwrap();
        }
        assert_eq!(throttle.ask(HERE, at(0)).unwrap_err(), TooMany(13));
        throttle.ask(THERE, at(0)).unwrap();
        assert!(throttle.take("ann", HERE, at(0)).is_ok());
    }

    #[test]
    fn no_address_is_sent_more_than_a_few_letters() {
        let throttle = throttle();
        let sent = (0..50).filter(|_| throttle.letter("Ann@example.org", at(0)).is_ok());
        assert_eq!(sent.count(), 5);
        assert!(throttle.letter("ann@example.org", at(0)).is_err());
        assert!(throttle.letter("bob@example.org", at(0)).is_ok());
        assert!(throttle.letter("ann@example.org", at(12)).is_ok());
    }

    #[test]
    fn an_empty_bucket_is_forgotten() {
        let throttle = throttle();
        let _ = throttle.take("ann", HERE, at(0)).unwrap();
        throttle.sweep(at(61));
        assert!(throttle.buckets.lock().unwrap().is_empty());
    }
}
