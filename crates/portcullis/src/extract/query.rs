//! The query string.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use super::fields::{self, Unknown};
use super::fit::{self, Part};
use crate::openapi::{Describe, Input, OperationBuilder, Place, Published, SECRETS};
use crate::problem::{Problem, ProblemKind};

/// The query string, read into the fields of `T`.
///
/// A field that is a list takes a parameter given several times. Refusals: 400 where the text
/// cannot be decoded, a parameter that is not a list is given twice, or a credential stands in the
/// query; 422 with every fault at once where it does not fit. A parameter that `T` does not have is
/// one of its faults where `T` says `#[serde(deny_unknown_fields)]`, and ignored where it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<T>(pub T);

/// Refuses a query with a credential in it.
pub(super) fn refuse_secrets(pairs: &[(String, String)]) -> Result<(), Problem> {
    let secret = |name: &str| SECRETS.iter().any(|known| name.eq_ignore_ascii_case(known));
    if pairs.iter().any(|(name, _)| secret(name)) {
        return Err(Part::Query.malformed("has a credential in it: send it in a header or a form"));
    }
    Ok(())
}

/// The decoded query, free of credentials.
pub(super) fn pairs(parts: &Parts) -> Result<Vec<(String, String)>, Problem> {
    let text = parts.uri.query().unwrap_or_default();
    let pairs = fields::pairs(text).ok_or_else(|| Part::Query.malformed("cannot be decoded"))?;
    refuse_secrets(&pairs)?;
    Ok(pairs)
}

impl<T: Input, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let schema = Published::of::<T>();
        let pairs = pairs(parts)?;
        let value = fields::object(pairs, schema.schema(), Part::Query, Unknown::Ignored)?;
        fit::read(&value, Part::Query).map(Self)
    }
}

/// `None` where there is no query.
impl<T: Input, S: Send + Sync> OptionalFromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        if parts.uri.query().is_none_or(str::is_empty) {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

impl<T: Input> Describe for Query<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.parameters::<T>(Place::Query);
        operation.problem(ProblemKind::Malformed);
        operation.problem(ProblemKind::Invalid);
    }
}
