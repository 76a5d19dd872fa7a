//! By an access token that these rules made, JWT or opaque, or by an API key.

use async_trait::async_trait;
use http::request::Parts;

use super::Verifier;
use crate::auth::{Auth, Denied};
use crate::credential::{Rejection, TokenCredential};
use crate::crypto::OpaqueKind;
use crate::types::Principal;

/// Knows users by the access tokens they were given, and by the API keys they made.
#[derive(Clone, Debug)]
pub struct AccessTokenVerifier {
    rules: Auth,
}

impl AccessTokenVerifier {
    /// Verifies tokens that these rules made.
    #[must_use]
    pub fn new(rules: Auth) -> Self {
        Self { rules }
    }
}

#[async_trait]
impl Verifier<TokenCredential> for AccessTokenVerifier {
    async fn verify(&self, credential: TokenCredential, _: &Parts) -> Result<Principal, Rejection> {
        let text = credential.0.expose();
        let found = if text.starts_with(OpaqueKind::ApiKey.prefix()) {
            self.rules.principal_of_api_key(text).await
        } else {
            self.rules.principal_of_token(text).await
        };
        found.map_err(Rejection::from)
    }
}

impl From<Denied> for Rejection {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Invalid => Self::Invalid,
            Denied::Store(error) => Self::Unavailable(Box::new(error)),
            Denied::Internal(error) => Self::Internal(error),
        }
    }
}
