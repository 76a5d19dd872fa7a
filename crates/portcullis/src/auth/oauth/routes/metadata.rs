//! The documents under `/.well-known`: what this server is, and the keys that verify its tokens.

use axum::extract::State;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, HeaderName};
use schemars::JsonSchema;
use serde::Serialize;

use super::client;
use crate::auth::Auth;
use crate::crypto::Jwks;
use crate::extract::Json;
use crate::gate::Gate;
use crate::policy::public;
use crate::router::Routes;
use crate::types::OPENID_SCOPES;

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

pub(super) type Cached<T> = ([(HeaderName, HeaderValue); 1], Json<T>);

/// How long others may keep these documents: shorter than the time a new key is published before
/// it signs.
fn cached<T>(document: T) -> Cached<T> {
    ([(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"))], Json(document))
}

/// What the authorization server can do (RFC 8414).
#[derive(Serialize, JsonSchema)]
pub(super) struct ServerMetadata {
    issuer: String,
    token_endpoint: String,
    jwks_uri: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    authorization: Option<AuthorizationMetadata>,
    scopes_supported: Vec<String>,
    response_types_supported: Vec<String>,
    grant_types_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: [&'static str; 3],
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
}

/// What it can do for people who sign in here for a client (OpenID Connect Discovery §3).
#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "the members that the standard names")]
struct AuthorizationMetadata {
    authorization_endpoint: String,
    userinfo_endpoint: String,
    end_session_endpoint: String,
    response_modes_supported: [&'static str; 1],
    code_challenge_methods_supported: [&'static str; 1],
    /// Every answer names the issuer (RFC 9207).
    authorization_response_iss_parameter_supported: bool,
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: Vec<&'static str>,
    acr_values_supported: [&'static str; 2],
    prompt_values_supported: [&'static str; 4],
    claims_supported: Vec<&'static str>,
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
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

pub(super) async fn read_server_metadata(State(auth): State<Auth>) -> Cached<ServerMetadata> {
    let issuer = auth.settings().issuer.trim_end_matches('/').to_owned();
    let authorization = authorization(&auth, &issuer);
    let mut grants = vec!["client_credentials", "password", "refresh_token"];
    let mut scopes_supported = scopes(&auth);
    if authorization.is_some() {
        grants.insert(0, "authorization_code");
        scopes_supported.extend(OPENID_SCOPES.map(|(name, _)| name.to_owned()));
    }
    cached(ServerMetadata {
        token_endpoint: format!("{issuer}/token"),
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        revocation_endpoint: format!("{issuer}/revoke"),
        introspection_endpoint: format!("{issuer}/introspect"),
        scopes_supported,
        // Required by RFC 8414 §2, even where there is no authorization endpoint.
        response_types_supported: authorization.iter().map(|_| "code".to_owned()).collect(),
        grant_types_supported: grants,
        authorization,
        token_endpoint_auth_methods_supported: client::METHODS,
        revocation_endpoint_auth_methods_supported: client::METHODS,
        issuer: auth.settings().issuer.clone(),
    })
}

#[cfg(not(feature = "oauth-server"))]
fn authorization(_: &Auth, _: &str) -> Option<AuthorizationMetadata> {
    None
}

#[cfg(feature = "oauth-server")]
fn authorization(auth: &Auth, issuer: &str) -> Option<AuthorizationMetadata> {
    let algorithm = auth.id_token_algorithm().map(crate::crypto::Algorithm::name);
    auth.settings().authorization_endpoint.then(|| AuthorizationMetadata {
        authorization_endpoint: format!("{issuer}/authorize"),
        userinfo_endpoint: format!("{issuer}/userinfo"),
        end_session_endpoint: format!("{issuer}/logout"),
        response_modes_supported: ["query"],
        code_challenge_methods_supported: ["S256"],
        authorization_response_iss_parameter_supported: true,
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: algorithm.into_iter().collect(),
        acr_values_supported: ["1", "2"],
        prompt_values_supported: ["none", "login", "consent", "select_account"],
        claims_supported: vec![
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "acr",
            "amr",
            "sid",
            "at_hash",
            "name",
            "preferred_username",
            "updated_at",
            "email",
            "email_verified",
        ],
        claims_parameter_supported: false,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
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
