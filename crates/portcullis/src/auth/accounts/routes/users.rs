//! `/users`: administration.

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{UserAnswer, answer};
use crate::auth::routes::{CurrentActor, List, SessionAnswer, default_limit};
use crate::auth::{Auth, NewAccount, UserFilter, UserRequest};
use crate::crypto::Secret;
use crate::extract::{Created, Given, Json, NoContent, Patch, Path, Query};
use crate::gate::Gate;
use crate::policy::{Requirement, permission};
use crate::problem::{Problem, ProblemKind};
use crate::router::Routes;
use crate::types::{PageRequest, Role, SessionId, UserId};

fn manages_users() -> Requirement {
    permission("users:manage")
}

/// The routes under `/users`.
pub fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes()
        .tag("users")
        .get("/users", manages_users(), list_users)
        .post("/users", manages_users(), create_user)
        .get("/users/{id}", manages_users(), read_user)
        .patch("/users/{id}", manages_users(), change_user)
        .delete("/users/{id}", manages_users(), delete_user)
        .get("/users/{id}/sessions", manages_users(), list_sessions)
        .delete("/users/{id}/sessions", manages_users(), end_sessions)
        .delete("/users/{id}/sessions/{session}", manages_users(), end_session)
}

/// Which users are wanted.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct UserQuery {
    /// Where the last page ended.
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    cursor: Option<String>,
    /// How many rows at the most.
    #[garde(range(min = 1, max = 200))]
    #[serde(default = "default_limit")]
    limit: u32,
    /// Only those whose username begins like this, without regard to case.
    #[garde(length(chars, max = 64))]
    #[serde(default)]
    username: Option<String>,
    /// Only the active, or only the inactive.
    #[garde(skip)]
    #[serde(default)]
    is_active: Option<bool>,
}

/// A user to be made.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct NewUser {
    /// What they sign in with: no colon, no control character.
    #[garde(length(chars, min = 1, max = 64))]
    username: String,
    /// Their password.
    #[garde(length(chars, min = 1, max = 1024))]
    password: String,
    /// An e-mail address.
    #[garde(email, length(chars, max = 254))]
    #[serde(default)]
    email: Option<String>,
    /// A name for people.
    #[garde(length(chars, min = 1, max = 100))]
    #[serde(default)]
    name: Option<String>,
    /// Whether they may do anything at all.
    #[garde(skip)]
    #[serde(default = "active_at_first")]
    is_active: bool,
    /// Their first roles.
    #[garde(length(max = 100))]
    #[serde(default)]
    roles: Vec<String>,
}

fn active_at_first() -> bool {
    true
}

/// What is to be changed of a user.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct Change {
    /// What they sign in with: no colon, no control character.
    #[garde(length(chars, min = 1, max = 64))]
    #[serde(default)]
    username: Given<String>,
    /// A name for people.
    #[garde(length(chars, min = 1, max = 100))]
    #[serde(default)]
    name: Patch<String>,
    /// An e-mail address.
    #[garde(email, length(chars, max = 254))]
    #[serde(default)]
    email: Patch<String>,
    /// Whether the address was shown to be theirs.
    #[garde(skip)]
    #[serde(default)]
    is_verified: Given<bool>,
    /// Whether they may do anything at all. Setting it to false ends every session.
    #[garde(skip)]
    #[serde(default)]
    is_active: Given<bool>,
    /// A new password, which ends every session.
    #[garde(length(chars, min = 1, max = 1024))]
    #[serde(default)]
    password: Given<String>,
}

async fn list_users(
    State(auth): State<Auth>,
    Query(wanted): Query<UserQuery>,
) -> Result<Json<List<UserAnswer>>, Problem> {
    let filter = UserFilter { username_prefix: wanted.username, active: wanted.is_active };
    let page =
        auth.users(&filter, &PageRequest { after: wanted.cursor, limit: wanted.limit }).await?;
    let ids: Vec<String> = page.items.iter().map(|user| user.id.to_string()).collect();
    let mut held = auth.roles_of_many("user", &ids).await?;
    let answer = |user: crate::auth::User| {
        let roles = held.remove(&user.id.to_string()).unwrap_or_default();
        UserAnswer::new(user, roles)
    };
    Ok(Json(List { items: page.items.into_iter().map(answer).collect(), next: page.next }))
}

async fn create_user(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Json(new): Json<NewUser>,
) -> Result<Created<UserAnswer>, Problem> {
    let account = NewAccount {
        username: new.username,
        password: Secret::new(new.password),
        email: new.email,
        name: new.name,
    };
    let roles: Vec<Role> = new.roles.into_iter().map(Role::from).collect();
    let user = auth.add_user(&actor, account, new.is_active, &roles).await?;
    Ok(Created(answer(&auth, user).await?))
}

async fn read_user(
    State(auth): State<Auth>,
    Path(id): Path<UserId>,
) -> Result<Json<UserAnswer>, Problem> {
    let user = auth.user(id).await?;
    Ok(Json(answer(&auth, user).await?))
}

async fn change_user(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path(id): Path<UserId>,
    Json(change): Json<Change>,
) -> Result<Json<UserAnswer>, Problem> {
    let request = UserRequest {
        username: change.username.0,
        name: change.name.into_change(),
        email: change.email.into_change(),
        email_verified: change.is_verified.0,
        active: change.is_active.0,
        password: change.password.0.map(Secret::new),
    };
    let user = auth.change_user(&actor, id, request).await?;
    Ok(Json(answer(&auth, user).await?))
}

async fn delete_user(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path(id): Path<UserId>,
) -> Result<NoContent, Problem> {
    auth.delete_user(&actor, id).await?;
    Ok(NoContent)
}

async fn list_sessions(
    State(auth): State<Auth>,
    Path(id): Path<UserId>,
) -> Result<Json<List<SessionAnswer>>, Problem> {
    auth.user(id).await?;
    let sessions = auth.sessions(id).await?;
    let items = sessions.into_iter().map(|session| SessionAnswer::new(session, None)).collect();
    Ok(Json(List { items, next: None }))
}

async fn end_sessions(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path(id): Path<UserId>,
) -> Result<NoContent, Problem> {
    auth.user(id).await?;
    auth.end_sessions(&actor, id, None).await?;
    Ok(NoContent)
}

async fn end_session(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path((id, session)): Path<(UserId, SessionId)>,
) -> Result<NoContent, Problem> {
    if auth.end_session(&actor, id, session).await? {
        Ok(NoContent)
    } else {
        Err(ProblemKind::NotFound.into())
    }
}
