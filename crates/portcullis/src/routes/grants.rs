//! `/users/{id}/roles` and `/users/{id}/grants`: what a user may do.

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::shapes::{GrantAnswer, List, RoleAnswer};
use crate::describe::{Created, Json, NoContent, Path};
use crate::gate::Gate;
use crate::policy::{Requirement, permission};
use crate::problem::{Problem, ProblemKind};
use crate::rules::{GrantRequest, Rules};
use crate::table::Routes;
use crate::types::{Clause, Effect, GrantId, Role, Subject, UserId};

fn administrator() -> Requirement {
    permission("roles:manage")
}

/// The routes under `/users/{id}/roles` and `/users/{id}/grants`.
pub fn table(gate: &Gate) -> Routes<Rules> {
    gate.routes()
        .tag("roles")
        .get("/users/{id}/roles", administrator(), list_roles_of_user)
        .get("/users/{id}/roles/{name}", administrator(), read_role_of_user)
        .put("/users/{id}/roles/{name}", administrator(), assign_role)
        .delete("/users/{id}/roles/{name}", administrator(), unassign_role)
        .get("/users/{id}/grants", administrator(), list_grants)
        .post("/users/{id}/grants", administrator(), create_grant)
        .put("/users/{id}/grants", administrator(), replace_grants)
        .delete("/users/{id}/grants", administrator(), delete_grants)
        .get("/users/{id}/grants/{grant}", administrator(), read_grant)
        .delete("/users/{id}/grants/{grant}", administrator(), delete_grant)
}

/// A permission to be allowed or denied.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct NewGrant {
    /// Which permission.
    #[garde(length(chars, min = 1, max = 100))]
    permission: String,
    /// Allow or deny. A denial wins over any number of allowances.
    #[garde(skip)]
    #[serde(default = "allow")]
    effect: Effect,
    /// When it counts; always where it is left out.
    #[garde(skip)]
    #[serde(default)]
    condition: Option<Clause>,
}

/// All direct grants of a user.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct AllGrants {
    /// They replace those that are there.
    #[garde(length(max = 1000), dive)]
    items: Vec<NewGrant>,
}

fn allow() -> Effect {
    Effect::Allow
}

impl From<NewGrant> for GrantRequest {
    fn from(new: NewGrant) -> Self {
        Self { effect: new.effect, permission: new.permission.into(), condition: new.condition }
    }
}

async fn list_roles_of_user(
    State(rules): State<Rules>,
    Path(id): Path<UserId>,
) -> Result<Json<List<RoleAnswer>>, Problem> {
    let held = rules.roles_of(&Subject::User(id)).await?;
    let graph = rules.roles();
    let items =
        held.iter().filter_map(|name| graph.get(name.as_str())).cloned().map(Into::into).collect();
    Ok(Json(List { items, next: None }))
}

async fn read_role_of_user(
    State(rules): State<Rules>,
    Path((id, name)): Path<(UserId, Role)>,
) -> Result<Json<RoleAnswer>, Problem> {
    let held = rules.roles_of(&Subject::User(id)).await?;
    if !held.contains(&name) {
        return Err(ProblemKind::NotFound.into());
    }
    Ok(Json(rules.role(&name)?.into()))
}

async fn assign_role(
    State(rules): State<Rules>,
    Path((id, name)): Path<(UserId, Role)>,
) -> Result<NoContent, Problem> {
    rules.assign_role(Subject::User(id), name).await?;
    Ok(NoContent)
}

async fn unassign_role(
    State(rules): State<Rules>,
    Path((id, name)): Path<(UserId, Role)>,
) -> Result<NoContent, Problem> {
    rules.unassign_role(Subject::User(id), name).await?;
    Ok(NoContent)
}

async fn list_grants(
    State(rules): State<Rules>,
    Path(id): Path<UserId>,
) -> Result<Json<List<GrantAnswer>>, Problem> {
    let grants = rules.grants_of(&Subject::User(id)).await?;
    Ok(Json(List { items: grants.into_iter().map(Into::into).collect(), next: None }))
}

async fn create_grant(
    State(rules): State<Rules>,
    Path(id): Path<UserId>,
    Json(new): Json<NewGrant>,
) -> Result<Created<GrantAnswer>, Problem> {
    Ok(Created(rules.grant(Subject::User(id), new.into()).await?.into()))
}

async fn replace_grants(
    State(rules): State<Rules>,
    Path(id): Path<UserId>,
    Json(all): Json<AllGrants>,
) -> Result<Json<List<GrantAnswer>>, Problem> {
    let requests = all.items.into_iter().map(Into::into).collect();
    let grants = rules.set_grants(Subject::User(id), requests).await?;
    Ok(Json(List { items: grants.into_iter().map(Into::into).collect(), next: None }))
}

async fn delete_grants(
    State(rules): State<Rules>,
    Path(id): Path<UserId>,
) -> Result<NoContent, Problem> {
    rules.set_grants(Subject::User(id), Vec::new()).await?;
    Ok(NoContent)
}

async fn read_grant(
    State(rules): State<Rules>,
    Path((id, grant)): Path<(UserId, GrantId)>,
) -> Result<Json<GrantAnswer>, Problem> {
    let grants = rules.grants_of(&Subject::User(id)).await?;
    let found = grants.into_iter().find(|one| one.id == grant);
    found.map(|grant| Json(grant.into())).ok_or_else(|| ProblemKind::NotFound.into())
}

async fn delete_grant(
    State(rules): State<Rules>,
    Path((id, grant)): Path<(UserId, GrantId)>,
) -> Result<NoContent, Problem> {
    rules.revoke_grant(Subject::User(id), grant).await?;
    Ok(NoContent)
}
