//! Accounts, sessions, tokens, keys, clients, roles and the audit log (feature `auth`): the side that
//! *issues* what the guard checks. It plugs into the guard through [`Verifier`], as anybody's code does.
//!
//! Each topic has a folder: `mod.rs` (its types), `operations.rs` (what can be done), `sql.rs` (its
//! statements), `routes.rs` (its endpoints). What lies beside the folders assembles them: `write.rs` is
//! the one path of a change, `cache.rs` and `sync.rs` the one path of an answer from memory.
//!
//! [`Verifier`]: crate::identity::Verifier

mod actor;
mod cache;
mod combinations;
mod db;
mod denied;
mod last_used;
mod lost_secret;
mod mail;
mod observer;
pub mod routes;
mod seed;
mod settings;
mod start;
mod sweep;
mod sync;
#[cfg(test)]
mod tests;
mod throttle;
mod verifiers;
mod write;

// The topics. Their order is in `ARCHITECTURE.md`: a topic names only those before it.
pub mod audit;
// What subjects hold.
pub mod access;
pub mod accounts;
pub mod api_keys;
#[cfg(feature = "oauth-server")]
pub mod authorization;
pub mod clients;
pub mod invitations;
mod keys;
pub mod oauth;
#[cfg(feature = "oauth-server")]
pub mod openid;
pub mod sessions;
pub mod tokens;

use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;

pub use access::{GRANT_MEMBERS, GRANTS, GrantRequest, RoleChange, StoredAccess, Supposed, Why};
pub use accounts::{
    AccountChange, LoginRefused, NewAccount, Registered, User, UserFilter, UserRequest,
    normalize_login, username_fault,
};
pub use actor::Actor;
pub use api_keys::{API_KEYS, ApiKey, ApiKeyRequest};
pub use audit::{
    Action, ArchiveFault, ArchiveReader, ArchiveWriter, AuditArchive, AuditEntry, AuditFault,
    AuditFilter, AuditHead, AuditLink, AuditOutcome, AuditRecord, AuditTarget, AuditVerdict, Event,
    UnknownOutcome, audit_hash,
};
#[cfg(feature = "oauth-server")]
pub use authorization::{
    Authorization, AuthorizationRefused, CodeRefused, ConsentQuestion, Exchanged, WaitingRequest,
};
pub use clients::{
    CLIENT_SECRETS, Client, ClientChange, ClientRefused, ClientRequest, ClientSecret,
    ClientSettings, GrantType, InvalidRedirectUri, REDIRECT_URIS, RedirectUri,
};
pub use db::{ConnectError, CopiedTable, CopyError, Database, DatabaseError, DatabaseSettings};
pub use denied::Denied;
pub use invitations::{INVITATIONS, Invitation, InvitationRequest};
pub use mail::{Mail, Mailer};
pub use oauth::{Introspected, Revocable, TokenRefused};
#[cfg(feature = "oauth-server")]
pub use openid::{LogoutOutcome, LogoutRequest, UserInfo};
pub use routes::CurrentUser;
pub use sessions::{Caller, LIVE_SESSIONS, Session, SignedIn};
pub use settings::{AccessFormat, Registration, Settings};
pub use start::{AuthBuilder, StartError};
pub use throttle::ThrottleSettings;
pub use tokens::{Issued, RefreshRefused, VerifiedToken};
pub use verifiers::{
    AccessTokenVerifier, ApiKeyVerifier, ClientVerifier, PasswordVerifier, SessionVerifier,
};

use crate::clock::Sources;
use crate::crypto::MasterSecret;
use crate::types::{ScopeBook, Timestamp};

/// Accounts, sessions, tokens, roles and grants: a database, keys, a password hasher and a clock, and
/// what is done with them. Cheap to clone.
#[derive(Clone)]
pub struct Auth(pub(crate) Arc<Inner>);

/// What all topics share, and the state of each.
pub(crate) struct Inner {
    db: Database,
    sources: Sources,
    master: MasterSecret,
    settings: Settings,
    scopes: Arc<ScopeBook>,
    cache: Arc<cache::AccessCache>,
    progress: sync::Progress,
    throttle: throttle::Throttle,
    mailer: Option<Arc<dyn Mailer>>,
    recorder: audit::Recorder,
    access: access::AccessState,
    keys: keys::KeyState,
    sessions: sessions::SessionState,
    tokens: tokens::TokenState,
    api_keys: api_keys::ApiKeyState,
    accounts: accounts::AccountState,
    clients: clients::ClientState,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Auth {
    /// Begins to assemble accounts, sessions and tokens over a database.
    pub fn builder(database: Database, master: MasterSecret) -> AuthBuilder {
        AuthBuilder::new(database, master)
    }

    /// The database behind it.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.0.db
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

    /// Where time and randomness come from.
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

/// A moment and so many seconds.
fn later(now: Timestamp, seconds: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds.into())).unwrap_or(Timestamp::MAX)
}
