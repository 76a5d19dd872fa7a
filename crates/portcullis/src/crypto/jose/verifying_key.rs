//! Keys that verify.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents,
};

use super::Algorithm;
use super::jwk::{Jwk, PublicParameters};
use super::strict::decode;

/// The signature does not belong to the text, or not to this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not fit")]
pub struct BadSignature;

/// Why a key is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadKey {
    /// It is not a JSON object, or has a member twice.
    #[error("it is not a JSON object with each member once")]
    NotJson,
    /// Its kind, curve, algorithm or use is not one for signatures that are known here.
    #[error("its kind, curve, algorithm or use is not known")]
    Unknown,
    /// A parameter is missing, of the wrong type or length, or off the curve.
    #[error("a parameter is missing or is no key")]
    NotAKey,
    /// A parameter is not canonical base64url.
    #[error("a parameter is not canonical base64url")]
    NotBase64Url,
    /// Its `kid` is empty or over 256 bytes.
    #[error("its kid is empty or longer than 256 bytes")]
    BadId,
    /// It holds a private or shared key where only public ones belong.
    #[error("it shows a private or shared key")]
    Private,
    /// The algorithm does not fit this kind of key.
    #[error("the algorithm does not fit the key")]
    WrongAlgorithm,
    /// RSA under 2048 bits, or a shared secret shorter than the hash.
    #[error("it is too short: RSA needs 2048 bits, HMAC as many as the hash has")]
    TooShort,
    /// RSA over 8192 bits, which would only cost time.
    #[error("it is over 8192 bits")]
    TooLong,
    /// The RSA exponent is even, or under 65537.
    #[error("its exponent is weak")]
    WeakExponent,
    /// An RSA modulus of CVE-2017-15361 (ROCA), which can be factored.
    #[error("it was made by a broken generator and can be factored (CVE-2017-15361)")]
    Factorable,
    /// A shared secret that is an example or not random.
    #[error("the shared secret is an example or not random")]
    Guessable,
}

/// A key that verifies, parsed once, for one algorithm only.
#[derive(Clone)]
pub struct VerifyingKey {
    id: Option<Arc<str>>,
    algorithm: Algorithm,
    check: Arc<Check>,
}

enum Check {
    Shared(Box<hmac::Key>),
    Public(ParsedPublicKey, PublicParameters),
}

impl VerifyingKey {
    /// A public key.
    pub(super) fn public(
        id: Option<&str>,
        algorithm: Algorithm,
        parameters: PublicParameters,
    ) -> Result<Self, BadKey> {
        let parsed = parse(algorithm, &parameters)?;
        Ok(Self {
            id: id.map(Into::into),
            algorithm,
            check: Arc::new(Check::Public(parsed, parameters)),
        })
    }

    /// A shared secret, at least as long as the hash (RFC 7518 §3.2).
    pub(super) fn shared(
        id: Option<&str>,
        algorithm: Algorithm,
        secret: &[u8],
    ) -> Result<Self, BadKey> {
        let hmac = hmac_algorithm(algorithm).ok_or(BadKey::WrongAlgorithm)?;
        if secret.len() < hmac.tag_len() {
            return Err(BadKey::TooShort);
        }
        let key = hmac::Key::new(hmac, secret);
        Ok(Self {
            id: id.map(Into::into),
            algorithm,
            check: Arc::new(Check::Shared(Box::new(key))),
        })
    }

    /// Its public name (`kid`), if it has one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The one algorithm it is for.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// It as a public JWK; `None` for a shared secret, which is never shown.
    #[must_use]
    pub fn jwk(&self) -> Option<Jwk> {
        match &*self.check {
            Check::Shared(_) => None,
            Check::Public(_, parameters) => {
                Some(Jwk::new(parameters.clone(), self.algorithm, self.id.as_deref()))
            }
        }
    }

    /// Checks a signature; a MAC in constant time.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        match &*self.check {
            Check::Shared(key) => hmac::verify(key, message, signature),
            Check::Public(key, _) => key.verify_sig(message, signature),
        }
        .map_err(|_| BadSignature)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// HMAC's hash for an algorithm.
pub(super) fn hmac_algorithm(algorithm: Algorithm) -> Option<hmac::Algorithm> {
    match algorithm {
        Algorithm::Hs256 => Some(hmac::HMAC_SHA256),
        Algorithm::Hs384 => Some(hmac::HMAC_SHA384),
        Algorithm::Hs512 => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::Rs256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Some(&RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Some(&RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Some(&RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}

fn parse(algorithm: Algorithm, parameters: &PublicParameters) -> Result<ParsedPublicKey, BadKey> {
    let number = |text: &str| decode(text).ok_or(BadKey::NotBase64Url);
    match (algorithm, parameters) {
        (Algorithm::EdDsa, PublicParameters::Ed25519 { x }) => {
            let x = number(x)?;
            if x.len() != 32 {
                return Err(BadKey::NotAKey);
            }
            ParsedPublicKey::new(&ED25519, x).map_err(|_| BadKey::NotAKey)
        }
        (Algorithm::Es256, PublicParameters::P256 { x, y })
        | (Algorithm::Es384, PublicParameters::P384 { x, y }) => {
            let (width, algorithm) = match algorithm {
                Algorithm::Es256 => (32, &ECDSA_P256_SHA256_FIXED),
                _ => (48, &ECDSA_P384_SHA384_FIXED),
            };
            let (x, y) = (number(x)?, number(y)?);
            if x.len() != width || y.len() != width {
                return Err(BadKey::NotAKey);
            }
            // SEC 1 §2.3.3: an uncompressed point.
            let point = [&[4], x.as_slice(), y.as_slice()].concat();
            ParsedPublicKey::new(algorithm, point).map_err(|_| BadKey::NotAKey)
        }
        (_, PublicParameters::Rsa { n, e }) => {
            let rsa = rsa_parameters(algorithm).ok_or(BadKey::WrongAlgorithm)?;
            let (n, e) = (number(n)?, number(e)?);
            check_rsa(&n, &e)?;
            RsaPublicKeyComponents { n, e }.to_parsed_public_key(rsa).map_err(|_| BadKey::NotAKey)
        }
        _ => Err(BadKey::WrongAlgorithm),
    }
}

fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), BadKey> {
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    if n.first() == Some(&0) || e.first() == Some(&0) || n.last().is_none_or(|last| last % 2 == 0) {
        return Err(BadKey::NotAKey);
    }
    if bits < 2048 {
        return Err(BadKey::TooShort);
    }
    if bits > 8192 {
        return Err(BadKey::TooLong);
    }
    // FIPS 186-5 §A.1.1: odd and above 2^16.
    if !(3..=5).contains(&e.len()) || e.last().is_none_or(|last| last % 2 == 0) {
        return Err(BadKey::WeakExponent);
    }
    if is_roca(n) { Err(BadKey::Factorable) } else { Ok(()) }
}

/// Whether a modulus has the fingerprint of CVE-2017-15361: modulo each small prime it is a power
/// of 65537. One in 2^27 other keys has it too.
fn is_roca(n: &[u8]) -> bool {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89,
        97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    PRIMES.into_iter().all(|prime| {
        let rest = n.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let powers = std::iter::successors(Some(1), |power| Some(power * 65_537 % prime));
        powers.take(prime as usize).any(|power| power == rest)
    })
}
