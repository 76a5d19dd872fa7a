//! Signing keys: made, published, used, retired.
//!
//! A new key is published before it signs, so that whoever caches the key set has it in time; an
//! old one is published until the last token it signed has expired.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::sessions::later;
use super::{Action, Auth, Event, StartError};
use crate::crypto::{Algorithm, Jwks, KeyError, KeyRing, SigningKey};
use crate::problem::{ConfigError, Problem, ProblemKind};
use crate::types::{Actor, AuditTarget, KeyRecord, Timestamp};

/// How long a new key is published before it signs, in seconds: longer than others may cache the
/// key set.
const PUBLISHED_AHEAD: u32 = 900;

impl Auth {
    /// The public keys, as members of a key set (RFC 7517 §5).
    #[must_use]
    pub fn public_keys(&self) -> Jwks {
        self.0.keys.load().jwks(self.now())
    }

    /// Every key not yet forgotten, oldest first.
    ///
    /// # Errors
    /// A 503 where the store is away.
    pub async fn keys(&self) -> Result<Vec<KeyRecord>, Problem> {
        Ok(self.store().keys().await?)
    }

    /// Makes a new key, which signs from a quarter of an hour on; the old one signs until then and
    /// verifies as long as a token of its can live.
    ///
    /// # Errors
    /// 409 where the key was given as a file; 503.
    pub async fn rotate_key(&self, actor: &Actor) -> Result<KeyRecord, Problem> {
        if self.0.given.is_some() {
            return Err(Problem::new(ProblemKind::Conflict)
                .detail("The key was given as a file: put another file in its place."));
        }
        let now = self.now();
        let signs_from = later(now, PUBLISHED_AHEAD);
        let old = self.store().keys().await?;
        let record = self.new_key(now, signs_from)?;
        let (rules, kept) = (self.clone(), record.clone());
        let event = Event::new(actor, Action::KeyRotated).on(AuditTarget::key(&record.id));
        let event = event.detail("algorithm", &record.algorithm);
        self.noted(event, |mark| mark, async move {
            rules.store().insert_key(&kept, false).await?;
            for key in old.iter().filter(|key| key.signs_until.is_none()) {
                let retired = later(signs_from, super::Settings::LONGEST_ACCESS_TTL);
                rules.store().retire_key(&key.id, Some(signs_from), Some(retired)).await?;
            }
            rules.read_keys().await
        })
        .await?;
        Ok(record)
    }

    /// Retires a key that leaked: its tokens are void on the next request. Where it was the one
    /// that signs, another takes its place at once.
    ///
    /// # Errors
    /// 404; 409 where the key was given as a file; 503.
    pub async fn retire_key(&self, actor: &Actor, id: &str) -> Result<(), Problem> {
        let now = self.now();
        let keys = self.store().keys().await?;
        if !keys.iter().any(|key| key.id == id) {
            return Err(ProblemKind::NotFound.into());
        }
        let still_signs = keys.iter().any(|key| {
            key.id != id && key.signs_from <= now && key.signs_until.is_none_or(|until| now < until)
        });
        let successor = if still_signs { None } else { Some(self.new_key(now, now)?) };
        let event = Event::new(actor, Action::KeyRetired).on(AuditTarget::key(id));
        let event = event.flag("was_signing", successor.is_some());
        let (rules, id) = (self.clone(), id.to_owned());
        self.noted(event, |mark| mark, async move {
            if let Some(successor) = successor {
                rules.store().insert_key(&successor, false).await?;
            }
            rules.store().retire_key(&id, Some(now), Some(now)).await?;
            rules.read_keys().await
        })
        .await
    }

    /// Reads the keys anew, and forgets what was verified by keys that are gone.
    pub(super) async fn read_keys(&self) -> Result<(), Problem> {
        let ring = if let Some(ring) = &self.0.given {
            ring.clone()
        } else {
            let records = self.store().keys().await?;
            KeyRing::open(&records, &self.0.master, self.now()).map_err(Problem::internal)?
        };
        let next = ring.next_change(self.now());
        self.0.keys.store(Arc::new(ring));
        self.note_next_change(next);
        self.0.shown.clear();
        Ok(())
    }

    fn note_next_change(&self, next: Option<Timestamp>) {
        let micros = next.map_or(i64::MAX, Timestamp::as_microsecond);
        self.0.keys_change_at.store(micros, Ordering::Release);
    }

    /// Forgets what was verified where, since the last time, a key's turn came or ended by
    /// itself. Returns when that is next: what is verified across it must not be kept.
    pub(super) fn keys_change_at(&self, now: Timestamp) -> i64 {
        let change_at = self.0.keys_change_at.load(Ordering::Acquire);
        if now.as_microsecond() < change_at {
            return change_at;
        }
        self.note_next_change(self.0.keys.load().next_change(now));
        self.0.shown.clear();
        self.0.keys_change_at.load(Ordering::Acquire)
    }

    /// Refuses a master secret other than the one the keys are kept under: nothing that was made
    /// with that could be read.
    pub(super) async fn refuse_another_master(&self) -> Result<(), StartError> {
        let records = self.store().keys().await.map_err(Problem::from)?;
        match KeyRing::open(&records, &self.0.master, self.now()) {
            Err(KeyError::Seal { id, .. }) => Err(ConfigError::one(
                "tokens.master_secret",
                format!("the signing key {id} is kept under another master secret"),
                "give the secret this database was made with; if it is lost, delete the rows of \
                 signing_keys: new keys are made, and everybody signs in again",
            )
            .into()),
            _ => Ok(()),
        }
    }

    /// Makes a successor where the key that signs has grown older than
    /// [`Settings::key_rotation`](super::Settings::key_rotation) allows. [`Auth::follow`] does
    /// this once a minute.
    ///
    /// # Errors
    /// A 503 where the store is away.
    pub async fn rotate_key_when_due(&self) -> Result<Option<KeyRecord>, Problem> {
        let rotation = self.0.settings.key_rotation;
        if rotation == 0 || self.0.given.is_some() {
            return Ok(None);
        }
        // One that is published already, here or by another node, is successor enough.
        let newest = self.store().keys().await?.iter().map(|key| key.signs_from).max();
        match newest {
            Some(newest) if later(newest, rotation) <= self.now() => {
                self.rotate_key(&Actor::system()).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Reads the keys at start, and makes the first one where there is none, or a successor where
    /// the newest is of another algorithm than is set.
    pub(super) async fn begin_keys(&self) -> Result<(), Problem> {
        if self.0.given.is_none() && self.store().keys().await?.is_empty() {
            let now = self.now();
            let first = self.new_key(now, now)?;
            self.store().insert_key(&first, true).await?;
        }
        self.read_keys().await?;
        self.follow_algorithm().await
    }

    /// Makes a key of the algorithm that is set where the newest is of another. Where one is a
    /// shared secret and the other is not, the old keys' tokens do not verify any more: then the
    /// new key signs at once.
    async fn follow_algorithm(&self) -> Result<(), Problem> {
        let wanted = self.0.algorithm;
        let keys = self.store().keys().await?;
        let Some(newest) = keys.iter().max_by_key(|key| key.signs_from) else { return Ok(()) };
        if self.0.given.is_some() || newest.algorithm == wanted.name() {
            return Ok(());
        }
        let old = Algorithm::named(&newest.algorithm);
        if old.is_some_and(|old| old.is_symmetric() == wanted.is_symmetric()) {
            return self.rotate_key(&Actor::system()).await.map(drop);
        }
        let now = self.now();
        self.store().insert_key(&self.new_key(now, now)?, false).await?;
        for key in keys.iter().filter(|key| key.retired_at.is_none_or(|at| at > now)) {
            self.store().retire_key(&key.id, Some(now), Some(now)).await?;
        }
        self.read_keys().await
    }

    fn new_key(&self, created_at: Timestamp, signs_from: Timestamp) -> Result<KeyRecord, Problem> {
        let key =
            SigningKey::generate(self.0.algorithm, &self.0.sources).map_err(Problem::internal)?;
        key.record(&self.0.master, &self.0.sources, created_at, signs_from)
            .map_err(Problem::internal)
    }
}
