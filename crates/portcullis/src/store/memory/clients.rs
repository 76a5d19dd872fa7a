use async_trait::async_trait;

use super::MemoryStore;
use crate::store::cursor::{self, Cursor};
use crate::store::{Change, ClientChange, Clients, StoreError};
use crate::types::{Client, ClientId, Page, PageRequest, SessionId, Subject, Timestamp};

const NO_CLIENT: StoreError = StoreError::NotFound { what: "client" };

#[async_trait]
impl Clients for MemoryStore {
    async fn insert_client(&self, client: &Client) -> Result<(), StoreError> {
        self.with(|state| {
            if client.id == ClientId::first_party() || state.clients.contains_key(&client.id) {
                return Err(StoreError::Conflict { field: "client_id" });
            }
            state.clients.insert(client.id.clone(), client.clone());
            Ok(())
        })
    }

    async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        Ok(self.with(|state| state.clients.get(id).cloned()))
    }

    async fn update_client(
        &self,
        id: &ClientId,
        change: ClientChange,
    ) -> Result<Client, StoreError> {
        self.with(|state| {
            let client = state.clients.get_mut(id).ok_or(NO_CLIENT)?;
            client.name = change.name.unwrap_or_else(|| client.name.clone());
            client.active = change.active.unwrap_or(client.active);
            let client = client.clone();
            if !client.active {
                state.drop_api_keys(|key| key.owner == Subject::Client(id.clone()));
            }
            state.tell(Change::Subject(id.clone().into()));
            Ok(client)
        })
    }

    async fn delete_client(
        &self,
        id: &ClientId,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.with(|state| {
            state.clients.remove(id).ok_or(NO_CLIENT)?;
            let subject = Subject::Client(id.clone());
            state.assigned.remove(&subject);
            state.grants.remove(&subject);
            state.drop_api_keys(|key| key.owner == subject);
            let ended = state.end_all(now, |session| session.client == *id);
            state.tell(Change::Subject(subject));
            Ok(ended)
        })
    }

    async fn clients(&self, page: &PageRequest) -> Result<Page<Client>, StoreError> {
        let after = Cursor::parse(page)?;
        let limit = cursor::limit(page);
        let place = |client: &Client| Cursor::new(client.created_at, &client.id);
        let mut found: Vec<Client> = self.with(|state| {
            state.clients.values().filter(|client| place(client) > after).cloned().collect()
        });
        found.sort_by_key(place);
        found.truncate(limit + 1);
        Ok(cursor::paged(found, limit, place))
    }
}
