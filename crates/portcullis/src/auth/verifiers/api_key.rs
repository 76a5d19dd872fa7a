//! By an API key of a user or a client.

use async_trait::async_trait;
use http::request::Parts;

use crate::auth::Auth;
use crate::credential::{Rejection, TokenCredential};
use crate::identity::Verifier;
use crate::types::Principal;

/// Knows users by the API keys they made, and clients by those that were made for them.
#[derive(Clone, Debug)]
pub struct ApiKeyVerifier {
    auth: Auth,
}

impl ApiKeyVerifier {
    /// Verifies keys that this side made.
    #[must_use]
    pub fn new(auth: Auth) -> Self {
        Self { auth }
    }
}

#[async_trait]
impl Verifier<TokenCredential> for ApiKeyVerifier {
    async fn verify(&self, credential: TokenCredential, _: &Parts) -> Result<Principal, Rejection> {
        let text = credential.0.expose();
        self.auth.principal_of_api_key(text).await.map_err(Rejection::from)
    }

    fn verify_now(&self, credential: &TokenCredential, _: &Parts) -> Option<Principal> {
        self.auth.principal_of_api_key_now(credential.0.expose())
    }
}
