//! The keys in use: which one signs, which verify, which are published.

use std::sync::Arc;

use super::jwt::choose;
use super::{FindKey, Header, Jwks, KeyError, SigningKey, VerifyingKey};
use crate::crypto::MasterSecret;
use crate::types::{KeyRecord, Timestamp};

/// The keys in use, as of one reading of the database. Cheap to clone and never changes; a new one
/// takes its place when a key does.
///
/// A key is published from its making, signs from `signs_from` until `signs_until`, and verifies
/// until `retired_at`. Between its making and its first signature those who keep a copy of the
/// published keys have time to fetch it.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    keys: Arc<[RingKey]>,
}

#[derive(Debug)]
struct RingKey {
    key: SigningKey,
    created_at: Timestamp,
    signs_from: Timestamp,
    signs_until: Option<Timestamp>,
    retired_at: Option<Timestamp>,
}

impl RingKey {
    fn open(record: &KeyRecord, master: &MasterSecret) -> Result<Self, KeyError> {
        Ok(Self {
            key: SigningKey::open(record, master)?,
            created_at: record.created_at,
            signs_from: record.signs_from,
            signs_until: record.signs_until,
            retired_at: record.retired_at,
        })
    }

    fn is_live(&self, now: Timestamp) -> bool {
        self.retired_at.is_none_or(|retired| now < retired)
    }

    fn signs(&self, now: Timestamp) -> bool {
        self.is_live(now)
            && self.signs_from <= now
            && self.signs_until.is_none_or(|until| now < until)
    }
}

/// The records of keys that are not retired.
fn live(records: &[KeyRecord], now: Timestamp) -> impl Iterator<Item = &KeyRecord> {
    records.iter().filter(move |record| record.retired_at.is_none_or(|at| now < at))
}

impl KeyRing {
    /// Opens kept keys. Those retired by `now` are left out.
    ///
    /// # Errors
    /// [`KeyError::Seal`] where a key was sealed under another master secret, or `Corrupt`.
    pub fn open(
        records: &[KeyRecord],
        master: &MasterSecret,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let keys = live(records, now).map(|record| RingKey::open(record, master));
        Ok(Self { keys: keys.collect::<Result<_, KeyError>>()? })
    }

    /// Opens those of the kept keys that can be opened, and says of each other why it cannot.
    #[must_use]
    pub fn open_readable(
        records: &[KeyRecord],
        master: &MasterSecret,
        now: Timestamp,
    ) -> (Self, Vec<KeyError>) {
        let (mut keys, mut errors) = (Vec::new(), Vec::new());
        for record in live(records, now) {
            match RingKey::open(record, master) {
                Ok(key) => keys.push(key),
                Err(error) => errors.push(error),
            }
        }
        (Self { keys: keys.into() }, errors)
    }

    /// A single key that always signs, such as one from a file.
    #[must_use]
    pub fn single(key: SigningKey) -> Self {
        let always = Timestamp::UNIX_EPOCH;
        let only = RingKey {
            key,
            created_at: always,
            signs_from: always,
            signs_until: None,
            retired_at: None,
        };
        Self { keys: [only].into() }
    }

    /// The key that signs at `now`: of several, the one whose turn came last. Where the turn of none
    /// has come, because the wall clock was set back, the one whose turn comes first.
    #[must_use]
    pub fn signing(&self, now: Timestamp) -> Option<&SigningKey> {
        let signing = self.keys.iter().filter(|key| key.signs(now));
        let newest = signing.max_by_key(|key| (key.signs_from, key.created_at));
        let waiting = self.keys.iter().filter(|key| key.signs_from > now && key.is_live(now));
        let signing = newest.or_else(|| waiting.min_by_key(|key| (key.signs_from, key.created_at)));
        signing.map(|key| &key.key)
    }

    /// The keys that verify at `now`.
    pub fn verifying(&self, now: Timestamp) -> impl Iterator<Item = &VerifyingKey> {
        self.keys.iter().filter(move |key| key.is_live(now)).map(|key| key.key.verifying_key())
    }

    /// The public keys to be published at `now`. Shared secrets are never among them.
    #[must_use]
    pub fn jwks(&self, now: Timestamp) -> Jwks {
        Jwks { keys: self.verifying(now).filter_map(VerifyingKey::jwk).collect() }
    }

    /// When something changes next without the store saying so: a key's turn to sign comes or
    /// ends, or a key retires.
    #[must_use]
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let moments = self.keys.iter().flat_map(|key| {
            [Some(key.signs_from), key.signs_until, key.retired_at].into_iter().flatten()
        });
        moments.filter(|moment| *moment > now).min()
    }
}

impl FindKey for KeyRing {
    fn find(&self, header: &Header, now: Timestamp) -> Option<&VerifyingKey> {
        choose(self.verifying(now), header)
    }
}
