//! How often may somebody guess, or have us work for nothing?
//!
//! Of guesses at passwords only failures count. While one is being judged it holds its place, so that
//! many at once count too; who finds no place because of such waits for it. A guess that is never
//! judged (the hashing pool was full, the client went away) counts for nothing. Buckets:
//!
//! - an account from one address, which a person who mistypes fills first;
//! - the address;
//! - the account, ten times as large, so that nobody is locked out of their account from elsewhere for
//!   long. An address from which the account signed in before does not share it with strangers;
//! - people who are signed in confirm their password against a bucket of their own.
//!
//! What anyone may ask for, an account or an e-mail, counts always: for the address that asks, and
//! e-mails also for the address that they go to, by their kind.
//!
//! What somebody changes of their own (a sign-in, a refresh, a revoked token, their own account) counts for
//! the account and for the address: each takes the writer's turn and a row. Changes that a permission
//! allows do not count.
//!
//! Each bucket is one number, the time at which it would be empty again (GCRA), by the monotonic clock.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::accounts::normalize_login;
use crate::clock::Sources;
use crate::problem::{Problem, ProblemKind};

/// How often something may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleSettings {
    /// Wrong passwords for one account from one address, in a window.
    pub account_attempts: u32,
    /// Wrong passwords from one address, in a window.
    pub address_attempts: u32,
    /// The window, in seconds.
    pub window: u32,
    /// Changes that an account makes of its own, in a window: sign-ins, refreshes, revoked tokens, changes
    /// of itself.
    pub account_changes: u32,
    /// The same from one address, by whatever account.
    pub address_changes: u32,
}

impl Default for ThrottleSettings {
    /// 20 attempts for an account and 100 from an address in a quarter of an hour; 600 changes of an
    /// account and 10 000 from an address.
    fn default() -> Self {
        Self {
            account_attempts: 20,
            address_attempts: 100,
            window: 900,
            account_changes: 600,
            address_changes: 10_000,
        }
    }
}

/// How many e-mails of one kind an address is sent in a window.
const EMAILS: u32 = 5;
/// How long a guess waits for others that are being judged.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a guess comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nobody knows this address.
    Stranger,
    /// The account signed in from this address before.
    Known,
    /// Somebody who is signed in confirms their own password.
    SignedIn,
}

/// What an e-mail is for: each kind has a budget of its own, so that none uses up another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum EmailKind {
    /// A way back into an account.
    Recovery,
    /// A question whether an address is theirs.
    Verification,
    /// Something that happened to their account.
    Notice,
}

/// Which bucket, and what one attempt takes out of it in microseconds.
type Taken = (u64, i64);

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// When it is empty again.
    empty_at: i64,
    /// The room that guesses hold which are being judged.
    held: i64,
}

#[derive(Debug)]
pub(super) struct Throttle {
    settings: ThrottleSettings,
    buckets: Mutex<HashMap<u64, Bucket>>,
    hasher: RandomState,
    judged: Notify,
}

/// Too many attempts: how many seconds to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany(pub(super) u64);

impl From<TooMany> for Problem {
    fn from(many: TooMany) -> Self {
        Self::new(ProblemKind::TooManyRequests).retry_after(many.0)
    }
}

/// A guess that is being judged. Dropped without a verdict, it counts for nothing.
#[derive(Debug)]
#[must_use]
pub(super) struct Guess<'t> {
    throttle: &'t Throttle,
    taken: Vec<Taken>,
}

impl Guess<'_> {
    /// The guess was wrong: it counts.
    pub(super) fn failed(self, sources: &Sources) {
        let now = micros(sources);
        let mut buckets = self.throttle.lock();
        for (key, each) in &self.taken {
            let bucket = buckets.entry(*key).or_default();
            bucket.empty_at = bucket.empty_at.max(now) + each;
        }
    }
}

impl Drop for Guess<'_> {
    fn drop(&mut self) {
        let mut buckets = self.throttle.lock();
        for (key, each) in &self.taken {
            if let Some(bucket) = buckets.get_mut(key) {
                bucket.held -= each;
            }
        }
        drop(buckets);
        self.throttle.judged.notify_waiters();
    }
}

enum Room {
    Free,
    /// There will be room, or not, once others are judged.
    Held,
    Full(TooMany),
}

impl Throttle {
    pub(super) fn new(settings: ThrottleSettings) -> Self {
        Self {
            settings,
            buckets: Mutex::default(),
            hasher: RandomState::new(),
            judged: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a guess's place, or waits for it. `account` is the account's id, or the login that was
    /// typed where there is no such account.
    ///
    /// # Errors
    /// [`TooMany`].
    pub(super) async fn guess(
        &self,
        account: &str,
        address: Option<IpAddr>,
        place: Place,
        sources: &Sources,
    ) -> Result<Guess<'_>, TooMany> {
        let taken = self.buckets_of(account, address, place);
        let waits = async {
            loop {
                let judged = self.judged.notified();
                match self.room(&taken, sources, true) {
                    Room::Free => return Ok(Guess { throttle: self, taken: taken.clone() }),
                    Room::Full(many) => return Err(many),
                    Room::Held => judged.await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, waits).await.unwrap_or(Err(TooMany(1)))
    }

    /// Whether a guess would be one too many.
    pub(super) fn is_full(
        &self,
        account: &str,
        address: Option<IpAddr>,
        place: Place,
        sources: &Sources,
    ) -> bool {
        let taken = self.buckets_of(account, address, place);
        matches!(self.room(&taken, sources, false), Room::Full(_))
    }

    fn buckets_of(&self, account: &str, address: Option<IpAddr>, place: Place) -> Vec<Taken> {
        let network = address.map(network);
        let few = self.each(self.settings.account_attempts);
        if place == Place::SignedIn {
            return vec![(self.key(("confirm", account)), few)];
        }
        let mut taken = vec![
            (self.key(("account from", account, network)), few),
            (self.key(("from", network)), self.each(self.settings.address_attempts)),
        ];
        if place == Place::Stranger {
            taken.push((self.key(("account", account)), few / 10));
        }
        taken
    }

    fn room(&self, taken: &[Taken], sources: &Sources, hold: bool) -> Room {
        let (now, window) = (micros(sources), self.window());
        let mut buckets = self.lock();
        let mut room = Room::Free;
        for (key, each) in taken {
            let bucket = buckets.get(key).copied().unwrap_or_default();
            let empty_at = bucket.empty_at.clamp(now, now + window);
            let over = empty_at + each - now - window;
            if over > 0 {
                return Room::Full(TooMany(u64::try_from(over / 1_000_000).unwrap_or(0) + 1));
            }
            if over + bucket.held > 0 {
                room = Room::Held;
            }
        }
        if hold && matches!(room, Room::Free) {
            for (key, each) in taken {
                buckets.entry(*key).or_default().held += each;
            }
        }
        room
    }

    /// Whether this account and this address may change something of their own.
    pub(super) fn may_change(
        &self,
        account: Option<&str>,
        address: Option<IpAddr>,
        sources: &Sources,
    ) -> Result<(), TooMany> {
        match self.room(&self.buckets_of_changes(account, address), sources, false) {
            Room::Full(many) => Err(many),
            Room::Free | Room::Held => Ok(()),
        }
    }

    /// Counts a change of their own.
    pub(super) fn changed(
        &self,
        account: Option<&str>,
        address: Option<IpAddr>,
        sources: &Sources,
    ) {
        let now = micros(sources);
        let mut buckets = self.lock();
        for (key, each) in self.buckets_of_changes(account, address) {
            let bucket = buckets.entry(key).or_default();
            bucket.empty_at = bucket.empty_at.max(now) + each;
        }
    }

    fn buckets_of_changes(&self, account: Option<&str>, address: Option<IpAddr>) -> Vec<Taken> {
        let account = account
            .map(|id| (self.key(("changes of", id)), self.each(self.settings.account_changes)));
        let address = address.map(network).map(|network| {
            (self.key(("changes from", network)), self.each(self.settings.address_changes))
        });
        account.into_iter().chain(address).collect()
    }

    /// Takes from the bucket of what anyone may ask for, from this address.
    pub(super) fn ask(&self, address: Option<IpAddr>, sources: &Sources) -> Result<(), TooMany> {
        let each = self.each(self.settings.address_attempts);
        self.fill((self.key(("asked from", address.map(network))), each), sources)
    }

    /// Takes from the bucket of e-mails of this kind to this address.
    pub(super) fn email(
        &self,
        kind: EmailKind,
        to: &str,
        sources: &Sources,
    ) -> Result<(), TooMany> {
        let key = self.key(("e-mail to", kind, normalize_login(to)));
        self.fill((key, self.each(EMAILS)), sources)
    }

    fn fill(&self, (key, each): Taken, sources: &Sources) -> Result<(), TooMany> {
        if let Room::Full(many) = self.room(&[(key, each)], sources, false) {
            return Err(many);
        }
        let now = micros(sources);
        let mut buckets = self.lock();
        let bucket = buckets.entry(key).or_default();
        bucket.empty_at = bucket.empty_at.max(now) + each;
        Ok(())
    }

    fn key(&self, of: impl Hash) -> u64 {
        self.hasher.hash_one(of)
    }

    fn window(&self) -> i64 {
        i64::from(self.settings.window) * 1_000_000
    }

    fn each(&self, attempts: u32) -> i64 {
        self.window() / i64::from(attempts.max(1))
    }

    /// Forgets the buckets that are empty.
    pub(super) fn sweep(&self, sources: &Sources) {
        let now = micros(sources);
        self.lock().retain(|_, bucket| bucket.held > 0 || bucket.empty_at > now);
    }
}

fn micros(sources: &Sources) -> i64 {
    i64::try_from(sources.monotonic().as_micros()).unwrap_or(i64::MAX)
}

/// An address, or the network that one customer has: 64 bits of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) >> 64 << 64).into()),
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FixedClock;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    const THERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));

    struct Stand {
        throttle: Throttle,
        clock: FixedClock,
    }

    impl Stand {
        fn new() -> Self {
            let settings = ThrottleSettings {
                account_attempts: 3,
                address_attempts: 5,
                window: 60,
                ..ThrottleSettings::default()
            };
            Self {
                throttle: Throttle::new(settings),
                clock: FixedClock::at("2026-01-01T00:00:00Z"),
            }
        }

        async fn fail(&self, who: &str, from: Option<IpAddr>, place: Place) -> Result<(), TooMany> {
            let sources = self.clock.sources();
            self.throttle.guess(who, from, place, &sources).await?.failed(&sources);
            Ok(())
        }
    }

    #[tokio::test]
    async fn failures_fill_a_bucket_that_time_empties() {
        let stand = Stand::new();
        for _ in 0..3 {
            stand.fail("ann", HERE, Place::Stranger).await.unwrap();
        }
        assert_eq!(stand.fail("ann", HERE, Place::Stranger).await, Err(TooMany(21)));
        stand.fail("ann", THERE, Place::Stranger).await.expect("she is not locked out elsewhere");
        stand.clock.advance(21);
        stand.fail("ann", HERE, Place::Stranger).await.unwrap();
        assert!(stand.fail("ann", HERE, Place::Stranger).await.is_err());
    }

    #[tokio::test]
    async fn only_failures_count_and_many_right_ones_at_once_wait_for_each_other() {
        let stand = Stand::new();
        let sources = stand.clock.sources();
        let right = async || {
            let guess = stand.throttle.guess("ann", HERE, Place::Stranger, &sources).await;
            tokio::task::yield_now().await;
            guess.map(drop)
        };
        let all = futures_util::future::join_all((0..60).map(|_| right())).await;
        assert!(all.into_iter().all(|one| one.is_ok()));
    }

    #[tokio::test]
    async fn a_wall_clock_that_is_set_back_locks_nobody_out() {
        let stand = Stand::new();
        stand.fail("ann", HERE, Place::Stranger).await.unwrap();
        stand.clock.jump(-1_000_000);
        stand.fail("ann", HERE, Place::Stranger).await.unwrap();
    }

    #[tokio::test]
    async fn one_address_cannot_try_every_account() {
        let stand = Stand::new();
        let mut tried = 0;
        for n in 0..10 {
            tried += u32::from(stand.fail(&n.to_string(), HERE, Place::Stranger).await.is_ok());
        }
        assert_eq!(tried, 5);
    }

    #[tokio::test]
    async fn strangers_use_up_their_own_bucket_of_an_account_only() {
        let stand = Stand::new();
        let from = |n: u8| Some(IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, n)));
        let mut tried = 0;
        for n in 0..50 {
            tried += u32::from(stand.fail("ann", from(n), Place::Stranger).await.is_ok());
        }
        assert_eq!(tried, 30);
        stand.fail("ann", HERE, Place::Known).await.expect("she signed in from here before");
        stand.fail("ann", THERE, Place::SignedIn).await.expect("she is signed in");
    }

    #[tokio::test]
    async fn what_anyone_may_ask_for_counts_for_the_address_apart_from_guesses() {
        let stand = Stand::new();
        let sources = stand.clock.sources();
        for _ in 0..5 {
            stand.throttle.ask(HERE, &sources).unwrap();
        }
        assert_eq!(stand.throttle.ask(HERE, &sources), Err(TooMany(13)));
        stand.throttle.ask(THERE, &sources).unwrap();
        stand.fail("ann", HERE, Place::Stranger).await.unwrap();
    }

    #[test]
    fn no_kind_of_email_uses_up_the_budget_of_another() {
        let stand = Stand::new();
        let sources = stand.clock.sources();
        let send = |kind, to: &str| stand.throttle.email(kind, to, &sources).is_ok();
        let sent = (0..50).filter(|_| send(EmailKind::Verification, "Ann@example.org"));
        assert_eq!(sent.count(), 5);
        assert!(!send(EmailKind::Verification, "ann@example.org"));
        assert!(send(EmailKind::Recovery, "ann@example.org"));
        assert!(send(EmailKind::Verification, "bob@example.org"));
    }

    #[tokio::test]
    async fn an_empty_bucket_is_forgotten() {
        let stand = Stand::new();
        stand.fail("ann", HERE, Place::Stranger).await.unwrap();
        stand.clock.advance(61);
        stand.throttle.sweep(&stand.clock.sources());
        assert!(stand.throttle.lock().is_empty());
    }
}
