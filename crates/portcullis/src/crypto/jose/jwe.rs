//! A token wrapped so that only we can read it (RFC 7516, compact; `dir` with A256GCM).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::strict::{decode, encode, encode_onto};
use crate::clock::Sources;
use crate::crypto::{Malformed, MasterSecret, SealError, Secret};
use crate::types::Timestamp;

/// The longest wrapped token, in bytes.
const LONGEST: usize = 16 * 1024;

/// The bytes of AES-GCM's tag.
const TAG: usize = 16;

/// Seconds a key is used for. A random nonce of 96 bits bears 2^32 tokens a key (NIST SP 800-38D
/// §8.3), that is 49 000 a second.
const PERIOD: i64 = 24 * 60 * 60;

/// Wraps and unwraps tokens. The key of each day is derived from the master secret, so that every
/// node can read what another wrapped.
///
/// ```
/// use portcullis::{clock::Sources, crypto::{JweKeys, MasterSecret}};
///
/// let sources = Sources::system();
/// let keys = JweKeys::new(MasterSecret::generate(&sources)?);
/// let wrapped = keys.wrap("header.claims.signature", &sources)?;
/// assert_eq!(wrapped.split('.').count(), 5);
/// assert_eq!(keys.unwrap(&wrapped)?.expose(), "header.claims.signature");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct JweKeys {
    master: MasterSecret,
}

impl JweKeys {
    /// Keys derived from this secret.
    #[must_use]
    pub fn new(master: MasterSecret) -> Self {
        Self { master }
    }

    /// Wraps a token.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`] or `Failed`.
    pub fn wrap(&self, token: &str, sources: &Sources) -> Result<String, SealError> {
        let period = period_of(sources.now());
        let nonce = sources.bytes::<NONCE_LEN>()?;
        let mut wrapped = header(period);
        let mut text = Secret::new(token.as_bytes().to_vec());
        let tag = self
            .cipher(period)?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(wrapped.as_bytes()),
                text.expose_mut(),
            )
            .map_err(|_| SealError::Failed)?;
        // Under `dir` the part for the encrypted key is empty.
        wrapped.push_str("..");
        for (part, separator) in
            [(nonce.as_slice(), "."), (text.expose().as_slice(), "."), (tag.as_ref(), "")]
        {
            encode_onto(&mut wrapped, part);
            wrapped.push_str(separator);
        }
        Ok(wrapped)
    }

    /// Unwraps a token that [`wrap`](Self::wrap) made. Nothing else is read: the header must be
    /// the very one written there.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn unwrap(&self, wrapped: &str) -> Result<Secret<String>, Malformed> {
        if wrapped.len() > LONGEST {
            return Err(Malformed);
        }
        let parts: Vec<&str> = wrapped.splitn(6, '.').collect();
        let [head, "", nonce, text, tag] = parts.as_slice() else { return Err(Malformed) };
        let period = period_in(head).ok_or(Malformed)?;
        let nonce = decode(nonce).and_then(|nonce| <[u8; NONCE_LEN]>::try_from(nonce).ok());
        let tag = decode(tag).filter(|tag| tag.len() == TAG).ok_or(Malformed)?;
        let mut text = Secret::new(decode(text).ok_or(Malformed)?);
        text.expose_mut().extend_from_slice(&tag);
        let opened = self
            .cipher(period)
            .map_err(|_| Malformed)?
            .open_in_place(
                Nonce::assume_unique_for_key(nonce.ok_or(Malformed)?),
                Aad::from(head.as_bytes()),
                text.expose_mut(),
            )
            .map_err(|_| Malformed)?;
        std::str::from_utf8(opened).map(Secret::from).map_err(|_| Malformed)
    }

    fn cipher(&self, period: i64) -> Result<LessSafeKey, SealError> {
        let key = self.master.subkey(&format!("jwe/{period}"))?;
        let key = UnboundKey::new(&AES_256_GCM, key.expose()).map_err(|_| SealError::Failed)?;
        Ok(LessSafeKey::new(key))
    }
}

fn period_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(PERIOD)
}

const BEFORE: &str = r#"{"alg":"dir","enc":"A256GCM","kid":""#;
const AFTER: &str = r#"","typ":"at+jwt","cty":"JWT"}"#;

fn header(period: i64) -> String {
    encode(format!("{BEFORE}{period}{AFTER}").as_bytes())
}

/// The period in a header, where the header is exactly the one we write for it.
fn period_in(head: &str) -> Option<i64> {
    let text = String::from_utf8(decode(head)?).ok()?;
    let period = text.strip_prefix(BEFORE)?.strip_suffix(AFTER)?.parse().ok()?;
    (header(period) == head).then_some(period)
}
