//! A verifier whose async function lacks `#[async_trait]`.

use portcullis::credential::{Rejection, TokenCredential};
use portcullis::identity::Verifier;
use portcullis::types::Principal;

#[derive(Debug)]
pub struct Tokens;

impl Verifier<TokenCredential> for Tokens {
    async fn verify(
        &self,
        _: TokenCredential,
        _: &http::request::Parts,
    ) -> Result<Principal, Rejection> {
        Err(Rejection::Invalid)
    }
}
