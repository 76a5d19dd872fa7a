//! Where a request comes from, as an argument of a handler.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::arrival::Arrival;
use crate::describe::{Describe, OperationBuilder};
use crate::rules::Caller;

/// Where a sign-in comes from, for its owner to see.
#[derive(Clone, Debug)]
pub(super) struct From(pub(super) Caller);

impl<S: Sync> FromRequestParts<S> for From {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let agent = parts.headers.get(http::header::USER_AGENT);
        Ok(Self(Caller {
            address: parts.extensions.get::<Arrival>().and_then(|arrival| arrival.address),
            agent: agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned()),
        }))
    }
}

impl Describe for From {
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
