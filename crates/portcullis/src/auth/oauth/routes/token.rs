//! `POST /token` (RFC 6749 §3.2).

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OAuthForm;
use super::client::{invalid_client, must_have, named_client, not_its_grant};
use super::form::invalid_request;
use crate::auth::oauth::TokenRefused;
use crate::auth::routes::CallerInfo;
use crate::auth::{
    AccessFormat, Auth, Caller, Client, GrantType, Issued, LoginRefused, RefreshRefused,
};
use crate::crypto::Secret;
use crate::extract::{Json, NoStore};
use crate::gate::Gate;
use crate::policy::public;
use crate::problem::{OAuthError, OAuthErrorCode};
use crate::router::Routes;
use crate::types::{ClientId, Scope, Scopes};

pub(super) fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes().tag("auth").post("/token", public("where tokens are got"), create_token)
}

/// What is asked of the token endpoint.
#[derive(Deserialize, JsonSchema, Validate)]
pub(in crate::auth) struct TokenRequest {
    /// `authorization_code`, `client_credentials`, `password` or `refresh_token`.
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
    /// For `authorization_code`.
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    code: Option<String>,
    /// For `authorization_code`: as in the request that got the code.
    #[garde(length(chars, max = 1000))]
    #[serde(default)]
    redirect_uri: Option<String>,
    /// For `authorization_code`: what the challenge was made of (RFC 7636).
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    code_verifier: Option<String>,
    /// For which API (RFC 8707): this server's own, where it is said.
    #[garde(length(max = 10), inner(length(chars, max = 500)))]
    #[serde(default)]
    resource: Vec<String>,
    /// Which client asks. Left out where the `Authorization` header says it, and for a first-party
    /// login.
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    client_id: Option<String>,
    /// The secret of a confidential client, where the `Authorization` header does not say it.
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
    /// Gets the next pair, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// What the access token is limited to.
    scope: String,
    /// Who signed in, where `openid` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

impl From<Issued> for TokenAnswer {
    fn from(issued: Issued) -> Self {
        let scopes: Vec<&str> = issued.scopes.iter().map(Scope::as_str).collect();
        Self {
            access_token: issued.access.expose().clone(),
            token_type: "Bearer",
            expires_in: issued.expires_in,
            refresh_token: issued.refresh.map(|refresh| refresh.expose().clone()),
            scope: scopes.join(" "),
            id_token: None,
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
    let OAuthForm { mut form, client } = request;
    let named = (form.client_id.take(), form.client_secret.take());
    let client = named_client(&auth, &caller.actor(), client, named).await?;
    if form.resource.iter().any(|resource| *resource != auth.settings().audience) {
        let detail = "There is no such resource.";
        return Err(OAuthError::new(OAuthErrorCode::InvalidTarget, detail));
    }
    match given(form.grant_type.clone()).as_deref() {
        #[cfg(feature = "oauth-server")]
        Some("authorization_code") => code_grant(&auth, caller, client, form).await,
        Some("client_credentials") => client_grant(&auth, &caller, client, form).await,
        Some("password") => match client {
            None => password_grant(&auth, caller, form, None).await,
            Some(client) => password_grant_of(&auth, caller, form, None, Some(client)).await,
        },
        Some("refresh_token") => refresh_grant(&auth, &caller, client, form).await,
        Some(_) => Err(OAuthError::new(
            OAuthErrorCode::UnsupportedGrantType,
            "This grant_type is not supported.",
        )),
        None => Err(invalid_request("grant_type is missing.")),
    }
}

#[cfg(feature = "oauth-server")]
async fn code_grant(
    auth: &Auth,
    caller: Caller,
    client: Option<Client>,
    form: TokenRequest,
) -> Result<NoStore<Json<TokenAnswer>>, OAuthError> {
    use crate::auth::CodeRefused;

    let Some(client) = client else { return Err(invalid_client()) };
    let needed = |parameter: Option<String>| {
        let missing = "code, redirect_uri and code_verifier are needed.";
        given(parameter).ok_or_else(|| invalid_request(missing))
    };
    let (code, verifier) = (needed(form.code)?, needed(form.code_verifier)?);
    let redirect_uri = needed(form.redirect_uri)?;
    match auth.exchange_code(caller, &client, &code, &redirect_uri, &verifier).await {
        Ok(exchanged) => {
            let mut answer = TokenAnswer::from(exchanged.issued);
            answer.id_token = exchanged.id_token.map(|token| token.expose().clone());
            Ok(NoStore(Json(answer)))
        }
        Err(CodeRefused::Invalid) => Err(OAuthError::new(
            OAuthErrorCode::InvalidGrant,
            "The code is not valid, or no longer.",
        )),
        Err(CodeRefused::Grant) => Err(not_its_grant(GrantType::AuthorizationCode)),
        Err(CodeRefused::Other(problem)) => Err(problem.into()),
    }
}

async fn client_grant(
    auth: &Auth,
    caller: &Caller,
    client: Option<Client>,
    form: TokenRequest,
) -> Result<NoStore<Json<TokenAnswer>>, OAuthError> {
    let Some(client) = client else { return Err(invalid_client()) };
    let scope = given(form.scope);
    let issued = auth.client_token(&caller.actor(), &client, scope.as_deref()).await;
    Ok(NoStore(Json(issued.map_err(refused)?.into())))
}

fn refused(refused: TokenRefused) -> OAuthError {
    match refused {
        TokenRefused::Client => invalid_client(),
        TokenRefused::Grant(grant) => not_its_grant(grant),
        TokenRefused::Scope(scope) => no_such_scope(scope),
        TokenRefused::Other(problem) => problem.into(),
    }
}

/// A first-party login without a client.
pub(in crate::auth) async fn password_grant(
    auth: &Auth,
    caller: Caller,
    form: TokenRequest,
    format: Option<AccessFormat>,
) -> Result<NoStore<Json<TokenAnswer>>, OAuthError> {
    password_grant_of(auth, caller, form, format, None).await
}

/// A first-party login: the user's own password, by no client or by one of ours (RFC 9700 §2.4: never by
/// a third party's).
async fn password_grant_of(
    auth: &Auth,
    caller: Caller,
    form: TokenRequest,
    format: Option<AccessFormat>,
    client: Option<Client>,
) -> Result<NoStore<Json<TokenAnswer>>, OAuthError> {
    if let Some(client) = &client {
        must_have(client, GrantType::Password)?;
    }
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
    let limit = client.as_ref().map_or(Scopes::All, |client| client.settings.scopes.clone());
    let scopes = auth.narrow_within(signed.access(), form.scope.as_deref(), &limit);
    let scopes = scopes.map_err(no_such_scope)?;
    let at = match client {
        None => (ClientId::first_party(), true),
        Some(client) => {
            let refreshes = client.settings.grant_types.contains(&GrantType::RefreshToken);
            (client.id, refreshes)
        }
    };
    let issued = auth.begin_tokens_at(&signed, scopes, format, caller, at).await?;
    Ok(NoStore(Json(issued.into())))
}

async fn refresh_grant(
    auth: &Auth,
    caller: &Caller,
    client: Option<Client>,
    form: TokenRequest,
) -> Result<NoStore<Json<TokenAnswer>>, OAuthError> {
    let at = match client {
        None => (ClientId::first_party(), Scopes::All),
        Some(client) => {
            must_have(&client, GrantType::RefreshToken)?;
            (client.id, client.settings.scopes)
        }
    };
    let Some(token) = given(form.refresh_token) else {
        return Err(invalid_request("refresh_token is missing."));
    };
    let scope = given(form.scope);
    match auth.refresh_at(&caller.actor(), &token, scope.as_deref(), None, at).await {
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
