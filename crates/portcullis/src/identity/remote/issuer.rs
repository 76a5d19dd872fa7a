//! Whose word counts, and for what: one issuer's settings, checked when the verifier is built.

use std::sync::Arc;
use std::time::Duration;

use super::address::{address, issuer_address};
use super::claims::{MapClaims, Mapping};
use super::fetch::{Fetcher, Place};
use super::keys::{Keys, State};
use crate::clock::Sources;
use crate::crypto::{Algorithm, Claims, JwtVerifier, VerifierSettings};
use crate::problem::{BoxError, ConfigError};
use crate::types::Principal;

/// How long an answer may take: unless set, at the least and at the most.
const PATIENCE: Duration = Duration::from_secs(5);
const LEAST_PATIENCE: Duration = Duration::from_millis(100);
const MOST_PATIENCE: Duration = Duration::from_secs(30);

/// How long keys count while the issuer is away: unless set, and at the most.
const STALE: Duration = Duration::from_secs(24 * 3600);
const MOST_STALE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Another issuer, whose tokens are taken. Issuer, audience and algorithms must be named; they are
/// checked by [`RemoteTokens::new`](super::RemoteTokens::new).
///
/// What a token may carry from the issuer to the requirements here: its scopes (`scope`, or `scp`)
/// always; roles and permissions only where the application says in which claim they are.
///
/// A token that carries scopes is limited to them, as one that was made here is: its roles count
/// only on a route that names a scope it carries, its permissions also where such a scope stands for
/// them (see [`ScopeBook`](crate::types::ScopeBook)). A token that names none is not limited.
#[derive(Clone, Debug)]
#[must_use]
pub struct RemoteIssuer {
    issuer: String,
    jwks: Option<String>,
    audiences: Vec<String>,
    algorithms: Vec<Algorithm>,
    kinds: Option<Vec<String>>,
    leeway: Duration,
    patience: Duration,
    stale_for: Duration,
    mapping: Mapping,
}

/// An issuer whose settings were checked.
#[derive(Debug)]
pub(super) struct Trusted {
    pub(super) verifier: JwtVerifier,
    pub(super) mapping: Mapping,
    pub(super) keys: Arc<Keys>,
}

impl RemoteIssuer {
    /// The issuer of that name, whose metadata says where its keys are: at
    /// `…/.well-known/openid-configuration` (OpenID Connect Discovery), or else at
    /// `/.well-known/oauth-authorization-server…` (RFC 8414). `issuer` is written exactly as in
    /// its tokens, a slash at the end included.
    pub fn discover(issuer: &str) -> Self {
        Self::new(issuer, None)
    }

    /// The issuer of that name, whose keys are at `jwks_url`.
    pub fn with_jwks(issuer: &str, jwks_url: &str) -> Self {
        Self::new(issuer, Some(jwks_url.to_owned()))
    }

    fn new(issuer: &str, jwks: Option<String>) -> Self {
        Self {
            issuer: issuer.to_owned(),
            jwks,
            audiences: Vec::new(),
            algorithms: Vec::new(),
            kinds: None,
            leeway: Duration::ZERO,
            patience: PATIENCE,
            stale_for: STALE,
            mapping: Mapping::default(),
        }
    }

    /// What the issuer calls this API (`aud`). Needed: a token for another API is none here.
    pub fn audience(self, audience: &str) -> Self {
        self.audiences(&[audience])
    }

    /// Several names by which the issuer calls this API: an old one beside a new one, say. A token
    /// for any of them is taken.
    pub fn audiences(mut self, audiences: &[&str]) -> Self {
        self.audiences = audiences.iter().map(|audience| (*audience).to_owned()).collect();
        self
    }

    /// The algorithms the issuer signs with. Needed. No shared-secret algorithm can be among them:
    /// whoever could check such a token could make one.
    pub fn algorithms(mut self, algorithms: &[Algorithm]) -> Self {
        algorithms.clone_into(&mut self.algorithms);
        self
    }

    /// Takes tokens that call themselves one of these (`typ`), instead of `at+jwt`.
    ///
    /// Many issuers call every token of theirs `JWT`. Under such a name a token is still refused
    /// where it has the marks of an ID token or a logout token (`nonce`, `at_hash`, `c_hash`,
    /// `s_hash`, `events`; a `token_use` other than `access`, a claim `typ` other than `Bearer`);
    /// one without any mark passes, so keep to `at+jwt` where the issuer knows it.
    pub fn kinds(mut self, kinds: &[&str]) -> Self {
        self.kinds = Some(kinds.iter().map(|kind| (*kind).to_owned()).collect());
        self
    }

    /// How far the issuer's clock may differ: not at all unless set, at most a minute.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// How long one answer of the issuer may take: 5 seconds unless set, 100 milliseconds to 30
    /// seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.patience = timeout;
        self
    }

    /// How long after they were fetched keys count where the issuer cannot be asked: 24 hours
    /// unless set, at most 7 days.
    pub fn stale_for(mut self, bound: Duration) -> Self {
        self.stale_for = bound;
        self
    }

    /// Takes roles from the claim at this JSON pointer (RFC 6901), such as `/realm_access/roles`:
    /// an array of names, or names with spaces between. Registered claims such as `scope` cannot be
    /// pointed at. The issuer can then give any role there is.
    pub fn roles_from(mut self, pointer: &str) -> Self {
        self.mapping.roles = Some(pointer.to_owned());
        self
    }

    /// Takes permissions from the claim at this JSON pointer, in the same way. The issuer can then
    /// give any permission there is.
    pub fn permissions_from(mut self, pointer: &str) -> Self {
        self.mapping.permissions = Some(pointer.to_owned());
        self
    }

    /// Takes the principal's name from the claim at this JSON pointer, such as
    /// `/preferred_username`, instead of from `sub`. For showing only: an issuer may let its users
    /// choose it.
    pub fn name_from(mut self, pointer: &str) -> Self {
        self.mapping.name = Some(pointer.to_owned());
        self
    }

    /// Makes more of the claims of a token, once they are verified and what was asked for above is
    /// taken from them: a role from a claim of another form, or data of the application's own
    /// ([`Principal::with`]). Where the function fails, the token is refused (401), and the log says why.
    ///
    /// It is asked once for a token and its answer is remembered with it, so it must hang on the
    /// claims alone.
    ///
    /// ```
    /// use portcullis::identity::RemoteIssuer;
    ///
    /// struct Tenant(String);
    ///
    /// let issuer = RemoteIssuer::discover("https://login.example").map_claims(|who, claims| {
    ///     let tenant = claims.extra.get("tenant").and_then(|claim| claim.as_str());
    ///     Ok(who.with(Tenant(tenant.ok_or("no tenant")?.to_owned())))
    /// });
    /// ```
    pub fn map_claims<F>(mut self, map: F) -> Self
    where
        F: Fn(Principal, &Claims) -> Result<Principal, BoxError> + Send + Sync + 'static,
    {
        self.mapping.map = Some(MapClaims(Arc::new(map)));
        self
    }

    /// Leaves these scopes out of account, such as OpenID Connect's `openid`, `profile` and `email`,
    /// which say what a client may learn of somebody and nothing of this API. They open nothing
    /// here and limit nothing: a token that carries no other scope is not limited, and its roles
    /// and permissions count as they are.
    pub fn ignore_scopes(mut self, scopes: &[&str]) -> Self {
        self.mapping.ignored = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn setting(&self, name: &str) -> String {
        format!("remote[{}].{name}", self.issuer)
    }

    /// Whether it is asked over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.jwks.as_ref().unwrap_or(&self.issuer).starts_with("https:")
    }

    fn place(&self) -> Result<Place, ConfigError> {
        let (name, place): (_, Result<Place, &str>) = match &self.jwks {
            None => ("issuer", issuer_address(&self.issuer).map(Place::Discovery)),
            Some(jwks) => ("jwks_url", address(jwks).map(Place::Jwks)),
        };
        place.map_err(|wrong| {
            ConfigError::one(
                &self.setting(name),
                wrong,
                "give an https address; http will do on loopback only",
            )
        })
    }

    fn verifier(&self) -> Result<JwtVerifier, ConfigError> {
        let (first, more) = match self.audiences.split_first() {
            Some((first, more)) => (first.as_str(), more),
            None => ("", &[][..]),
        };
        let mut settings = VerifierSettings::new(&self.issuer, first, &self.algorithms)?
            .of_another_issuer()
            .leeway(self.leeway)?;
        for audience in more {
            settings = settings.or_audience(audience)?;
        }
        if let Some(kinds) = &self.kinds {
            let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
            settings = settings.kinds(&kinds);
        }
        Ok(JwtVerifier::new(settings))
    }

    /// Checks it, and makes it ready to be asked.
    pub(super) fn build(
        self,
        fetcher: Option<Fetcher>,
        sources: &Sources,
    ) -> Result<Trusted, ConfigError> {
        let mut faults = ConfigError::none();
        let place = faults.take(self.place());
        let verifier = self.verifier().map_err(|mut error| {
            for fault in &mut error.faults {
                let name = fault.setting.trim_start_matches("tokens.").to_owned();
                fault.setting = self.setting(&name);
            }
            error
        });
        let verifier = faults.take(verifier);
        if self.algorithms.iter().any(|algorithm| algorithm.is_symmetric()) {
            faults.add(
                &self.setting("algorithms"),
                "a shared secret cannot be published among an issuer's keys",
                "name the algorithms of its public keys, such as EdDSA, ES256 or RS256",
            );
        }
        if self
            .kinds
            .as_ref()
            .is_some_and(|kinds| kinds.is_empty() || kinds.contains(&String::new()))
        {
            faults.add(
                &self.setting("kinds"),
                "no kind of token is taken",
                "leave it out for at+jwt, or name what the issuer's access tokens say in `typ`",
            );
        }
        if !(LEAST_PATIENCE..=MOST_PATIENCE).contains(&self.patience) {
            faults.add(
                &self.setting("timeout"),
                "it is under 100 milliseconds or over 30 seconds",
                "requests may wait for it: leave it out for 5 seconds",
            );
        }
        if self.stale_for > MOST_STALE {
            faults.add(
                &self.setting("stale_for"),
                "keys that were withdrawn would count for more than a week",
                "give at most 7 days",
            );
        }
        self.mapping.check(|name| self.setting(name), &mut faults);
        let (Some(place), Some(verifier), Some(fetcher)) = (place, verifier, fetcher) else {
            return Err(faults);
        };
        let keys = Keys {
            issuer: self.issuer.as_str().into(),
            place,
            fetcher,
            sources: sources.clone(),
            patience: self.patience,
            stale_for: self.stale_for,
            state: State::default(),
        };
        faults.into_result(Trusted { verifier, mapping: self.mapping, keys: Arc::new(keys) })
    }
}
