//! `/users/me`: one's own account and sessions.

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::origin::Acting;
use super::shapes::{List, SessionAnswer, UserAnswer};
use crate::auth::{AccountChange, Auth};
use crate::crypto::Secret;
use crate::extract::{Given, Json, NoContent, Patch, Path};
use crate::gate::{CurrentUser, Gate};
use crate::policy::{authenticated, unscoped};
use crate::problem::{Problem, ProblemKind};
use crate::router::Routes;
use crate::types::{Actor, Principal, SessionId, Subject, User};

/// The routes under `/users/me`.
pub fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes()
        .tag("users")
        .get("/users/me", authenticated(), read_me)
        .patch("/users/me", unscoped(), change_me)
        .delete("/users/me", unscoped(), delete_me)
        .get("/users/me/sessions", authenticated(), list_my_sessions)
        .delete("/users/me/sessions", unscoped(), end_my_other_sessions)
        .delete("/users/me/sessions/{id}", unscoped(), end_my_session)
}

/// What somebody changes of their own account.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct MyChange {
    /// A name for people.
    #[garde(length(chars, min = 1, max = 100))]
    #[serde(default)]
    name: Patch<String>,
    /// An e-mail address. Needs the current password, and counts once the proof out of the letter
    /// that goes there was shown at `POST /auth/verify`.
    #[garde(email, length(chars, max = 254))]
    #[serde(default)]
    email: Patch<String>,
    /// A new password. Needs the current one, and ends every other session.
    #[garde(length(chars, min = 1, max = 1024))]
    #[serde(default)]
    password: Given<String>,
    /// The current password.
    #[garde(length(chars, min = 1, max = 1024))]
    #[serde(default)]
    current_password: Given<String>,
}

/// The current password, for what cannot be undone.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    /// The current password.
    #[garde(length(chars, min = 1, max = 1024))]
    current_password: String,
}

async fn answer(rules: &Auth, user: User) -> Result<Json<UserAnswer>, Problem> {
    let roles = rules.roles_of(&Subject::User(user.id)).await?;
    Ok(Json(UserAnswer::new(user, roles)))
}

async fn read_me(
    State(rules): State<Auth>,
    CurrentUser(user): CurrentUser,
) -> Result<Json<UserAnswer>, Problem> {
    answer(&rules, user).await
}

async fn change_me(
    State(rules): State<Auth>,
    CurrentUser(user): CurrentUser,
    who: Principal,
    Json(change): Json<MyChange>,
) -> Result<Json<UserAnswer>, Problem> {
    let change = AccountChange {
        name: change.name.into_change(),
        email: change.email.into_change(),
        password: change.password.0.map(Secret::new),
        current_password: change.current_password.0.map(Secret::new),
    };
    let user = rules.change_account(&Actor::of(&who), &user, change, who.session).await?;
    answer(&rules, user).await
}

async fn delete_me(
    State(rules): State<Auth>,
    CurrentUser(user): CurrentUser,
    Acting(actor): Acting,
    Json(confirmation): Json<Confirmation>,
) -> Result<NoContent, Problem> {
    let password = Secret::new(confirmation.current_password);
    rules.leave(&actor, &user, Some(password)).await?;
    Ok(NoContent)
}

async fn list_my_sessions(
    State(rules): State<Auth>,
    CurrentUser(user): CurrentUser,
    who: Principal,
) -> Result<Json<List<SessionAnswer>>, Problem> {
    let sessions = rules.sessions(user.id).await?;
    let items =
        sessions.into_iter().map(|session| SessionAnswer::new(session, who.session)).collect();
    Ok(Json(List { items, next: None }))
}

async fn end_my_session(
    State(rules): State<Auth>,
    CurrentUser(user): CurrentUser,
    Acting(actor): Acting,
    Path(id): Path<SessionId>,
) -> Result<NoContent, Problem> {
    if rules.end_session(&actor, user.id, id).await? {
        Ok(NoContent)
    } else {
        Err(ProblemKind::NotFound.into())
    }
}

async fn end_my_other_sessions(
    State(rules): State<Auth>,
    CurrentUser(user): CurrentUser,
    who: Principal,
) -> Result<NoContent, Problem> {
    rules.end_sessions(&Actor::of(&who), user.id, who.session).await?;
    Ok(NoContent)
}
