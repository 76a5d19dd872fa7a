//! By a username and password that come with every request.

use async_trait::async_trait;
use http::request::Parts;
use secrecy::ExposeSecret;

use super::Verifier;
use crate::arrival::Arrival;
use crate::credential::{PasswordCredential, Rejection};
use crate::problem::ProblemKind;
use crate::rules::{LoginRefused, Rules};
use crate::secret::Hidden;
use crate::types::Principal;

/// Knows users by their passwords.
///
/// A password that was right need not be hashed again for five minutes; a change of the password
/// or the account counts on the next request all the same.
#[derive(Clone, Debug)]
pub struct PasswordVerifier {
    rules: Rules,
}

impl PasswordVerifier {
    /// Verifies against these rules' users.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
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
        let address = parts.extensions.get::<Arrival>().and_then(|arrival| arrival.address);
        let password = Hidden::new(credential.password.expose_secret().to_owned());
        match self.rules.basic(&credential.username, password, address).await {
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
