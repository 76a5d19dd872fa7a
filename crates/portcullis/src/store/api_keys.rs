//! API keys: tokens that people make for their own programs, or administrators for clients.

use async_trait::async_trait;

use super::{Digest, StoreError};
use crate::types::{ApiKey, Subject, Timestamp, TokenId};

/// How many API keys a user or a client may have that have not expired.
pub const API_KEYS: usize = 100;

/// API keys.
///
/// What ends every session of a user, a new password or becoming inactive, ends every API key in
/// the same step. So does becoming inactive for a client.
///
/// Only users and clients have any: nobody else is found, and nothing is theirs.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// Keeps a key. Returns whether it was kept: an owner has at most [`API_KEYS`], as of the key's
    /// `created_at`.
    ///
    /// # Errors
    /// `NotFound` where the owner is not there or inactive, judged in the same step; `Conflict`
    /// where the id or digest is taken.
    async fn insert_api_key(&self, key: &ApiKey, digest: &Digest) -> Result<bool, StoreError>;

    /// The key with this digest. Whether it has expired is for the caller to judge.
    async fn api_key(&self, digest: &Digest) -> Result<Option<ApiKey>, StoreError>;

    /// The owner's keys that have not expired at `now`, newest first.
    async fn api_keys(&self, owner: &Subject, now: Timestamp) -> Result<Vec<ApiKey>, StoreError>;

    /// Notes that a key was used. Nothing happens where it is not there, or was used later.
    async fn touch_api_key(&self, id: TokenId, now: Timestamp) -> Result<(), StoreError>;

    /// Deletes a key of an owner's. Returns whether they had it.
    async fn delete_api_key(&self, owner: &Subject, id: TokenId) -> Result<bool, StoreError>;

    /// Deletes every key of an owner. Returns how many.
    async fn delete_api_keys(&self, owner: &Subject) -> Result<u64, StoreError>;
}
