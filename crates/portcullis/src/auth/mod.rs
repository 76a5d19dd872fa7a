//! 6, what routes, pages and the command line all do. No HTTP in here.

mod access_tokens;
mod accounts;
mod addresses;
mod administration;
mod api_keys;
mod audit;
mod clients;
mod evaluation;
mod follow;
mod introspection;
mod keys;
mod lockout;
mod login;
mod mail;
mod proof;
mod refresh;
mod seed;
mod sessions;
mod settings;
mod standing;
mod start;
mod throttle;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use arc_swap::ArcSwap;
use quick_cache::sync::Cache;

pub use access_tokens::{Denied, VerifiedToken};
pub use accounts::{AccountChange, NewAccount, Registered};
pub use administration::{GrantRequest, UserRequest};
pub use api_keys::ApiKeyRequest;
pub use audit::{Action, AuditFault, AuditVerdict, Event};
pub use evaluation::{Supposed, Why};
pub use introspection::Introspected;
pub use login::{LoginRefused, SignedIn};
pub use mail::{Mail, Mailer};
pub use refresh::RefreshRefused;
pub use sessions::{Caller, Issued};
pub use settings::{AccessFormat, Settings};
pub use start::{AuthBuilder, StartError};
pub use throttle::ThrottleSettings;

use crate::clock::Sources;
use crate::crypto::{Algorithm, JweKeys, JwtVerifier, KeyRing, MasterSecret, Passwords};
use crate::policy::Conditions;
use crate::store::{Digest, Store};
use crate::types::{ScopeBook, Timestamp};

use standing::AccessCache;
use throttle::Throttle;

/// Users, sessions, tokens, roles and grants: a store, keys, a password hasher and a clock, and
/// what is done with them. Cheap to clone.
#[derive(Clone)]
pub struct Auth(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    store: Arc<dyn Store>,
    sources: Sources,
    passwords: Passwords,
    master: MasterSecret,
    jwe: JweKeys,
    verifier: JwtVerifier,
    keys: ArcSwap<KeyRing>,
    /// When the keys in use change next by themselves, in microseconds.
    keys_change_at: AtomicI64,
    /// The one key to sign with, where it was given as a file.
    given: Option<KeyRing>,
    /// The algorithm of generated keys.
    algorithm: Algorithm,
    settings: Settings,
    conditions: Conditions,
    scopes: Arc<ScopeBook>,
    access_cache: Arc<AccessCache>,
    throttle: Throttle,
    post: Option<Arc<dyn Mailer>>,
    recorder: audit::Recorder,
    /// How far into the store's changes memory has come.
    position: tokio::sync::Mutex<u64>,
    /// Tokens that were verified, by the digest of their text.
    shown: Cache<Digest, Arc<VerifiedToken>>,
    /// API keys that were looked up, by the digest of their text.
    api_keys: Cache<Digest, Arc<api_keys::VerifiedKey>>,
    /// Cookies that were looked up, by the digest of their text.
    cookies: Cache<Digest, Arc<sessions::VerifiedCookie>>,
    /// Passwords that were verified, by a keyed digest that only this process can make.
    passed: Cache<Digest, login::Passed>,
    passed_key: [u8; 32],
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Auth {
    /// Begins to assemble rules over a store.
    pub fn builder(store: Arc<dyn Store>, master: MasterSecret) -> AuthBuilder {
        AuthBuilder::new(store, master)
    }

    /// What is remembered. Changes made through it directly are seen late: use the methods of
    /// `Auth`.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    /// How tokens and sessions are made.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The scopes that exist.
    #[must_use]
    pub fn scope_book(&self) -> &Arc<ScopeBook> {
        &self.0.scopes
    }

    /// Where time and chance come from.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.0.sources
    }

    /// This moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.sources.now()
    }
}
