//! `/users/me`: one's own account and sessions.

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{UserAnswer, answer};
use crate::auth::routes::CurrentUser;
use crate::auth::routes::{CurrentActor, List, SessionAnswer};
use crate::auth::{AccountChange, Actor, Auth};
use crate::crypto::Secret;
use crate::extract::{Given, Json, NoContent, Patch, Path};
use crate::gate::Gate;
use crate::policy::{authenticated, unscoped};
use crate::problem::{Problem, ProblemKind};
use crate::router::Routes;
use crate::types::{Principal, SessionId};

/// The routes under `/users/me`.
pub fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes()
        .tag("users")
        .get("/users/me", authenticated(), read_me)
        .patch("/users/me", unscoped(), change_me)
        .delete("/users/me", unscoped(), delete_me)
        .get("/users/me/sessions", unscoped(), list_my_sessions)
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
    /// An e-mail address. Needs the current password, and counts once the token in the e-mail
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

async fn read_me(
    State(auth): State<Auth>,
    CurrentUser(user): CurrentUser,
) -> Result<Json<UserAnswer>, Problem> {
    Ok(Json(answer(&auth, user).await?))
}

async fn change_me(
    State(auth): State<Auth>,
    who: Principal,
    Json(change): Json<MyChange>,
) -> Result<Json<UserAnswer>, Problem> {
    let change = AccountChange {
        name: change.name.into_change(),
        email: change.email.into_change(),
        password: change.password.0.map(Secret::new),
        current_password: change.current_password.0.map(Secret::new),
    };
    let user = auth.change_account(&who, change).await?;
    Ok(Json(answer(&auth, user).await?))
}

async fn delete_me(
    State(auth): State<Auth>,
    who: Principal,
    Json(confirmation): Json<Confirmation>,
) -> Result<NoContent, Problem> {
    let password = Secret::new(confirmation.current_password);
    auth.leave(&who, Some(password)).await?;
    Ok(NoContent)
}

async fn list_my_sessions(
    State(auth): State<Auth>,
    CurrentUser(user): CurrentUser,
    who: Principal,
) -> Result<Json<List<SessionAnswer>>, Problem> {
    let sessions = auth.sessions(user.id).await?;
    let items =
        sessions.into_iter().map(|session| SessionAnswer::new(session, who.session)).collect();
    Ok(Json(List { items, next: None }))
}

async fn end_my_session(
    State(auth): State<Auth>,
    CurrentUser(user): CurrentUser,
    CurrentActor(actor): CurrentActor,
    Path(id): Path<SessionId>,
) -> Result<NoContent, Problem> {
    if auth.end_session(&actor, user.id, id).await? {
        Ok(NoContent)
    } else {
        Err(ProblemKind::NotFound.into())
    }
}

async fn end_my_other_sessions(
    State(auth): State<Auth>,
    CurrentUser(user): CurrentUser,
    who: Principal,
) -> Result<NoContent, Problem> {
    auth.end_sessions(&Actor::of(&who), user.id, who.session).await?;
    Ok(NoContent)
}
