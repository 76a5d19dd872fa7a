//! The endpoints OAuth 2.0 names. They refuse in the shape of RFC 6749 §5.2.

mod client;
mod form;
mod introspect;
mod metadata;
#[cfg(feature = "oauth-server")]
pub mod openid;
mod revoke;
pub mod sign_in;
mod token;

use crate::auth::Auth;
use crate::gate::Gate;
use crate::router::Routes;

use form::OAuthForm;
use token::{TokenAnswer, TokenRequest, password_grant};

/// `/token`, `/revoke`, `/introspect` and the documents under `/.well-known`.
pub fn table(gate: &Gate) -> Routes<Auth> {
    token::table(gate)
        .merge(revoke::table(gate))
        .merge(introspect::table(gate))
        .merge(metadata::table(gate))
}
