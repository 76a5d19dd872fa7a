//! Verifying a JWT: in one order, with nothing left to the token.

use std::time::Duration;

use jiff::SignedDuration;

use super::jws::media_type;
use super::strict::object;
use super::{AccessClaims, Algorithm, Claims, Header, Jws, JwsFault, VerifyingKey};
use crate::problem::ConfigError;
use crate::types::Timestamp;

/// The most that clocks may differ.
const MOST_LEEWAY: Duration = Duration::from_secs(60);

/// The longest token, in bytes, unless set.
const LONGEST: usize = 8 * 1024;

/// Where a verifier finds the key for a token.
///
/// `kid` only chooses among keys that are configured already. A token without `kid` means a key
/// only where exactly one has the algorithm it claims.
pub trait FindKey {
    /// The key for a token that says this of itself.
    fn find(&self, header: &Header, now: Timestamp) -> Option<&VerifyingKey>;
}

impl FindKey for [VerifyingKey] {
    fn find(&self, header: &Header, _: Timestamp) -> Option<&VerifyingKey> {
        choose(self.iter(), header)
    }
}

impl FindKey for Vec<VerifyingKey> {
    fn find(&self, header: &Header, now: Timestamp) -> Option<&VerifyingKey> {
        self.as_slice().find(header, now)
    }
}

/// Chooses among keys as [`FindKey`] says.
pub(super) fn choose<'k>(
    mut keys: impl Iterator<Item = &'k VerifyingKey>,
    header: &Header,
) -> Option<&'k VerifyingKey> {
    if let Some(id) = header.key.as_deref() {
        return keys.find(|key| key.id() == Some(id));
    }
    let mut fitting = keys.filter(|key| key.algorithm() == header.algorithm);
    fitting.next().filter(|_| fitting.next().is_none())
}

/// What a token must be to be taken. Cannot be made without issuer, audience and algorithms.
#[derive(Clone, Debug)]
pub struct VerifierSettings {
    issuer: String,
    audiences: Vec<String>,
    algorithms: Vec<Algorithm>,
    kinds: Vec<String>,
    leeway: Duration,
    longest: usize,
    own: bool,
}

impl VerifierSettings {
    /// Tokens of `issuer` for `audience`, under one of `algorithms`: access tokens (`typ` =
    /// `at+jwt`) with all that RFC 9068 §2.2 demands and `nbf`, no leeway, at most 8 KiB.
    ///
    /// # Errors
    /// [`ConfigError`] where one of the three is empty, or shared-secret and public-key algorithms
    /// are mixed.
    pub fn new(
        issuer: &str,
        audience: &str,
        algorithms: &[Algorithm],
    ) -> Result<Self, ConfigError> {
        let mut faults = ConfigError::none();
        if issuer.is_empty() {
            faults.add("tokens.issuer", "it is empty", "name whose tokens are taken");
        }
        if audience.is_empty() {
            faults.add("tokens.audience", "it is empty", "name this API as its tokens name it");
        }
        if algorithms.is_empty() {
            faults.add("tokens.algorithms", "there is none", "name the issuer's, such as EdDSA");
        }
        let symmetric = algorithms.iter().filter(|algorithm| algorithm.is_symmetric()).count();
        if symmetric > 0 && symmetric < algorithms.len() {
            faults.add(
                "tokens.algorithms",
                "shared secrets and public keys are mixed",
                "take HS256, HS384, HS512 or take the others, not both from one issuer",
            );
        }
        faults.into_result(Self {
            issuer: issuer.to_owned(),
            audiences: vec![audience.to_owned()],
            algorithms: algorithms.to_vec(),
            kinds: vec![AccessClaims::KIND.to_owned()],
            leeway: Duration::ZERO,
            longest: LONGEST,
            own: true,
        })
    }

    /// Takes tokens for this audience as well: an old name of the API beside the new one.
    ///
    /// # Errors
    /// [`ConfigError`] where it is empty.
    pub fn or_audience(mut self, audience: &str) -> Result<Self, ConfigError> {
        if audience.is_empty() {
            let fix = "name this API as its tokens name it";
            return Err(ConfigError::one("tokens.audience", "it is empty", fix));
        }
        self.audiences.push(audience.to_owned());
        Ok(self)
    }

    /// Takes tokens of another kind of issuer: `nbf`, `iat`, `jti` and `client_id` may be missing.
    /// Whatever is there must be right.
    #[must_use]
    pub fn of_another_issuer(mut self) -> Self {
        self.own = false;
        self
    }

    /// Takes tokens that call themselves one of these (`typ`), instead of `at+jwt`. `JWT` lets ID
    /// tokens of the same issuer and audience through, so set it only where the issuer gives its
    /// access tokens no better name.
    #[must_use]
    pub fn kinds(mut self, kinds: &[&str]) -> Self {
        self.kinds = kinds.iter().map(|kind| media_type(kind)).collect();
        self
    }

    /// How far clocks may differ, at most a minute.
    ///
    /// # Errors
    /// [`ConfigError`] where it is more.
    pub fn leeway(mut self, leeway: Duration) -> Result<Self, ConfigError> {
        if leeway > MOST_LEEWAY {
            return Err(ConfigError::one(
                "tokens.leeway",
                "more than a minute lets ended tokens live on",
                "set the clocks right, and use at most 60 seconds",
            ));
        }
        self.leeway = leeway;
        Ok(self)
    }

    /// The longest token that is looked at, in bytes.
    #[must_use]
    pub fn longest(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }
}

/// Why a token is not taken. For the log; whoever sent it is told only that it does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFault {
    /// Its form or signature is wrong.
    #[error(transparent)]
    Jws(#[from] JwsFault),
    /// Its algorithm is not one of those allowed.
    #[error("its algorithm is not allowed")]
    AlgorithmNotAllowed,
    /// It calls itself something else (`typ`): an ID token, a refresh token.
    #[error("it is not of the kind that is taken here")]
    WrongKind,
    /// No key has the name it gives, or none is meant without doubt.
    #[error("no key is known by the name it gives")]
    UnknownKey,
    /// What is signed is not a JSON object with each claim once.
    #[error("the claims are not a JSON object with each member once")]
    NotClaims,
    /// A claim is missing.
    #[error("the claim {0} is missing")]
    Missing(&'static str),
    /// A claim is of the wrong type or out of range.
    #[error("the claim {0} is of the wrong type or out of range")]
    WrongClaim(&'static str),
    /// Somebody else made it.
    #[error("another issuer made it")]
    WrongIssuer,
    /// It is for somebody else.
    #[error("it is for another audience")]
    WrongAudience,
    /// It has ended.
    #[error("it has ended")]
    Expired,
    /// It has not begun, or was made in the future.
    #[error("it has not begun")]
    NotYet,
}

/// Verifies tokens. Cheap to clone, and knows no keys: those change while it lives.
///
/// In this order: size, three parts, header (see [`Jws::parse`]), allowed algorithm, `typ`, key,
/// the key's algorithm, signature, claims, issuer, audience, times.
///
/// ```
/// use portcullis::clock::Sources;
/// use portcullis::crypto::*;
/// use portcullis::types::{ClientId, TokenId};
///
/// let sources = Sources::system();
/// let now = sources.now();
/// let key = SigningKey::generate(Algorithm::EdDsa, &sources)?;
/// let token = AccessClaims {
///     issuer: "https://auth.example".into(),
///     audience: vec!["https://api.example".into()],
///     subject: "somebody".into(),
///     client: ClientId::first_party(),
///     id: TokenId(sources.uuid()?),
///     session: None,
///     scopes: ["items:read".into()].into(),
///     all_scopes: false,
///     issued_at: now,
///     expires_at: now + jiff::SignedDuration::from_secs(15 * 60),
///     authenticated_at: Some(now),
///     methods: vec!["pwd".into()],
/// }
/// .sign(&key)?;
///
/// let keys = vec![key.verifying_key().clone()];
/// let settings =
///     VerifierSettings::new("https://auth.example", "https://api.example", &[Algorithm::EdDsa])?;
/// let verifier = JwtVerifier::new(settings);
/// assert_eq!(verifier.verify(&token, &keys, now)?.subject, "somebody");
///
/// let later = now + jiff::SignedDuration::from_secs(16 * 60);
/// assert_eq!(verifier.verify(&token, &keys, later), Err(TokenFault::Expired));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct JwtVerifier {
    settings: std::sync::Arc<VerifierSettings>,
}

impl JwtVerifier {
    /// A verifier with these settings.
    #[must_use]
    pub fn new(settings: VerifierSettings) -> Self {
        Self { settings: settings.into() }
    }

    /// Whose tokens it takes.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Takes a token apart without a key, as far as that goes: what a verifier of another issuer's
    /// tokens needs to know before it fetches keys.
    ///
    /// # Errors
    /// [`TokenFault`].
    pub fn parse<'t>(&self, token: &'t str) -> Result<Jws<'t>, TokenFault> {
        let settings = &*self.settings;
        let jws = Jws::parse(token, settings.longest)?;
        let header = jws.header();
        if !settings.algorithms.contains(&header.algorithm) {
            return Err(TokenFault::AlgorithmNotAllowed);
        }
        let kind = header.kind.as_ref();
        if !kind.is_some_and(|kind| settings.kinds.contains(kind)) {
            return Err(TokenFault::WrongKind);
        }
        Ok(jws)
    }

    /// Verifies a token at `now` and says what it claims.
    ///
    /// # Errors
    /// [`TokenFault`].
    pub fn verify<K: FindKey + ?Sized>(
        &self,
        token: &str,
        keys: &K,
        now: Timestamp,
    ) -> Result<Claims, TokenFault> {
        let jws = self.parse(token)?;
        let key = keys.find(jws.header(), now).ok_or(TokenFault::UnknownKey)?;
        let payload = jws.verify(key)?;
        let claims = object(&payload).ok_or(TokenFault::NotClaims)?;
        let claims = Claims::read(claims)?;
        self.check(&claims, now)?;
        Ok(claims)
    }

    fn check(&self, claims: &Claims, now: Timestamp) -> Result<(), TokenFault> {
        let settings = &*self.settings;
        if claims.issuer != settings.issuer {
            return Err(TokenFault::WrongIssuer);
        }
        if !settings.audiences.iter().any(|one| claims.audience.contains(one)) {
            return Err(TokenFault::WrongAudience);
        }
        if settings.own {
            for (name, missing) in [
                ("nbf", claims.not_before.is_none()),
                ("iat", claims.issued_at.is_none()),
                ("jti", claims.id.is_none()),
                ("client_id", claims.client.is_none()),
            ] {
                if missing {
                    return Err(TokenFault::Missing(name));
                }
            }
        }
        let apart = |earlier: Timestamp, later: Timestamp| later.duration_since(earlier);
        let leeway = SignedDuration::try_from(settings.leeway).unwrap_or_default();
        if apart(claims.expires_at, now) >= leeway {
            return Err(TokenFault::Expired);
        }
        if claims.not_before.is_some_and(|begins| apart(now, begins) > leeway) {
            return Err(TokenFault::NotYet);
        }
        let most = SignedDuration::try_from(MOST_LEEWAY).unwrap_or_default();
        if claims.issued_at.is_some_and(|made| apart(now, made) > most) {
            return Err(TokenFault::NotYet);
        }
        Ok(())
    }
}
