//! An HTML form, as the token endpoint takes it.

use axum::extract::{FromRequest, Request};

use super::fields::{self, Unknown};
use super::fit::{self, Part};
use super::{body, query};
use crate::openapi::{Describe, Input, OperationBuilder, Published};
use crate::problem::Problem;

const KIND: &str = "application/x-www-form-urlencoded";

/// A body sent as `application/x-www-form-urlencoded`. It must be a handler's last argument.
///
/// Refusals: 415 for any other media type, 413 where it is larger than
/// [`BodyLimit`](crate::edge::BodyLimit), 400 where it cannot be decoded, a parameter is given twice
/// (RFC 6749 §3.2) or a credential stands in the query string; 422 with every fault at once where
/// it does not fit the type. A field that is a list takes a parameter given several times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form<T>(pub T);

impl<T: Input, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        query::pairs(&parts)?;
        let request = Request::from_parts(parts, body);
        let text = body::text(request, |essence| essence == KIND, KIND).await?;
        let pairs =
            fields::pairs(&text).ok_or_else(|| Part::Body.malformed("cannot be decoded"))?;
        let schema = Published::of::<T>();
        let value = fields::object(pairs, schema.schema(), Part::Body, Unknown::Refused)?;
        fit::read(&value, Part::Body).map(Self)
    }
}

impl<T: Input> Describe for Form<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.body::<T>(KIND);
    }
}
