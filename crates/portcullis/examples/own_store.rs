//! A store of one's own: one that can be set to read only, while its database is moved, say.
//!
//! Whatever implements the nine traits is a store, and passes the same contract as ours. This one
//! stands before another store; one that keeps things itself lists the same deeds, with its own
//! words for each. What must be atomic is one deed, so no store has to offer transactions.
//!
//! `cargo run --example own_store`, then
//! `curl -u root:"the keys of the house" -X PUT --json '{"on": true}' http://127.0.0.1:8000/maintenance`;
//! from then on whoever asks is answered, and whoever changes anything gets a 503 with `Retry-After`.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::extract::State;
use garde::Validate;
use portcullis::extract::{Json, NoContent};
use portcullis::prelude::*;
use portcullis::routes;
use portcullis::store::{
    ApiKeys, Audit, AuditFilter, AuditHead, AuditLink, Change, ClientChange, Clients, Digest, Feed,
    Grants, KeyRecord, Keys, NewRefresh, NewUser, Rotation, SealAudit, Sessions, Store, StoreError,
    StoredAccess, TokenRecord, Tokens, UserChange, UserFilter, Users,
};
use portcullis::types::{
    ApiKey, AuditEntry, AuditRecord, Client, ClientId, Grant, GrantId, Page, PageRequest, Role,
    RoleRecord, Scopes, Session, SessionId, Timestamp, TokenId, User, UserId,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::net::TcpListener;

/// Whether changes are refused for the time being.
#[derive(Clone, Debug, Default)]
struct Maintenance(Arc<AtomicBool>);

/// A store that refuses changes during maintenance.
#[derive(Debug)]
struct Maintained<S> {
    store: S,
    maintenance: Maintenance,
}

/// What a deed does to what is kept.
enum Deed {
    Read,
    Write,
}

impl<S> Maintained<S> {
    fn open_for(&self, change: &Deed) -> Result<&S, StoreError> {
        match change {
            Deed::Write if self.maintenance.0.load(Ordering::Acquire) => {
                Err(StoreError::Unavailable("the store is under maintenance".into()))
            }
            Deed::Read | Deed::Write => Ok(&self.store),
        }
    }
}

/// Implements one of the traits: each deed either reads or writes.
macro_rules! deeds {
    ($part:ident { $($kind:ident $name:ident($($given:ident: $type:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl<S: Store> $part for Maintained<S> {
            $(async fn $name(&self, $($given: $type),*) -> Result<$answer, StoreError> {
                self.open_for(&Deed::$kind)?.$name($($given),*).await
            })*
        }
    };
}

deeds!(Users {
    Write insert_user(new: NewUser) -> ();
    Read user(id: UserId) -> Option<User>;
    Read user_by_login(login: &str) -> Option<User>;
    Read password_hash(id: UserId) -> Option<String>;
    Write update_user(
        id: UserId, change: UserChange, keep: Option<SessionId>, required_role: Option<&Role>,
        now: Timestamp
    ) -> (User, Vec<SessionId>);
    Write upgrade_password_hash(id: UserId, old: &str, new: &str) -> ();
    Write delete_user(id: UserId, required_role: Option<&Role>, now: Timestamp) -> Vec<SessionId>;
    Read users(filter: &UserFilter, page: &PageRequest) -> Page<User>;
});

deeds!(Clients {
    Write insert_client(client: &Client) -> ();
    Read client(id: &ClientId) -> Option<Client>;
    Write update_client(id: &ClientId, change: ClientChange) -> Client;
    Write delete_client(id: &ClientId, now: Timestamp) -> Vec<SessionId>;
    Read clients(page: &PageRequest) -> Page<Client>;
});

deeds!(Grants {
    Read standing(subject: &Subject) -> Option<StoredAccess>;
    Read roles() -> Vec<RoleRecord>;
    Write insert_role(role: &RoleRecord) -> ();
    Write update_role(role: &RoleRecord, required_role: Option<&Role>) -> ();
    Write delete_role(name: &Role, required_role: Option<&Role>) -> ();
    Write assign_role(subject: &Subject, role: &Role) -> ();
    Write unassign_role(subject: &Subject, role: &Role, required_role: Option<&Role>) -> bool;
    Read holders(role: &Role) -> Vec<Subject>;
    Write insert_grant(subject: &Subject, grant: &Grant) -> ();
    Write set_grants(subject: &Subject, grants: &[Grant]) -> ();
    Write delete_grant(subject: &Subject, grant: GrantId) -> bool;
});

deeds!(Sessions {
    Write insert_session(
        session: &Session, cookie: Option<&Digest>, refresh: Option<&NewRefresh>
    ) -> Vec<SessionId>;
    Read session(id: SessionId) -> Option<Session>;
    Read session_by_cookie(cookie: &Digest) -> Option<Session>;
    Read sessions(user: UserId, now: Timestamp) -> Vec<Session>;
    Write touch_session(id: SessionId, now: Timestamp, idle_expires_at: Timestamp) -> ();
    Write end_session(id: SessionId, now: Timestamp) -> bool;
    Write end_sessions(user: UserId, keep: Option<SessionId>, now: Timestamp) -> Vec<SessionId>;
    Read ended_since(since: Timestamp) -> Vec<(SessionId, Timestamp)>;
});

deeds!(Tokens {
    Write insert_token(token: &TokenRecord) -> ();
    Read token(digest: &Digest) -> Option<TokenRecord>;
    Write revoke_token(id: TokenId, expires_at: Timestamp) -> ();
    Read revoked(now: Timestamp) -> Vec<(TokenId, Timestamp)>;
    Write rotate_refresh(
        shown: &Digest, successor: &Digest, window_seconds: u32, idle_expires_at: Timestamp,
        now: Timestamp
    ) -> Rotation;
    Read session_by_refresh(digest: &Digest) -> Option<(Session, Scopes)>;
    Write sweep(now: Timestamp, keep_seconds: u32) -> u64;
});

deeds!(ApiKeys {
    Write insert_api_key(key: &ApiKey, digest: &Digest) -> bool;
    Read api_key(digest: &Digest) -> Option<ApiKey>;
    Read api_keys(owner: &Subject, now: Timestamp) -> Vec<ApiKey>;
    Write touch_api_key(id: TokenId, now: Timestamp) -> ();
    Write delete_api_key(owner: &Subject, id: TokenId) -> bool;
    Write delete_api_keys(owner: &Subject) -> u64;
});

deeds!(Keys {
    Read keys() -> Vec<KeyRecord>;
    Write insert_key(key: &KeyRecord, first: bool) -> bool;
    Write retire_key(
        id: &str, signs_until: Option<Timestamp>, retired_at: Option<Timestamp>
    ) -> ();
});

deeds!(Audit {
    Write append_audit(entries: &[AuditEntry], seal: &dyn SealAudit) -> AuditHead;
    Read audit_head() -> Option<AuditHead>;
    Read audit(filter: &AuditFilter, page: &PageRequest) -> Page<AuditRecord>;
    Read audit_chain(after: u64, limit: u32) -> Vec<AuditLink>;
});

deeds!(Feed {
    Read changes(after: Option<u64>) -> (u64, Vec<Change>);
    Read ping() -> ();
});

/// Whether changes are to be refused.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct Switch {
    /// Whether from now on.
    #[garde(skip)]
    on: bool,
}

async fn switch(State(maintenance): State<Maintenance>, Json(to): Json<Switch>) -> NoContent {
    maintenance.0.store(to.on, Ordering::Release);
    NoContent
}

fn app(rules: &Auth, maintenance: &Maintenance) -> Result<App, ConfigError> {
    let gate = Gate::builder()
        .rules(rules)
        .scheme("basic", basic("house").verified_by(PasswordVerifier::new(rules.clone())))
        .build()?;
    let house = gate
        .routes()
        .put("/maintenance", permission("maintain"), switch)
        .with_state(maintenance.clone());
    house.merge(routes::users::table(&gate).with_state(rules.clone())).finish()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let maintenance = Maintenance::default();
    let store = Maintained { store: MemoryStore::new(), maintenance: maintenance.clone() };
    let secret = MasterSecret::generate(&Sources::system())?;
    let rules = Auth::builder(Arc::new(store), secret).start().await?;
    let root = NewAccount::new("root", "the keys of the house");
    let root = rules.add_user(&Actor::system(), root, true, &[]).await?;
    for may in ["maintain", "users:manage"] {
        rules.grant(&Actor::system(), root.id.into(), GrantRequest::allow(may)).await?;
    }
    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    Ok(app(&rules, &maintenance)?.serve(listener).await?)
}

#[cfg(test)]
mod tests {
    use portcullis::crypto::PasswordSettings;
    use portcullis::testing::{Setup, TestApp, contract, hostile};

    use super::*;

    async fn started() -> TestApp {
        let maintenance = Maintenance::default();
        let store = Maintained { store: MemoryStore::new(), maintenance: maintenance.clone() };
        let secret = MasterSecret::generate(&Sources::system()).unwrap();
        let rules = Auth::builder(Arc::new(store), secret).passwords(PasswordSettings::cheap());
        let rules = rules.start().await.unwrap();
        TestApp::new(app(&rules, &maintenance).unwrap(), rules)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn it_keeps_the_contract_of_every_store() {
        contract::all(async || Maintained {
            store: MemoryStore::new(),
            maintenance: Maintenance::default(),
        })
        .await;
    }

    #[tokio::test]
    async fn during_maintenance_everybody_reads_and_nobody_writes() {
        let app = started().await;
        let root = app.user("root").with_permission("maintain").with_permission("users:manage");
        let root = root.basic();
        let ann = serde_json::json!({"username": "ann", "password": "a walk in the wood"});
        let set = |on: bool| root.put("/maintenance").json(serde_json::json!({"on": on}));
        set(true).await.expect(204);
        root.get("/users").await.expect(200);
        let refused = root.post("/users").json(&ann).await.expect(503);
        assert!(refused.header("retry-after").is_some());
        set(false).await.expect(204);
        root.post("/users").json(&ann).await.expect(201);
    }

    #[tokio::test]
    async fn every_route_is_guarded_as_it_says() {
        hostile(&started().await, &Setup::new()).await;
    }
}
