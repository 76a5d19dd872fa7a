//! `/auth/register`, `/auth/verify` and the like: accounts, by whoever wants one.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{UserAnswer, answer};
use crate::auth::routes::CurrentActor;
use crate::auth::{Auth, NewAccount, Registered};
use crate::crypto::Secret;
use crate::extract::{Accepted, Created, Json, NoStore};
use crate::gate::Gate;
use crate::openapi::{DescribeAnswer, OperationBuilder};
use crate::policy::public;
use crate::problem::{Problem, ProblemKind};
use crate::router::Routes;

/// The routes for getting an account and back into it.
pub fn table(gate: &Gate) -> Routes<Auth> {
    let by_email = || public("an e-mail goes to the owner of the address, if there is one");
    gate.routes()
        .tag("auth")
        .post("/auth/register", public("as `accounts.registration` says"), register)
        .post("/auth/request-verify-token", by_email(), request_verify_token)
        .post("/auth/verify", public("anyone with the token from the e-mail"), verify)
        .post("/auth/forgot-password", by_email(), forgot_password)
        .post(
            "/auth/reset-password",
            public("anyone with the token from the e-mail"),
            reset_password,
        )
}

/// An account to be made.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct Registration {
    /// What you sign in with: no colon, no control character.
    #[garde(length(chars, min = 1, max = 64))]
    username: String,
    /// At least 15 characters; spaces and any script are welcome.
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
    /// The token of an invitation, where one is needed.
    #[garde(length(chars, max = 100))]
    #[serde(default)]
    invitation: Option<String>,
}

/// An e-mail address.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct Address {
    /// An e-mail address.
    #[garde(email, length(chars, max = 254))]
    email: String,
}

/// The body of `POST /auth/verify`.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct Verification {
    /// The action token from the e-mail.
    #[garde(length(chars, min = 1, max = 1024))]
    token: String,
}

/// The body of `POST /auth/reset-password`.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct Reset {
    /// The action token from the e-mail.
    #[garde(length(chars, min = 1, max = 1024))]
    token: String,
    /// The new password.
    #[garde(length(chars, min = 1, max = 1024))]
    password: String,
}

/// The same words whatever happened.
#[derive(Serialize, JsonSchema)]
struct Noted {
    /// What happens next.
    message: &'static str,
}

/// 201 with the account, or 202 with the same words whatever happened.
enum RegistrationAnswer {
    Made(UserAnswer),
    Noted,
}

impl IntoResponse for RegistrationAnswer {
    fn into_response(self) -> Response {
        match self {
            Self::Made(user) => Created(user).into_response(),
            Self::Noted => Accepted(Noted {
                message: "If the name and the address were free, the account is there now.",
            })
            .into_response(),
        }
    }
}

impl DescribeAnswer for RegistrationAnswer {
    fn describe(operation: &mut OperationBuilder<'_>) {
        Created::<UserAnswer>::describe(operation);
        Accepted::<Noted>::describe(operation);
        operation.problem(ProblemKind::Forbidden);
        operation.problem(ProblemKind::Conflict);
    }
}

async fn register(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Json(new): Json<Registration>,
) -> Result<NoStore<RegistrationAnswer>, Problem> {
    let account = NewAccount {
        username: new.username,
        password: Secret::new(new.password),
        email: new.email,
        name: new.name,
    };
    let registered = match new.invitation {
        Some(token) => auth.register_invited(&actor, account, token).await?,
        None => auth.register(&actor, account).await?,
    };
    Ok(NoStore(match registered {
        Registered::Made(user) => RegistrationAnswer::Made(answer(&auth, user).await?),
        Registered::Noted => RegistrationAnswer::Noted,
    }))
}

const ON_ITS_WAY: Noted =
    Noted { message: "If the address is that of an account, an e-mail is on its way." };

async fn request_verify_token(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Json(address): Json<Address>,
) -> Result<NoStore<Accepted<Noted>>, Problem> {
    auth.request_verification(&actor, address.email)?;
    Ok(NoStore(Accepted(ON_ITS_WAY)))
}

async fn verify(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Json(verification): Json<Verification>,
) -> Result<NoStore<Json<UserAnswer>>, Problem> {
    let user = auth.verify_address(&actor, &verification.token).await?;
    Ok(NoStore(Json(answer(&auth, user).await?)))
}

async fn forgot_password(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Json(address): Json<Address>,
) -> Result<NoStore<Accepted<Noted>>, Problem> {
    auth.request_password_reset(&actor, address.email)?;
    Ok(NoStore(Accepted(ON_ITS_WAY)))
}

async fn reset_password(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Json(reset): Json<Reset>,
) -> Result<NoStore<Json<Done>>, Problem> {
    auth.reset_password(&actor, &reset.token, Secret::new(reset.password)).await?;
    Ok(NoStore(Json(Done { message: "The password is set. Every session was ended." })))
}

/// It is done.
#[derive(Serialize, JsonSchema)]
struct Done {
    /// What was done.
    message: &'static str,
}
