//! What a handler may answer with.

use axum::body::Body;
use axum::response::sse::Sse;
use axum::response::{Html, IntoResponse, Redirect, Response};
use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::json::respond;
use crate::openapi::{DescribeAnswer, OperationBuilder, Output};
use crate::problem::{OAuthError, OAuthErrorCode, Problem};

/// 201 with what was made, as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Created<T>(pub T);

/// 202 with what will be looked at, as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted<T>(pub T);

/// 204: done, and nothing to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoContent;

/// Another answer, which no cache may keep: for whatever holds a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoStore<A>(pub A);

impl<T: Output> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        respond(StatusCode::CREATED, &self.0)
    }
}

impl<T: Output> DescribeAnswer for Created<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<T>(StatusCode::CREATED, "application/json");
    }
}

impl<T: Output> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        respond(StatusCode::ACCEPTED, &self.0)
    }
}

impl<T: Output> DescribeAnswer for Accepted<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<T>(StatusCode::ACCEPTED, "application/json");
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl DescribeAnswer for NoContent {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.empty_answer(StatusCode::NO_CONTENT);
    }
}

impl<A: DescribeAnswer> IntoResponse for NoStore<A> {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl<A: DescribeAnswer> DescribeAnswer for NoStore<A> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        A::describe(operation);
    }
}

impl DescribeAnswer for () {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.empty_answer(StatusCode::OK);
    }
}

impl DescribeAnswer for &'static str {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<String>(StatusCode::OK, "text/plain; charset=utf-8");
    }
}

impl DescribeAnswer for String {
    fn describe(operation: &mut OperationBuilder<'_>) {
        <&'static str>::describe(operation);
    }
}

impl<T: IntoResponse> DescribeAnswer for Html<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<String>(StatusCode::OK, "text/html; charset=utf-8");
    }
}

impl DescribeAnswer for Bytes {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.raw_answer(StatusCode::OK, "application/octet-stream", json!({}));
    }
}

impl DescribeAnswer for Vec<u8> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        Bytes::describe(operation);
    }
}

impl DescribeAnswer for Body {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.raw_answer(StatusCode::OK, "*/*", json!({}));
    }
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + JsonSchema> DescribeAnswer for axum::Json<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<T>(StatusCode::OK, "application/json");
    }
}

/// Events, as many as come.
impl<S> DescribeAnswer for Sse<S>
where
    Self: IntoResponse,
{
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.raw_answer(StatusCode::OK, "text/event-stream", json!({"type": "string"}));
    }
}

impl DescribeAnswer for Redirect {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.redirect();
    }
}

/// A status alone: the handler decides on it.
impl DescribeAnswer for StatusCode {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.of_any_status(|_| ());
    }
}

/// A status and an answer: the handler decides on the status.
impl<A: DescribeAnswer> DescribeAnswer for (StatusCode, A) {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.of_any_status(A::describe);
    }
}

/// Headers and an answer: described as the answer.
impl<A: DescribeAnswer> DescribeAnswer for (HeaderMap, A) {
    fn describe(operation: &mut OperationBuilder<'_>) {
        A::describe(operation);
    }
}

/// Headers and an answer: described as the answer.
impl<A: DescribeAnswer, const N: usize> DescribeAnswer for ([(HeaderName, HeaderValue); N], A) {
    fn describe(operation: &mut OperationBuilder<'_>) {
        A::describe(operation);
    }
}

impl<A: DescribeAnswer, E: DescribeAnswer> DescribeAnswer for Result<A, E> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        A::describe(operation);
        E::describe(operation);
    }
}

/// Any refusal there is: the handler decides.
impl DescribeAnswer for Problem {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.any_problem();
    }
}

/// Refusals in the shape of RFC 6749 §5.2.
#[derive(JsonSchema)]
#[schemars(rename = "OAuthError")]
#[expect(dead_code, reason = "it is only described; problem::oauth sends it")]
struct OAuthErrorBody {
    /// What is wrong.
    #[schemars(extend("enum" = codes()))]
    error: String,
    /// The same for people.
    error_description: String,
}

fn codes() -> Vec<&'static str> {
    OAuthErrorCode::ALL.iter().map(|code| code.as_str()).collect()
}

impl DescribeAnswer for OAuthError {
    fn describe(operation: &mut OperationBuilder<'_>) {
        for status in [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED] {
            operation.answer::<OAuthErrorBody>(status, "application/json");
        }
        operation.any_problem();
    }
}

/// Built by hand: the document can only say that something is answered.
impl DescribeAnswer for Response {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.undescribed_answer();
    }
}

/// The document itself, under `/openapi.json`.
pub(crate) fn describe_document(operation: &mut OperationBuilder<'_>) {
    operation.raw_answer(StatusCode::OK, "application/json", json!({"type": "object"}));
}
