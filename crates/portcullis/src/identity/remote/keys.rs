//! An issuer's keys, kept: when they are fetched, and how long they count.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::RemoteFault;
use super::fetch::{Fetcher, Place};
use crate::clock::Sources;
use crate::crypto::{VerifyingKey, digest_of};
use crate::types::{Digest, Timestamp};

/// The shortest pause between two attempts to fetch keys.
const PAUSE: Duration = Duration::from_secs(60);

/// The shortest pause after an attempt that failed, while no key is known.
const SHORT_PAUSE: Duration = Duration::from_secs(10);

/// The keys of one issuer. Kept in an `Arc`, since fetching outlives the request that asked.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) issuer: Arc<str>,
    pub(super) place: Place,
    pub(super) fetcher: Fetcher,
    pub(super) sources: Sources,
    /// How long one answer may take.
    pub(super) patience: Duration,
    /// How long keys count while the issuer is away.
    pub(super) stale_for: Duration,
    pub(super) state: State,
}

#[derive(Debug, Default)]
pub(super) struct State {
    known: ArcSwapOption<FetchedKeys>,
    /// Held by whoever fetches: there is only ever one.
    fetching: Arc<Mutex<()>>,
    last: std::sync::Mutex<Option<Attempt>>,
}

/// Keys that were fetched.
#[derive(Clone, Debug)]
pub(super) struct FetchedKeys {
    /// The same allocation for as long as the issuer publishes the same text.
    pub(super) keys: Arc<[VerifyingKey]>,
    digest: Digest,
    fetched_at: Timestamp,
    keep_for: Duration,
}

#[derive(Clone, Debug)]
struct Attempt {
    begun_at: Timestamp,
    became: Became,
}

#[derive(Clone, Debug)]
enum Became {
    Nothing,
    Keys,
    Fault(Arc<RemoteFault>),
}

/// How far two moments are apart. A clock that was set back must not make old keys young.
fn apart(one: Timestamp, other: Timestamp) -> Duration {
    one.duration_since(other).unsigned_abs()
}

impl Keys {
    /// The keys that count at `now`. Waits for the issuer only where there are none, or where
    /// nobody asked it for so long that those kept may well have been withdrawn.
    pub(super) async fn known(
        self: &Arc<Self>,
        now: Timestamp,
    ) -> Result<FetchedKeys, RemoteFault> {
        if let Some(known) = self.kept(now) {
            let age = apart(now, known.fetched_at);
            if age <= known.keep_for {
                return Ok(known);
            }
            if age <= known.keep_for * 2 || self.last_fault().is_some() {
                self.fetch_beside(now);
                return Ok(known);
            }
        }
        self.fetch(now).await;
        self.kept(now).ok_or_else(|| self.unknown())
    }

    /// The keys after one more look at the issuer's, if it is time for one: a token named a key
    /// that is not known. Also what kept the last look from telling, if something did.
    pub(super) async fn newer(
        self: &Arc<Self>,
        now: Timestamp,
    ) -> Result<(FetchedKeys, Option<RemoteFault>), RemoteFault> {
        self.fetch(now).await;
        let known = self.kept(now).ok_or_else(|| self.unknown())?;
        Ok((known, self.last_fault().is_some().then(|| self.unknown())))
    }

    /// The keys last fetched, unless they are too old to count.
    fn kept(&self, now: Timestamp) -> Option<FetchedKeys> {
        let known = self.state.known.load_full()?;
        let bound = self.stale_for.max(known.keep_for);
        (apart(now, known.fetched_at) <= bound).then(|| FetchedKeys::clone(&known))
    }

    fn unknown(&self) -> RemoteFault {
        RemoteFault::KeysUnknown { issuer: Arc::clone(&self.issuer), source: self.last_fault() }
    }

    fn last_fault(&self) -> Option<Arc<RemoteFault>> {
        match self.last()?.became {
            Became::Fault(fault) => Some(fault),
            Became::Nothing | Became::Keys => None,
        }
    }

    fn last(&self) -> Option<Attempt> {
        self.state.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, begun_at: Timestamp, became: Became) {
        let mut last = self.state.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(Attempt { begun_at, became });
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let Some(last) = self.last() else { return true };
        let failed = !matches!(last.became, Became::Keys);
        let pause = if failed && self.kept(now).is_none() { SHORT_PAUSE } else { PAUSE };
        apart(now, last.begun_at) >= pause
    }

    /// Fetches the keys if that is due, and waits for it, or for whoever does so already.
    async fn fetch(self: &Arc<Self>, now: Timestamp) {
        let turn = Arc::clone(&self.state.fetching).lock_owned().await;
        if self.is_due(now) {
            // Not within this request: its caller may hang up, and make others begin again.
            let fetching = tokio::spawn(Arc::clone(self).fetch_now(turn));
            if fetching.await.is_err() {
                tracing::error!(issuer = %self.issuer, "fetching the keys was broken off");
            }
        }
    }

    /// Fetches the keys if that is due and nobody does so already, and does not wait.
    fn fetch_beside(self: &Arc<Self>, now: Timestamp) {
        if self.is_due(now)
            && let Ok(turn) = Arc::clone(&self.state.fetching).try_lock_owned()
        {
            tokio::spawn(Arc::clone(self).fetch_now(turn));
        }
    }

    async fn fetch_now(self: Arc<Self>, turn: OwnedMutexGuard<()>) {
        let begun_at = self.sources.now();
        self.note(begun_at, Became::Nothing);
        let fetched = self.fetcher.keys(&self.issuer, &self.place, self.patience);
        let fetched = tokio::time::timeout(self.patience * 2, fetched).await;
        match fetched.unwrap_or(Err(RemoteFault::TooSlow)) {
            Ok(published) => {
                let digest = digest_of(&published.text);
                let before = self.state.known.load_full();
                let same = before.filter(|before| before.digest == digest);
                let keys = if let Some(before) = same {
                    Arc::clone(&before.keys)
                } else {
                    let count = published.keys.len();
                    tracing::info!(issuer = %self.issuer, count, "the issuer's keys are new");
                    published.keys.into()
                };
                let keep_for = published.keep_for;
                let known = FetchedKeys { keys, digest, fetched_at: begun_at, keep_for };
                self.state.known.store(Some(Arc::new(known)));
                self.note(begun_at, Became::Keys);
            }
            Err(fault) => {
                let cause = std::error::Error::source(&fault).map(ToString::to_string);
                tracing::warn!(issuer = %self.issuer, %fault, cause, "keys not fetched");
                self.note(begun_at, Became::Fault(Arc::new(fault)));
            }
        }
        drop(turn);
    }
}
