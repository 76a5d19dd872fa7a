//! What the arguments that are not ours say of themselves.

use axum::extract::{ConnectInfo, Extension, MatchedPath, OriginalUri, State};
use bytes::Bytes;
use http::{HeaderMap, Method, Uri, Version};

use crate::openapi::{Describe, OperationBuilder};
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
    Principal,
}

impl Describe for Option<Principal> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.may_sign_in();
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
