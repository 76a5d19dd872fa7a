//! Programs that are registered.

use async_trait::async_trait;

use super::StoreError;
use crate::types::{Client, ClientId, Page, PageRequest, SessionId, Timestamp};

/// What is to be changed of a client. `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct ClientChange {
    /// The name for people.
    pub name: Option<String>,
    /// Whether it may do anything at all.
    pub active: Option<bool>,
}

/// Programs that are registered. Roles and grants of a client are in [`Grants`](super::Grants).
#[async_trait]
pub trait Clients: Send + Sync {
    /// Registers a client.
    ///
    /// # Errors
    /// `Conflict` where the id is taken, or is that of [`ClientId::first_party`].
    async fn insert_client(&self, client: &Client) -> Result<(), StoreError>;

    /// The client with this id.
    async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError>;

    /// Changes a client and returns the new state. One that is inactive has no API key any more.
    ///
    /// # Errors
    /// `NotFound`.
    async fn update_client(
        &self,
        id: &ClientId,
        change: ClientChange,
    ) -> Result<Client, StoreError>;

    /// Deletes a client with its roles, grants and API keys, and returns the sessions at it, ended in the
    /// same step.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_client(
        &self,
        id: &ClientId,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// A page of clients, in the order they were registered.
    ///
    /// # Errors
    /// `InvalidCursor`.
    async fn clients(&self, page: &PageRequest) -> Result<Page<Client>, StoreError>;
}
