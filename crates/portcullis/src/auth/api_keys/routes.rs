//! `/users/me/api-keys`, `/users/{id}/api-keys` and `/clients/{id}/api-keys`: tokens that people
//! make for their programs, or administrators for clients.

use std::collections::BTreeSet;

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ApiKey, ApiKeyRequest};
use crate::auth::routes::{CurrentActor, CurrentUser, List};
use crate::auth::{Actor, Auth};
use crate::crypto::Secret;
use crate::extract::{Created, Json, NoContent, NoStore, Path};
use crate::gate::Gate;
use crate::policy::{Requirement, permission, unscoped};
use crate::problem::{Problem, ProblemKind};
use crate::router::Routes;
use crate::types::{ClientId, Principal, Scope, Subject, Timestamp, TokenId, UserId};

fn manages_users() -> Requirement {
    permission("users:manage")
}

fn manages_clients() -> Requirement {
    permission("clients:manage")
}

/// The routes under `/users/me/api-keys`, `/users/{id}/api-keys` and `/clients/{id}/api-keys`.
pub fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes()
        .tag("users")
        .get("/users/me/api-keys", unscoped(), list_my_api_keys)
        .describe(
            "The key is in this answer and in no other. It needs a session or a password: a key \
             cannot make another one. A new password deletes every key.",
        )
        .post("/users/me/api-keys", unscoped(), create_my_api_key)
        .delete("/users/me/api-keys", unscoped(), delete_my_api_keys)
        .delete("/users/me/api-keys/{id}", unscoped(), delete_my_api_key)
        .get("/users/{id}/api-keys", manages_users(), list_api_keys)
        .delete("/users/{id}/api-keys", manages_users(), delete_api_keys)
        .delete("/users/{id}/api-keys/{key}", manages_users(), delete_api_key)
        .tag("clients")
        .get("/clients/{id}/api-keys", manages_clients(), list_client_api_keys)
        .describe(
            "The key is in this answer and in no other. Whoever shows it is the client, with the \
             roles and grants that the client has at that moment. A key cannot make another one.",
        )
        .post("/clients/{id}/api-keys", manages_clients(), create_client_api_key)
        .delete("/clients/{id}/api-keys", manages_clients(), delete_client_api_keys)
        .delete("/clients/{id}/api-keys/{key}", manages_clients(), delete_client_api_key)
}

/// An API key to be made.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct NewApiKey {
    /// What you call it.
    #[garde(length(chars, min = 1, max = 100))]
    name: String,
    /// What it is limited to. Where it is left out: to no more than the credential you show, and a
    /// client's to nothing.
    #[garde(length(max = 100))]
    #[serde(default)]
    scopes: Option<Vec<Scope>>,
    /// When it ends (RFC 3339); in 90 days where it is left out, unless the server says otherwise.
    #[garde(skip)]
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    expires_at: Option<Timestamp>,
}

/// An API key, without its secret.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ApiKey")]
pub struct ApiKeyAnswer {
    /// Which key.
    pub id: TokenId,
    /// What its owner calls it.
    pub name: String,
    /// What it is limited to; null where it may do all that its owner may do.
    pub scopes: Option<BTreeSet<Scope>>,
    /// When it was made (RFC 3339).
    pub created_at: String,
    /// When it ends (RFC 3339).
    pub expires_at: String,
    /// When it was last used, to the minute (RFC 3339).
    pub last_used_at: Option<String>,
}

impl From<ApiKey> for ApiKeyAnswer {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            scopes: key.scopes.limit().cloned(),
            created_at: key.created_at.to_string(),
            expires_at: key.expires_at.to_string(),
            last_used_at: key.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// An API key that was just made.
#[derive(Serialize, JsonSchema)]
struct MadeApiKey {
    /// The key itself, shown this once: `pc_key_` and 49 characters.
    key: String,
    #[serde(flatten)]
    about: ApiKeyAnswer,
}

async fn list(auth: &Auth, owner: impl Into<Subject>) -> Result<Json<List<ApiKeyAnswer>>, Problem> {
    let keys = auth.api_keys(owner).await?;
    Ok(Json(List { items: keys.into_iter().map(Into::into).collect(), next: None }))
}

/// The keys of an owner that must be there.
async fn list_of(auth: &Auth, owner: Subject) -> Result<Json<List<ApiKeyAnswer>>, Problem> {
    auth.roles_of(&owner).await?;
    list(auth, owner).await
}

async fn delete(
    auth: &Auth,
    actor: &Actor,
    owner: impl Into<Subject>,
    key: TokenId,
) -> Result<NoContent, Problem> {
    if auth.delete_api_key(actor, owner, key).await? {
        Ok(NoContent)
    } else {
        Err(ProblemKind::NotFound.into())
    }
}

impl From<NewApiKey> for ApiKeyRequest {
    fn from(new: NewApiKey) -> Self {
        Self {
            name: new.name,
            scopes: new.scopes.map(|scopes| scopes.into_iter().collect()),
            expires_at: new.expires_at,
        }
    }
}

fn shown_once((key, secret): (ApiKey, Secret<String>)) -> NoStore<Created<MadeApiKey>> {
    NoStore(Created(MadeApiKey { key: secret.expose().clone(), about: key.into() }))
}

async fn list_my_api_keys(
    State(auth): State<Auth>,
    CurrentUser(user): CurrentUser,
) -> Result<Json<List<ApiKeyAnswer>>, Problem> {
    list(&auth, user.id).await
}

async fn create_my_api_key(
    State(auth): State<Auth>,
    who: Principal,
    Json(new): Json<NewApiKey>,
) -> Result<NoStore<Created<MadeApiKey>>, Problem> {
    Ok(shown_once(auth.create_api_key(&who, new.into()).await?))
}

async fn delete_my_api_keys(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    CurrentUser(user): CurrentUser,
) -> Result<NoContent, Problem> {
    auth.delete_api_keys(&actor, user.id).await?;
    Ok(NoContent)
}

async fn delete_my_api_key(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    CurrentUser(user): CurrentUser,
    Path(id): Path<TokenId>,
) -> Result<NoContent, Problem> {
    delete(&auth, &actor, user.id, id).await
}

async fn list_api_keys(
    State(auth): State<Auth>,
    Path(id): Path<UserId>,
) -> Result<Json<List<ApiKeyAnswer>>, Problem> {
    list_of(&auth, id.into()).await
}

async fn delete_api_keys(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path(id): Path<UserId>,
) -> Result<NoContent, Problem> {
    auth.delete_api_keys(&actor, id).await?;
    Ok(NoContent)
}

async fn delete_api_key(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path((id, key)): Path<(UserId, TokenId)>,
) -> Result<NoContent, Problem> {
    delete(&auth, &actor, id, key).await
}

async fn list_client_api_keys(
    State(auth): State<Auth>,
    Path(id): Path<ClientId>,
) -> Result<Json<List<ApiKeyAnswer>>, Problem> {
    list_of(&auth, id.into()).await
}

async fn create_client_api_key(
    State(auth): State<Auth>,
    who: Principal,
    Path(id): Path<ClientId>,
    Json(new): Json<NewApiKey>,
) -> Result<NoStore<Created<MadeApiKey>>, Problem> {
    let made = auth.create_client_api_key(&Actor::of(&who), id, new.into()).await?;
    Ok(shown_once(made))
}

async fn delete_client_api_keys(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path(id): Path<ClientId>,
) -> Result<NoContent, Problem> {
    auth.delete_api_keys(&actor, id).await?;
    Ok(NoContent)
}

async fn delete_client_api_key(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path((id, key)): Path<(ClientId, TokenId)>,
) -> Result<NoContent, Problem> {
    delete(&auth, &actor, id, key).await
}
