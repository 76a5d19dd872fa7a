//! A store that forgets everything when it is dropped: for tests and examples.

mod api_keys;
mod audit;
mod clients;
mod grants;
mod keys;
mod sessions;
mod state;
mod tokens;
mod users;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use self::state::State;
use super::{Change, Feed, StoreError};
use crate::types::Role;

/// A store in memory, for tests and examples. Its clones share what they hold.
///
/// ```
/// use portcullis::store::{Feed, MemoryStore};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// assert!(MemoryStore::new().ping().await.is_ok());
/// # });
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    log: Arc<Mutex<audit::Log>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads or changes the state in one step. A change must refuse before it touches anything.
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state, unless that takes the last active holder from `keep_one`.
    fn guarded<T>(
        &self,
        required_role: Option<&Role>,
        change: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Some(role) = required_role else { return self.with(change) };
        self.with(|state| {
            let mut after = state.clone();
            let value = change(&mut after)?;
            if state.has_holder(role) && !after.has_holder(role) {
                return Err(StoreError::LastHolder { role: role.clone() });
            }
            *state = after;
            Ok(value)
        })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Feed for MemoryStore {
    async fn changes(&self, after: Option<u64>) -> Result<(u64, Vec<Change>), StoreError> {
        Ok(self.with(|state| state.changes(after)))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
