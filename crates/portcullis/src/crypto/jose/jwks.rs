//! Reads keys others publish: what is not known is passed over, what is wrong is refused.

use serde_json::{Map, Value};

use super::jwk::PublicParameters;
use super::strict::{decode, object};
use super::verifying_key::BadKey;
use super::{Algorithm, Jwks, VerifyingKey};
use crate::crypto::Secret;
use crate::crypto::weak::weakness;

/// The most keys of a set that are read.
const MOST_KEYS: usize = 100;

/// The most bytes of a set that are read.
const LARGEST: usize = 256 * 1024;

/// The longest `kid` that is taken, in bytes.
const LONGEST_ID: usize = 256;

/// The members of a JWK that hold a private or shared key.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a set of keys, or a key, is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadJwks {
    /// It is larger, or has more keys, than is ever needed.
    #[error("the key set has over 256 KiB or 100 keys")]
    TooLarge,
    /// It is not a JSON object with an array `keys`, or has a member twice.
    #[error("the key set is not a JSON object with an array `keys`")]
    NotASet,
    /// One of the keys is wrong.
    #[error("key {position} of the set is refused: {why}")]
    Key {
        /// Which, from 0.
        position: usize,
        /// What is wrong with it.
        why: BadKey,
    },
    /// Two keys have the same name, and a token could mean either.
    #[error("two keys of the set have the same kid")]
    DuplicateId,
    /// A shared secret stands beside public keys.
    #[error("a shared secret stands beside public keys")]
    Mixed,
}

impl Jwks {
    /// Reads a set of public keys that an issuer published, by the rules of
    /// [`VerifyingKey::from_jwks`]. What is passed over is not in the set.
    ///
    /// # Errors
    /// [`BadJwks`].
    pub fn parse(json: &[u8]) -> Result<Self, BadJwks> {
        let keys = VerifyingKey::from_jwks(json)?;
        Ok(Self { keys: keys.iter().filter_map(VerifyingKey::jwk).collect() })
    }
}

impl VerifyingKey {
    /// Reads a set of public keys that an issuer published, ready to verify with.
    ///
    /// Keys of a kind, curve, algorithm or use that is not known here are passed over. A known
    /// one that is wrong spoils the whole set: too short, off its curve, under an algorithm that
    /// does not fit, with a private parameter, or a shared secret. An RSA key without `alg` counts
    /// as one for RS256.
    ///
    /// # Errors
    /// [`BadJwks`].
    pub fn from_jwks(json: &[u8]) -> Result<Vec<Self>, BadJwks> {
        parse_set(json, false)
    }

    /// Reads one key: a public key, or a shared secret (`kty` = `oct`) from your own
    /// configuration. `alg` is needed where `kty` allows several algorithms but RSA, for which
    /// RS256 is assumed.
    ///
    /// # Errors
    /// [`BadKey`]; also where the key is of a kind that is not known here.
    pub fn from_jwk(json: &[u8]) -> Result<Self, BadKey> {
        let key = object(json).ok_or(BadKey::NotJson)?;
        if let Some(secret) = key.get("k").and_then(Value::as_str).and_then(decode).map(Secret::new)
            && weakness(secret.expose()).is_some()
        {
            return Err(BadKey::Guessable);
        }
        parse_key(&key, true)?.ok_or(BadKey::Unknown)
    }
}

/// Reads a set; shared secrets only where `shared` says so.
pub(super) fn parse_set(json: &[u8], shared: bool) -> Result<Vec<VerifyingKey>, BadJwks> {
    if json.len() > LARGEST {
        return Err(BadJwks::TooLarge);
    }
    let set = object(json).ok_or(BadJwks::NotASet)?;
    let Some(Value::Array(entries)) = set.get("keys") else { return Err(BadJwks::NotASet) };
    if entries.len() > MOST_KEYS {
        return Err(BadJwks::TooLarge);
    }
    let mut keys: Vec<VerifyingKey> = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        let bad = |why| BadJwks::Key { position, why };
        let entry = entry.as_object().ok_or(BadJwks::NotASet)?;
        let Some(key) = parse_key(entry, shared).map_err(bad)? else { continue };
        if key.id().is_some() && keys.iter().any(|other| other.id() == key.id()) {
            return Err(BadJwks::DuplicateId);
        }
        keys.push(key);
    }
    let secrets = keys.iter().filter(|key| key.algorithm().is_symmetric()).count();
    if secrets > 0 && secrets < keys.len() {
        return Err(BadJwks::Mixed);
    }
    Ok(keys)
}

/// Reads a key; `None` where it is of a kind, or for a use, that is not known here.
pub(super) fn parse_key(
    key: &Map<String, Value>,
    shared: bool,
) -> Result<Option<VerifyingKey>, BadKey> {
    let kind = text(key, "kty")?.ok_or(BadKey::NotAKey)?;
    let for_signatures = text(key, "use")?.is_none_or(|usage| usage == "sig");
    let verifies = match key.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        Some(_) => return Err(BadKey::NotAKey),
    };
    let named = match text(key, "alg")? {
        None => None,
        Some(name) => match Algorithm::named(name) {
            Some(algorithm) => Some(algorithm),
            None => return Ok(None),
        },
    };
    if !for_signatures || !verifies {
        return Ok(None);
    }
    let id = text(key, "kid")?;
    if id.is_some_and(|id| id.is_empty() || id.len() > LONGEST_ID) {
        return Err(BadKey::BadId);
    }
    let needed = |name| text(key, name)?.map(str::to_owned).ok_or(BadKey::NotAKey);
    let (parameters, usual) = match (kind, text(key, "crv")?) {
        ("oct", _) if shared => {
            let algorithm = named.ok_or(BadKey::WrongAlgorithm)?;
            let secret = text(key, "k")?.ok_or(BadKey::NotAKey)?;
            let secret = Secret::new(decode(secret).ok_or(BadKey::NotBase64Url)?);
            return VerifyingKey::shared(id, algorithm, secret.expose()).map(Some);
        }
        ("oct", _) => return Err(BadKey::Private),
        ("OKP", Some("Ed25519")) => {
            (PublicParameters::Ed25519 { x: needed("x")? }, Algorithm::EdDsa)
        }
        ("EC", Some("P-256")) => {
            (PublicParameters::P256 { x: needed("x")?, y: needed("y")? }, Algorithm::Es256)
        }
        ("EC", Some("P-384")) => {
            (PublicParameters::P384 { x: needed("x")?, y: needed("y")? }, Algorithm::Es384)
        }
        ("RSA", _) => {
            (PublicParameters::Rsa { n: needed("n")?, e: needed("e")? }, Algorithm::Rs256)
        }
        _ => return Ok(None),
    };
    if PRIVATE.iter().any(|name| key.contains_key(*name)) {
        return Err(BadKey::Private);
    }
    VerifyingKey::public(id, named.unwrap_or(usual), parameters).map(Some)
}

/// A member that must be text if it is there.
fn text<'k>(key: &'k Map<String, Value>, name: &str) -> Result<Option<&'k str>, BadKey> {
    match key.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(BadKey::NotAKey),
    }
}
