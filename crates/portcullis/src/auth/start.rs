//! Assembling [`Auth`]: everything that can be wrong is said here, at once.

use std::sync::Arc;

use super::access::AccessState;
use super::accounts::AccountState;
use super::api_keys::ApiKeyState;
use super::audit::{Recorder, Seal};
use super::cache::AccessCache;
use super::clients::ClientState;
use super::db::{Database, DatabaseError, position, sql};
use super::keys::KeyState;
use super::sessions::SessionState;
use super::sync::Progress;
use super::throttle::{Throttle, ThrottleSettings};
use super::tokens::TokenState;
use super::{Auth, Inner, Mailer, Settings};
use crate::clock::Sources;
use crate::crypto::{
    Algorithm, MasterSecret, PasswordSettings, Passwords, SigningKey, VerifierSettings,
};
use crate::policy::Conditions;
use crate::problem::{ConfigError, Problem};
use crate::types::{Scope, ScopeBook};

/// The parts of [`Auth`], not yet checked.
#[derive(Debug)]
#[must_use]
pub struct AuthBuilder {
    database: Database,
    master: MasterSecret,
    sources: Sources,
    settings: Settings,
    passwords: PasswordSettings,
    scopes: ScopeBook,
    conditions: Conditions,
    throttle: ThrottleSettings,
    mailer: Option<Arc<dyn Mailer>>,
    algorithm: Algorithm,
    key: Option<SigningKey>,
    secret_was_lost: bool,
}

/// Why [`Auth`] could not be assembled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The settings cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database is away, or holds something that cannot be.
    #[error("{0}")]
    Database(#[source] Problem),
}

impl From<Problem> for StartError {
    fn from(problem: Problem) -> Self {
        Self::Database(problem)
    }
}

impl AuthBuilder {
    pub(super) fn new(database: Database, master: MasterSecret) -> Self {
        Self {
            database,
            master,
            sources: Sources::system(),
            settings: Settings::new("http://127.0.0.1:8000"),
            passwords: PasswordSettings::default(),
            scopes: ScopeBook::new(),
            conditions: Conditions::new(),
            throttle: ThrottleSettings::default(),
            mailer: None,
            algorithm: Algorithm::EdDsa,
            key: None,
            secret_was_lost: false,
        }
    }

    /// Goes on with this master secret where the one that the database was made with is lost for good: see
    /// [the guide](https://github.com/portcullis-rs/portcullis/blob/main/docs/running.md). Its signing keys
    /// are deleted, every session ends, and the audit log says from which row on it is sealed anew. What
    /// was done to the rows before that cannot be told any more. For one start, by a person; it fails with
    /// a 409 where this secret opens the database.
    pub fn replace_lost_secret(mut self) -> Self {
        self.secret_was_lost = true;
        self
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

    /// What sends e-mails to users. Without it none are sent, and nobody can change their own
    /// address.
    pub fn mailer(mut self, mailer: impl Mailer) -> Self {
        self.mailer = Some(Arc::new(mailer));
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
        // The position is read before anything else: what changes from here on is not missed.
        let db = self.database;
        if db.makes_its_schema() {
            db.migrate().await.map_err(Problem::internal)?;
        }
        let first = db.snapshot(async |view| {
            let position = position(view).await?;
            let used = sql(
                "SELECT EXISTS (SELECT 1 FROM users) OR EXISTS (SELECT 1 FROM signing_keys) AS found",
            );
            Ok((position, used.found(view).await?))
        });
        let (position, used) = first.await.map_err(Problem::from)?;
        let seal = Seal::new(&self.master).map_err(Problem::internal)?;
        let recorder = Recorder::start(db.clone(), seal, self.sources.clone());
        let auth = Auth(Arc::new(Inner {
            cache: Arc::new(AccessCache::new(self.conditions.clone(), Arc::clone(&scopes))),
            progress: Progress::new(position),
            access: AccessState::new(self.conditions),
            keys: KeyState::new(self.key, self.algorithm),
            sessions: SessionState::new(),
            tokens: TokenState::new(&self.master, verifier),
            api_keys: ApiKeyState::new(),
            accounts: AccountState::new(passwords, &self.sources).map_err(Problem::internal)?,
            clients: ClientState::new(&self.sources).map_err(Problem::internal)?,
            throttle: Throttle::new(self.throttle),
            db,
            sources: self.sources,
            master: self.master,
            settings: self.settings,
            scopes,
            mailer: self.mailer,
            recorder,
        }));
        auth.begin(used, self.secret_was_lost).await?;
        Ok(auth)
    }
}

impl Auth {
    async fn begin(&self, used: bool, secret_was_lost: bool) -> Result<(), StartError> {
        let away = |error: DatabaseError| Problem::from(error);
        self.0.cache.read_roles(&self.0.db).await.map_err(away)?;
        self.read_ended().await.map_err(away)?;
        if secret_was_lost {
            self.replace_lost_secret().await?;
        }
        self.refuse_another_master().await?;
        self.begin_audit(used).await?;
        self.begin_keys().await?;
        self.write_skeletons().await?;
        Ok(())
    }
}
