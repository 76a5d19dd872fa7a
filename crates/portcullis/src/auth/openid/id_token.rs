//! The ID token (OpenID Connect Core §2): made, and read back as the hint of a sign-out.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::auth::Auth;
use crate::crypto::{Algorithm, FindKey as _, Jws, Secret, sign_jws};
use crate::problem::Problem;
use crate::types::{ClientId, SessionId, Timestamp, UserId};

/// What an ID token calls itself (`typ`): never what an access token does.
const KIND: &str = "JWT";
/// How long it counts, in seconds. It is read once, when it arrives.
const LIFETIME: i64 = 600;
/// The longest one that is read, in bytes.
const LONGEST: usize = 8 * 1024;

/// An ID token to be made.
pub(in crate::auth) struct NewIdToken<'a> {
    pub(in crate::auth) user: UserId,
    pub(in crate::auth) client: &'a ClientId,
    /// The browser's session.
    pub(in crate::auth) session: SessionId,
    pub(in crate::auth) authenticated_at: Timestamp,
    pub(in crate::auth) second_factor: bool,
    pub(in crate::auth) nonce: Option<&'a str>,
    /// The access token beside it.
    pub(in crate::auth) access: &'a str,
}

/// An ID token that was made here, whether or not it counts still.
pub(super) struct Hint {
    pub(super) client: ClientId,
    pub(super) session: SessionId,
}

impl Auth {
    /// Whether there can be ID tokens: a client cannot verify what a secret of ours signs.
    pub(in crate::auth) fn signs_id_tokens(&self) -> bool {
        self.id_token_algorithm().is_some()
    }

    /// The algorithm that signs ID tokens now.
    pub(in crate::auth) fn id_token_algorithm(&self) -> Option<Algorithm> {
        let ring = self.0.keys.ring.load();
        let algorithm = ring.signing(self.now()).map(crate::crypto::SigningKey::algorithm);
        algorithm.filter(|algorithm| !algorithm.is_symmetric())
    }

    pub(in crate::auth) fn id_token(
        &self,
        new: &NewIdToken<'_>,
    ) -> Result<Secret<String>, Problem> {
        #[derive(Serialize)]
        struct Claims<'a> {
            iss: &'a str,
            sub: String,
            aud: &'a str,
            exp: i64,
            iat: i64,
            auth_time: i64,
            #[serde(skip_serializing_if = "Option::is_none")]
            nonce: Option<&'a str>,
            acr: &'static str,
            amr: &'static [&'static str],
            sid: String,
            at_hash: String,
        }
        let now = self.now();
        let ring = self.0.keys.ring.load();
        let key =
            ring.signing(now).ok_or_else(|| Problem::internal("no key signs at this moment"))?;
        let claims = Claims {
            iss: &self.0.settings.issuer,
            sub: new.user.to_string(),
            aud: &new.client.0,
            exp: now.as_second() + LIFETIME,
            iat: now.as_second(),
            auth_time: new.authenticated_at.as_second(),
            nonce: new.nonce,
            acr: if new.second_factor { "2" } else { "1" },
            amr: if new.second_factor { &["pwd", "mfa"] } else { &["pwd"] },
            sid: new.session.to_claim(),
            at_hash: half_hash(key.algorithm(), new.access),
        };
        let claims = serde_json::to_vec(&claims).map_err(Problem::internal)?;
        Ok(Secret::new(sign_jws(key, KIND, &claims).map_err(Problem::internal)?))
    }

    /// What an ID token of ours says. Its time is not asked: people sign out of what has long been over.
    pub(super) fn read_hint(&self, text: &str) -> Option<Hint> {
        let jws = Jws::parse(text, LONGEST).ok()?;
        if jws.header().kind.as_deref() != Some("jwt") {
            return None;
        }
        let ring = self.0.keys.ring.load();
        let key =
            ring.find(jws.header(), self.now()).filter(|key| !key.algorithm().is_symmetric())?;
        let claims = jws.verify(key).ok()?;
        let claims: Map<String, Value> = serde_json::from_slice(&claims).ok()?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if text("iss") != Some(&*self.0.settings.issuer) {
            return None;
        }
        Some(Hint { client: ClientId::from(text("aud")?), session: text("sid")?.parse().ok()? })
    }
}

/// The left half of a hash of the access token, by the ID token's own algorithm (OpenID Connect Core
/// §3.1.3.6).
fn half_hash(algorithm: Algorithm, access: &str) -> String {
    let name = algorithm.name();
    let hash = if name.ends_with("256") {
        &digest::SHA256
    } else if name.ends_with("384") {
        &digest::SHA384
    } else {
        // Ed25519 hashes by SHA-512 (RFC 8032 §5.1).
        &digest::SHA512
    };
    let whole = digest::digest(hash, access.as_bytes());
    let half = whole.as_ref().get(..whole.as_ref().len() / 2).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_that_the_specification_shows() {
        // OpenID Connect Core appendix A.3.
        let access = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(half_hash(Algorithm::Rs256, access), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(half_hash(Algorithm::EdDsa, access).len(), 43);
        assert_eq!(half_hash(Algorithm::Es384, access).len(), 32);
    }
}
