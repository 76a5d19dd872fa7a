//! What the arguments that are not ours say of themselves.

use axum::body::Body;
use axum::extract::{
    ConnectInfo, Extension, MatchedPath, NestedPath, OriginalUri, RawPathParams, RawQuery, Request,
    State,
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, Version};
use schemars::JsonSchema;

use crate::openapi::{Describe, OperationBuilder, Place};
use crate::problem::ProblemKind;
use crate::types::Principal;

macro_rules! takes_nothing_of_note {
    ($($argument:ty $(where $parameter:ident)?),+ $(,)?) => {
        $(impl$(<$parameter>)? Describe for $argument {
            fn describe(_: &mut OperationBuilder<'_>) {}
        })+
    };
}

takes_nothing_of_note! {
    State<T> where T,
    Extension<T> where T,
    ConnectInfo<T> where T,
    MatchedPath,
    OriginalUri,
    HeaderMap,
    Method,
    Uri,
    Version,
    RawQuery,
    RawPathParams,
    NestedPath,
}

impl Describe for Principal {
    fn describe(_: &mut OperationBuilder<'_>) {}

    fn describe_optional(operation: &mut OperationBuilder<'_>) {
        operation.may_sign_in();
    }
}

/// Whatever `T` takes, or nothing.
impl<T: Describe> Describe for Option<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        T::describe_optional(operation);
    }
}

/// Whatever `T` takes; the handler answers for its refusals.
impl<T: Describe, E> Describe for Result<T, E> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        T::describe(operation);
    }
}

impl Describe for String {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.raw_body("text/plain", serde_json::json!({"type": "string"}));
        operation.problem(ProblemKind::Malformed);
        operation.problem(ProblemKind::TooLarge);
    }
}

impl Describe for Bytes {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.raw_body("application/octet-stream", serde_json::json!({}));
        operation.problem(ProblemKind::TooLarge);
    }
}

/// Any body, or none: the handler reads it by itself.
impl Describe for Body {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.optional(|operation| operation.raw_body("*/*", serde_json::json!({})));
        operation.problem(ProblemKind::TooLarge);
    }
}

/// Any body, or none: the handler reads it by itself.
impl Describe for Request {
    fn describe(operation: &mut OperationBuilder<'_>) {
        Body::describe(operation);
    }
}

/// How axum's extractors of a body refuse one.
const BODY_REFUSALS: [StatusCode; 3] =
    [StatusCode::BAD_REQUEST, StatusCode::UNSUPPORTED_MEDIA_TYPE, StatusCode::UNPROCESSABLE_ENTITY];

/// What axum's extractors say of a request that does not fit is text of axum's.
fn text_refusals(operation: &mut OperationBuilder<'_>, statuses: &[StatusCode]) {
    for status in statuses {
        operation.text_refusal(*status);
    }
}

#[diagnostic::do_not_recommend]
impl<T: JsonSchema + 'static> Describe for axum::Json<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.foreign_body::<T>("application/json");
        operation.problem(ProblemKind::TooLarge);
        text_refusals(operation, &BODY_REFUSALS);
    }
}

#[diagnostic::do_not_recommend]
impl<T: JsonSchema + 'static> Describe for axum::Form<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.foreign_body::<T>("application/x-www-form-urlencoded");
        operation.problem(ProblemKind::TooLarge);
        text_refusals(operation, &BODY_REFUSALS);
    }
}

#[diagnostic::do_not_recommend]
impl<T: JsonSchema + 'static> Describe for axum::extract::Query<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.parameters::<T>(Place::Query);
        text_refusals(operation, &[StatusCode::BAD_REQUEST]);
    }
}

#[diagnostic::do_not_recommend]
impl<T: JsonSchema + 'static> Describe for axum::extract::Path<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.path_parameters::<T>();
        text_refusals(operation, &[StatusCode::BAD_REQUEST]);
    }
}

#[cfg(feature = "multipart")]
impl Describe for axum::extract::Multipart {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.raw_body("multipart/form-data", serde_json::json!({"type": "object"}));
        operation.problem(ProblemKind::TooLarge);
        text_refusals(operation, &[StatusCode::BAD_REQUEST]);
    }
}

#[cfg(feature = "ws")]
impl Describe for axum::extract::WebSocketUpgrade {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.empty_answer(StatusCode::SWITCHING_PROTOCOLS);
        text_refusals(operation, &[StatusCode::BAD_REQUEST, StatusCode::UPGRADE_REQUIRED]);
    }
}
