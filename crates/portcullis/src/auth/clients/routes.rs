//! `/clients`: programs that speak for themselves. Their roles and grants are in
//! [`grants`](super::grants).

use std::collections::BTreeSet;

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Client, ClientChange};
use crate::auth::Auth;
use crate::auth::routes::{CurrentActor, List, ListQuery};
use crate::extract::{Created, Given, Json, NoContent, Path, Query};
use crate::gate::Gate;
use crate::policy::{Requirement, permission};
use crate::problem::Problem;
use crate::router::Routes;
use crate::types::{ClientId, Role, Subject};

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
    /// The roles assigned to it directly.
    pub roles: BTreeSet<Role>,
    /// When it was registered (RFC 3339).
    pub created_at: String,
}

impl ClientAnswer {
    pub(in crate::auth) fn new(client: Client, roles: BTreeSet<Role>) -> Self {
        Self {
            id: client.id,
            name: client.name,
            is_active: client.active,
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
    let client = auth.add_client(&actor, ClientId::from(&*id), new.name, &new.roles).await?;
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
    Json(change): Json<ChangeOfClient>,
) -> Result<Json<ClientAnswer>, Problem> {
    let change = ClientChange { name: change.name.0, active: change.is_active.0 };
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
