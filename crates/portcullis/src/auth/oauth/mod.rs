//! The endpoints that OAuth 2.0 names, and what they do: `/token`, `/revoke`, `/introspect`, metadata.

mod client_credentials;
mod introspection;
mod revocation;
pub mod routes;

pub use introspection::Introspected;
pub use revocation::Revocable;

use super::GrantType;
use crate::problem::Problem;

/// Why a client gets no token.
#[derive(Debug)]
#[non_exhaustive]
pub enum TokenRefused {
    /// It does not count as a client any more.
    Client,
    /// It was not registered for this grant.
    Grant(GrantType),
    /// A scope that it cannot have.
    Scope(String),
    /// The database is away, or a fault of ours.
    Other(Problem),
}

impl<E: Into<Problem>> From<E> for TokenRefused {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}
