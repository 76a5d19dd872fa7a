use async_trait::async_trait;

use super::MemoryStore;
use super::state::State;
use crate::store::{API_KEYS, ApiKeys, Change, Digest, StoreError};
use crate::types::{ApiKey, Subject, Timestamp, TokenId};

impl State {
    /// Deletes the keys that `which` picks. Returns how many.
    pub(super) fn drop_api_keys(&mut self, which: impl Fn(&ApiKey) -> bool) -> u64 {
        let before = self.api_keys.len();
        self.api_keys.retain(|_, key| !which(key));
        let gone = before - self.api_keys.len();
        if gone > 0 {
            self.tell(Change::ApiKeys);
        }
        gone as u64
    }
}

#[async_trait]
impl ApiKeys for MemoryStore {
    async fn insert_api_key(&self, key: &ApiKey, digest: &Digest) -> Result<bool, StoreError> {
        self.with(|state| {
            let (what, active) = match &key.owner {
                Subject::Client(id) => {
                    ("client", state.clients.get(id).is_some_and(|client| client.active))
                }
                Subject::User(id) => {
                    ("user", state.users.get(id).is_some_and(|account| account.user.active))
                }
                _ => ("user", false),
            };
            if !active {
                return Err(StoreError::NotFound { what });
            }
            if state.api_keys.contains_key(digest)
                || state.api_keys.values().any(|kept| kept.id == key.id)
            {
                return Err(StoreError::Conflict { field: "api_key" });
            }
            let theirs = state.api_keys.values().filter(|kept| kept.owner == key.owner);
            if theirs.filter(|kept| kept.expires_at > key.created_at).count() >= API_KEYS {
                return Ok(false);
            }
            state.api_keys.insert(*digest, key.clone());
            Ok(true)
        })
    }

    async fn api_key(&self, digest: &Digest) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.with(|state| state.api_keys.get(digest).cloned()))
    }

    async fn api_keys(&self, owner: &Subject, now: Timestamp) -> Result<Vec<ApiKey>, StoreError> {
        let mut found: Vec<_> = self.with(|state| {
            let keys = state.api_keys.values();
            keys.filter(|key| key.owner == *owner && key.expires_at > now).cloned().collect()
        });
        found.sort_by_key(|key| std::cmp::Reverse((key.created_at, key.id)));
        Ok(found)
    }

    async fn touch_api_key(&self, id: TokenId, now: Timestamp) -> Result<(), StoreError> {
        self.with(|state| {
            if let Some(key) = state.api_keys.values_mut().find(|key| key.id == id)
                && key.last_used_at.is_none_or(|at| at < now)
            {
                key.last_used_at = Some(now);
            }
        });
        Ok(())
    }

    async fn delete_api_key(&self, owner: &Subject, id: TokenId) -> Result<bool, StoreError> {
        Ok(self.with(|state| state.drop_api_keys(|key| key.owner == *owner && key.id == id)) > 0)
    }

    async fn delete_api_keys(&self, owner: &Subject) -> Result<u64, StoreError> {
        Ok(self.with(|state| state.drop_api_keys(|key| key.owner == *owner)))
    }
}
