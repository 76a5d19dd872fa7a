//! `/roles`: a role, its permissions, the roles it includes.

use std::collections::BTreeSet;

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{RoleAnswer, manages_roles};
use crate::auth::Auth;
use crate::auth::access::RoleChange;
use crate::auth::routes::{CurrentActor, List, ListQuery};
use crate::extract::{Created, Given, Json, NoContent, Path, Query};
use crate::gate::Gate;
use crate::problem::Problem;
use crate::router::Routes;
use crate::types::{Permission, Role, RoleRecord};

/// The routes under `/roles`.
pub fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes()
        .tag("roles")
        .get("/roles", manages_roles(), list_roles)
        .post("/roles", manages_roles(), create_role)
        .get("/roles/{name}", manages_roles(), read_role)
        .patch("/roles/{name}", manages_roles(), change_role)
        .delete("/roles/{name}", manages_roles(), delete_role)
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
struct ChangedRole {
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

async fn list_roles(
    State(auth): State<Auth>,
    Query(wanted): Query<ListQuery>,
) -> Result<Json<List<RoleAnswer>>, Problem> {
    Ok(Json(List::of(auth.page_of_roles(&wanted.into())?)))
}

async fn create_role(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Json(new): Json<NewRole>,
) -> Result<Created<RoleAnswer>, Problem> {
    let role = RoleRecord {
        name: new.name.into(),
        description: new.description,
        permissions: permissions(new.permissions),
        denied: permissions(new.denied),
        includes: roles(new.includes),
    };
    auth.add_role(&actor, role.clone()).await?;
    Ok(Created(role.into()))
}

async fn read_role(
    State(auth): State<Auth>,
    Path(name): Path<Role>,
) -> Result<Json<RoleAnswer>, Problem> {
    Ok(Json(auth.role(&name)?.into()))
}

async fn change_role(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path(name): Path<Role>,
    Json(change): Json<ChangedRole>,
) -> Result<Json<RoleAnswer>, Problem> {
    let change = RoleChange {
        description: change.description.0,
        permissions: change.permissions.0.map(permissions),
        denied: change.denied.0.map(permissions),
        includes: change.includes.0.map(roles),
    };
    Ok(Json(auth.change_role(&actor, name, change).await?.into()))
}

async fn delete_role(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path(name): Path<Role>,
) -> Result<NoContent, Problem> {
    auth.delete_role(&actor, name).await?;
    Ok(NoContent)
}
