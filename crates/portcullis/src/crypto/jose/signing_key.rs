//! Keys that sign.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};

use super::Algorithm;
use super::jwk::PublicParameters;
use super::pem::{private_block, rsa_numbers};
use super::strict::encode;
use super::verifying_key::{BadKey, VerifyingKey, hmac_algorithm};
use crate::clock::{NoRandomness, Sources};
use crate::crypto::weak::weakness;
use crate::crypto::{MasterSecret, SealError, Secret};
use crate::problem::ConfigError;
use crate::types::{KeyRecord, Timestamp};

/// The setting a key from outside comes by.
const SETTING: &str = "tokens.key_file";

/// Bytes of a key's name. 128 bits of the thumbprint name a key as surely as all 256, and each
/// token carries the name.
const ID_BYTES: usize = 16;

/// A key that signs, for one algorithm only. Its private part never prints.
///
/// ```
/// use portcullis::{clock::Sources, crypto::{Algorithm, SigningKey}};
///
/// let key = SigningKey::generate(Algorithm::EdDsa, &Sources::system())?;
/// let signature = key.sign(b"text")?;
/// assert!(key.verifying_key().verify(b"text", &signature).is_ok());
/// assert!(key.verifying_key().verify(b"tent", &signature).is_err());
/// # Ok::<(), portcullis::crypto::KeyError>(())
/// ```
pub struct SigningKey {
    id: Arc<str>,
    private: Private,
    verifying: VerifyingKey,
}

enum Private {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Hmac(Secret<Vec<u8>>, Box<hmac::Key>),
}

/// Why a key could not be made, used, kept or read back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The system gives no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// Sealing or opening failed.
    #[error("key {id}: {source}")]
    Seal {
        /// The key's id.
        id: String,
        /// What failed.
        source: SealError,
    },
    /// A kept key is not what its record says.
    #[error("key {id} is not what its record says")]
    Corrupt {
        /// The key's id.
        id: String,
    },
    /// The key itself is refused.
    #[error(transparent)]
    Bad(#[from] BadKey),
    /// The library could not make the key or the signature.
    #[error("the key could not be made or used")]
    Failed,
}

impl SigningKey {
    /// Makes a key. RSA keys have 3072 bits, HMAC keys as many as the hash.
    ///
    /// The random numbers for RSA and ECDSA keys are drawn by the cryptographic library itself.
    ///
    /// # Errors
    /// [`KeyError::NoRandomness`] or `Failed`.
    pub fn generate(algorithm: Algorithm, sources: &Sources) -> Result<Self, KeyError> {
        if let Some(hmac) = hmac_algorithm(algorithm) {
            let mut secret = Secret::new(vec![0; hmac.tag_len()]);
            sources.rng.fill(secret.expose_mut())?;
            return Ok(Self::hmac(secret, algorithm)?);
        }
        let private = if let Some(curve) = curve(algorithm) {
            Private::Ecdsa(EcdsaKeyPair::generate(curve).map_err(|_| KeyError::Failed)?)
        } else if let Some(encoding) = rsa_encoding(algorithm) {
            let pair = RsaKeyPair::generate(KeySize::Rsa3072).map_err(|_| KeyError::Failed)?;
            Private::Rsa(pair, encoding)
        } else {
            let seed = Secret::new(sources.bytes::<32>()?);
            let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose());
            Private::Ed25519(pair.map_err(|_| KeyError::Failed)?)
        };
        Ok(Self::asymmetric(private, algorithm)?)
    }

    /// Takes a private key from PEM: `PRIVATE KEY` (PKCS #8), `RSA PRIVATE KEY` (PKCS #1) or
    /// `EC PRIVATE KEY` (SEC 1). Text around it is passed over.
    ///
    /// # Errors
    /// [`ConfigError`], with the command that makes a right one, where it is encrypted, not for
    /// `algorithm`, or too weak.
    pub fn from_pem(pem: &str, algorithm: Algorithm) -> Result<Self, ConfigError> {
        let refuse = |wrong: &str| ConfigError::one(SETTING, wrong, fix(algorithm));
        if algorithm.is_symmetric() {
            return Err(refuse("a PEM key cannot be used for HMAC"));
        }
        let block = private_block(pem).ok_or_else(|| refuse("there is no private key in it"))?;
        if block.contains("ENCRYPTED") {
            return Err(refuse("the private key is encrypted under a passphrase"));
        }
        let (label, der) = pem_rfc7468::decode_vec(block.as_bytes())
            .map_err(|_| refuse("the PEM text is broken"))?;
        let der = Secret::new(der);
        let key = Self::from_der(der.expose(), label, algorithm);
        let key = key.map_err(|error| refuse(&format!("it is no key for {algorithm}: {error}")))?;
        if key.verifying_key().jwk().is_some_and(|public| public.is_published()) {
            return Err(refuse("everybody can read it: it is an example of a standard"));
        }
        Ok(key)
    }

    /// Takes a shared secret for HMAC, at least as long as the hash.
    ///
    /// # Errors
    /// [`ConfigError`], with the command that makes a right one, where it is short, an example or
    /// not random, or the algorithm is not HMAC.
    pub fn from_hmac_bytes(
        secret: &Secret<Vec<u8>>,
        algorithm: Algorithm,
    ) -> Result<Self, ConfigError> {
        let refuse = |wrong: String| ConfigError::one(SETTING, wrong, fix(algorithm));
        let Some(hmac) = hmac_algorithm(algorithm) else {
            return Err(refuse(format!("bytes cannot be a key for {algorithm}")));
        };
        let (length, least) = (secret.expose().len(), hmac.tag_len());
        if let Some(why) = weakness(secret.expose()) {
            return Err(refuse(format!("the key can be guessed: {why}")));
        }
        if length < least {
            let wrong = format!("the key has {length} bytes, {algorithm} needs {least}");
            return Err(refuse(format!("{wrong} (RFC 7518 section 3.2)")));
        }
        Self::hmac(secret.clone(), algorithm).map_err(|error| refuse(error.to_string()))
    }

    /// Reads a kept key back.
    ///
    /// # Errors
    /// [`KeyError::Seal`] where the master secret is another one; `Corrupt` where what comes out
    /// is not the key the record names.
    pub fn open(record: &KeyRecord, master: &MasterSecret) -> Result<Self, KeyError> {
        let corrupt = || KeyError::Corrupt { id: record.id.clone() };
        let algorithm = Algorithm::named(&record.algorithm).ok_or_else(corrupt)?;
        let bytes = master
            .open(&seal_label(&record.id, algorithm), &record.sealed)
            .map_err(|source| KeyError::Seal { id: record.id.clone(), source })?;
        let key = if algorithm.is_symmetric() {
            Self::hmac(bytes, algorithm)
        } else {
            Self::from_der(bytes.expose(), "PRIVATE KEY", algorithm)
        };
        key.ok().filter(|key| *key.id == *record.id).ok_or_else(corrupt)
    }

    /// The key as it is kept: published from `created_at`, signing from `signs_from`.
    ///
    /// # Errors
    /// [`KeyError::Seal`] or `Failed`.
    pub fn record(
        &self,
        master: &MasterSecret,
        sources: &Sources,
        created_at: Timestamp,
        signs_from: Timestamp,
    ) -> Result<KeyRecord, KeyError> {
        let bytes = match &self.private {
            Private::Ed25519(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Private::Ecdsa(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Private::Rsa(pair, _) => {
                AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map(|der| der.as_ref().to_vec())
            }
            Private::Hmac(secret, _) => Ok(secret.expose().clone()),
        };
        let bytes = Secret::new(bytes.map_err(|_| KeyError::Failed)?);
        let sealed = master
            .seal(&seal_label(&self.id, self.algorithm()), bytes.expose(), sources)
            .map_err(|source| KeyError::Seal { id: self.id.to_string(), source })?;
        Ok(KeyRecord {
            id: self.id.to_string(),
            algorithm: self.algorithm().name().to_owned(),
            sealed,
            created_at,
            signs_from,
            signs_until: None,
            retired_at: None,
        })
    }

    /// Its public name (`kid`): 128 bits of its RFC 7638 thumbprint or, for HMAC, of a MAC under
    /// it, which tells nothing of the secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The one algorithm it is for.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm()
    }

    /// The key that verifies what this one signs. For HMAC it is the same secret.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Signs.
    ///
    /// # Errors
    /// [`KeyError::Failed`] where the library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        // The library draws its own random numbers and does not look at this.
        let random = SystemRandom::new();
        match &self.private {
            Private::Ed25519(pair) => pair.try_sign(message).map(|made| made.as_ref().to_vec()),
            Private::Ecdsa(pair) => pair.sign(&random, message).map(|made| made.as_ref().to_vec()),
            Private::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).map(|()| signature)
            }
            Private::Hmac(_, key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
        }
        .map_err(|_| KeyError::Failed)
    }

    fn from_der(der: &[u8], label: &str, algorithm: Algorithm) -> Result<Self, BadKey> {
        let private = if let Some(curve) = curve(algorithm) {
            let pair = match label {
                "EC PRIVATE KEY" => EcdsaKeyPair::from_private_key_der(curve, der),
                "PRIVATE KEY" => EcdsaKeyPair::from_pkcs8(curve, der),
                _ => return Err(BadKey::WrongAlgorithm),
            };
            Private::Ecdsa(pair.map_err(|_| BadKey::NotAKey)?)
        } else if let Some(encoding) = rsa_encoding(algorithm) {
            let pair = match label {
                "RSA PRIVATE KEY" => RsaKeyPair::from_der(der),
                "PRIVATE KEY" => RsaKeyPair::from_pkcs8(der),
                _ => return Err(BadKey::WrongAlgorithm),
            };
            let pair = pair.map_err(|error| match error.to_string().as_str() {
                "TooSmall" => BadKey::TooShort,
                "TooLarge" => BadKey::TooLong,
                _ => BadKey::NotAKey,
            })?;
            Private::Rsa(pair, encoding)
        } else {
            if label != "PRIVATE KEY" {
                return Err(BadKey::WrongAlgorithm);
            }
            Private::Ed25519(Ed25519KeyPair::from_pkcs8(der).map_err(|_| BadKey::NotAKey)?)
        };
        Self::asymmetric(private, algorithm)
    }

    fn asymmetric(private: Private, algorithm: Algorithm) -> Result<Self, BadKey> {
        let parameters = match &private {
            Private::Ed25519(pair) => {
                PublicParameters::Ed25519 { x: encode(pair.public_key().as_ref()) }
            }
            Private::Ecdsa(pair) => {
                let (_, point) = pair.public_key().as_ref().split_first().ok_or(BadKey::NotAKey)?;
                let (x, y) = point.split_at(point.len() / 2);
                let (x, y) = (encode(x), encode(y));
                if algorithm == Algorithm::Es256 {
                    PublicParameters::P256 { x, y }
                } else {
                    PublicParameters::P384 { x, y }
                }
            }
            Private::Rsa(pair, _) => {
                let (n, e) = rsa_numbers(pair.public_key().as_ref()).ok_or(BadKey::NotAKey)?;
                PublicParameters::Rsa { n: encode(n), e: encode(e) }
            }
            Private::Hmac(..) => return Err(BadKey::WrongAlgorithm),
        };
        let id = encode(&parameters.thumbprint()[..ID_BYTES]);
        let verifying = VerifyingKey::public(Some(&id), algorithm, parameters)?;
        Ok(Self { id: id.into(), private, verifying })
    }

    fn hmac(secret: Secret<Vec<u8>>, algorithm: Algorithm) -> Result<Self, BadKey> {
        let hash = hmac_algorithm(algorithm).ok_or(BadKey::WrongAlgorithm)?;
        let key = hmac::Key::new(hash, secret.expose());
        // No token can be signed to give this away: a signed text has a dot in it.
        let tag = hmac::sign(&key, b"portcullis key id");
        let id = encode(&tag.as_ref()[..ID_BYTES]);
        let verifying = VerifyingKey::shared(Some(&id), algorithm, secret.expose())?;
        Ok(Self { id: id.into(), private: Private::Hmac(secret, Box::new(key)), verifying })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

/// Binds a sealed key to its name and its algorithm.
fn seal_label(id: &str, algorithm: Algorithm) -> String {
    format!("signing key {id} {algorithm}")
}

fn curve(algorithm: Algorithm) -> Option<&'static EcdsaSigningAlgorithm> {
    match algorithm {
        Algorithm::Es256 => Some(&ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::Es384 => Some(&ECDSA_P384_SHA384_FIXED_SIGNING),
        _ => None,
    }
}

fn rsa_encoding(algorithm: Algorithm) -> Option<&'static dyn RsaEncoding> {
    match algorithm {
        Algorithm::Rs256 => Some(&RSA_PKCS1_SHA256),
        Algorithm::Rs384 => Some(&RSA_PKCS1_SHA384),
        Algorithm::Rs512 => Some(&RSA_PKCS1_SHA512),
        Algorithm::Ps256 => Some(&RSA_PSS_SHA256),
        Algorithm::Ps384 => Some(&RSA_PSS_SHA384),
        Algorithm::Ps512 => Some(&RSA_PSS_SHA512),
        _ => None,
    }
}

/// The command that makes a key for an algorithm.
fn fix(algorithm: Algorithm) -> String {
    let command = match algorithm {
        Algorithm::EdDsa => "openssl genpkey -algorithm ed25519",
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => "openssl rand 64",
        Algorithm::Es256 => "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        Algorithm::Es384 => "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
        _ => "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072",
    };
    format!("make a key for {algorithm} with `{command}`, or leave the setting out")
}
