//! What a handler takes from a request and answers with, and every fault of a body at once.
//!
//! Each extractor says what it reads, so the OpenAPI document cannot differ from what happens: see
//! [`openapi`](crate::openapi).

mod answers;
mod arguments;
mod body;
mod fields;
mod fit;
mod form;
mod json;
mod only_with;
mod patch;
mod path;
mod query;
mod unchecked;
mod undescribed;

#[cfg(test)]
mod tests;

pub(crate) use answers::describe_document;
pub use answers::{Accepted, Created, NoContent, NoStore};
pub(crate) use fields::decoded_path;
pub use form::Form;
pub use json::Json;
pub use only_with::{FieldPermission, OnlyWith};
pub use patch::{Given, Patch};
pub use path::Path;
pub use query::Query;
pub use unchecked::Unchecked;
pub use undescribed::Undescribed;

/// The pairs of a query or a form, decoded; `None` where they cannot be.
#[cfg(feature = "oauth-server")]
pub(crate) fn form_pairs(text: &str) -> Option<Vec<(String, String)>> {
    fields::pairs(text)
}

/// A name or a value of a form, decoded (RFC 6749 appendix B); `None` where it cannot be.
#[cfg(feature = "auth")]
pub(crate) fn form_decoded(text: &str) -> Option<String> {
    fields::decoded(text)
}
