//! The documents under `/.well-known`: what this server is, and the keys that verify its tokens.

use axum::extract::State;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, HeaderName};
use schemars::JsonSchema;
use serde::Serialize;

use crate::auth::Auth;
use crate::crypto::Jwks;
use crate::extract::Json;
use crate::gate::Gate;
use crate::policy::public;
use crate::router::Routes;

pub(super) fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes()
        .tag("tokens")
        .get("/.well-known/jwks.json", public("keys to verify tokens with"), read_keys)
        .get(
            "/.well-known/oauth-authorization-server",
            public("what this server can do"),
            read_server_metadata,
        )
        .get(
            "/.well-known/oauth-protected-resource",
            public("who guards this API"),
            read_resource_metadata,
        )
}

type Cached<T> = ([(HeaderName, HeaderValue); 1], Json<T>);

/// How long others may keep these documents: shorter than the time a new key is published before
/// it signs.
fn cached<T>(document: T) -> Cached<T> {
    ([(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"))], Json(document))
}

/// What the authorization server can do (RFC 8414).
#[derive(Serialize, JsonSchema)]
struct ServerMetadata {
    issuer: String,
    token_endpoint: String,
    jwks_uri: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    scopes_supported: Vec<String>,
    response_types_supported: Vec<String>,
    grant_types_supported: [&'static str; 2],
    token_endpoint_auth_methods_supported: [&'static str; 1],
}

/// Who guards this API (RFC 9728).
#[derive(Serialize, JsonSchema)]
struct ResourceMetadata {
    resource: String,
    authorization_servers: [String; 1],
    scopes_supported: Vec<String>,
    bearer_methods_supported: [&'static str; 1],
    jwks_uri: String,
}

async fn read_keys(State(auth): State<Auth>) -> Cached<Jwks> {
    cached(auth.public_keys())
}

async fn read_server_metadata(State(auth): State<Auth>) -> Cached<ServerMetadata> {
    let issuer = auth.settings().issuer.trim_end_matches('/').to_owned();
    cached(ServerMetadata {
        token_endpoint: format!("{issuer}/token"),
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        revocation_endpoint: format!("{issuer}/revoke"),
        introspection_endpoint: format!("{issuer}/introspect"),
        scopes_supported: scopes(&auth),
        // Required by RFC 8414 §2, though there is no authorization endpoint.
        response_types_supported: Vec::new(),
        grant_types_supported: ["password", "refresh_token"],
        token_endpoint_auth_methods_supported: ["none"],
        issuer: auth.settings().issuer.clone(),
    })
}

async fn read_resource_metadata(State(auth): State<Auth>) -> Cached<ResourceMetadata> {
    let issuer = auth.settings().issuer.clone();
    cached(ResourceMetadata {
        resource: auth.settings().audience.clone(),
        scopes_supported: scopes(&auth),
        bearer_methods_supported: ["header"],
        jwks_uri: format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/')),
        authorization_servers: [issuer],
    })
}

fn scopes(auth: &Auth) -> Vec<String> {
    auth.scope_book().rules.keys().map(ToString::to_string).collect()
}
