//! By a username and password that come with every request.

use std::sync::Arc;

use async_trait::async_trait;
use http::request::Parts;

use super::Verifier;
use crate::auth::{Auth, LoginRefused};
use crate::credential::{PasswordCredential, Rejection};
use crate::edge::ClientInfo;
use crate::edge::RequestId;
use crate::problem::ProblemKind;
use crate::types::{Actor, Principal};

/// Knows users by their passwords.
///
/// A password that was right need not be hashed again for five minutes; a change of the password
/// or the account counts on the next request all the same.
#[derive(Clone, Debug)]
pub struct PasswordVerifier {
    rules: Auth,
}

impl PasswordVerifier {
    /// Verifies against these rules' users.
    #[must_use]
    pub fn new(rules: Auth) -> Self {
        Self { rules }
    }
}

#[async_trait]
impl Verifier<PasswordCredential> for PasswordVerifier {
    async fn verify(
        &self,
        credential: PasswordCredential,
        parts: &Parts,
    ) -> Result<Principal, Rejection> {
        let address = parts.extensions.get::<ClientInfo>().and_then(|arrival| arrival.address);
        let request_id = parts.extensions.get::<RequestId>().map(|id| Arc::clone(&id.0));
        let by = Actor::nobody(address, request_id);
        let password = credential.password;
        match self.rules.basic(&by, &credential.username, password).await {
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
}
