//! `POST /token` (RFC 6749 §3.2).

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OAuthForm;
use super::form::invalid_request;
use crate::auth::routes::CallerInfo;
use crate::auth::{AccessFormat, Auth, Caller, Issued, LoginRefused, RefreshRefused};
use crate::crypto::Secret;
use crate::extract::{Json, NoStore};
use crate::gate::Gate;
use crate::policy::public;
use crate::problem::{Challenge, OAuthError, OAuthErrorCode};
use crate::router::Routes;
use crate::types::Scope;

pub(super) fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes().tag("auth").post("/token", public("where tokens are got"), create_token)
}

/// What is asked of the token endpoint.
#[derive(Deserialize, JsonSchema, Validate)]
pub(in crate::auth) struct TokenRequest {
    /// `password` or `refresh_token`.
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    grant_type: Option<String>,
    /// For `password`: a username or e-mail address.
    #[garde(length(chars, max = 254))]
    #[serde(default)]
    username: Option<String>,
    /// For `password`.
    #[garde(length(chars, max = 1024))]
    #[serde(default)]
    #[schemars(extend("format" = "password"))]
    password: Option<String>,
    /// Scopes, separated by spaces. All you may have where it is left out.
    #[garde(length(chars, max = 4096))]
    #[serde(default)]
    scope: Option<String>,
    /// For `refresh_token`.
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    refresh_token: Option<String>,
    /// Left out for a first-party login.
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    client_id: Option<String>,
    /// Left out for a first-party login.
    #[garde(length(chars, max = 1024))]
    #[serde(default)]
    client_secret: Option<String>,
}

/// Tokens (RFC 6749 §5.1).
#[derive(Serialize, JsonSchema)]
pub(in crate::auth) struct TokenAnswer {
    /// Shows who you are to the API.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// How long it lives, in seconds.
    expires_in: u64,
    /// Gets the next pair.
    refresh_token: String,
    /// What the access token is limited to.
    scope: String,
}

impl From<Issued> for TokenAnswer {
    fn from(issued: Issued) -> Self {
        let scopes: Vec<&str> = issued.scopes.iter().map(Scope::as_str).collect();
        Self {
            access_token: issued.access.expose().clone(),
            token_type: "Bearer",
            expires_in: issued.expires_in,
            refresh_token: issued.refresh.expose().clone(),
            scope: scopes.join(" "),
        }
    }
}

/// Empty is as if left out (RFC 6749 §3.2).
fn given(parameter: Option<String>) -> Option<String> {
    parameter.filter(|value| !value.is_empty())
}

async fn create_token(
    State(auth): State<Auth>,
    CallerInfo(caller): CallerInfo,
    request: OAuthForm<TokenRequest>,
) -> Result<NoStore<Json<TokenAnswer>>, OAuthError> {
    no_client(&request)?;
    match given(request.form.grant_type.clone()).as_deref() {
        Some("password") => password_grant(&auth, caller, request.form, None).await,
        Some("refresh_token") => refresh_grant(&auth, &caller, request.form).await,
        Some(_) => Err(OAuthError::new(
            OAuthErrorCode::UnsupportedGrantType,
            "grant_type must be password or refresh_token.",
        )),
        None => Err(invalid_request("grant_type is missing.")),
    }
}

/// No client is registered for these grants, so a client that names itself is unknown.
fn no_client(request: &OAuthForm<TokenRequest>) -> Result<(), OAuthError> {
    let OAuthForm { form, client } = request;
    let filled = |parameter: &Option<String>| parameter.as_ref().is_some_and(|v| !v.is_empty());
    let named = filled(&form.client_id) || filled(&form.client_secret);
    if client.is_some() && named {
        return Err(invalid_request("The client signs in twice: by header and by body."));
    }
    if client.is_some() || named {
        return Err(OAuthError::new(OAuthErrorCode::InvalidClient, "This client is not known.")
            .challenged(
                Challenge::new("Basic").with("realm", "portcullis").with("charset", "UTF-8"),
            ));
    }
    Ok(())
}

/// A first-party login: the user's own password, no client (contract; off for third parties,
/// RFC 9700 §2.4).
pub(in crate::auth) async fn password_grant(
    auth: &Auth,
    caller: Caller,
    form: TokenRequest,
    format: Option<AccessFormat>,
) -> Result<NoStore<Json<TokenAnswer>>, OAuthError> {
    if given(form.grant_type).is_some_and(|grant| grant != "password") {
        return Err(OAuthError::new(
            OAuthErrorCode::UnsupportedGrantType,
            "grant_type must be password here.",
        ));
    }
    let Some(username) = given(form.username) else {
        return Err(invalid_request("username is missing."));
    };
    let Some(password) = given(form.password) else {
        return Err(invalid_request("password is missing."));
    };
    let signed = auth.sign_in(&caller.actor(), &username, Secret::new(password)).await;
    let signed = signed.map_err(|refused| match refused {
        LoginRefused::Wrong => {
            OAuthError::new(OAuthErrorCode::InvalidGrant, "Incorrect username or password")
        }
        LoginRefused::Other(problem) => problem.into(),
    })?;
    let scopes = auth.narrow(signed.access(), form.scope.as_deref()).map_err(no_such_scope)?;
    let issued = auth.begin_tokens(&signed, scopes, format, caller).await?;
    Ok(NoStore(Json(issued.into())))
}

async fn refresh_grant(
    auth: &Auth,
    caller: &Caller,
    form: TokenRequest,
) -> Result<NoStore<Json<TokenAnswer>>, OAuthError> {
    let Some(token) = given(form.refresh_token) else {
        return Err(invalid_request("refresh_token is missing."));
    };
    let scope = given(form.scope);
    match auth.refresh(&caller.actor(), &token, scope.as_deref(), None).await {
        Ok(issued) => Ok(NoStore(Json(issued.into()))),
        Err(RefreshRefused::Invalid) => Err(OAuthError::new(
            OAuthErrorCode::InvalidGrant,
            "The refresh token is not valid, or no longer.",
        )),
        Err(RefreshRefused::Scope(scope)) => Err(no_such_scope(scope)),
        Err(RefreshRefused::Other(problem)) => Err(problem.into()),
    }
}

fn no_such_scope(scope: String) -> OAuthError {
    // Only what RFC 6749 §5.2 lets stand in error_description.
    let plain: String = scope
        .chars()
        .filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\'))
        .take(100)
        .collect();
    let detail = if plain.trim().is_empty() {
        "That is not a scope.".to_owned()
    } else {
        format!("You cannot have the scope: {plain}")
    };
    OAuthError::new(OAuthErrorCode::InvalidScope, detail)
}
