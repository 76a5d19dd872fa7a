//! `/users/{id}/roles`, `/users/{id}/places` and `/users/{id}/grants`, and the same for clients: what they may do.

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{GrantAnswer, PlacedRolesAnswer, RoleAnswer, manages_roles};
use crate::auth::db::{Cursor, page_of};
use crate::auth::routes::{CurrentActor, List, ListQuery};
use crate::auth::{Auth, GrantRequest};
use crate::extract::{Created, Json, NoContent, Path, Query};
use crate::gate::Gate;
use crate::openapi::PathInput;
use crate::problem::{Problem, ProblemKind};
use crate::router::Routes;
use crate::types::{
    ClientId, ConditionSpec, Effect, Grant, GrantId, Place, Role, Subject, Timestamp, UserId,
};

/// The routes under `/users/{id}` and `/clients/{id}` for roles and grants.
pub fn table(gate: &Gate) -> Routes<Auth> {
    table_of::<UserId>(gate, "roles", "/users/{id}").merge(table_of::<ClientId>(
        gate,
        "clients",
        "/clients/{id}",
    ))
}

/// The id of a user or a client in the path.
trait Holder: PathInput + Into<Subject> {}

impl<T: PathInput + Into<Subject>> Holder for T {}

fn table_of<I: Holder>(gate: &Gate, tag: &str, holder: &str) -> Routes<Auth> {
    let at = |rest: &str| format!("{holder}{rest}");
    gate.routes()
        .tag(tag)
        .get(&at("/roles"), manages_roles(), list_held_roles::<I>)
        .get(&at("/roles/{name}"), manages_roles(), read_held_role::<I>)
        .put(&at("/roles/{name}"), manages_roles(), assign_role::<I>)
        .delete(&at("/roles/{name}"), manages_roles(), unassign_role::<I>)
        .get(&at("/places"), manages_roles(), list_placed_roles::<I>)
        .put(&at("/places/{place}/roles/{name}"), manages_roles(), assign_placed_role::<I>)
        .delete(&at("/places/{place}/roles/{name}"), manages_roles(), unassign_placed_role::<I>)
        .get(&at("/grants"), manages_roles(), list_grants::<I>)
        .post(&at("/grants"), manages_roles(), create_grant::<I>)
        .put(&at("/grants"), manages_roles(), replace_grants::<I>)
        .delete(&at("/grants"), manages_roles(), delete_grants::<I>)
        .get(&at("/grants/{grant}"), manages_roles(), read_grant::<I>)
        .delete(&at("/grants/{grant}"), manages_roles(), delete_grant::<I>)
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
    /// In which place it counts, such as `tenant:acme`; everywhere where it is left out.
    #[garde(skip)]
    #[serde(default)]
    place: Option<Place>,
    /// Under which circumstances it counts; under any where it is left out.
    #[garde(skip)]
    #[serde(default)]
    condition: Option<ConditionSpec>,
    /// From when on it counts (RFC 3339).
    #[garde(skip)]
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    valid_from: Option<Timestamp>,
    /// Until when it counts, that moment excluded (RFC 3339).
    #[garde(skip)]
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    valid_until: Option<Timestamp>,
}

/// All direct grants of one holder.
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
        Self {
            effect: new.effect,
            permission: new.permission.into(),
            place: new.place,
            condition: new.condition,
            valid_from: new.valid_from,
            valid_until: new.valid_until,
        }
    }
}

async fn list_held_roles<I: Holder>(
    State(auth): State<Auth>,
    Path(id): Path<I>,
    Query(wanted): Query<ListQuery>,
) -> Result<Json<List<RoleAnswer>>, Problem> {
    let held = auth.roles_of(&id.into()).await?;
    let graph = auth.roles();
    let roles = held.iter().filter_map(|name| graph.get(name.as_str()));
    let page = page_of(roles.cloned(), &wanted.into(), |role| Cursor::named(&role.name))?;
    Ok(Json(List::of(page)))
}

async fn read_held_role<I: Holder>(
    State(auth): State<Auth>,
    Path((id, name)): Path<(I, Role)>,
) -> Result<Json<RoleAnswer>, Problem> {
    let held = auth.roles_of(&id.into()).await?;
    if !held.contains(&name) {
        return Err(ProblemKind::NotFound.into());
    }
    Ok(Json(auth.role(&name)?.into()))
}

async fn assign_role<I: Holder>(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path((id, name)): Path<(I, Role)>,
) -> Result<NoContent, Problem> {
    auth.assign_role(&actor, id.into(), name).await?;
    Ok(NoContent)
}

async fn unassign_role<I: Holder>(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path((id, name)): Path<(I, Role)>,
) -> Result<NoContent, Problem> {
    auth.unassign_role(&actor, id.into(), name).await?;
    Ok(NoContent)
}

async fn list_placed_roles<I: Holder>(
    State(auth): State<Auth>,
    Path(id): Path<I>,
    Query(wanted): Query<ListQuery>,
) -> Result<Json<List<PlacedRolesAnswer>>, Problem> {
    let held = auth.roles_within(&id.into()).await?;
    let mut rows: Vec<_> =
        held.into_iter().map(|(place, roles)| PlacedRolesAnswer { place, roles }).collect();
    rows.sort_by_cached_key(|row| row.place.to_string());
    let page = page_of(rows, &wanted.into(), |row| Cursor::named(&row.place))?;
    Ok(Json(List::of(page)))
}

async fn assign_placed_role<I: Holder>(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path((id, place, name)): Path<(I, Place, Role)>,
) -> Result<NoContent, Problem> {
    auth.assign_role_within(&actor, id.into(), name, place).await?;
    Ok(NoContent)
}

async fn unassign_placed_role<I: Holder>(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path((id, place, name)): Path<(I, Place, Role)>,
) -> Result<NoContent, Problem> {
    auth.unassign_role_within(&actor, id.into(), name, place).await?;
    Ok(NoContent)
}

async fn list_grants<I: Holder>(
    State(auth): State<Auth>,
    Path(id): Path<I>,
    Query(wanted): Query<ListQuery>,
) -> Result<Json<List<GrantAnswer>>, Problem> {
    let grants = auth.grants_of(&id.into()).await?;
    let cursor = |grant: &Grant| Cursor::new(grant.created_at, &grant.id);
    Ok(Json(List::of(page_of(grants, &wanted.into(), cursor)?)))
}

async fn create_grant<I: Holder>(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path(id): Path<I>,
    Json(new): Json<NewGrant>,
) -> Result<Created<GrantAnswer>, Problem> {
    Ok(Created(auth.grant(&actor, id.into(), new.into()).await?.into()))
}

async fn replace_grants<I: Holder>(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path(id): Path<I>,
    Json(all): Json<AllGrants>,
) -> Result<Json<List<GrantAnswer>>, Problem> {
    let requests = all.items.into_iter().map(Into::into).collect();
    let grants = auth.set_grants(&actor, id.into(), requests).await?;
    Ok(Json(List { items: grants.into_iter().map(Into::into).collect(), next: None }))
}

async fn delete_grants<I: Holder>(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path(id): Path<I>,
) -> Result<NoContent, Problem> {
    auth.set_grants(&actor, id.into(), Vec::new()).await?;
    Ok(NoContent)
}

async fn read_grant<I: Holder>(
    State(auth): State<Auth>,
    Path((id, grant)): Path<(I, GrantId)>,
) -> Result<Json<GrantAnswer>, Problem> {
    let grants = auth.grants_of(&id.into()).await?;
    let found = grants.into_iter().find(|one| one.id == grant);
    found.map(|grant| Json(grant.into())).ok_or_else(|| ProblemKind::NotFound.into())
}

async fn delete_grant<I: Holder>(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path((id, grant)): Path<(I, GrantId)>,
) -> Result<NoContent, Problem> {
    auth.revoke_grant(&actor, id.into(), grant).await?;
    Ok(NoContent)
}
