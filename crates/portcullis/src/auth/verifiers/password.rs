//! By a username and password that come with every request.

use std::sync::Arc;

use async_trait::async_trait;
use http::request::Parts;

use crate::auth::{Actor, Auth, LoginRefused};
use crate::credential::{PasswordCredential, Rejection};
use crate::edge::{ClientInfo, RequestId};
use crate::identity::Verifier;
use crate::problem::ProblemKind;
use crate::types::Principal;

/// Knows users by their passwords.
///
/// A password that was right need not be hashed again for five minutes; a change of the password
/// or the account counts on the next request all the same.
#[derive(Clone, Debug)]
pub struct PasswordVerifier {
    auth: Auth,
}

impl PasswordVerifier {
    /// Verifies against the accounts of this side.
    #[must_use]
    pub fn new(auth: Auth) -> Self {
        Self { auth }
    }
}

#[async_trait]
impl Verifier<PasswordCredential> for PasswordVerifier {
    async fn verify(
        &self,
        credential: PasswordCredential,
        parts: &Parts,
    ) -> Result<Principal, Rejection> {
        let address = parts.extensions.get::<ClientInfo>().and_then(|client| client.address);
        let request_id = parts.extensions.get::<RequestId>().map(|id| Arc::clone(&id.0));
        let actor = Actor::nobody(address, request_id);
        match self.auth.basic(&actor, &credential.username, credential.password).await {
            Ok(principal) => Ok(principal),
            Err(LoginRefused::Wrong) => Err(Rejection::Invalid),
            Err(LoginRefused::Other(problem)) => Err(match problem.kind() {
                ProblemKind::TooManyRequests => {
                    Rejection::TooMany(problem.seconds_to_wait().unwrap_or(1))
                }
                ProblemKind::Unavailable => Rejection::Unavailable(Box::new(problem)),
                _ => Rejection::Internal(Box::new(problem)),
            }),
        }
    }

    fn verify_now(&self, credential: &PasswordCredential, parts: &Parts) -> Option<Principal> {
        let address = parts.extensions.get::<ClientInfo>().and_then(|client| client.address);
        self.auth.basic_now(address, &credential.username, &credential.password)
    }
}
