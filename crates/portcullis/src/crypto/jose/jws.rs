//! A signed text in compact form (RFC 7515 §3.1), read in one way only.

use serde::Serialize;
use serde_json::{Map, Value};

use super::strict::{decode, encode, encode_onto, object};
use super::{Algorithm, KeyError, SigningKey, VerifyingKey};

/// The longest `kid`, `typ` and `cty`, in bytes.
const LONGEST_NAME: usize = 256;

/// Header members by which a token would bring its own key. A key comes from configuration only.
const KEY_BRINGERS: [&str; 4] = ["jku", "jwk", "x5u", "x5c"];

/// Header members that change what the rest means, in ways not done here.
const CHANGERS: [&str; 3] = ["b64", "zip", "enc"];

/// What a token says of itself, before anything of it is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// The algorithm it claims (`alg`).
    pub algorithm: Algorithm,
    /// The key it claims (`kid`).
    pub key: Option<String>,
    /// What it is (`typ`), in lower case and without a leading `application/` (RFC 7515 §4.1.9).
    pub kind: Option<String>,
    /// What is inside (`cty`).
    pub content: Option<String>,
}

/// Why a text is not a good JWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsFault {
    /// It is longer than is ever needed.
    #[error("it is too long")]
    TooLarge,
    /// It has not exactly three parts.
    #[error("it has not three parts")]
    NotThreeParts,
    /// A part is not canonical base64url.
    #[error("a part is not canonical base64url")]
    NotBase64Url,
    /// The header is not a JSON object with each member once.
    #[error("the header is not a JSON object with each member once")]
    BadHeader,
    /// `alg` is missing, `none`, or not known.
    #[error("the algorithm is missing or not known")]
    UnknownAlgorithm,
    /// It says `crit`: nothing is understood that could be critical (RFC 7515 §4.1.11).
    #[error("it has a critical extension")]
    Critical,
    /// It brings its own key, or says that its parts mean something else.
    #[error("it has the header member {0}, which is not taken")]
    Forbidden(&'static str),
    /// The key is not for the algorithm it claims.
    #[error("the key is not for the algorithm it claims")]
    WrongAlgorithm,
    /// The signature does not fit.
    #[error("the signature does not fit")]
    BadSignature,
}

/// A compact JWS that has been taken apart and not yet verified.
#[derive(Clone, Debug)]
pub struct Jws<'t> {
    header: Header,
    signed: &'t str,
    payload: &'t str,
    signature: &'t str,
}

impl<'t> Jws<'t> {
    /// Takes a text of at most `longest` bytes apart and reads its header, strictly: three parts,
    /// canonical base64url, each member once, an algorithm that is known, no `crit`, `b64`, `zip`
    /// or `enc`, and none of `jku`, `jwk`, `x5u`, `x5c`. Unknown members count for nothing.
    ///
    /// # Errors
    /// [`JwsFault`].
    pub fn parse(text: &'t str, longest: usize) -> Result<Self, JwsFault> {
        if text.len() > longest {
            return Err(JwsFault::TooLarge);
        }
        let mut parts = text.split('.');
        let (Some(head), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JwsFault::NotThreeParts);
        };
        let header = decode(head).ok_or(JwsFault::NotBase64Url)?;
        let header = read_header(&object(&header).ok_or(JwsFault::BadHeader)?)?;
        let signed = &text[..head.len() + 1 + payload.len()];
        Ok(Self { header, signed, payload, signature })
    }

    /// What it says of itself. Not to be believed before [`verify`](Self::verify).
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The issuer it names (`iss`). Not to be believed before [`verify`](Self::verify): it may
    /// only choose among issuers that are configured.
    #[must_use]
    pub fn claimed_issuer(&self) -> Option<String> {
        match object(&decode(self.payload)?)?.remove("iss")? {
            Value::String(issuer) => Some(issuer),
            _ => None,
        }
    }

    /// Verifies it with a key and returns what was signed.
    ///
    /// # Errors
    /// [`JwsFault::WrongAlgorithm`] where the key is for another algorithm than the header claims:
    /// the key decides, the token never does. `NotBase64Url`, `BadSignature`.
    ///
    /// Under ES256 and ES384 a holder of a token can make a second signature that fits it as well.
    /// What a token is goes by its `jti`, never by its text.
    pub fn verify(&self, key: &VerifyingKey) -> Result<Vec<u8>, JwsFault> {
        if self.header.algorithm != key.algorithm() {
            return Err(JwsFault::WrongAlgorithm);
        }
        let signature = decode(self.signature).ok_or(JwsFault::NotBase64Url)?;
        key.verify(self.signed.as_bytes(), &signature).map_err(|_| JwsFault::BadSignature)?;
        decode(self.payload).ok_or(JwsFault::NotBase64Url)
    }
}

/// Signs a text, as compact JWS with `alg`, `typ` and `kid`.
///
/// # Errors
/// [`KeyError::Failed`] where the library fails.
pub fn sign_jws(key: &SigningKey, kind: &str, payload: &[u8]) -> Result<String, KeyError> {
    #[derive(Serialize)]
    struct Written<'a> {
        alg: &'a str,
        typ: &'a str,
        kid: &'a str,
    }
    let header = Written { alg: key.algorithm().name(), typ: kind, kid: key.id() };
    let header = serde_json::to_vec(&header).map_err(|_| KeyError::Failed)?;
    let mut text = encode(&header);
    text.push('.');
    encode_onto(&mut text, payload);
    let signature = key.sign(text.as_bytes())?;
    text.push('.');
    encode_onto(&mut text, &signature);
    Ok(text)
}

fn read_header(header: &Map<String, Value>) -> Result<Header, JwsFault> {
    let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::named);
    let algorithm = algorithm.ok_or(JwsFault::UnknownAlgorithm)?;
    if header.contains_key("crit") {
        return Err(JwsFault::Critical);
    }
    let mut forbidden = KEY_BRINGERS.into_iter().chain(CHANGERS);
    if let Some(name) = forbidden.find(|name| header.contains_key(*name)) {
        return Err(JwsFault::Forbidden(name));
    }
    let text = |name| match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= LONGEST_NAME => Ok(Some(text.clone())),
        Some(_) => Err(JwsFault::BadHeader),
    };
    Ok(Header {
        algorithm,
        key: text("kid")?,
        kind: text("typ")?.map(|kind| media_type(&kind)),
        content: text("cty")?,
    })
}

/// The short form of a media type: RFC 7515 §4.1.9 lets `application/` be left out where no other
/// slash follows.
pub(super) fn media_type(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    match kind.strip_prefix("application/") {
        Some(short) if !short.contains('/') => short.to_owned(),
        _ => kind,
    }
}
