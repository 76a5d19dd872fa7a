//! 3, who is it? A source that finds a credential, joined with a verifier that knows it.

mod first_of;
#[cfg(feature = "remote")]
mod remote;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::request::Parts;

pub use first_of::{FirstOf, first_of};
#[cfg(feature = "remote")]
pub use remote::{RemoteFault, RemoteIssuer, RemoteTokens};

use crate::credential::{CredentialPlace, CredentialSource, Rejection, SecurityScheme};
use crate::problem::Challenge;
use crate::types::Principal;

/// Knows whether a credential is good, and whose it is.
///
/// A shared or boxed verifier is one too. Several for one place of a credential are joined by
/// [`first_of`].
#[async_trait]
pub trait Verifier<C>: fmt::Debug + Send + Sync + 'static {
    /// Says who it is. `parts` tells the circumstances, such as the client's
    /// [`ClientInfo`](crate::edge::ClientInfo).
    ///
    /// # Errors
    /// A [`Rejection`] where the credential does not sign anybody in.
    async fn verify(&self, credential: C, parts: &Parts) -> Result<Principal, Rejection>;

    /// Who it is, where that is known at once: from memory, without waiting for anybody. The gate asks
    /// this first, and [`verify`](Self::verify) where there is no answer; so it may leave out whatever
    /// it likes, but must never name somebody whom `verify` would refuse.
    fn verify_now(&self, _credential: &C, _parts: &Parts) -> Option<Principal> {
        None
    }
}

#[async_trait]
impl<C: Send + 'static, V: Verifier<C> + ?Sized> Verifier<C> for Arc<V> {
    async fn verify(&self, credential: C, parts: &Parts) -> Result<Principal, Rejection> {
        (**self).verify(credential, parts).await
    }

    fn verify_now(&self, credential: &C, parts: &Parts) -> Option<Principal> {
        (**self).verify_now(credential, parts)
    }
}

#[async_trait]
impl<C: Send + 'static, V: Verifier<C> + ?Sized> Verifier<C> for Box<V> {
    async fn verify(&self, credential: C, parts: &Parts) -> Result<Principal, Rejection> {
        (**self).verify(credential, parts).await
    }

    fn verify_now(&self, credential: &C, parts: &Parts) -> Option<Principal> {
        (**self).verify_now(credential, parts)
    }
}

/// What a scheme makes of a request. Only `Absent` lets the next scheme try.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It brought nothing of this kind.
    Absent,
    /// This is who it is.
    Accepted(Box<Principal>),
    /// It brought something that does not count.
    Rejected(Rejection),
}

/// A way to sign in: a credential source and a verifier joined.
///
/// Implement it directly only where the two cannot be parted.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a scheme: nobody verifies what it brings",
    label = "this carries a credential, or is no scheme at all",
    note = "give it a verifier: `bearer().verified_by(verifier)`"
)]
#[async_trait]
pub trait Scheme: fmt::Debug + Send + Sync + 'static {
    /// Its entry among OpenAPI's `securitySchemes`.
    fn describe(&self) -> SecurityScheme;

    /// Its line in a 401.
    fn challenge(&self) -> Option<Challenge>;

    /// Whether the request brings something of this kind: a quick look that may say yes too
    /// often, never no.
    fn is_brought(&self, _parts: &Parts) -> bool {
        true
    }

    /// Where it finds its credential: a gate refuses two schemes of one place. `None` where it
    /// cannot be said.
    fn place(&self) -> Option<CredentialPlace> {
        None
    }

    /// Finds the credential and verifies it.
    async fn authenticate(&self, parts: &Parts) -> Outcome;

    /// As [`authenticate`](Self::authenticate), where that can be said at once: the gate asks this first.
    fn authenticate_now(&self, _parts: &Parts) -> Option<Outcome> {
        None
    }
}

/// A credential source and a verifier joined.
#[derive(Clone, Debug)]
pub struct Verified<C, V> {
    source: C,
    verifier: V,
}

/// Joins a credential source with a verifier.
pub trait VerifiedBy: CredentialSource + Sized {
    /// A scheme that finds with `self` and verifies with `verifier`.
    fn verified_by<V: Verifier<Self::Credential>>(self, verifier: V) -> Verified<Self, V> {
        Verified { source: self, verifier }
    }
}

impl<C: CredentialSource> VerifiedBy for C {}

#[async_trait]
impl<C: CredentialSource, V: Verifier<C::Credential>> Scheme for Verified<C, V> {
    fn describe(&self) -> SecurityScheme {
        self.source.describe()
    }

    fn challenge(&self) -> Option<Challenge> {
        self.source.challenge()
    }

    fn is_brought(&self, parts: &Parts) -> bool {
        self.source.is_brought(parts)
    }

    fn place(&self) -> Option<CredentialPlace> {
        self.source.place()
    }

    async fn authenticate(&self, parts: &Parts) -> Outcome {
        match self.source.find(parts) {
            Ok(None) => Outcome::Absent,
            Ok(Some(credential)) => match self.verifier.verify(credential, parts).await {
                Ok(principal) => Outcome::Accepted(Box::new(principal)),
                Err(Rejection::Stale) => Outcome::Absent,
                Err(rejection) => Outcome::Rejected(rejection),
            },
            Err(rejection) => Outcome::Rejected(rejection),
        }
    }

    fn authenticate_now(&self, parts: &Parts) -> Option<Outcome> {
        match self.source.find(parts) {
            Ok(None) => Some(Outcome::Absent),
            Ok(Some(credential)) => {
                let known = self.verifier.verify_now(&credential, parts)?;
                Some(Outcome::Accepted(Box::new(known)))
            }
            Err(rejection) => Some(Outcome::Rejected(rejection)),
        }
    }
}
