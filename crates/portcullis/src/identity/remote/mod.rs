//! By a token that another issuer made: an API that keeps no users of its own.
//!
//! From the bottom up: `address`, which URLs are asked at all; `fetch`, how they are asked;
//! `keys`, when; `claims`, what is made of a token's word; [`RemoteIssuer`], whose word counts;
//! [`RemoteTokens`], the verifier.

mod address;
mod claims;
mod fault;
mod fetch;
mod issuer;
mod keys;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::request::Parts;
use quick_cache::sync::Cache;

pub use fault::RemoteFault;
pub use issuer::RemoteIssuer;

use super::Verifier;
use crate::clock::Sources;
use crate::credential::{Rejection, TokenCredential};
use crate::crypto::{Jws, TokenFault, VerifyingKey, digest_of};
use crate::problem::ConfigError;
use crate::types::{Digest, Principal, Timestamp};
use fetch::Fetcher;
use issuer::Trusted;
use keys::FetchedKeys;

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 8 * 1024;

/// How many verified tokens are remembered.
const REMEMBERED: usize = 10_000;

/// Knows people and programs by tokens that other issuers made: [`RemoteIssuer`]s, of which a
/// token's `iss` chooses one. Needs no users and no store. Cheap to clone.
///
/// A principal's subject is [`Subject::External`](crate::types::Subject::External): the issuer and
/// its name for the subject, for programs as well as for people.
///
/// An issuer's keys are fetched when first needed and kept:
///
/// * for as long as the answer says (`Cache-Control`), 5 minutes at least and 24 hours at most,
///   an hour where it says nothing; then they are fetched anew, beside the requests;
/// * fetched at once, but once a minute at most, when a token names a key that is not among them;
/// * used on while the issuer is away, for
///   [`stale_for`](RemoteIssuer::stale_for), 24 hours unless set; after that, as long as no key is
///   known, the answer is 503 and never 401: the caller's token may be good.
///
/// A key that the issuer withdrew counts until the keys are fetched anew. A key set that cannot be
/// read never takes the place of one that could.
///
/// What is fetched is what the application named, and the `jwks_uri` in the issuer's own metadata,
/// on whatever host: the issuer's word on its keys is what is trusted here. It is https only, but
/// for an issuer on loopback; no redirect is followed, no proxy of the environment is used, and
/// nothing in a token (`jku`, `x5u`) is ever an address.
///
/// ```no_run
/// use portcullis::clock::Sources;
/// use portcullis::credential::bearer;
/// use portcullis::gate::Gate;
/// use portcullis::identity::{RemoteIssuer, RemoteTokens, VerifiedBy};
/// use portcullis::crypto::Algorithm;
///
/// let issuer = RemoteIssuer::discover("https://login.example")
///     .audience("https://api.example")
///     .algorithms(&[Algorithm::EdDsa, Algorithm::Es256])
///     .roles_from("/realm_access/roles");
/// let tokens = RemoteTokens::new([issuer], Sources::system())?;
/// let gate = Gate::builder().scheme("bearer", bearer().verified_by(tokens)).build()?;
/// # Ok::<(), portcullis::problem::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct RemoteTokens(Arc<Inner>);

struct Inner {
    issuers: Vec<Trusted>,
    sources: Sources,
    /// By the digest of their text. Each counts only under the very keys that verified it.
    verified: Cache<Digest, Arc<Remembered>>,
}

struct Remembered {
    /// Its place among the issuers.
    issuer: usize,
    keys: Arc<[VerifyingKey]>,
    expires_at: Timestamp,
    principal: Principal,
}

impl fmt::Debug for RemoteTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers = self.0.issuers.iter().map(|issuer| issuer.verifier.issuer());
        f.debug_list().entries(issuers).finish()
    }
}

impl RemoteTokens {
    /// Takes tokens of these issuers. Fetches nothing yet.
    ///
    /// # Errors
    /// [`ConfigError`] with every mistake: no issuer, one named twice, or without audience or
    /// algorithms, an address that is not https, a bound that is too wide.
    pub fn new(
        issuers: impl IntoIterator<Item = RemoteIssuer>,
        sources: Sources,
    ) -> Result<Self, ConfigError> {
        let mut faults = ConfigError::none();
        let issuers: Vec<RemoteIssuer> = issuers.into_iter().collect();
        if issuers.is_empty() {
            faults.add("remote", "there is no issuer", "name one whose tokens are taken");
        }
        for (position, one) in issuers.iter().enumerate() {
            if issuers[..position].iter().any(|other| other.issuer() == one.issuer()) {
                faults.add(
                    &one.setting("issuer"),
                    "the issuer is named twice",
                    "name it once: a token could mean either",
                );
            }
        }
        let fetcher = faults.take(Fetcher::new(issuers.iter().any(RemoteIssuer::is_secure)));
        let trusted: Vec<Trusted> = issuers
            .into_iter()
            .filter_map(|one| faults.take(one.build(fetcher.clone(), &sources)))
            .collect();
        let inner = Inner { issuers: trusted, sources, verified: Cache::new(REMEMBERED) };
        faults.into_result(Self(Arc::new(inner)))
    }

    /// Fetches the keys of every issuer that has none yet: at start, so that a wrong address shows
    /// early, or to say whether this API is ready.
    ///
    /// # Errors
    /// The first [`RemoteFault`]. Nothing is lost by it: a request tries again.
    pub async fn fetch_keys(&self) -> Result<(), RemoteFault> {
        for issuer in &self.0.issuers {
            issuer.keys.known(self.0.sources.now()).await?;
        }
        Ok(())
    }

    async fn principal(&self, text: &str) -> Result<Principal, Rejection> {
        let now = self.0.sources.now();
        let digest = digest_of(text);
        if let Some(hit) = self.0.verified.get(&digest)
            && let Some(issuer) = self.0.issuers.get(hit.issuer)
        {
            let known = issuer.keys.known(now).await.map_err(unavailable)?;
            if Arc::ptr_eq(&known.keys, &hit.keys) && now < hit.expires_at {
                return Ok(hit.principal.clone());
            }
            self.0.verified.remove(&digest);
        }
        let fresh = Arc::new(self.verify(text, now).await?);
        let principal = fresh.principal.clone();
        self.0.verified.insert(digest, fresh);
        Ok(principal)
    }

    async fn verify(&self, text: &str, now: Timestamp) -> Result<Remembered, Rejection> {
        let invalid = |fault: TokenFault| {
            tracing::debug!(%fault, "a token of another issuer is refused");
            Rejection::Invalid
        };
        let jws = Jws::parse(text, LONGEST).map_err(|fault| invalid(fault.into()))?;
        // Not believed: it only chooses whose rules the token must then meet.
        let claimed = jws.claimed_issuer();
        let named = |one: &Trusted| claimed.as_deref() == Some(one.verifier.issuer());
        let position = self.0.issuers.iter().position(named);
        let position = position.ok_or_else(|| invalid(TokenFault::WrongIssuer))?;
        let Some(issuer) = self.0.issuers.get(position) else { return Err(Rejection::Invalid) };

        // Whatever can be refused without keys is refused before any are fetched.
        let kind = issuer.verifier.parse(text).map_err(invalid)?.header().kind.clone();
        let mut known = issuer.keys.known(now).await.map_err(unavailable)?;
        let mut verified = issuer.verifier.verify(text, &*known.keys, now);
        if verified == Err(TokenFault::UnknownKey) {
            let (newer, away): (FetchedKeys, _) =
                issuer.keys.newer(now).await.map_err(unavailable)?;
            known = newer;
            verified = issuer.verifier.verify(text, &*known.keys, now);
            if let (Err(TokenFault::UnknownKey), Some(fault)) = (&verified, away) {
                // It may be a new key of an issuer that cannot be asked just now.
                return Err(unavailable(fault));
            }
        }
        let claims = verified.map_err(invalid)?;
        let principal = issuer.mapping.principal(&claims, kind.as_deref()).map_err(invalid)?;
        let expires_at = claims.expires_at;
        Ok(Remembered { issuer: position, keys: known.keys, expires_at, principal })
    }
}

fn unavailable(fault: RemoteFault) -> Rejection {
    Rejection::Unavailable(Box::new(fault))
}

#[async_trait]
impl Verifier<TokenCredential> for RemoteTokens {
    async fn verify(&self, credential: TokenCredential, _: &Parts) -> Result<Principal, Rejection> {
        self.principal(credential.0.expose()).await
    }
}
