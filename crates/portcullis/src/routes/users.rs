//! `/users`: administration.

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::origin::Acting;
use super::shapes::{List, SessionAnswer, UserAnswer};
use crate::auth::{Auth, NewAccount, UserRequest};
use crate::crypto::Secret;
use crate::extract::{Created, Given, Json, NoContent, Patch, Path, Query};
use crate::gate::Gate;
use crate::policy::{Requirement, permission};
use crate::problem::{Problem, ProblemKind};
use crate::router::Routes;
use crate::store::UserFilter;
use crate::types::{PageRequest, Principal, Role, SessionId, Subject, User, UserId};

fn administrator() -> Requirement {
    permission("users:manage")
}

/// The routes under `/users`.
pub fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes()
        .tag("users")
        .get("/users", administrator(), list_users)
        .post("/users", administrator(), create_user)
        .get("/users/{id}", administrator(), read_user)
        .patch("/users/{id}", administrator(), change_user)
        .delete("/users/{id}", administrator(), delete_user)
        .get("/users/{id}/sessions", administrator(), list_sessions)
        .delete("/users/{id}/sessions", administrator(), end_sessions)
        .delete("/users/{id}/sessions/{session}", administrator(), end_session)
}

/// Which users are wanted.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Where the last page ended.
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    cursor: Option<String>,
    /// How many rows at the most.
    #[garde(range(min = 1, max = 200))]
    #[serde(default = "fifty")]
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

fn fifty() -> u32 {
    50
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
    #[serde(default = "yes")]
    is_active: bool,
    /// Their first roles.
    #[garde(length(max = 100))]
    #[serde(default)]
    roles: Vec<String>,
}

fn yes() -> bool {
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

async fn answer(rules: &Auth, user: User) -> Result<UserAnswer, Problem> {
    let roles = rules.roles_of(&Subject::User(user.id)).await?;
    Ok(UserAnswer::new(user, roles))
}

async fn list_users(
    State(rules): State<Auth>,
    Query(wanted): Query<ListQuery>,
) -> Result<Json<List<UserAnswer>>, Problem> {
    let filter = UserFilter { username_prefix: wanted.username, active: wanted.is_active };
    let page =
        rules.users(&filter, &PageRequest { after: wanted.cursor, limit: wanted.limit }).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for user in page.items {
        items.push(answer(&rules, user).await?);
    }
    Ok(Json(List { items, next: page.next }))
}

async fn create_user(
    State(rules): State<Auth>,
    Acting(actor): Acting,
    who: Principal,
    Json(new): Json<NewUser>,
) -> Result<Created<UserAnswer>, Problem> {
    let account = NewAccount {
        username: new.username,
        password: Secret::new(new.password),
        email: new.email,
        name: new.name,
    };
    super::may_assign(&who, &new.roles)?;
    let roles: Vec<Role> = new.roles.into_iter().map(Role::from).collect();
    let user = rules.add_user(&actor, account, new.is_active, &roles).await?;
    Ok(Created(answer(&rules, user).await?))
}

async fn read_user(
    State(rules): State<Auth>,
    Path(id): Path<UserId>,
) -> Result<Json<UserAnswer>, Problem> {
    let user = rules.user(id).await?;
    Ok(Json(answer(&rules, user).await?))
}

async fn change_user(
    State(rules): State<Auth>,
    Acting(actor): Acting,
    who: Principal,
    Path(id): Path<UserId>,
    Json(change): Json<Change>,
) -> Result<Json<UserAnswer>, Problem> {
    let takes_over = change.username.0.is_some()
        || !change.email.is_absent()
        || change.is_verified.0.is_some()
        || change.password.0.is_some();
    if takes_over {
        rules.must_not_exceed(&who, &id.into()).await?;
    }
    if change.password.0.is_some() && who.user() == Some(id) {
        return Err(Problem::new(ProblemKind::Forbidden)
            .detail("Your own password changes at /users/me, with the current one."));
    }
    let request = UserRequest {
        username: change.username.0,
        name: change.name.into_change(),
        email: change.email.into_change(),
        email_verified: change.is_verified.0,
        active: change.is_active.0,
        password: change.password.0.map(Secret::new),
    };
    let user = rules.change_user(&actor, id, request).await?;
    Ok(Json(answer(&rules, user).await?))
}

async fn delete_user(
    State(rules): State<Auth>,
    Acting(actor): Acting,
    Path(id): Path<UserId>,
) -> Result<NoContent, Problem> {
    rules.delete_user(&actor, id).await?;
    Ok(NoContent)
}

async fn list_sessions(
    State(rules): State<Auth>,
    Path(id): Path<UserId>,
) -> Result<Json<List<SessionAnswer>>, Problem> {
    rules.user(id).await?;
    let sessions = rules.sessions(id).await?;
    let items = sessions.into_iter().map(|session| SessionAnswer::new(session, None)).collect();
    Ok(Json(List { items, next: None }))
}

async fn end_sessions(
    State(rules): State<Auth>,
    Acting(actor): Acting,
    Path(id): Path<UserId>,
) -> Result<NoContent, Problem> {
    rules.user(id).await?;
    rules.end_sessions(&actor, id, None).await?;
    Ok(NoContent)
}

async fn end_session(
    State(rules): State<Auth>,
    Acting(actor): Acting,
    Path((id, session)): Path<(UserId, SessionId)>,
) -> Result<NoContent, Problem> {
    if rules.end_session(&actor, id, session).await? {
        Ok(NoContent)
    } else {
        Err(ProblemKind::NotFound.into())
    }
}
