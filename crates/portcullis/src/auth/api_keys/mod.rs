//! API keys: tokens that users make for their own programs, or administrators for clients.
//!
//! A key is looked up once a minute and known in between by the digest of its text; the same
//! look-up notes that it was used. Memory forgets every key when one is deleted, so a deleted one
//! is void on the next request. It is judged by what its owner holds now, and its scopes can only
//! narrow that.
//!
//! A new password, however it came about, and becoming inactive delete every key of a user, as
//! they end every session: somebody who knew the old password may have made one. Signing out
//! everywhere does not, since a key is no sign-in.
//!
//! A client's key speaks for the client itself. What that may do is asked on every request, so a
//! role given later counts; where the key was made by somebody who may not give roles, that ends the key
//! instead. Becoming inactive, or being deleted, deletes a client's keys.

mod operations;
pub mod routes;
pub(in crate::auth) mod sql;

pub(in crate::auth) use operations::{delete_all, refuse_api_key};

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;

use super::db::Digest;
use super::sweep::Sweep;
use crate::types::{Scope, Scopes, Subject, Timestamp, TokenId};

/// How many API keys a user or a client may have.
pub const API_KEYS: usize = 100;

/// How many keys are kept in memory as looked up.
const LOOKED_UP: usize = 50_000;

/// A token that a user made for a program of theirs, or that was made for a client. The secret
/// itself is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Which key.
    pub id: TokenId,
    /// For whom it speaks: a user or a client.
    pub owner: Subject,
    /// What its owner calls it.
    pub name: String,
    /// What it is limited to.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last used, in steps of a minute.
    pub last_used_at: Option<Timestamp>,
}

/// An API key to be made.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyRequest {
    /// What its owner calls it: 1 to 100 characters.
    pub name: String,
    /// What it is limited to. Where `None`: to no more than the credential that asks for it, and a
    /// client's to nothing.
    pub scopes: Option<BTreeSet<Scope>>,
    /// When it ends; after [`Settings::api_key_ttl`](super::Settings::api_key_ttl) where `None`.
    pub expires_at: Option<Timestamp>,
}

/// A key that was looked up.
#[derive(Debug)]
struct VerifiedKey {
    key: ApiKey,
    looked_up_at: Duration,
}

/// What memory holds of API keys.
pub(in crate::auth) struct ApiKeyState {
    /// Keys that were looked up, by the digest of their text.
    keys: Cache<Digest, Arc<VerifiedKey>>,
}

impl ApiKeyState {
    pub(in crate::auth) fn new() -> Self {
        Self { keys: Cache::new(LOOKED_UP) }
    }

    /// Forgets the keys that were looked up.
    pub(in crate::auth) fn forget_all(&self) {
        self.keys.clear();
    }
}

pub(in crate::auth) const SWEEPS: &[Sweep] = &[Sweep {
    statement: "DELETE FROM api_keys WHERE id IN
        (SELECT id FROM api_keys WHERE expires_at <= $1 LIMIT $2)",
    waits: false,
}];
