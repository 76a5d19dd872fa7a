//! `/clients`: programs that speak for themselves. Their roles and grants are in
//! [`grants`](super::grants).

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::origin::Acting;
use super::shapes::{ClientAnswer, List};
use crate::auth::Auth;
use crate::extract::{Created, Given, Json, NoContent, Path, Query};
use crate::gate::Gate;
use crate::policy::{Requirement, permission};
use crate::problem::Problem;
use crate::router::Routes;
use crate::store::ClientChange;
use crate::types::{Client, ClientId, PageRequest, Principal, Role, Subject};

fn administrator() -> Requirement {
    permission("clients:manage")
}

/// The routes under `/clients`.
pub fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes()
        .tag("clients")
        .get("/clients", administrator(), list_clients)
        .post("/clients", administrator(), create_client)
        .get("/clients/{id}", administrator(), read_client)
        .patch("/clients/{id}", administrator(), change_client)
        .delete("/clients/{id}", administrator(), delete_client)
}

/// Which clients are wanted.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct WantedClients {
    /// Where the last page ended.
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    cursor: Option<String>,
    /// How many rows at the most.
    #[garde(range(min = 1, max = 200))]
    #[serde(default = "fifty")]
    limit: u32,
}

fn fifty() -> u32 {
    50
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

async fn answer(rules: &Auth, client: Client) -> Result<ClientAnswer, Problem> {
    let roles = rules.roles_of(&Subject::Client(client.id.clone())).await?;
    Ok(ClientAnswer::new(client, roles))
}

async fn list_clients(
    State(rules): State<Auth>,
    Query(wanted): Query<WantedClients>,
) -> Result<Json<List<ClientAnswer>>, Problem> {
    let page = rules.clients(&PageRequest { after: wanted.cursor, limit: wanted.limit }).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for client in page.items {
        items.push(answer(&rules, client).await?);
    }
    Ok(Json(List { items, next: page.next }))
}

async fn create_client(
    State(rules): State<Auth>,
    Acting(actor): Acting,
    who: Principal,
    Json(new): Json<NewClient>,
) -> Result<Created<ClientAnswer>, Problem> {
    super::may_assign(&who, &new.roles)?;
    let id = match new.id {
        Some(id) => id,
        None => rules.sources().uuid().map_err(Problem::internal)?.to_string(),
    };
    let client = rules.add_client(&actor, ClientId::from(&*id), new.name, &new.roles).await?;
    Ok(Created(answer(&rules, client).await?))
}

async fn read_client(
    State(rules): State<Auth>,
    Path(id): Path<ClientId>,
) -> Result<Json<ClientAnswer>, Problem> {
    let client = rules.client(&id).await?;
    Ok(Json(answer(&rules, client).await?))
}

async fn change_client(
    State(rules): State<Auth>,
    Acting(actor): Acting,
    Path(id): Path<ClientId>,
    Json(change): Json<ChangeOfClient>,
) -> Result<Json<ClientAnswer>, Problem> {
    let change = ClientChange { name: change.name.0, active: change.is_active.0 };
    let client = rules.change_client(&actor, id, change).await?;
    Ok(Json(answer(&rules, client).await?))
}

async fn delete_client(
    State(rules): State<Auth>,
    Acting(actor): Acting,
    Path(id): Path<ClientId>,
) -> Result<NoContent, Problem> {
    rules.delete_client(&actor, id).await?;
    Ok(NoContent)
}
