//! What memory knows: roles, what subjects hold, and what was ended. Fed by the database.
//!
//! What is known of a subject is read once and kept until something about it changes. From the moment
//! at which a change is committed until memory has forgotten what it names, nothing is answered from
//! memory and nothing is kept: no request that begins after a change was answered is judged by what
//! was there before it. Roles carry the position at which they were read, so that an older state never
//! replaces a newer one. Every answer has a lease: see `sync.rs`.
//!
//! Sessions and tokens that were ended are kept as a list, since nearly all are not. An entry goes
//! when the last access token it could concern has expired.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arc_swap::ArcSwap;
use quick_cache::sync::Cache;

use super::access::{StoredAccess, sql};
use super::combinations::{Combinations, MOST_BYTES};
use super::db::{Change, Database, DatabaseError, Transaction, position};
use crate::policy::{Conditions, Provenance, Roles, Unknown};
use crate::types::{
    Access, Condition, Conditional, Effect, PlacedAccess, ScopeBook, SessionId, Subject, Timestamp,
    TokenId,
};

/// How many subjects are kept in memory.
const SUBJECTS: usize = 100_000;

/// What is known of a subject, ready to be judged by.
#[derive(Clone, Debug)]
pub(super) struct SubjectAccess {
    pub(super) name: Arc<str>,
    /// What it signs in with, normalized: a username, an e-mail address.
    pub(super) logins: [Option<Box<str>>; 2],
    pub(super) active: bool,
    /// Raised by everything after which older credentials must not count.
    pub(super) epoch: u64,
    pub(super) access: Arc<Access>,
}

#[derive(Debug, Default)]
struct PlacedRoles {
    /// The position of the feed at which they were read.
    position: u64,
    roles: Arc<Roles>,
}

#[derive(Debug)]
pub(super) struct AccessCache {
    roles: ArcSwap<PlacedRoles>,
    subjects: Cache<Subject, Arc<SubjectAccess>>,
    /// What those subjects hold: each combination once.
    combinations: Combinations,
    /// How many changes are between their commit and the moment at which memory has forgotten.
    changing: AtomicUsize,
    /// How many of those concern roles: only then are the roles in memory not the ones to judge by.
    changing_roles: AtomicUsize,
    /// How many changes ever began or ended: what was read across one is not kept.
    generation: Mutex<u64>,
    sessions: Ended<SessionId>,
    tokens: Ended<TokenId>,
    conditions: Conditions,
    scopes: Arc<ScopeBook>,
}

impl AccessCache {
    pub(super) fn new(conditions: Conditions, scopes: Arc<ScopeBook>) -> Self {
        Self {
            roles: ArcSwap::default(),
            subjects: Cache::new(SUBJECTS),
            combinations: Combinations::new(MOST_BYTES),
            changing: AtomicUsize::new(0),
            changing_roles: AtomicUsize::new(0),
            generation: Mutex::new(0),
            sessions: Ended::default(),
            tokens: Ended::default(),
            conditions,
            scopes,
        }
    }

    /// Whether no change is between its commit and memory.
    pub(super) fn is_settled(&self) -> bool {
        self.changing.load(Ordering::Acquire) == 0
    }

    fn generation(&self) -> MutexGuard<'_, u64> {
        self.generation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which state of the database is about to be read: for [`Self::keep_if_unchanged`].
    pub(super) fn begun(&self) -> u64 {
        *self.generation()
    }

    /// Keeps what was read since `begun`, unless a change began or ended in between.
    pub(super) fn keep_if_unchanged(&self, begun: u64, keep: impl FnOnce()) {
        let generation = self.generation();
        if *generation == begun && self.is_settled() {
            keep();
        }
    }

    /// Marks these changes as under way until the guard is dropped.
    pub(super) fn begin_change(self: &Arc<Self>, changes: &[Change]) -> CacheGuard {
        let forgets = Forgets::of(changes);
        if matches!(forgets, Forgets::Nothing) {
            return CacheGuard { cache: None, forgets };
        }
        let mut generation = self.generation();
        self.changing.fetch_add(1, Ordering::AcqRel);
        if matches!(forgets, Forgets::Everybody) {
            self.changing_roles.fetch_add(1, Ordering::AcqRel);
        }
        *generation += 1;
        drop(generation);
        CacheGuard { cache: Some(Arc::clone(self)), forgets }
    }

    /// What the subject holds, from memory where `settled` says that memory may answer; `None` where
    /// the subject is not there.
    pub(super) async fn of(
        &self,
        db: &Database,
        subject: &Subject,
        settled: bool,
    ) -> Result<Option<Arc<SubjectAccess>>, DatabaseError> {
        if settled && let Some(known) = self.subjects.get(subject) {
            return Ok(Some(known));
        }
        let begun = self.begun();
        let read = db.snapshot(async |view| {
            let Some(stored) = sql::stored_access(view, subject).await? else { return Ok(None) };
            let roles = self.roles_in(view).await?;
            Ok(Some((stored, roles)))
        });
        let Some((stored, roles)) = read.await? else { return Ok(None) };
        let mut known = self.unfold(stored, &roles);
        if let Some(access) = Arc::get_mut(&mut known.access) {
            let own = std::mem::take(access);
            known.access = self.combinations.share(own, || self.subjects.clear());
        }
        let known = Arc::new(known);
        self.keep_if_unchanged(begun, || {
            self.subjects.insert(subject.clone(), Arc::clone(&known));
        });
        Ok(Some(known))
    }

    /// What an active subject holds, where memory has it. Ask [`Auth::is_settled_now`] before.
    ///
    /// [`Auth::is_settled_now`]: super::Auth::is_settled_now
    pub(super) fn active_in_memory(&self, subject: &Subject) -> Option<Arc<SubjectAccess>> {
        self.subjects.get(subject).filter(|known| known.active)
    }

    /// What the subject holds and where it came from, read from the database: for explanations.
    pub(super) async fn traced(
        &self,
        db: &Database,
        subject: &Subject,
    ) -> Result<Option<(SubjectAccess, Provenance)>, DatabaseError> {
        let read = db.snapshot(async |view| {
            let Some(stored) = sql::stored_access(view, subject).await? else { return Ok(None) };
            Ok(Some((stored, self.roles_in(view).await?)))
        });
        let Some((stored, roles)) = read.await? else { return Ok(None) };
        let provenance = Provenance::new(Arc::clone(&roles), &stored.roles, &stored.grants)
            .and_within(&stored.roles_within);
        Ok(Some((self.unfold(stored, &roles), provenance)))
    }

    /// The roles as a transaction sees them: those in memory where none changed since.
    pub(super) async fn roles_in(
        &self,
        view: &mut Transaction,
    ) -> Result<Arc<Roles>, DatabaseError> {
        let kept = self.roles.load();
        if self.changing_roles.load(Ordering::Acquire) == 0
            && !sql::roles_changed_after(view, kept.position).await?
        {
            return Ok(Arc::clone(&kept.roles));
        }
        Ok(Arc::new(sql::roles(view).await?.into_iter().collect()))
    }

    /// Reads the roles anew. A state that was read earlier never replaces one that was read later.
    pub(super) async fn read_roles(&self, db: &Database) -> Result<(), DatabaseError> {
        let read = db.snapshot(async |view| {
            let position = position(view).await?;
            let roles = Arc::new(sql::roles(view).await?.into_iter().collect());
            Ok(Arc::new(PlacedRoles { position, roles }))
        });
        let read = read.await?;
        self.roles.rcu(|kept| {
            if kept.position > read.position { Arc::clone(kept) } else { Arc::clone(&read) }
        });
        Ok(())
    }

    /// The roles as they are in memory.
    pub(super) fn roles(&self) -> Arc<Roles> {
        Arc::clone(&self.roles.load().roles)
    }

    /// Makes what the database says ready to be judged by.
    pub(super) fn unfold(&self, stored: StoredAccess, roles: &Roles) -> SubjectAccess {
        let unfolded = roles.unfold(stored.roles);
        let (mut allowed, mut denied) = (unfolded.allowed, unfolded.denied);
        let mut conditional = Vec::new();
        let mut within = BTreeMap::<_, PlacedAccess>::new();
        for (place, held) in stored.roles_within {
            let unfolded = roles.unfold(held);
            let there = within.entry(place).or_default();
            there.roles = unfolded.roles;
            there.allowed = unfolded.allowed;
            there.denied = unfolded.denied;
        }
        for grant in stored.grants {
            let when = grant.when();
            let there = grant.place.map(|place| within.entry(place).or_default());
            let (allowed, denied, conditional) = match there {
                Some(held) => (&mut held.allowed, &mut held.denied, &mut held.conditional),
                None => (&mut allowed, &mut denied, &mut conditional),
            };
            let Some(spec) = when else {
                match grant.effect {
                    Effect::Allow => allowed.insert(grant.permission),
                    Effect::Deny => denied.insert(grant.permission),
                };
                continue;
            };
            let condition: Arc<dyn Condition> =
                self.conditions.compile(&spec).unwrap_or_else(|fault| {
                    tracing::error!(grant = %grant.id, %fault, "a stored condition cannot be asked");
                    Arc::new(Unknown)
                });
            conditional.push(Conditional {
                grant: grant.id,
                effect: grant.effect,
                permission: grant.permission,
                condition,
            });
        }
        SubjectAccess {
            name: stored.name.into(),
            logins: stored.logins.map(|login| login.map(String::into_boxed_str)),
            active: stored.active,
            epoch: stored.epoch,
            access: Arc::new(Access {
                roles: unfolded.roles,
                allowed,
                denied,
                conditional,
                within,
                scopes: Arc::clone(&self.scopes),
            }),
        }
    }

    /// Whether the session is known as ended.
    pub(super) fn has_ended(&self, session: SessionId) -> bool {
        self.sessions.contains(&session)
    }

    /// Whether the token is known as revoked.
    pub(super) fn is_revoked(&self, token: TokenId) -> bool {
        self.tokens.contains(&token)
    }

    /// Notes an ended session until `until`.
    pub(super) fn note_ended(&self, session: SessionId, until: Timestamp) {
        self.sessions.insert(session, until);
    }

    /// Notes a revoked token until it would have expired.
    pub(super) fn note_revoked(&self, token: TokenId, until: Timestamp) {
        self.tokens.insert(token, until);
    }

    /// Forgets what no token can concern any more.
    pub(super) fn sweep(&self, now: Timestamp) {
        self.sessions.sweep(now);
        self.tokens.sweep(now);
    }

    /// How many ended sessions and revoked tokens are in memory.
    pub(super) fn remembered(&self) -> (usize, usize) {
        (self.sessions.len(), self.tokens.len())
    }
}

/// Which subjects memory must forget when a change is over.
#[derive(Debug)]
enum Forgets {
    Nothing,
    These(BTreeSet<Subject>),
    Everybody,
}

impl Forgets {
    fn of(changes: &[Change]) -> Self {
        if changes.is_empty() {
            return Self::Nothing;
        }
        if changes.iter().any(|change| matches!(change, Change::Roles | Change::Everything)) {
            return Self::Everybody;
        }
        let subjects = changes.iter().filter_map(|change| match change {
            Change::Subject(subject) => Some(subject.clone()),
            _ => None,
        });
        Self::These(subjects.collect())
    }
}

/// Changes under way. Dropped, they are over: memory forgets the subjects they name and may answer.
#[derive(Debug)]
#[must_use]
pub(super) struct CacheGuard {
    cache: Option<Arc<AccessCache>>,
    forgets: Forgets,
}

impl Drop for CacheGuard {
    fn drop(&mut self) {
        let Some(cache) = &self.cache else { return };
        let mut generation = cache.generation();
        *generation += 1;
        match &self.forgets {
            Forgets::Nothing => {}
            Forgets::Everybody => {
                cache.subjects.clear();
                cache.changing_roles.fetch_sub(1, Ordering::AcqRel);
            }
            Forgets::These(subjects) => {
                for subject in subjects {
                    cache.subjects.remove(subject);
                }
            }
        }
        cache.changing.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The ids of ended sessions or revoked tokens, each with the moment at which it may be forgotten.
#[derive(Debug)]
struct Ended<K>(RwLock<HashMap<K, Timestamp>>);

impl<K> Default for Ended<K> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash> Ended<K> {
    fn contains(&self, key: &K) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    fn insert(&self, key: K, until: Timestamp) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, until);
    }

    fn sweep(&self, now: Timestamp) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).retain(|_, until| *until > now);
    }

    fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}
