//! What the handlers of this side take from a request besides its body.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use crate::auth::accounts::{self, User};
use crate::auth::{Actor, Auth, Caller};
use crate::edge::{ClientInfo, RequestId};
use crate::gate::{Identified, refuse_cleartext};
use crate::openapi::{Describe, OperationBuilder};
use crate::problem::{Problem, ProblemKind};
use crate::types::Principal;

/// Where a sign-in comes from, for its owner to see: for a handler to which nothing but a secret is sent. Over cleartext
/// from elsewhere it is a 403.
#[derive(Clone, Debug)]
pub struct CallerInfo(pub Caller);

impl<S: Sync> FromRequestParts<S> for CallerInfo {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Nothing but a secret is sent to the routes that ask this.
        refuse_cleartext(parts)?;
        let agent = parts.headers.get(http::header::USER_AGENT);
        Ok(Self(Caller {
            address: parts.extensions.get::<ClientInfo>().and_then(|client| client.address),
            agent: agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned()),
            request_id: parts.extensions.get::<RequestId>().map(|id| Arc::clone(&id.0)),
        }))
    }
}

impl Describe for CallerInfo {
    fn describe(_: &mut OperationBuilder<'_>) {}
}

/// Who makes the change: the principal of the request, or nobody on a public route.
#[derive(Clone, Debug)]
pub(in crate::auth) struct CurrentActor(pub(in crate::auth) Actor);

impl<S: Sync> FromRequestParts<S> for CurrentActor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if let Some(Identified(who)) = parts.extensions.get::<Identified>() {
            return Ok(Self(Actor::of(who)));
        }
        let CallerInfo(caller) = CallerInfo::from_request_parts(parts, state).await?;
        Ok(Self(caller.actor()))
    }
}

impl Describe for CurrentActor {
    fn describe(_: &mut OperationBuilder<'_>) {}
}

/// The head of the request, for the rules on who made it.
#[derive(Clone, Debug)]
pub(in crate::auth) struct RequestHead(pub(in crate::auth) Parts);

impl<S: Sync> FromRequestParts<S> for RequestHead {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.clone()))
    }
}

impl Describe for RequestHead {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.problem(ProblemKind::CrossSite);
    }
}

/// The user's row behind the principal, as of now.
///
/// A client that speaks for itself is no user: it gets a 403.
#[derive(Clone, Debug)]
pub struct CurrentUser(pub User);

async fn current_user(principal: &Principal, auth: &Auth) -> Result<CurrentUser, Problem> {
    let Some(id) = principal.user() else {
        return Err(Problem::new(ProblemKind::Forbidden).detail("Only a user may do this."));
    };
    let user = accounts::sql::user(&auth.0.db, id).await?;
    // The account may have been deleted since the gate let it through.
    user.map(CurrentUser).ok_or_else(|| ProblemKind::InvalidCredential.into())
}

impl<S> FromRequestParts<S> for CurrentUser
where
    S: Send + Sync,
    Auth: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let principal =
            <Principal as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        current_user(&principal, &Auth::from_ref(state)).await
    }
}

impl<S> OptionalFromRequestParts<S> for CurrentUser
where
    S: Send + Sync,
    Auth: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        match <Principal as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await? {
            None => Ok(None),
            Some(principal) => current_user(&principal, &Auth::from_ref(state)).await.map(Some),
        }
    }
}

impl Describe for CurrentUser {
    fn describe(_: &mut OperationBuilder<'_>) {}

    fn describe_optional(operation: &mut OperationBuilder<'_>) {
        operation.may_sign_in();
    }
}
