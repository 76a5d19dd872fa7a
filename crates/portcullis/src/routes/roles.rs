//! `/roles`: a role, its permissions, the roles it includes.

use std::collections::BTreeSet;

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::origin::Acting;
use super::shapes::{List, RoleAnswer};
use crate::auth::Auth;
use crate::extract::{Created, Given, Json, NoContent, Path};
use crate::gate::Gate;
use crate::policy::{Requirement, permission};
use crate::problem::Problem;
use crate::router::Routes;
use crate::types::{Permission, Role, RoleRecord};

fn administrator() -> Requirement {
    permission("roles:manage")
}

/// The routes under `/roles`.
pub fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes()
        .tag("roles")
        .get("/roles", administrator(), list_roles)
        .post("/roles", administrator(), create_role)
        .get("/roles/{name}", administrator(), read_role)
        .patch("/roles/{name}", administrator(), change_role)
        .delete("/roles/{name}", administrator(), delete_role)
}

/// A role to be made.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct NewRole {
    /// Its name.
    #[garde(length(chars, min = 1, max = 100))]
    name: String,
    /// A sentence for people.
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    description: String,
    /// What its holders may do.
    #[garde(length(max = 1000))]
    #[serde(default)]
    permissions: Vec<String>,
    /// What its holders may not do, whatever else they hold.
    #[garde(length(max = 1000))]
    #[serde(default)]
    denied: Vec<String>,
    /// The roles it includes.
    #[garde(length(max = 1000))]
    #[serde(default)]
    includes: Vec<String>,
}

/// What is to be changed of a role. A list replaces the one that is there.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct RoleChange {
    /// A sentence for people.
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    description: Given<String>,
    /// What its holders may do.
    #[garde(length(max = 1000))]
    #[serde(default)]
    permissions: Given<Vec<String>>,
    /// What its holders may not do, whatever else they hold.
    #[garde(length(max = 1000))]
    #[serde(default)]
    denied: Given<Vec<String>>,
    /// The roles it includes.
    #[garde(length(max = 1000))]
    #[serde(default)]
    includes: Given<Vec<String>>,
}

fn permissions(names: Vec<String>) -> BTreeSet<Permission> {
    names.into_iter().map(Permission::from).collect()
}

fn roles(names: Vec<String>) -> BTreeSet<Role> {
    names.into_iter().map(Role::from).collect()
}

async fn list_roles(State(rules): State<Auth>) -> Json<List<RoleAnswer>> {
    let items = rules.roles().records().cloned().map(RoleAnswer::from).collect();
    Json(List { items, next: None })
}

async fn create_role(
    State(rules): State<Auth>,
    Acting(actor): Acting,
    Json(new): Json<NewRole>,
) -> Result<Created<RoleAnswer>, Problem> {
    let role = RoleRecord {
        name: new.name.into(),
        description: new.description,
        permissions: permissions(new.permissions),
        denied: permissions(new.denied),
        includes: roles(new.includes),
    };
    rules.add_role(&actor, role.clone()).await?;
    Ok(Created(role.into()))
}

async fn read_role(
    State(rules): State<Auth>,
    Path(name): Path<Role>,
) -> Result<Json<RoleAnswer>, Problem> {
    Ok(Json(rules.role(&name)?.into()))
}

async fn change_role(
    State(rules): State<Auth>,
    Acting(actor): Acting,
    Path(name): Path<Role>,
    Json(change): Json<RoleChange>,
) -> Result<Json<RoleAnswer>, Problem> {
    let mut role = rules.role(&name)?;
    if let Some(description) = change.description.0 {
        role.description = description;
    }
    if let Some(names) = change.permissions.0 {
        role.permissions = permissions(names);
    }
    if let Some(names) = change.denied.0 {
        role.denied = permissions(names);
    }
    if let Some(names) = change.includes.0 {
        role.includes = roles(names);
    }
    rules.change_role(&actor, role.clone()).await?;
    Ok(Json(role.into()))
}

async fn delete_role(
    State(rules): State<Auth>,
    Acting(actor): Acting,
    Path(name): Path<Role>,
) -> Result<NoContent, Problem> {
    rules.delete_role(&actor, name).await?;
    Ok(NoContent)
}
