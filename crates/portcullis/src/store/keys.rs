//! Signing keys.

use async_trait::async_trait;

use super::StoreError;
use crate::types::Timestamp;

/// A signing key as it is kept: its private part sealed under the master secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its public name (`kid`).
    pub id: String,
    /// The one algorithm it is for, such as `EdDSA`.
    pub algorithm: String,
    /// The private key, encrypted.
    pub sealed: Vec<u8>,
    /// When it was made and first published.
    pub created_at: Timestamp,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// When it stopped to sign, if it did: from then on it only verifies.
    pub signs_until: Option<Timestamp>,
    /// From when on it does not verify either.
    pub retired_at: Option<Timestamp>,
}

/// Signing keys.
#[async_trait]
pub trait Keys: Send + Sync {
    /// Every key not yet forgotten, oldest first.
    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError>;

    /// Keeps a key. Where `first` is set, only if there is none at all: of several nodes that
    /// start at once, one makes the key. Returns whether it was kept.
    ///
    /// # Errors
    /// `Conflict` where the id is taken.
    async fn insert_key(&self, key: &KeyRecord, first: bool) -> Result<bool, StoreError>;

    /// Sets when a key stops to sign and to verify.
    ///
    /// # Errors
    /// `NotFound`.
    async fn retire_key(
        &self,
        id: &str,
        signs_until: Option<Timestamp>,
        retired_at: Option<Timestamp>,
    ) -> Result<(), StoreError>;
}
