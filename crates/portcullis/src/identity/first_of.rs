//! Several verifiers for one place of a credential, asked in turn.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::request::Parts;

use super::Verifier;
use crate::credential::Rejection;
use crate::types::Principal;

/// Verifiers of one kind of credential, asked in turn. See [`first_of`].
pub struct FirstOf<C> {
    verifiers: Vec<Arc<dyn Verifier<C>>>,
}

/// Asks this verifier first, and those added by [`or`](FirstOf::or) after it: tokens made here
/// beside those of another issuer, an old audience beside a new one.
///
/// A verifier that does not know the credential ([`Rejection::Invalid`]) lets the next one try.
/// One that cannot be asked just now lets the next one try too; where none accepts the credential,
/// the answer is then a 503, since it may be good. Any other rejection is the answer.
///
/// ```
/// use portcullis::credential::{TokenCredential, bearer};
/// use portcullis::gate::Gate;
/// use portcullis::identity::{VerifiedBy, Verifier, first_of};
///
/// fn gate(
///     ours: impl Verifier<TokenCredential>,
///     theirs: impl Verifier<TokenCredential>,
/// ) -> Result<Gate, portcullis::problem::ConfigError> {
///     let tokens = first_of(ours).or(theirs);
///     Gate::builder().scheme("bearer", bearer().verified_by(tokens)).build()
/// }
/// ```
#[must_use]
pub fn first_of<C, V: Verifier<C>>(verifier: V) -> FirstOf<C> {
    FirstOf { verifiers: vec![Arc::new(verifier)] }
}

impl<C> FirstOf<C> {
    /// Asks this one where those before it do not know the credential.
    #[must_use]
    pub fn or<V: Verifier<C>>(mut self, verifier: V) -> Self {
        self.verifiers.push(Arc::new(verifier));
        self
    }
}

impl<C> Clone for FirstOf<C> {
    fn clone(&self) -> Self {
        Self { verifiers: self.verifiers.clone() }
    }
}

impl<C> fmt::Debug for FirstOf<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.verifiers).finish()
    }
}

#[async_trait]
impl<C: Clone + Send + 'static> Verifier<C> for FirstOf<C> {
    async fn verify(&self, credential: C, parts: &Parts) -> Result<Principal, Rejection> {
        let mut answer = Rejection::Invalid;
        for verifier in &self.verifiers {
            match verifier.verify(credential.clone(), parts).await {
                Ok(principal) => return Ok(principal),
                Err(Rejection::Invalid) => {}
                Err(stale @ Rejection::Stale) => {
                    if matches!(answer, Rejection::Invalid) {
                        answer = stale;
                    }
                }
                Err(away @ Rejection::Unavailable(_)) => answer = away,
                Err(other) => return Err(other),
            }
        }
        Err(answer)
    }

    fn verify_now(&self, credential: &C, parts: &Parts) -> Option<Principal> {
        // One that is asked later must not answer before one that is asked earlier.
        self.verifiers.first()?.verify_now(credential, parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Subject, UserId};

    /// Knows one word, and says of others what it is told to.
    #[derive(Debug)]
    struct Knows(&'static str, fn() -> Rejection);

    #[async_trait]
    impl Verifier<String> for Knows {
        async fn verify(&self, word: String, _: &Parts) -> Result<Principal, Rejection> {
            let user = Subject::User(UserId(uuid::Uuid::nil()));
            if word == self.0 { Ok(Principal::new(user, self.0)) } else { Err(self.1()) }
        }
    }

    async fn asked(verifiers: FirstOf<String>, word: &str) -> Result<Arc<str>, Rejection> {
        let parts = http::Request::new(()).into_parts().0;
        verifiers.verify(word.to_owned(), &parts).await.map(|who| who.name)
    }

    #[tokio::test]
    async fn each_verifier_has_its_turn() {
        let both =
            first_of(Knows("ours", || Rejection::Invalid)).or(Knows("theirs", || Rejection::Stale));
        assert_eq!(&*asked(both.clone(), "ours").await.unwrap(), "ours");
        assert_eq!(&*asked(both.clone(), "theirs").await.unwrap(), "theirs");
        assert!(matches!(asked(both, "nobody's").await, Err(Rejection::Stale)));
    }

    #[tokio::test]
    async fn what_one_of_them_could_not_say_is_not_taken_for_a_no() {
        let away = || Rejection::Unavailable("away".into());
        let both = first_of(Knows("ours", away)).or(Knows("theirs", || Rejection::Invalid));
        assert_eq!(&*asked(both.clone(), "theirs").await.unwrap(), "theirs");
        assert!(matches!(asked(both, "new").await, Err(Rejection::Unavailable(_))));
        let throttled = first_of(Knows("ours", || Rejection::TooMany(3)))
            .or(Knows("theirs", || Rejection::Invalid));
        assert!(matches!(asked(throttled, "theirs").await, Err(Rejection::TooMany(3))));
    }

    #[tokio::test]
    async fn a_verifier_may_be_shared_or_chosen_at_run_time() {
        let shared: Arc<dyn Verifier<String>> = Arc::new(Knows("ours", || Rejection::Invalid));
        let chosen: Box<dyn Verifier<String>> = Box::new(Knows("theirs", || Rejection::Invalid));
        let both = first_of(Arc::clone(&shared)).or(chosen).or(shared);
        assert_eq!(&*asked(both, "theirs").await.unwrap(), "theirs");
    }
}
