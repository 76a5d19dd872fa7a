//! `POST /revoke` (RFC 7009): whoever holds a token may end it.

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::OAuthForm;
use super::client::named_client;
use super::form::invalid_request;
use crate::auth::Auth;
use crate::auth::routes::CurrentActor;
use crate::extract::NoStore;
use crate::gate::Gate;
use crate::policy::public;
use crate::problem::{OAuthError, OAuthErrorCode};
use crate::router::Routes;

pub(super) fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes().tag("tokens").post("/revoke", public("whoever holds the token"), revoke_token)
}

/// A token to be ended.
#[derive(Deserialize, JsonSchema, Validate)]
struct Revocation {
    /// The token: access, refresh or API key.
    #[garde(skip)]
    #[serde(default)]
    token: Option<String>,
    /// May be wrong: the token says itself what it is.
    #[garde(length(chars, max = 100))]
    #[serde(default)]
    token_type_hint: Option<String>,
    /// Which client asks, where one does and the `Authorization` header does not say it.
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    client_id: Option<String>,
    /// The secret of a confidential client.
    #[garde(length(chars, max = 1024))]
    #[serde(default)]
    client_secret: Option<String>,
}

async fn revoke_token(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    request: OAuthForm<Revocation>,
) -> Result<NoStore<()>, OAuthError> {
    let Some(token) = request.form.token.filter(|token| !token.is_empty()) else {
        return Err(invalid_request("token is missing."));
    };
    let named = (request.form.client_id, request.form.client_secret);
    // A client that names itself must be the one that the token was made for (RFC 7009 §2.1).
    if let Some(client) = named_client(&auth, &actor, request.client, named).await?
        && auth.client_of_token(&token).await?.is_some_and(|owner| owner != client.id)
    {
        return Err(OAuthError::new(
            OAuthErrorCode::InvalidGrant,
            "The token was not made for this client.",
        ));
    }
    auth.revoke(&actor, &token).await?;
    Ok(NoStore(()))
}
