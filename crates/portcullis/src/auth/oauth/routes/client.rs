//! Which client asks: by `client_secret_basic`, `client_secret_post`, or its name alone (RFC 6749 §2.3).

use super::form::invalid_request;
use crate::auth::{Actor, Auth, Client, ClientRefused, GrantType};
use crate::credential::PasswordCredential;
use crate::crypto::Secret;
use crate::extract::form_decoded;
use crate::problem::{Challenge, OAuthError, OAuthErrorCode};

/// How a client may say who it is at `/token` and `/revoke`.
pub(super) const METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];

/// The client that a request names, and that showed its secret where it has one; `None` where it names
/// none.
pub(super) async fn named_client(
    auth: &Auth,
    actor: &Actor,
    header: Option<PasswordCredential>,
    (id, secret): (Option<String>, Option<String>),
) -> Result<Option<Client>, OAuthError> {
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (id, secret) = (filled(id), filled(secret));
    let (id, secret) = match header {
        Some(_) if secret.is_some() => {
            return Err(invalid_request("The client signs in twice: by header and by body."));
        }
        Some(header) => {
            // RFC 6749 §2.3.1: both are encoded as in a form before they are joined.
            let decoded = form_decoded(&header.username)
                .zip(form_decoded(header.password.expose()).map(Secret::new));
            let Some((name, secret)) = decoded else {
                return Err(invalid_request("The Authorization header cannot be read."));
            };
            if id.is_some_and(|id| id != name) {
                return Err(invalid_request("The header and the body name two clients."));
            }
            (name, Some(secret).filter(|secret| !secret.expose().is_empty()))
        }
        None => match id {
            Some(id) => (id, secret.map(Secret::new)),
            None if secret.is_some() => return Err(invalid_request("client_id is missing.")),
            None => return Ok(None),
        },
    };
    match auth.authenticate_client(actor, &id, secret).await {
        Ok(client) => Ok(Some(client)),
        Err(ClientRefused::Invalid) => Err(invalid_client()),
        Err(ClientRefused::Other(problem)) => Err(problem.into()),
    }
}

pub(super) fn invalid_client() -> OAuthError {
    let line = Challenge::new("Basic").with("realm", "portcullis").with("charset", "UTF-8");
    OAuthError::new(
        OAuthErrorCode::InvalidClient,
        "This client is not known, or its secret is wrong.",
    )
    .challenged(line)
}

/// Refuses a grant that the client was not registered for.
pub(super) fn must_have(client: &Client, grant: GrantType) -> Result<(), OAuthError> {
    if client.settings.grant_types.contains(&grant) {
        return Ok(());
    }
    Err(not_its_grant(grant))
}

pub(super) fn not_its_grant(grant: GrantType) -> OAuthError {
    OAuthError::new(
        OAuthErrorCode::UnauthorizedClient,
        format!("This client was not registered for {grant}."),
    )
}
