//! Who is still good this moment: live roles, and what was ended; in memory, fed by the store.
//!
//! What is known of a subject is read once and kept until something about it changes. Whoever
//! changes something does so inside [`AccessCache::change`]: while a change is under way nothing is
//! answered from memory and nothing is kept, so no request that begins after a change was
//! committed can be judged by what was there before it.
//!
//! What was ended is kept as a list of the ended, since nearly all sessions and tokens are not.
//! An entry goes when the last access token it could concern has expired.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arc_swap::ArcSwap;
use quick_cache::sync::Cache;

use crate::policy::{Conditions, Provenance, Roles, Unknown};
use crate::store::{Change, Store, StoreError, StoredAccess};
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
    pub(super) active: bool,
    pub(super) password_version: u64,
    pub(super) access: Arc<Access>,
}

#[derive(Debug)]
pub(super) struct AccessCache {
    roles: ArcSwap<Roles>,
    subjects: Cache<Subject, Arc<SubjectAccess>>,
    /// How many changes are under way.
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
            changing: AtomicUsize::new(0),
            changing_roles: AtomicUsize::new(0),
            generation: Mutex::new(0),
            sessions: Ended::default(),
            tokens: Ended::default(),
            conditions,
            scopes,
        }
    }

    /// Whether memory may answer.
    pub(super) fn is_settled(&self) -> bool {
        self.changing.load(Ordering::Acquire) == 0
    }

    fn generation(&self) -> MutexGuard<'_, u64> {
        self.generation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which state of the store is about to be read: for [`Self::keep_if_unchanged`].
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

    /// Marks a change as under way until the mark is dropped.
    pub(super) fn change(self: &Arc<Self>) -> CacheGuard {
        let mut generation = self.generation();
        self.changing.fetch_add(1, Ordering::AcqRel);
        *generation += 1;
        drop(generation);
        CacheGuard { access_cache: Arc::clone(self), forgets: Forgets::Nothing }
    }

    /// What is known of the subject; `None` where it is not there.
    pub(super) async fn of(
        &self,
        store: &dyn Store,
        subject: &Subject,
    ) -> Result<Option<Arc<SubjectAccess>>, StoreError> {
        if self.is_settled()
            && let Some(known) = self.subjects.get(subject)
        {
            return Ok(Some(known));
        }
        let begun = self.begun();
        let Some(standing) = store.standing(subject).await? else { return Ok(None) };
        let roles = if self.changing_roles.load(Ordering::Acquire) == 0 {
            self.roles.load_full()
        } else {
            Arc::new(store.roles().await?.into_iter().collect())
        };
        let known = Arc::new(self.know(standing, &roles));
        self.keep_if_unchanged(begun, || {
            self.subjects.insert(subject.clone(), Arc::clone(&known));
        });
        Ok(Some(known))
    }

    /// What is known of the subject and where it came from, read from the store: for explanations.
    pub(super) async fn traced(
        &self,
        store: &dyn Store,
        subject: &Subject,
    ) -> Result<Option<(SubjectAccess, Provenance)>, StoreError> {
        let Some(standing) = store.standing(subject).await? else { return Ok(None) };
        let roles: Arc<Roles> = Arc::new(store.roles().await?.into_iter().collect());
        let provenance = Provenance::new(Arc::clone(&roles), &standing.roles, &standing.grants);
        Ok(Some((self.know(standing, &roles), provenance)))
    }

    /// Reads the roles anew.
    pub(super) async fn read_roles(&self, store: &dyn Store) -> Result<(), StoreError> {
        self.roles.store(Arc::new(store.roles().await?.into_iter().collect()));
        Ok(())
    }

    /// The roles as they are in memory.
    pub(super) fn roles(&self) -> Arc<Roles> {
        self.roles.load_full()
    }

    /// Makes what the store says ready to be judged by.
    fn know(&self, standing: StoredAccess, roles: &Roles) -> SubjectAccess {
        let unfolded = roles.unfold(standing.roles);
        let (mut allowed, mut denied) = (unfolded.allowed, unfolded.denied);
        let mut conditional = Vec::new();
        let mut within = BTreeMap::<_, PlacedAccess>::new();
        for grant in standing.grants {
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
            name: standing.name.into(),
            active: standing.active,
            password_version: standing.password_version,
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

    /// Whether the session is known as ended. Only what is settled may ask memory.
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

/// What memory must forget when a change is over.
#[derive(Debug)]
enum Forgets {
    Nothing,
    These(BTreeSet<Subject>),
    Everybody,
}

/// A change under way. Dropped, it is over: what it concerns is forgotten and memory may answer.
#[derive(Debug)]
#[must_use]
pub(super) struct CacheGuard {
    access_cache: Arc<AccessCache>,
    forgets: Forgets,
}

impl CacheGuard {
    /// The change concerns this subject.
    pub(super) fn of(mut self, subject: Subject) -> Self {
        match &mut self.forgets {
            Forgets::Everybody => {}
            Forgets::These(subjects) => {
                subjects.insert(subject);
            }
            Forgets::Nothing => self.forgets = Forgets::These([subject].into()),
        }
        self
    }

    /// The change concerns everybody: a role changed.
    pub(super) fn of_everybody(mut self) -> Self {
        if !matches!(self.forgets, Forgets::Everybody) {
            self.access_cache.changing_roles.fetch_add(1, Ordering::AcqRel);
        }
        self.forgets = Forgets::Everybody;
        self
    }

    /// What changed elsewhere, or here.
    pub(super) fn of_change(self, change: &Change) -> Self {
        match change {
            Change::Subject(subject) => self.of(subject.clone()),
            Change::Roles | Change::Everything => self.of_everybody(),
            _ => self,
        }
    }
}

impl Drop for CacheGuard {
    fn drop(&mut self) {
        let mut generation = self.access_cache.generation();
        *generation += 1;
        match &self.forgets {
            Forgets::Nothing => {}
            Forgets::Everybody => {
                self.access_cache.subjects.clear();
                self.access_cache.changing_roles.fetch_sub(1, Ordering::AcqRel);
            }
            Forgets::These(subjects) => {
                for subject in subjects {
                    self.access_cache.subjects.remove(subject);
                }
            }
        }
        self.access_cache.changing.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What was ended, each until a moment.
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
