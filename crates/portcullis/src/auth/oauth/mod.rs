//! The endpoints that OAuth 2.0 names, and what they do: `/token`, `/revoke`, `/introspect`, metadata.

mod introspection;
mod revocation;
pub mod routes;

pub use introspection::Introspected;
pub use revocation::Revocable;
