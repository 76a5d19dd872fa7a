//! The security layer that web APIs lack, for [axum]: who is it, may they, and may that page ask?
//!
//! A route is a method, a path, a **requirement** and a handler; none can be mounted without saying
//! who may call it. The requirement is a value: it is enforced, written into the OpenAPI document,
//! printed in the access table and named in the refusal.
//!
//! ```
//! use portcullis::gate::Gate;
//! use portcullis::policy::{permission, public};
//!
//! # fn main() -> Result<(), portcullis::problem::ConfigError> {
//! # use portcullis::credential::{SecurityScheme, TokenCredential, bearer};
//! # use portcullis::identity::{VerifiedBy, Verifier};
//! # #[derive(Debug)] struct Nobody;
//! # #[async_trait::async_trait]
//! # impl Verifier<TokenCredential> for Nobody {
//! #     async fn verify(&self, _: TokenCredential, _: &http::request::Parts)
//! #         -> Result<portcullis::types::Principal, portcullis::credential::Rejection> {
//! #         Err(portcullis::credential::Rejection::Invalid)
//! #     }
//! # }
//! # let verifier = Nobody;
//! let gate = Gate::builder().scheme("bearer", bearer().verified_by(verifier)).build()?;
//! let app = gate
//!     .routes::<()>()
//!     .get("/", public("a greeting"), async || "Hello, world!")
//!     .get("/reports", permission("reports:read"), async || "all is well")
//!     .finish()?;
//!
//! assert_eq!(
//!     app.access.to_string(),
//!     "GET   /           anyone: a greeting\n\
//!      GET   /reports    permission reports:read\n"
//! );
//! # Ok(())
//! # }
//! ```
//!
//! # The tour
//!
//! A request passes these modules in this order: [`edge`], [`cors`], [`credential`], [`identity`],
//! [`policy`], then your handler, or [`problem`] where it is refused. [`gate`] assembles this walk, [`router`]
//! mounts the routes, [`extract`] and [`openapi`] read and document what handlers take. [`crypto`],
//! [`types`] and [`clock`] serve all of them; `auth` issues the credentials that they check.
//!
//! - *I have users of my own*: implement [`identity::Verifier`] and give it to a source of
//!   [`credential`]s.
//! - *I want users, roles, sessions and tokens*: begin at `auth::Auth` (feature `auth`).
//! - *I have a service already*: [`router::Routes::mount`] puts it behind a requirement as it is.
//! - *I want to know who may call what*: [`router::AccessTable`].
//! - *I want to ask in the handler*: [`types::Principal::must`].
//!
//! # Features
//!
//! Nothing is on by default but the walk itself.
//!
//! - `auth`: accounts, sessions, tokens, keys, clients, roles and the audit log.
//! - `sqlite`: `auth` over SQLite, the engine it has.
//! - `remote`: tokens of another issuer, over HTTPS.
//! - `all-faults`: every fault of a body at once, not only the first.
//! - `garde`: the rules of garde's attributes on what a handler reads; without it types implement
//!   [`openapi::Check`].
//! - `multipart`, `ws`: uploads and WebSocket in handlers, described.
//! - `testing`: for your tests: a client without sockets, a clock that stands still.

// The walk of a request. The outermost layer: the client's address, the request id, limits, panics.
pub mod edge;

// May this origin ask?
pub mod cors;

// Which credential does the request bring?
pub mod credential;

// Whose credential is it?
pub mod identity;

// May this principal call this route?
pub mod policy;

// The refusal, by RFC 9457.
pub mod problem;

// Accounts, sessions, tokens, keys: what issues the credentials that the guard checks.
#[cfg(feature = "auth")]
pub mod auth;

// Secrets, signatures, tokens, password hashes.
pub mod crypto;

// The nouns that all modules share.
pub mod types;

// What puts the walk together: the gate, the route table, the extractors, the OpenAPI document.
pub mod extract;
pub mod gate;
pub mod openapi;
pub mod router;

// Time and randomness.
pub mod clock;

// Tools for tests. No other module imports them.
#[cfg(any(test, feature = "testing"))]
pub mod testing;

/// The names that nearly every application uses: `use portcullis::prelude::*`.
pub mod prelude {
    #[cfg(feature = "auth")]
    pub use crate::auth::{
        AccessTokenVerifier, Actor, ApiKeyVerifier, Auth, CurrentUser, Database, GrantRequest,
        NewAccount, PasswordVerifier, Registration, SessionVerifier, Settings,
    };
    pub use crate::clock::Sources;
    pub use crate::cors::Cors;
    pub use crate::credential::{
        CredentialSource, api_key_header, basic, bearer, cookie, oauth2_password,
    };
    pub use crate::crypto::{MasterSecret, Secret};
    pub use crate::extract::{Accepted, Created, Form, Json, NoContent, Path, Query};
    pub use crate::gate::Gate;
    pub use crate::identity::{Scheme, VerifiedBy, Verifier, first_of};
    pub use crate::openapi::Info;
    pub use crate::policy::{
        Question, Requirement, Roles, authenticated, is, owner, permission, permission_at,
        permission_in, public, role, role_in, scope, unscoped, when, when_asked,
    };
    pub use crate::problem::{ConfigError, Problem, ProblemKind};
    pub use crate::router::{App, Routes};
    pub use crate::types::{Condition, ConditionSpec, Principal, ScopeBook, Subject, UserId};
}

/// The code in the README and the guide is compiled, and run where it says what comes out.
#[cfg(all(doctest, feature = "remote", feature = "sqlite", feature = "testing"))]
mod guide {
    macro_rules! chapters {
        ($($name:ident $file:literal)+) => { $(#[doc = include_str!($file)] struct $name;)+ };
    }

    chapters! {
        Readme "../../../README.md"
        Routes "../../../docs/guide/01-routes.md"
        Origins "../../../docs/guide/02-origins.md"
        Credentials "../../../docs/guide/03-credentials.md"
        Identity "../../../docs/guide/04-identity.md"
        Policy "../../../docs/guide/05-policy.md"
        Conditions "../../../docs/guide/06-conditions.md"
        Refusals "../../../docs/guide/07-refusals.md"
        Users "../../../docs/guide/08-users.md"
        Tokens "../../../docs/guide/09-tokens.md"
        Bodies "../../../docs/guide/10-bodies.md"
        Proxies "../../../docs/guide/11-proxies.md"
        Existing "../../../docs/guide/13-existing-service.md"
        Tenants "../../../docs/guide/14-tenants.md"
        AuthorizationServer "../../../docs/guide/15-authorization-server.md"
    }
}
