//! `/clients`: programs that speak for themselves. Their roles and grants are in
//! [`grants`](super::grants).

use std::collections::BTreeSet;

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Client, ClientChange, ClientRequest, ClientSecret, ClientSettings, GrantType, RedirectUri,
};
use crate::auth::Auth;
use crate::auth::routes::{CurrentActor, List, ListQuery};
use crate::extract::{Created, Given, Json, NoContent, NoStore, Path, Query};
use crate::gate::Gate;
use crate::policy::{Requirement, permission};
use crate::problem::{Problem, ProblemKind};
use crate::router::Routes;
use crate::types::{ClientId, Role, Scope, Scopes, Subject};

fn manages_clients() -> Requirement {
    permission("clients:manage")
}

/// The routes under `/clients`.
pub fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes()
        .tag("clients")
        .get("/clients", manages_clients(), list_clients)
        .post("/clients", manages_clients(), create_client)
        .get("/clients/{id}", manages_clients(), read_client)
        .patch("/clients/{id}", manages_clients(), change_client)
        .delete("/clients/{id}", manages_clients(), delete_client)
        .get("/clients/{id}/secrets", manages_clients(), list_secrets)
        .post("/clients/{id}/secrets", manages_clients(), create_secret)
        .delete("/clients/{id}/secrets/{secret}", manages_clients(), delete_secret)
}

/// A program that speaks for itself.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Client")]
pub struct ClientAnswer {
    /// Its public name.
    pub id: ClientId,
    /// A name for people.
    pub name: String,
    /// Whether it may do anything at all.
    pub is_active: bool,
    /// Whether it can keep a secret, and must show one wherever it asks for a token.
    pub is_confidential: bool,
    /// Whether it is ours: its users are not asked for consent.
    pub is_first_party: bool,
    /// How it gets tokens.
    pub grant_types: BTreeSet<GrantType>,
    /// Where a person may be sent with a code.
    pub redirect_uris: Vec<RedirectUri>,
    /// Where a person may be sent after signing out.
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// The scopes that its tokens may have; all there are where it is null.
    pub scopes: Option<BTreeSet<Scope>>,
    /// The roles assigned to it directly.
    pub roles: BTreeSet<Role>,
    /// When it was registered (RFC 3339).
    pub created_at: String,
}

impl ClientAnswer {
    /// A client with the roles assigned to it.
    #[must_use]
    pub fn new(client: Client, roles: BTreeSet<Role>) -> Self {
        Self {
            id: client.id,
            name: client.name,
            is_active: client.active,
            is_confidential: client.settings.confidential,
            is_first_party: client.settings.first_party,
            grant_types: client.settings.grant_types,
            redirect_uris: client.settings.redirect_uris,
            post_logout_redirect_uris: client.settings.post_logout_redirect_uris,
            scopes: client.settings.scopes.limit().cloned(),
            roles,
            created_at: client.created_at.to_string(),
        }
    }
}

/// A client to be registered.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct NewClient {
    /// Its public name: visible ASCII characters but `:`. Drawn where it is left out.
    #[garde(length(chars, min = 1, max = 100))]
    #[serde(default)]
    id: Option<String>,
    /// A name for people.
    #[garde(length(chars, min = 1, max = 100))]
    name: String,
    /// The roles it has from the start.
    #[garde(length(max = 100))]
    #[serde(default)]
    roles: Vec<Role>,
    /// Whether it can keep a secret.
    #[garde(skip)]
    #[serde(default)]
    is_confidential: bool,
    /// Whether it is ours: its users are not asked for consent.
    #[garde(skip)]
    #[serde(default)]
    is_first_party: bool,
    /// How it gets tokens.
    #[garde(skip)]
    #[serde(default)]
    grant_types: BTreeSet<GrantType>,
    /// Where a person may be sent with a code: `https`, `http` on loopback, or a private scheme with a dot.
    #[garde(length(max = 20), inner(length(chars, max = 500)))]
    #[serde(default)]
    redirect_uris: Vec<String>,
    /// Where a person may be sent after signing out.
    #[garde(length(max = 20), inner(length(chars, max = 500)))]
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    /// The scopes that its tokens may have; all there are where it is left out or null.
    #[garde(skip)]
    #[serde(default)]
    scopes: Option<BTreeSet<Scope>>,
}

/// What is to be changed of a client.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct ChangeOfClient {
    /// A name for people.
    #[garde(length(chars, min = 1, max = 100))]
    #[serde(default)]
    name: Given<String>,
    /// Whether it may do anything at all.
    #[garde(skip)]
    #[serde(default)]
    is_active: Given<bool>,
    /// Whether it can keep a secret. One that becomes public loses its secrets.
    #[garde(skip)]
    #[serde(default)]
    is_confidential: Given<bool>,
    /// Whether it is ours: its users are not asked for consent.
    #[garde(skip)]
    #[serde(default)]
    is_first_party: Given<bool>,
    /// How it gets tokens.
    #[garde(skip)]
    #[serde(default)]
    grant_types: Given<BTreeSet<GrantType>>,
    /// Where a person may be sent with a code.
    #[garde(skip)]
    #[serde(default)]
    redirect_uris: Given<Vec<String>>,
    /// Where a person may be sent after signing out.
    #[garde(skip)]
    #[serde(default)]
    post_logout_redirect_uris: Given<Vec<String>>,
    /// The scopes that its tokens may have; all there are where it is null.
    #[garde(skip)]
    #[serde(default)]
    scopes: Given<Option<BTreeSet<Scope>>>,
}

impl ChangeOfClient {
    /// The settings as they are to be, where one of them is to change.
    fn settings(
        &mut self,
        mut settings: ClientSettings,
    ) -> Result<Option<ClientSettings>, Problem> {
        let before = settings.clone();
        settings.confidential = self.is_confidential.0.unwrap_or(settings.confidential);
        settings.first_party = self.is_first_party.0.unwrap_or(settings.first_party);
        if let Some(grants) = self.grant_types.0.take() {
            settings.grant_types = grants;
        }
        if let Some(uris) = self.redirect_uris.0.take() {
            settings.redirect_uris = read_uris("/redirect_uris", &uris)?;
        }
        if let Some(uris) = self.post_logout_redirect_uris.0.take() {
            settings.post_logout_redirect_uris = read_uris("/post_logout_redirect_uris", &uris)?;
        }
        if let Some(scopes) = self.scopes.0.take() {
            settings.scopes = scopes.map_or(Scopes::All, Scopes::only);
        }
        Ok((settings != before).then_some(settings))
    }
}

/// Reads redirect URIs, and points at the first that cannot be one.
fn read_uris(pointer: &str, uris: &[String]) -> Result<Vec<RedirectUri>, Problem> {
    let read = |(at, uri): (usize, &String)| {
        uri.parse().map_err(|wrong: super::InvalidRedirectUri| {
            Problem::invalid(&format!("{pointer}/{at}"), wrong.to_string())
        })
    };
    uris.iter().enumerate().map(read).collect()
}

/// A secret of a client, without the secret itself.
#[derive(Serialize, JsonSchema)]
struct SecretAnswer {
    /// Which one.
    id: Uuid,
    /// Whether it was drawn here; else somebody chose it in a settings file.
    is_drawn: bool,
    /// Since when it counts (RFC 3339).
    created_at: String,
}

/// A secret that was just drawn.
#[derive(Serialize, JsonSchema)]
struct NewSecret {
    /// The secret itself: shown this once, and kept nowhere.
    client_secret: String,
    #[serde(flatten)]
    secret: SecretAnswer,
}

impl From<ClientSecret> for SecretAnswer {
    fn from(secret: ClientSecret) -> Self {
        Self { id: secret.id, is_drawn: secret.drawn, created_at: secret.created_at.to_string() }
    }
}

async fn answer(auth: &Auth, client: Client) -> Result<ClientAnswer, Problem> {
    let roles = auth.roles_of(&Subject::Client(client.id.clone())).await?;
    Ok(ClientAnswer::new(client, roles))
}

async fn list_clients(
    State(auth): State<Auth>,
    Query(wanted): Query<ListQuery>,
) -> Result<Json<List<ClientAnswer>>, Problem> {
    let page = auth.clients(&wanted.into()).await?;
    let ids: Vec<String> = page.items.iter().map(|client| client.id.to_string()).collect();
    let mut held = auth.roles_of_many("client", &ids).await?;
    let answer = |client: Client| {
        let roles = held.remove(&client.id.to_string()).unwrap_or_default();
        ClientAnswer::new(client, roles)
    };
    Ok(Json(List { items: page.items.into_iter().map(answer).collect(), next: page.next }))
}

async fn create_client(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Json(new): Json<NewClient>,
) -> Result<Created<ClientAnswer>, Problem> {
    let id = match new.id {
        Some(id) => id,
        None => auth.sources().uuid().map_err(Problem::internal)?.to_string(),
    };
    let settings = ClientSettings {
        confidential: new.is_confidential,
        first_party: new.is_first_party,
        grant_types: new.grant_types,
        redirect_uris: read_uris("/redirect_uris", &new.redirect_uris)?,
        post_logout_redirect_uris: read_uris(
            "/post_logout_redirect_uris",
            &new.post_logout_redirect_uris,
        )?,
        scopes: new.scopes.map_or(Scopes::All, Scopes::only),
    };
    let request =
        ClientRequest { roles: new.roles, settings, ..ClientRequest::new(&*id, new.name) };
    let client = auth.register_client(&actor, request).await?;
    Ok(Created(answer(&auth, client).await?))
}

async fn read_client(
    State(auth): State<Auth>,
    Path(id): Path<ClientId>,
) -> Result<Json<ClientAnswer>, Problem> {
    let client = auth.client(&id).await?;
    Ok(Json(answer(&auth, client).await?))
}

async fn change_client(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path(id): Path<ClientId>,
    Json(mut change): Json<ChangeOfClient>,
) -> Result<Json<ClientAnswer>, Problem> {
    let settings = change.settings(auth.client(&id).await?.settings)?;
    let change = ClientChange { name: change.name.0, active: change.is_active.0, settings };
    let client = auth.change_client(&actor, id, change).await?;
    Ok(Json(answer(&auth, client).await?))
}

async fn delete_client(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path(id): Path<ClientId>,
) -> Result<NoContent, Problem> {
    auth.delete_client(&actor, id).await?;
    Ok(NoContent)
}

async fn list_secrets(
    State(auth): State<Auth>,
    Path(id): Path<ClientId>,
) -> Result<Json<List<SecretAnswer>>, Problem> {
    let secrets = auth.client_secrets(&id).await?;
    Ok(Json(List { items: secrets.into_iter().map(SecretAnswer::from).collect(), next: None }))
}

async fn create_secret(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path(id): Path<ClientId>,
) -> Result<NoStore<Created<NewSecret>>, Problem> {
    let (secret, text) = auth.create_client_secret(&actor, id).await?;
    let client_secret = text.expose().clone();
    Ok(NoStore(Created(NewSecret { client_secret, secret: secret.into() })))
}

async fn delete_secret(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path((id, secret)): Path<(ClientId, Uuid)>,
) -> Result<NoContent, Problem> {
    if auth.delete_client_secret(&actor, id, secret).await? {
        return Ok(NoContent);
    }
    Err(Problem::new(ProblemKind::NotFound).detail("There is no such secret."))
}
