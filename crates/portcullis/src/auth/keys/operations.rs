//! What can be done with signing keys.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::sql;
use crate::auth::audit::{Action, AuditTarget};
use crate::auth::db::{Change, DatabaseError};
use crate::auth::write::Write;
use crate::auth::{Actor, Auth, Database, Settings, StartError, later};
use crate::crypto::{Algorithm, Jwks, KeyError, KeyRing, MasterSecret, SigningKey};
use crate::policy::permission;
use crate::problem::{ConfigError, Problem, ProblemKind};
use crate::types::{KeyRecord, Timestamp};

/// How long a new key is published before it signs, in seconds: longer than others may cache the
/// key set.
const PUBLISHED_AHEAD: u32 = 900;

/// Whether the key signs at this moment.
fn signs(key: &KeyRecord, at: Timestamp) -> bool {
    key.signs_from <= at
        && key.signs_until.is_none_or(|until| at < until)
        && key.retired_at.is_none_or(|retired| at < retired)
}

impl Database {
    /// The id of a signing key that this master secret does not open, if there is one. Nothing is
    /// changed.
    ///
    /// # Errors
    /// [`DatabaseError`] where the keys cannot be read.
    pub async fn key_under_another_secret(
        &self,
        master: &MasterSecret,
        now: Timestamp,
    ) -> Result<Option<String>, DatabaseError> {
        Ok(self.keys_under_another_secret(master, now).await?.into_iter().next())
    }

    /// The ids of all of them.
    pub(in crate::auth) async fn keys_under_another_secret(
        &self,
        master: &MasterSecret,
        now: Timestamp,
    ) -> Result<Vec<String>, DatabaseError> {
        let records = sql::keys(self).await?;
        let (_, errors) = KeyRing::open_readable(&records, master, now);
        let sealed = errors.into_iter().filter_map(|error| match error {
            KeyError::Seal { id, .. } => Some(id),
            _ => None,
        });
        Ok(sealed.collect())
    }
}

impl Auth {
    /// The public keys, as members of a key set (RFC 7517 §5).
    #[must_use]
    pub fn public_keys(&self) -> Jwks {
        self.0.keys.ring.load().jwks(self.now())
    }

    /// Every key not yet forgotten, oldest first.
    ///
    /// # Errors
    /// A 503 where the database is away.
    pub async fn keys(&self) -> Result<Vec<KeyRecord>, Problem> {
        Ok(sql::keys(&self.0.db).await?)
    }

    /// Makes a new key, which signs from a quarter of an hour on; the old one signs until then and
    /// verifies as long as a token of its can live. Needs `keys:manage`.
    ///
    /// # Errors
    /// 403; 409 where the key was given as a file; 503.
    pub async fn rotate_key(&self, actor: &Actor) -> Result<KeyRecord, Problem> {
        if self.0.keys.given.is_some() {
            return Err(Problem::new(ProblemKind::Conflict)
                .detail("The key was given as a file: put another file in its place."));
        }
        self.write(actor, |write| {
            Box::pin(async move {
                write.require(permission("keys:manage"))?;
                rotate(write).await
            })
        })
        .await
    }

    /// Retires a key that leaked: its tokens are void on the next request. Where no other key would
    /// sign at every later moment, another takes its place at once. Needs `keys:manage`.
    ///
    /// # Errors
    /// 403; 404; 503.
    pub async fn retire_key(&self, actor: &Actor, id: &str) -> Result<(), Problem> {
        let id = id.to_owned();
        self.write(actor, |write| {
            Box::pin(async move {
                write.require(permission("keys:manage"))?;
                let now = write.now;
                let keys = sql::keys(write.db()).await?;
                let Some(retired) = keys.iter().find(|key| key.id == id) else {
                    return Err(ProblemKind::NotFound.into());
                };
                let was_signing = signs(retired, now);
                sql::retire(write.db(), &id, now, now).await?;
                keep_signing(write).await?;
                let event = write.event(Action::KeyRetired).on(AuditTarget::key(&id));
                write.note(event.flag("was_signing", was_signing));
                write.forget(Change::Keys);
                Ok(())
            })
        })
        .await
    }

    /// Reads the keys anew, and forgets what was verified by keys that are gone. A key that this
    /// version cannot read is passed over: it must not stop the others.
    pub(in crate::auth) async fn read_keys(&self) -> Result<(), DatabaseError> {
        let ring = if let Some(ring) = &self.0.keys.given {
            ring.clone()
        } else {
            let records = sql::keys(&self.0.db).await?;
            let (ring, errors) = KeyRing::open_readable(&records, &self.0.master, self.now());
            for error in errors {
                tracing::warn!(%error, "a signing key cannot be read");
            }
            ring
        };
        let next = ring.next_change(self.now());
        self.0.keys.ring.store(Arc::new(ring));
        self.note_next_change(next);
        self.0.tokens.forget_all();
        Ok(())
    }

    fn note_next_change(&self, next: Option<Timestamp>) {
        let micros = next.map_or(i64::MAX, Timestamp::as_microsecond);
        self.0.keys.change_at.store(micros, Ordering::Release);
    }

    /// Forgets what was verified where, since the last time, a key's turn came or ended by
    /// itself. Returns when that is next: what is verified across it must not be kept.
    pub(in crate::auth) fn keys_change_at(&self, now: Timestamp) -> i64 {
        let change_at = self.0.keys.change_at.load(Ordering::Acquire);
        if now.as_microsecond() < change_at {
            return change_at;
        }
        self.note_next_change(self.0.keys.ring.load().next_change(now));
        self.0.tokens.forget_all();
        self.0.keys.change_at.load(Ordering::Acquire)
    }

    /// Refuses a master secret other than the one the keys are kept under: nothing that was made
    /// with that could be read.
    pub(in crate::auth) async fn refuse_another_master(&self) -> Result<(), StartError> {
        let found = self.0.db.key_under_another_secret(&self.0.master, self.now());
        let Some(id) = found.await.map_err(Problem::from)? else { return Ok(()) };
        Err(ConfigError::one(
            "tokens.master_secret",
            format!("the signing key {id} is kept under another master secret"),
            "give the secret this database was made with; if it is lost, `portcullis secret \
             replace-lost` goes on without it: new keys are made, and everybody signs in again",
        )
        .into())
    }

    /// Makes a successor where the key that signs has grown older than
    /// [`Settings::key_rotation`] allows. [`Auth::sync`] does this once a minute.
    ///
    /// # Errors
    /// A 503 where the database is away.
    pub async fn rotate_key_when_due(&self) -> Result<Option<KeyRecord>, Problem> {
        let rotation = self.0.settings.key_rotation;
        if rotation == 0 || self.0.keys.given.is_some() {
            return Ok(None);
        }
        // Asked before anything is locked: nearly always nothing is due.
        if !is_due(&sql::keys(&self.0.db).await?, rotation, self.now()) {
            return Ok(None);
        }
        self.write(&Actor::system(), move |write| {
            Box::pin(async move {
                // One that is published already, here or by another node, is successor enough.
                let keys = sql::keys(write.db()).await?;
                if is_due(&keys, rotation, write.now) {
                    rotate(write).await.map(Some)
                } else {
                    Ok(None)
                }
            })
        })
        .await
    }

    /// Makes the first key where there is none, or a successor where the newest is of another
    /// algorithm than is set, and reads the keys.
    pub(in crate::auth) async fn begin_keys(&self) -> Result<(), Problem> {
        if self.0.keys.given.is_none() {
            let keys = sql::keys(&self.0.db).await?;
            let wanted = self.0.keys.algorithm.name();
            let newest = keys.iter().max_by_key(|key| key.signs_from);
            if newest.is_none_or(|newest| newest.algorithm != wanted) {
                let system = Actor::system();
                self.write(&system, |write| Box::pin(follow_algorithm(write))).await?;
            }
        }
        Ok(self.read_keys().await?)
    }

    fn new_key(&self, created_at: Timestamp, signs_from: Timestamp) -> Result<KeyRecord, Problem> {
        let key = SigningKey::generate(self.0.keys.algorithm, &self.0.sources)
            .map_err(Problem::internal)?;
        key.record(&self.0.master, &self.0.sources, created_at, signs_from)
            .map_err(Problem::internal)
    }
}

fn is_due(keys: &[KeyRecord], rotation: u32, now: Timestamp) -> bool {
    let newest = keys.iter().map(|key| key.signs_from).max();
    newest.is_some_and(|newest| later(newest, rotation) <= now)
}

async fn rotate(write: &mut Write) -> Result<KeyRecord, Problem> {
    let now = write.now;
    let signs_from = later(now, PUBLISHED_AHEAD);
    let old = sql::keys(write.db()).await?;
    let record = write.auth().new_key(now, signs_from)?;
    sql::insert(write.db(), &record).await?;
    for key in old.iter().filter(|key| key.signs_until.is_none()) {
        let retired = later(signs_from, Settings::LONGEST_ACCESS_TTL);
        sql::retire(write.db(), &key.id, signs_from, retired).await?;
    }
    let event = write.event(Action::KeyRotated).on(AuditTarget::key(&record.id));
    write.note(event.detail("algorithm", &record.algorithm));
    write.forget(Change::Keys);
    Ok(record)
}

/// Makes a key where there would be a moment, now or later, at which none signs.
async fn keep_signing(write: &mut Write) -> Result<(), Problem> {
    let now = write.now;
    let keys = sql::keys(write.db()).await?;
    let ends = keys.iter().filter_map(|key| key.signs_until).filter(|until| *until > now);
    let moments: Vec<Timestamp> = std::iter::once(now).chain(ends).collect();
    let is_gap = |at: &&Timestamp| !keys.iter().any(|key| signs(key, **at));
    let Some(gap) = moments.iter().filter(is_gap).min() else { return Ok(()) };
    let record = write.auth().new_key(now, *gap)?;
    sql::insert(write.db(), &record).await?;
    Ok(())
}

/// Makes a key of the algorithm that is set where the newest is of another. Where one is a
/// shared secret and the other is not, the old keys' tokens do not verify any more: then the
/// new key signs at once.
async fn follow_algorithm(write: &mut Write) -> Result<(), Problem> {
    let wanted = write.auth().0.keys.algorithm;
    let keys = sql::keys(write.db()).await?;
    let now = write.now;
    if let Some(newest) = keys.iter().max_by_key(|key| key.signs_from) {
        // Another process was quicker.
        if newest.algorithm == wanted.name() {
            return Ok(());
        }
        let old = Algorithm::named(&newest.algorithm);
        if old.is_some_and(|old| old.is_symmetric() == wanted.is_symmetric()) {
            return rotate(write).await.map(drop);
        }
    }
    let record = write.auth().new_key(now, now)?;
    sql::insert(write.db(), &record).await?;
    for key in keys.iter().filter(|key| key.retired_at.is_none_or(|at| at > now)) {
        sql::retire(write.db(), &key.id, now, now).await?;
    }
    write.forget(Change::Keys);
    Ok(())
}
