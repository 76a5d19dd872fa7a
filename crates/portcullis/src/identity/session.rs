//! By a session cookie.

use async_trait::async_trait;
use http::request::Parts;

use super::Verifier;

use crate::auth::Auth;
use crate::credential::{CookieCredential, Rejection};
use crate::types::Principal;

/// Knows users by the cookie of their session.
#[derive(Clone, Debug)]
pub struct SessionVerifier {
    rules: Auth,
}

impl SessionVerifier {
    /// Verifies cookies that these rules made.
    #[must_use]
    pub fn new(rules: Auth) -> Self {
        Self { rules }
    }
}

#[async_trait]
impl Verifier<CookieCredential> for SessionVerifier {
    async fn verify(
        &self,
        credential: CookieCredential,
        _: &Parts,
    ) -> Result<Principal, Rejection> {
        match self.rules.principal_of_cookie(credential.0.expose()).await {
            Ok(Some(principal)) => Ok(principal),
            // The browser sent it, nobody chose to: it counts as absent.
            Ok(None) => Err(Rejection::Stale),
            Err(denied) => Err(denied.into()),
        }
    }
}
