//! Assembling rules: what can be wrong is said here.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use arc_swap::ArcSwap;
use quick_cache::sync::Cache;

use super::audit::{Recorder, Seal};
use super::standing::AccessCache;
use super::throttle::{Throttle, ThrottleSettings};
use super::{Auth, Inner, Mailer, Settings};
use crate::clock::Sources;
use crate::crypto::{
    Algorithm, JweKeys, JwtVerifier, KeyRing, MasterSecret, PasswordSettings, Passwords,
    SigningKey, VerifierSettings,
};
use crate::policy::Conditions;
use crate::problem::{ConfigError, Problem};
use crate::store::Store;
use crate::types::{Scope, ScopeBook};

/// How many tokens, cookies and passwords are kept in memory as verified.
const VERIFIED: usize = 50_000;

/// The parts of [`Auth`], not yet checked.
#[derive(Debug)]
#[must_use]
pub struct AuthBuilder {
    store: Arc<dyn Store>,
    master: MasterSecret,
    sources: Sources,
    settings: Settings,
    passwords: PasswordSettings,
    scopes: ScopeBook,
    conditions: Conditions,
    throttle: ThrottleSettings,
    post: Option<Arc<dyn Mailer>>,
    algorithm: Algorithm,
    key: Option<SigningKey>,
}

/// Why rules could not be assembled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The settings cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store is away, or holds something that cannot be.
    #[error("{0}")]
    Store(#[source] Problem),
}

impl From<Problem> for StartError {
    fn from(problem: Problem) -> Self {
        Self::Store(problem)
    }
}

impl AuthBuilder {
    pub(super) fn new(store: Arc<dyn Store>, master: MasterSecret) -> Self {
        Self {
            store,
            master,
            sources: Sources::system(),
            settings: Settings::new("http://127.0.0.1:8000"),
            passwords: PasswordSettings::default(),
            scopes: ScopeBook::new(),
            conditions: Conditions::new(),
            throttle: ThrottleSettings::default(),
            post: None,
            algorithm: Algorithm::EdDsa,
            key: None,
        }
    }

    /// Where time and chance come from. The system where this is left out.
    pub fn sources(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }

    /// How tokens and sessions are made.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// How passwords are hashed, and which are good.
    pub fn passwords(mut self, passwords: PasswordSettings) -> Self {
        self.passwords = passwords;
        self
    }

    /// The scopes that exist.
    pub fn scopes(mut self, scopes: ScopeBook) -> Self {
        self.scopes = scopes;
        self
    }

    /// The application's own conditions.
    pub fn conditions(mut self, conditions: Conditions) -> Self {
        self.conditions = conditions;
        self
    }

    /// How often a wrong password may be tried.
    pub fn throttle(mut self, throttle: ThrottleSettings) -> Self {
        self.throttle = throttle;
        self
    }

    /// What takes letters to users. Without it none are sent, and nobody can change their own
    /// address.
    pub fn post(mut self, post: impl Mailer) -> Self {
        self.post = Some(Arc::new(post));
        self
    }

    /// The algorithm of generated keys. EdDSA where this is left out.
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Signs with this key alone, from a file, say, instead of generated ones.
    pub fn signing_key(mut self, key: SigningKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Checks the settings and the master secret, reads what memory must know, and makes the first key where there is
    /// none.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(self) -> Result<Auth, StartError> {
        let mut faults = ConfigError::none();
        faults.take(self.settings.check());
        for name in self.scopes.rules.keys() {
            if let Err(fault) = Scope::parse(name.as_str()) {
                faults.add("scopes", fault.to_string(), "name it in plain characters");
            }
        }
        let passwords = faults.take(Passwords::start(self.passwords, self.sources.clone()));
        // Each key is ours and bound to its one algorithm; after the setting changes, keys of the
        // old one must verify until their last token has expired.
        let algorithms = match &self.key {
            Some(key) => vec![key.algorithm()],
            // Shared secrets and public keys are never mixed.
            None => Algorithm::ALL
                .into_iter()
                .filter(|one| one.is_symmetric() == self.algorithm.is_symmetric())
                .collect(),
        };
        let verifier = faults.take(VerifierSettings::new(
            &self.settings.issuer,
            &self.settings.audience,
            &algorithms,
        ));
        let (Some(passwords), Some(verifier), true) =
            (passwords, verifier, faults.faults.is_empty())
        else {
            return Err(faults.into());
        };
        let scopes = Arc::new(self.scopes);
        let passed_key = self.sources.bytes::<32>().map_err(Problem::internal)?;
        // The position is read before anything else: what changes from here on is not missed.
        let (position, _) = self.store.changes(None).await.map_err(Problem::from)?;
        let seal = Seal::new(&self.master).map_err(Problem::internal)?;
        let recorder = Recorder::start(Arc::clone(&self.store), seal, self.sources.clone());
        let rules = Auth(Arc::new(Inner {
            access_cache: Arc::new(AccessCache::new(self.conditions.clone(), Arc::clone(&scopes))),
            store: self.store,
            sources: self.sources,
            passwords,
            jwe: JweKeys::new(self.master.clone()),
            master: self.master,
            verifier: JwtVerifier::new(verifier),
            keys: ArcSwap::default(),
            keys_change_at: AtomicI64::new(i64::MAX),
            given: self.key.map(KeyRing::single),
            algorithm: self.algorithm,
            settings: self.settings,
            conditions: self.conditions,
            scopes,
            throttle: Throttle::new(self.throttle),
            post: self.post,
            recorder,
            position: tokio::sync::Mutex::new(position),
            shown: Cache::new(VERIFIED),
            api_keys: Cache::new(VERIFIED),
            cookies: Cache::new(VERIFIED),
            passed: Cache::new(VERIFIED),
            passed_key,
        }));
        rules.0.access_cache.read_roles(rules.store()).await.map_err(Problem::from)?;
        rules.read_ended().await?;
        rules.refuse_another_master().await?;
        rules.begin_audit().await?;
        rules.begin_keys().await?;
        Ok(rules)
    }
}
