//! How often may somebody guess?
//!
//! Only failures count. Three buckets: one for an account from one address, which a person who
//! mistypes fills first; one for the address; and a large one for the account, so that nobody can
//! be locked out of their account from elsewhere for long.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

type Buckets<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock>;

/// How often may somebody guess?
#[derive(Debug)]
pub(super) struct Throttle {
    pair: Buckets<(u64, Option<IpAddr>)>,
    address: Buckets<Option<IpAddr>>,
    account: Buckets<u64>,
    hasher: std::hash::RandomState,
}

/// Too many attempts: when to try again, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany(pub(super) u64);

impl Throttle {
    pub(super) fn new() -> Self {
        Self {
            pair: RateLimiter::keyed(quota(20, 10)),
            address: RateLimiter::keyed(quota(200, 120)),
            account: RateLimiter::keyed(quota(100, 60)),
            hasher: std::hash::RandomState::new(),
        }
    }

    /// Takes one attempt out of each bucket. One that turns out right is not given back: a bucket
    /// refills by itself.
    pub(super) fn take(&self, account: &str, address: Option<IpAddr>) -> Result<(), TooMany> {
        let account = std::hash::BuildHasher::hash_one(&self.hasher, account.to_lowercase());
        // An IPv6 customer has a /64 at least.
        let address = address.map(|address| match address {
            IpAddr::V6(six) => IpAddr::V6((u128::from(six) >> 64 << 64).into()),
            four @ IpAddr::V4(_) => four,
        });
        check(&self.pair, &(account, address))?;
        check(&self.address, &address)?;
        check(&self.account, &account)
    }

    /// Forgets full buckets.
    pub(super) fn sweep(&self) {
        self.pair.retain_recent();
        self.address.retain_recent();
        self.account.retain_recent();
    }
}

fn quota(burst: u32, a_minute: u32) -> Quota {
    let positive = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Quota::per_minute(positive(a_minute)).allow_burst(positive(burst))
}

fn check<K: Hash + Eq + Clone>(buckets: &Buckets<K>, key: &K) -> Result<(), TooMany> {
    buckets
        .check_key(key)
        .map_err(|full| TooMany(full.wait_time_from(DefaultClock::default().now()).as_secs() + 1))
}
