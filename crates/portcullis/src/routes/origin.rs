//! Where a request comes from, as an argument of a handler.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::auth::Caller;
use crate::edge::ClientInfo;
use crate::edge::RequestId;
use crate::gate::refuse_cleartext;
use crate::openapi::{Describe, OperationBuilder};
use crate::problem::Problem;
use crate::types::{Actor, Principal};

/// Where a sign-in comes from, for its owner to see.
#[derive(Clone, Debug)]
pub(super) struct From(pub(super) Caller);

impl<S: Sync> FromRequestParts<S> for From {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Nothing but a secret is sent to the routes that ask this.
        refuse_cleartext(parts)?;
        let agent = parts.headers.get(http::header::USER_AGENT);
        Ok(Self(Caller {
            address: parts.extensions.get::<ClientInfo>().and_then(|arrival| arrival.address),
            agent: agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned()),
            request_id: parts.extensions.get::<RequestId>().map(|id| Arc::clone(&id.0)),
        }))
    }
}

impl Describe for From {
    fn describe(_: &mut OperationBuilder<'_>) {}
}

/// Who acts, for the record: whoever the request speaks for, or nobody on a public route.
#[derive(Clone, Debug)]
pub(super) struct Acting(pub(super) Actor);

impl<S: Sync> FromRequestParts<S> for Acting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if let Some(who) = parts.extensions.get::<Principal>() {
            return Ok(Self(Actor::of(who)));
        }
        let From(caller) = From::from_request_parts(parts, state).await?;
        Ok(Self(caller.actor()))
    }
}

impl Describe for Acting {
    fn describe(_: &mut OperationBuilder<'_>) {}
}

/// The head of the request, for the rules on who made it.
#[derive(Clone, Debug)]
pub(super) struct OwnSite(pub(super) Parts);

impl<S: Sync> FromRequestParts<S> for OwnSite {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.clone()))
    }
}

impl Describe for OwnSite {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.problem(crate::problem::ProblemKind::CrossSite);
    }
}
