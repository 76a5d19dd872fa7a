use async_trait::async_trait;

use super::MemoryStore;
use crate::store::{Change, KeyRecord, Keys, StoreError};
use crate::types::Timestamp;

#[async_trait]
impl Keys for MemoryStore {
    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        let mut keys: Vec<_> = self.with(|state| state.keys.values().cloned().collect());
        keys.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(keys)
    }

    async fn insert_key(&self, key: &KeyRecord, first: bool) -> Result<bool, StoreError> {
        self.with(|state| {
            if first && !state.keys.is_empty() {
                return Ok(false);
            }
            if state.keys.contains_key(&key.id) {
                return Err(StoreError::Conflict { field: "id" });
            }
            state.keys.insert(key.id.clone(), key.clone());
            state.tell(Change::Keys);
            Ok(true)
        })
    }

    async fn retire_key(
        &self,
        id: &str,
        signs_until: Option<Timestamp>,
        retired_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.with(|state| {
            let key = state.keys.get_mut(id).ok_or(StoreError::NotFound { what: "key" })?;
            key.signs_until = signs_until;
            key.retired_at = retired_at;
            state.tell(Change::Keys);
            Ok(())
        })
    }
}
