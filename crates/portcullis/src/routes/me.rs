//! `/users/me`: one's own account and sessions.

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::origin::Acting;
use super::shapes::{List, SessionAnswer, UserAnswer};
use crate::describe::{Json, NoContent, Path};
use crate::gate::{CurrentUser, Gate};
use crate::policy::{authenticated, unlimited};
use crate::problem::{Problem, ProblemKind};
use crate::rules::{AccountChange, Rules};
use crate::secret::Hidden;
use crate::table::Routes;
use crate::types::{By, Principal, SessionId, Subject, User};

/// The routes under `/users/me`.
pub fn table(gate: &Gate) -> Routes<Rules> {
    gate.routes()
        .tag("users")
        .get("/users/me", authenticated(), read_me)
        .patch("/users/me", unlimited(), change_me)
        .delete("/users/me", unlimited(), delete_me)
        .get("/users/me/sessions", authenticated(), list_my_sessions)
        .delete("/users/me/sessions", unlimited(), end_my_other_sessions)
        .delete("/users/me/sessions/{id}", unlimited(), end_my_session)
}

/// What somebody changes of their own account.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct MyChange {
    /// A name for people.
    #[garde(length(chars, min = 1, max = 100))]
    #[serde(default)]
    name: Option<String>,
    /// An e-mail address. Needs the current password, and counts once the proof out of the letter
    /// that goes there was shown at `POST /auth/verify`.
    #[garde(email, length(chars, max = 254))]
    #[serde(default)]
    email: Option<String>,
    /// A new password. Needs the current one, and ends every other session.
    #[garde(length(chars, min = 1, max = 1024))]
    #[serde(default)]
    password: Option<String>,
    /// The current password.
    #[garde(length(chars, min = 1, max = 1024))]
    #[serde(default)]
    current_password: Option<String>,
}

/// The current password, for what cannot be undone.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    /// The current password.
    #[garde(length(chars, min = 1, max = 1024))]
    current_password: String,
}

async fn answer(rules: &Rules, user: User) -> Result<Json<UserAnswer>, Problem> {
    let roles = rules.roles_of(&Subject::User(user.id)).await?;
    Ok(Json(UserAnswer::new(user, roles)))
}

async fn read_me(
    State(rules): State<Rules>,
    CurrentUser(user): CurrentUser,
) -> Result<Json<UserAnswer>, Problem> {
    answer(&rules, user).await
}

async fn change_me(
    State(rules): State<Rules>,
    CurrentUser(user): CurrentUser,
    who: Principal,
    Json(change): Json<MyChange>,
) -> Result<Json<UserAnswer>, Problem> {
    let change = AccountChange {
        name: change.name.map(Some),
        email: change.email.map(Some),
        password: change.password.map(Hidden::new),
        current_password: change.current_password.map(Hidden::new),
    };
    let user = rules.change_account(&By::of(&who), &user, change, who.session).await?;
    answer(&rules, user).await
}

async fn delete_me(
    State(rules): State<Rules>,
    CurrentUser(user): CurrentUser,
    Acting(by): Acting,
    Json(confirmation): Json<Confirmation>,
) -> Result<NoContent, Problem> {
    let password = Hidden::new(confirmation.current_password);
    rules.leave(&by, &user, Some(password)).await?;
    Ok(NoContent)
}

async fn list_my_sessions(
    State(rules): State<Rules>,
    CurrentUser(user): CurrentUser,
    who: Principal,
) -> Result<Json<List<SessionAnswer>>, Problem> {
    let sessions = rules.sessions(user.id).await?;
    let items =
        sessions.into_iter().map(|session| SessionAnswer::new(session, who.session)).collect();
    Ok(Json(List { items, next: None }))
}

async fn end_my_session(
    State(rules): State<Rules>,
    CurrentUser(user): CurrentUser,
    Acting(by): Acting,
    Path(id): Path<SessionId>,
) -> Result<NoContent, Problem> {
    if rules.end_session(&by, user.id, id).await? {
        Ok(NoContent)
    } else {
        Err(ProblemKind::NotFound.into())
    }
}

async fn end_my_other_sessions(
    State(rules): State<Rules>,
    CurrentUser(user): CurrentUser,
    who: Principal,
) -> Result<NoContent, Problem> {
    rules.end_sessions(&By::of(&who), user.id, who.session).await?;
    Ok(NoContent)
}
