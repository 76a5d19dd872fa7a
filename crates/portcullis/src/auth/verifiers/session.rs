//! By a session cookie.

use async_trait::async_trait;
use http::request::Parts;

use crate::auth::Auth;
use crate::credential::{CookieCredential, Rejection};
use crate::identity::Verifier;
use crate::types::Principal;

/// Knows users by the cookie of their session.
#[derive(Clone, Debug)]
pub struct SessionVerifier {
    auth: Auth,
}

impl SessionVerifier {
    /// Verifies cookies that this side made.
    #[must_use]
    pub fn new(auth: Auth) -> Self {
        Self { auth }
    }
}

#[async_trait]
impl Verifier<CookieCredential> for SessionVerifier {
    async fn verify(
        &self,
        credential: CookieCredential,
        _: &Parts,
    ) -> Result<Principal, Rejection> {
        match self.auth.principal_of_cookie(credential.0.expose()).await {
            Ok(Some(principal)) => Ok(principal),
            // The browser sent it, nobody chose to: it counts as absent.
            Ok(None) => Err(Rejection::Stale),
            Err(denied) => Err(denied.into()),
        }
    }

    fn verify_now(&self, credential: &CookieCredential, _: &Parts) -> Option<Principal> {
        self.auth.principal_of_cookie_now(credential.0.expose())
    }
}
