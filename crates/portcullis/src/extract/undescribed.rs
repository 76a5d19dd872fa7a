//! What the document need not know.

use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;

use crate::openapi::{Describe, DescribeAnswer, OperationBuilder};

/// An argument or an answer of which the document says nothing.
///
/// It takes any extractor, and sends any answer, as they are: neither `schemars` nor `garde` has to
/// know the types in them. The route itself stays guarded, documented and in the access table.
///
/// ```
/// use axum::response::IntoResponse;
/// use portcullis::extract::Undescribed;
/// use portcullis::gate::Gate;
/// use portcullis::policy::public;
///
/// #[derive(serde::Deserialize)]
/// struct Old {
///     name: String,
/// }
///
/// async fn handler(
///     Undescribed(axum::Json(old)): Undescribed<axum::Json<Old>>,
/// ) -> Undescribed<impl IntoResponse> {
///     Undescribed([("x-name", old.name)])
/// }
///
/// # fn main() -> Result<(), portcullis::problem::ConfigError> {
/// let gate = Gate::builder().build()?;
/// let app = gate.routes::<()>().post("/old", public("a test"), handler).finish()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undescribed<T>(pub T);

impl<T: FromRequestParts<S>, S: Send + Sync> FromRequestParts<S> for Undescribed<T> {
    type Rejection = T::Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, T::Rejection> {
        T::from_request_parts(parts, state).await.map(Self)
    }
}

impl<T: FromRequest<S>, S: Send + Sync> FromRequest<S> for Undescribed<T> {
    type Rejection = T::Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, T::Rejection> {
        T::from_request(request, state).await.map(Self)
    }
}

impl<T: OptionalFromRequestParts<S>, S: Send + Sync> OptionalFromRequestParts<S>
    for Undescribed<T>
{
    type Rejection = T::Rejection;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Option<Self>, T::Rejection> {
        Ok(T::from_request_parts(parts, state).await?.map(Self))
    }
}

impl<T> Describe for Undescribed<T> {
    fn describe(_: &mut OperationBuilder<'_>) {}
}

impl<T: IntoResponse> IntoResponse for Undescribed<T> {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl<T: IntoResponse> DescribeAnswer for Undescribed<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.undescribed_answer();
    }
}
