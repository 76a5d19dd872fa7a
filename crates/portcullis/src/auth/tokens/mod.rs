//! Tokens: refresh tokens, access tokens in three forms, and what was revoked.
//!
//! A token is verified once and then known by the digest of its text. What may end it is asked on
//! every request, in memory: its own end, its session's, its key's, and what its user is now.

mod operations;
mod refresh;
mod rotation;
pub(in crate::auth) mod sql;

use std::collections::BTreeSet;
use std::sync::Arc;

use quick_cache::sync::Cache;

pub use super::denied::Denied;
pub(in crate::auth) use operations::{NewToken, Prepared, counts, prepare};
pub use refresh::RefreshRefused;

use super::db::Digest;
use super::sweep::Sweep;
use crate::crypto::{JweKeys, JwtVerifier, MasterSecret, Secret, VerifierSettings};
use crate::types::{ClientId, Scope, Scopes, SessionId, Subject, Timestamp, TokenId};

/// How many tokens are kept in memory as verified.
const VERIFIED: usize = 50_000;

/// What a good access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedToken {
    /// Which token (`jti`).
    pub id: TokenId,
    /// The session it belongs to; none where a client got it for itself.
    pub session: Option<SessionId>,
    /// For whom it speaks: a user, or a client.
    pub subject: Subject,
    /// For which client.
    pub client: ClientId,
    /// For which API; `None` is this server's own.
    pub audience: Option<String>,
    /// What it is limited to.
    pub scopes: Scopes,
    /// When the user proved who they are.
    pub authenticated_at: Timestamp,
    /// Whether a second factor was given.
    pub second_factor: bool,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a sign-in or a refresh yields.
#[derive(Debug)]
pub struct Issued {
    /// The access token.
    pub access: Secret<String>,
    /// The token that yields the next pair, where the client may have one.
    pub refresh: Option<Secret<String>>,
    /// How long the access token lives, in seconds.
    pub expires_in: u64,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
}

/// What is kept of an opaque access token.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TokenRecord {
    digest: Digest,
    token: VerifiedToken,
}

/// What memory holds of tokens.
pub(in crate::auth) struct TokenState {
    jwe: JweKeys,
    verifier: JwtVerifier,
    /// Tokens that were verified, by the digest of their text.
    verified: Cache<Digest, Arc<VerifiedToken>>,
    /// Access tokens that were shown to this process soon after they were issued.
    shown: Cache<TokenId, ()>,
}

impl TokenState {
    pub(in crate::auth) fn new(master: &MasterSecret, verifier: VerifierSettings) -> Self {
        Self {
            jwe: JweKeys::new(master.clone()),
            verifier: JwtVerifier::new(verifier),
            verified: Cache::new(VERIFIED),
            shown: Cache::new(VERIFIED),
        }
    }

    /// Forgets the tokens that were verified.
    pub(in crate::auth) fn forget_all(&self) {
        self.verified.clear();
    }
}

pub(in crate::auth) const SWEEPS: &[Sweep] = &[
    Sweep {
        statement: "DELETE FROM access_tokens WHERE id IN
            (SELECT id FROM access_tokens WHERE expires_at <= $1 LIMIT $2)",
        waits: false,
    },
    Sweep {
        statement: "DELETE FROM revoked_tokens WHERE id IN
            (SELECT id FROM revoked_tokens WHERE expires_at <= $1 LIMIT $2)",
        waits: false,
    },
];
