//! Signing keys.

use async_trait::async_trait;

use super::StoreError;
use crate::types::Timestamp;

pub use crate::types::KeyRecord;

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
