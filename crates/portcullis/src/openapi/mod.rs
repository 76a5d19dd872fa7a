//! What a handler's signature says of itself: its arguments, its answers, the OpenAPI document.
//!
//! Nothing is said twice. `Json<NewItem>` reads and checks a body, lists its faults, and writes
//! `requestBody`, 400, 413, 415 and 422 into the document; `Created<Item>` answers 201 with the
//! declared fields of `Item` and no others, and says so. What cannot be described does not compile.
//!
//! ```
//! use portcullis::extract::{Created, Json};
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema, garde::Validate)]
//! #[serde(deny_unknown_fields)]
//! struct NewItem {
//!     #[garde(length(chars, min = 1, max = 40))]
//!     name: String,
//!     #[garde(range(min = 0.0))]
//!     price: f64,
//! }
//!
//! #[derive(serde::Serialize, schemars::JsonSchema)]
//! struct Item {
//!     id: u64,
//!     name: String,
//! }
//!
//! async fn create_item(Json(new): Json<NewItem>) -> Created<Item> {
//!     Created(Item { id: 7, name: new.name })
//! }
//! ```
//!
//! The rules stand once, in garde's attributes: schemars reads them into the schema, garde checks
//! them. Write `length(chars, …)` for text: plain `length` counts bytes, JSON Schema characters.

mod check;
mod document;
mod judge;
mod mounted;
mod naming;
mod operation;
mod published;
mod schemas;
pub(crate) mod sentence;
mod shape;
mod signature;

pub use check::{Check, CheckFault};
use document::RequirementWays;
pub(crate) use document::{Building, RowToDescribe, captures};
pub use document::{
    Info, MediaType, OpenApi, Operation, Parameter, RequestBody, ResponseObject, Server,
};
pub(crate) use mounted::MountedDocument;
pub(crate) use operation::SECRETS;
pub use operation::{OperationBuilder, Place};
pub(crate) use published::{Published, child};
pub(crate) use shape::Schema;
pub(crate) use signature::Call;
pub use signature::{Arguments, Signature};

use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An argument of a handler that can say what it takes from the request.
///
/// Implement it for an extractor of your own, and it may stand in any handler:
///
/// ```
/// use axum::extract::FromRequestParts;
/// use http::request::Parts;
/// use portcullis::openapi::{Describe, OperationBuilder, Place};
/// use portcullis::problem::{Problem, ProblemKind};
///
/// struct Language(String);
///
/// impl<S: Sync> FromRequestParts<S> for Language {
///     type Rejection = Problem;
///
///     async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
///         let header = parts.headers.get("accept-language").map(|value| value.to_str());
///         match header {
///             Some(Ok(text)) => Ok(Self(text.to_owned())),
///             Some(Err(_)) => Err(Problem::new(ProblemKind::Malformed)),
///             None => Ok(Self("en".to_owned())),
///         }
///     }
/// }
///
/// impl Describe for Language {
///     fn describe(operation: &mut OperationBuilder<'_>) {
///         operation.parameter::<String>(Place::Header, "Accept-Language", false);
///         operation.problem(ProblemKind::Malformed);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler takes `{Self}`, which cannot say what it takes from a request",
    label = "the argument `{Self}` cannot be described in the OpenAPI document",
    note = "for a body, a query or a path, take `Json`, `Form`, `Query` or `Path` of `portcullis::extract`, and derive `schemars::JsonSchema` on what they read",
    note = "for an extractor of your own, write `impl portcullis::openapi::Describe for …` and say there what it reads",
    note = "where the document need not know, take `portcullis::extract::Undescribed<…>` of it"
)]
pub trait Describe {
    /// Adds what this argument reads: parameters, a body, the refusals it may answer with.
    fn describe(operation: &mut OperationBuilder<'_>);

    /// The same, where a handler takes `Option<Self>`.
    fn describe_optional(operation: &mut OperationBuilder<'_>) {
        operation.optional(Self::describe);
    }
}

/// An answer of a handler that can say what it sends.
#[diagnostic::on_unimplemented(
    message = "a handler answers with `{Self}`, which cannot say what it sends",
    label = "the answer `{Self}` cannot be described in the OpenAPI document",
    note = "answer with `Json`, `Created`, `Accepted` or `NoContent` of `portcullis::extract`, with text, or with a `Result` of these and `Problem`",
    note = "for an answer of your own, write `impl portcullis::openapi::DescribeAnswer for …` and say there what it sends",
    note = "where the document need not know, answer with `portcullis::extract::Undescribed(…)`"
)]
pub trait DescribeAnswer: IntoResponse {
    /// Adds what this answer sends: a status and a body, or several.
    fn describe(operation: &mut OperationBuilder<'_>);
}

/// What can be read out of a body, a form or a query: it deserializes, has a schema, and validates.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a request",
    label = "`{Self}` lacks one of three derives",
    note = "write `#[derive(serde::Deserialize, schemars::JsonSchema, garde::Validate)]` on it, and `#[garde(…)]` on each field (`#[garde(skip)]` where nothing is asked)",
    note = "a type that only deserializes can be read by axum's extractors: as `axum::Json<…>` with `schemars::JsonSchema`, or as `portcullis::extract::Undescribed<axum::Json<…>>` without"
)]
pub trait Input: DeserializeOwned + JsonSchema + Check + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema + Check + Send + 'static> Input for T {}

/// What can be taken out of a path: it deserializes and has a schema.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a path",
    label = "`{Self}` lacks a derive",
    note = "write `#[derive(serde::Deserialize, schemars::JsonSchema)]` on it"
)]
pub trait PathInput: DeserializeOwned + JsonSchema + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema + Send + 'static> PathInput for T {}

/// What can be sent: its declared fields and no others.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as an answer",
    label = "`{Self}` lacks a derive",
    note = "write `#[derive(serde::Serialize, schemars::JsonSchema)]` on it"
)]
pub trait Output: Serialize + JsonSchema {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + JsonSchema> Output for T {}
