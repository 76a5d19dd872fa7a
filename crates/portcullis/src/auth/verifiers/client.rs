//! By a client's id and secret that come with a request (RFC 6749 §2.3.1).

use std::sync::Arc;

use async_trait::async_trait;
use http::request::Parts;

use crate::auth::{Actor, Auth, ClientRefused};
use crate::credential::{PasswordCredential, Rejection};
use crate::crypto::Secret;
use crate::edge::{ClientInfo, RequestId};
use crate::extract::form_decoded;
use crate::identity::Verifier;
use crate::problem::ProblemKind;
use crate::types::Principal;

/// Knows confidential clients by their secrets, at the paths that are named and nowhere else: there HTTP
/// Basic is how a client signs in, such as `/introspect`.
///
/// Ask it before the one for passwords: `basic("api").verified_by(first_of(clients).or(passwords))`.
#[derive(Clone, Debug)]
pub struct ClientVerifier {
    auth: Auth,
    paths: Arc<[String]>,
}

impl ClientVerifier {
    /// Verifies against the clients of this side, for requests of these paths.
    #[must_use]
    pub fn new(auth: Auth, paths: &[&str]) -> Self {
        Self { auth, paths: paths.iter().map(|path| (*path).to_owned()).collect() }
    }
}

#[async_trait]
impl Verifier<PasswordCredential> for ClientVerifier {
    async fn verify(
        &self,
        credential: PasswordCredential,
        parts: &Parts,
    ) -> Result<Principal, Rejection> {
        if !self.paths.iter().any(|path| path == parts.uri.path()) {
            return Err(Rejection::Invalid);
        }
        let decoded = form_decoded(&credential.username)
            .zip(form_decoded(credential.password.expose()).map(Secret::new));
        let Some((id, secret)) = decoded else { return Err(Rejection::Invalid) };
        let address = parts.extensions.get::<ClientInfo>().and_then(|client| client.address);
        let request_id = parts.extensions.get::<RequestId>().map(|id| Arc::clone(&id.0));
        let actor = Actor::nobody(address, request_id);
        let found = match self.auth.authenticate_client(&actor, &id, Some(secret)).await {
            Ok(client) => self.auth.principal_of_client(&client).await,
            Err(ClientRefused::Invalid) => return Err(Rejection::Invalid),
            Err(ClientRefused::Other(problem)) => Err(problem),
        };
        match found {
            Ok(principal) => principal.ok_or(Rejection::Invalid),
            Err(problem) => Err(match problem.kind() {
                ProblemKind::TooManyRequests => {
                    Rejection::TooMany(problem.seconds_to_wait().unwrap_or(1))
                }
                ProblemKind::Unavailable => Rejection::Unavailable(Box::new(problem)),
                _ => Rejection::Internal(Box::new(problem)),
            }),
        }
    }
}
