//! By an access token that this side made, JWT or opaque, or by an API key.

use async_trait::async_trait;
use http::request::Parts;

use crate::auth::Auth;
use crate::credential::{Rejection, TokenCredential};
use crate::crypto::OpaqueKind;
use crate::identity::Verifier;
use crate::types::Principal;

/// Knows users by the access tokens they were given, and by the API keys they made.
#[derive(Clone, Debug)]
pub struct AccessTokenVerifier {
    auth: Auth,
}

impl AccessTokenVerifier {
    /// Verifies tokens that this side issued.
    #[must_use]
    pub fn new(auth: Auth) -> Self {
        Self { auth }
    }
}

#[async_trait]
impl Verifier<TokenCredential> for AccessTokenVerifier {
    async fn verify(&self, credential: TokenCredential, _: &Parts) -> Result<Principal, Rejection> {
        let text = credential.0.expose();
        let found = if text.starts_with(OpaqueKind::ApiKey.prefix()) {
            self.auth.principal_of_api_key(text).await
        } else {
            self.auth.principal_of_token(text).await
        };
        found.map_err(Rejection::from)
    }

    fn verify_now(&self, credential: &TokenCredential, _: &Parts) -> Option<Principal> {
        let text = credential.0.expose();
        if text.starts_with(OpaqueKind::ApiKey.prefix()) {
            self.auth.principal_of_api_key_now(text)
        } else {
            self.auth.principal_of_token_now(text)
        }
    }
}
