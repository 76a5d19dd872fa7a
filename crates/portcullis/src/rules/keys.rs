//! Signing keys: made, published, used, retired.
//!
//! A new key is published before it signs, so that whoever caches the key set has it in time; an
//! old one is published until the last token it signed has expired.

use std::sync::Arc;

use super::sessions::later;
use super::{Action, Event, Rules};
use crate::problem::{Problem, ProblemKind};
use crate::secret::{Jwks, KeyRing, SigningKey};
use crate::types::{By, KeyRecord, Party, Timestamp};

/// How long a new key is published before it signs, in seconds: longer than others may cache the
/// key set.
const PUBLISHED_AHEAD: u32 = 900;

impl Rules {
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
    pub async fn rotate_key(&self, by: &By) -> Result<KeyRecord, Problem> {
        if self.0.given.is_some() {
            return Err(Problem::new(ProblemKind::Conflict)
                .detail("The key was given as a file: put another file in its place."));
        }
        let now = self.now();
        let signs_from = later(now, PUBLISHED_AHEAD);
        let old = self.store().keys().await?;
        let record = self.new_key(now, signs_from)?;
        let (rules, kept) = (self.clone(), record.clone());
        let event = Event::new(by, Action::KeyRotated).on(Party::key(&record.id));
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
    pub async fn retire_key(&self, by: &By, id: &str) -> Result<(), Problem> {
        let now = self.now();
        let keys = self.store().keys().await?;
        if !keys.iter().any(|key| key.id == id) {
            return Err(ProblemKind::NotFound.into());
        }
        let still_signs = keys.iter().any(|key| {
            key.id != id && key.signs_from <= now && key.signs_until.is_none_or(|until| now < until)
        });
        let successor = if still_signs { None } else { Some(self.new_key(now, now)?) };
        let event = Event::new(by, Action::KeyRetired).on(Party::key(id));
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
        let ring = match &self.0.given {
            Some(ring) => ring.clone(),
            None => {
                let records = self.store().keys().await?;
                KeyRing::open(&records, &self.0.master, self.now()).map_err(Problem::internal)?
            }
        };
        self.0.keys.store(Arc::new(ring));
        self.0.shown.clear();
        Ok(())
    }

    /// Reads the keys at start, and makes the first one where there is none.
    pub(super) async fn begin_keys(&self) -> Result<(), Problem> {
        if self.0.given.is_none() && self.store().keys().await?.is_empty() {
            let now = self.now();
            let first = self.new_key(now, now)?;
            self.store().insert_key(&first, true).await?;
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
