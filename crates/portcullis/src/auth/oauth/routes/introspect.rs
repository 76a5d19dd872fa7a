//! `POST /introspect` (RFC 7662): for APIs that cannot verify a token themselves.

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OAuthForm;
use super::form::invalid_request;
use crate::auth::Auth;
use crate::extract::{Json, NoStore};
use crate::gate::Gate;
use crate::policy::permission;
use crate::problem::OAuthError;
use crate::router::Routes;
use crate::types::{Scope, SessionId, Subject};

pub(super) fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes().tag("tokens").post(
        "/introspect",
        permission("tokens:introspect"),
        introspect_token,
    )
}

/// A token to be looked at.
#[derive(Deserialize, JsonSchema, Validate)]
struct Introspection {
    /// An access token or an API key.
    #[garde(skip)]
    #[serde(default)]
    token: Option<String>,
    /// May be wrong: the token says itself what it is.
    #[garde(length(chars, max = 100))]
    #[serde(default)]
    token_type_hint: Option<String>,
}

/// What a token says. One that does not count says nothing but that.
#[derive(Serialize, JsonSchema)]
struct Introspected {
    /// Whether it counts.
    active: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    claims: Option<ActiveToken>,
}

/// What a token or a key that counts says.
#[derive(Serialize, JsonSchema)]
struct ActiveToken {
    /// What it may be used for now, with spaces between: every scope its owner may have where it
    /// has no limit of its own.
    scope: String,
    /// For which client the token was made, or whose the key is. A user's API key has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// The user's name. Not there where a client speaks for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    token_type: &'static str,
    exp: i64,
    iat: i64,
    nbf: i64,
    /// The user's id; where a client speaks for itself, its `client_id`.
    sub: String,
    aud: String,
    iss: String,
    /// As in the token itself; of an API key, the id that lists of keys name.
    jti: String,
    /// The session of a token, as in the token itself. An API key has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
}

async fn introspect_token(
    State(auth): State<Auth>,
    request: OAuthForm<Introspection>,
) -> Result<NoStore<Json<Introspected>>, OAuthError> {
    let Some(token) = request.form.token.filter(|token| !token.is_empty()) else {
        return Err(invalid_request("token is missing."));
    };
    let claims = auth.introspect(&token).await?.map(|found| {
        let scopes: Vec<&str> = found.scopes.iter().map(Scope::as_str).collect();
        let (sub, username) = match found.subject {
            Subject::User(id) => (id.to_string(), Some(found.name)),
            Subject::Client(id) => (id.to_string(), None),
            other => (other.to_string(), None),
        };
        ActiveToken {
            scope: scopes.join(" "),
            client_id: found.client.map(|id| id.to_string()),
            username,
            token_type: "Bearer",
            exp: found.expires_at.as_second(),
            iat: found.issued_at.as_second(),
            nbf: found.issued_at.as_second(),
            sub,
            aud: auth.settings().audience.clone(),
            iss: auth.settings().issuer.clone(),
            // A key stands in no token: its id is the one that lists of keys name.
            jti: if found.is_key { found.id.to_string() } else { found.id.to_claim() },
            sid: found.session.map(SessionId::to_claim),
        }
    });
    Ok(NoStore(Json(Introspected { active: claims.is_some(), claims })))
}
