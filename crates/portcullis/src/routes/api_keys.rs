//! `/users/me/api-keys` and `/users/{id}/api-keys`: tokens that people make for their programs.

use std::collections::BTreeSet;

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shapes::List;
use crate::describe::{Created, Json, NoContent, NoStore, Path};
use crate::gate::{CurrentUser, Gate};
use crate::policy::{Requirement, authenticated, permission};
use crate::problem::{Problem, ProblemKind};
use crate::rules::{ApiKeyRequest, Rules};
use crate::table::Routes;
use crate::types::{ApiKey, Principal, Scope, Timestamp, TokenId, UserId};

fn administrator() -> Requirement {
    permission("users:manage")
}

/// The routes under `/users/me/api-keys` and `/users/{id}/api-keys`.
pub fn table(gate: &Gate) -> Routes<Rules> {
    gate.routes()
        .tag("users")
        .get("/users/me/api-keys", authenticated(), list_my_api_keys)
        .describe(
            "The key is in this answer and in no other. It needs a session or a password: a key \
             cannot make another one. A new password deletes every key.",
        )
        .post("/users/me/api-keys", authenticated(), create_my_api_key)
        .delete("/users/me/api-keys", authenticated(), delete_my_api_keys)
        .delete("/users/me/api-keys/{id}", authenticated(), delete_my_api_key)
        .get("/users/{id}/api-keys", administrator(), list_api_keys)
        .delete("/users/{id}/api-keys", administrator(), delete_api_keys)
        .delete("/users/{id}/api-keys/{key}", administrator(), delete_api_key)
}

/// An API key to be made.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct NewApiKey {
    /// What you call it.
    #[garde(length(chars, min = 1, max = 100))]
    name: String,
    /// What it is limited to; all you may have now where it is left out.
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
    /// What it is limited to.
    pub scopes: BTreeSet<Scope>,
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
            scopes: key.scopes,
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

async fn list(rules: &Rules, user: UserId) -> Result<Json<List<ApiKeyAnswer>>, Problem> {
    let keys = rules.api_keys(user).await?;
    Ok(Json(List { items: keys.into_iter().map(Into::into).collect(), next: None }))
}

async fn delete(rules: &Rules, user: UserId, key: TokenId) -> Result<NoContent, Problem> {
    if rules.delete_api_key(user, key).await? {
        Ok(NoContent)
    } else {
        Err(ProblemKind::NotFound.into())
    }
}

async fn list_my_api_keys(
    State(rules): State<Rules>,
    CurrentUser(user): CurrentUser,
) -> Result<Json<List<ApiKeyAnswer>>, Problem> {
    list(&rules, user.id).await
}

async fn create_my_api_key(
    State(rules): State<Rules>,
    who: Principal,
    Json(new): Json<NewApiKey>,
) -> Result<NoStore<Created<MadeApiKey>>, Problem> {
    let request = ApiKeyRequest {
        name: new.name,
        scopes: new.scopes.map(|scopes| scopes.into_iter().collect()),
        expires_at: new.expires_at,
    };
    let (key, secret) = rules.create_api_key(&who, request).await?;
    let made = MadeApiKey { key: secret.expose().clone(), about: key.into() };
    Ok(NoStore(Created(made)))
}

async fn delete_my_api_keys(
    State(rules): State<Rules>,
    CurrentUser(user): CurrentUser,
) -> Result<NoContent, Problem> {
    rules.delete_api_keys(user.id).await?;
    Ok(NoContent)
}

async fn delete_my_api_key(
    State(rules): State<Rules>,
    CurrentUser(user): CurrentUser,
    Path(id): Path<TokenId>,
) -> Result<NoContent, Problem> {
    delete(&rules, user.id, id).await
}

async fn list_api_keys(
    State(rules): State<Rules>,
    Path(id): Path<UserId>,
) -> Result<Json<List<ApiKeyAnswer>>, Problem> {
    list(&rules, rules.user(id).await?.id).await
}

async fn delete_api_keys(
    State(rules): State<Rules>,
    Path(id): Path<UserId>,
) -> Result<NoContent, Problem> {
    rules.delete_api_keys(rules.user(id).await?.id).await?;
    Ok(NoContent)
}

async fn delete_api_key(
    State(rules): State<Rules>,
    Path((id, key)): Path<(UserId, TokenId)>,
) -> Result<NoContent, Problem> {
    delete(&rules, id, key).await
}
