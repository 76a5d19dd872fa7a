//! `POST /introspect` (RFC 7662): for APIs that cannot verify a token themselves.

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OAuthForm;
use super::form::invalid_request;
use crate::describe::{Json, NoStore};
use crate::gate::Gate;
use crate::policy::permission;
use crate::problem::OAuthError;
use crate::rules::Rules;
use crate::table::Routes;
use crate::types::Scope;

pub(super) fn table(gate: &Gate) -> Routes<Rules> {
    gate.routes().tag("tokens").post(
        "/introspect",
        permission("tokens:introspect"),
        introspect_token,
    )
}

/// A token to be looked at.
#[derive(Deserialize, JsonSchema, Validate)]
struct Introspection {
    /// An access token.
    #[garde(length(chars, max = 8192))]
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

/// What a token that counts says.
#[derive(Serialize, JsonSchema)]
struct ActiveToken {
    scope: String,
    client_id: String,
    username: String,
    token_type: &'static str,
    exp: i64,
    iat: i64,
    nbf: i64,
    sub: String,
    aud: String,
    iss: String,
    jti: String,
    sid: String,
}

async fn introspect_token(
    State(rules): State<Rules>,
    request: OAuthForm<Introspection>,
) -> Result<NoStore<Json<Introspected>>, OAuthError> {
    let Some(token) = request.form.token.filter(|token| !token.is_empty()) else {
        return Err(invalid_request("token is missing."));
    };
    let claims = rules.introspect(&token).await?.map(|found| {
        let scopes: Vec<&str> = found.scopes.iter().map(Scope::as_str).collect();
        let shown = found.token;
        ActiveToken {
            scope: scopes.join(" "),
            client_id: shown.client.to_string(),
            username: found.name,
            token_type: "Bearer",
            exp: shown.expires_at.as_second(),
            iat: shown.issued_at.as_second(),
            nbf: shown.issued_at.as_second(),
            sub: shown.user.to_string(),
            aud: rules.settings().audience.clone(),
            iss: rules.settings().issuer.clone(),
            jti: shown.id.to_string(),
            sid: shown.session.to_string(),
        }
    });
    Ok(NoStore(Json(Introspected { active: claims.is_some(), claims })))
}
