//! Opaque tokens: a prefix that says what it is, 256 random bits, and a checksum.

use aws_lc_rs::{digest, hmac};

use crate::clock::{NoRandomness, Sources};
use crate::crypto::Secret;
use crate::types::Digest;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The least number of base62 digits that hold 256 bits.
const BODY: usize = 43;

/// The least number of base62 digits that hold 32 bits.
const CHECK: usize = 6;

/// What an opaque token is for. Its prefix says so, also to scanners that look for leaked secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpaqueKind {
    /// An access token, `pc_at_`.
    Access,
    /// A refresh token, `pc_rt_`.
    Refresh,
    /// An API key, `pc_key_`.
    ApiKey,
    /// A session cookie, `pc_st_`.
    Session,
    /// An invitation to register, `pc_inv_`.
    Invitation,
    /// A client's secret, `pc_cs_`.
    ClientSecret,
    /// An authorization code, `pc_ac_`.
    Code,
}

impl OpaqueKind {
    const ALL: [Self; 7] = [
        Self::Access,
        Self::Refresh,
        Self::ApiKey,
        Self::Session,
        Self::Invitation,
        Self::ClientSecret,
        Self::Code,
    ];

    /// How such a token begins.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Access => "pc_at_",
            Self::Refresh => "pc_rt_",
            Self::ApiKey => "pc_key_",
            Self::Session => "pc_st_",
            Self::Invitation => "pc_inv_",
            Self::ClientSecret => "pc_cs_",
            Self::Code => "pc_ac_",
        }
    }
}

/// The text is not an opaque token of ours: mistyped, cut off or something else. No store needs to
/// be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an opaque token: its form or its checksum is wrong")]
pub struct Malformed;

/// An opaque token: `pc_at_` and the like, 43 base62 digits, and 6 of a CRC-32.
///
/// Only its [`digest`](Self::digest) is stored.
///
/// ```
/// use portcullis::{clock::Sources, crypto::{OpaqueKind, OpaqueToken}};
///
/// let token = OpaqueToken::mint(&Sources::system(), OpaqueKind::Access)?;
/// let text = token.expose();
/// assert!(text.starts_with("pc_at_") && text.len() == 55);
/// assert_eq!(OpaqueToken::parse(text), Ok((OpaqueKind::Access, token.digest())));
/// # Ok::<(), portcullis::clock::NoRandomness>(())
/// ```
#[derive(Clone, Debug)]
pub struct OpaqueToken {
    kind: OpaqueKind,
    text: Secret<String>,
}

impl OpaqueToken {
    /// Makes a token nobody can guess.
    ///
    /// # Errors
    /// [`NoRandomness`] where the system gives no randomness.
    pub fn mint(sources: &Sources, kind: OpaqueKind) -> Result<Self, NoRandomness> {
        let bits = Secret::new(sources.bytes::<32>()?);
        Ok(Self::from_bits(kind, bits.expose()))
    }

    /// Reads a token somebody showed.
    ///
    /// # Errors
    /// [`Malformed`] where its form or checksum is wrong.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let kind = check(text)?;
        Ok(Self { kind, text: text.into() })
    }

    /// Says what kind of token somebody showed, and under which digest it would be stored.
    ///
    /// # Errors
    /// [`Malformed`] where its form or checksum is wrong.
    pub fn parse(text: &str) -> Result<(OpaqueKind, Digest), Malformed> {
        Ok((check(text)?, digest_of(text)))
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> OpaqueKind {
        self.kind
    }

    /// The token itself, for whoever it is made for.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// SHA-256 over the whole text: what is stored, and found by. A fast digest will do, since
    /// 256 random bits cannot be guessed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest_of(self.text.expose())
    }

    /// The one token that follows `parent`, the same at every call.
    ///
    /// A refresh that is tried again gets the very same answer, though nothing but digests is
    /// stored: the successor is HMAC-SHA-256 of the parent's text under `key`, which is not in the
    /// database. See [`MasterSecret::subkey`](crate::crypto::MasterSecret::subkey).
    #[must_use]
    pub fn successor(parent: &Self, key: &[u8; 32]) -> Self {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), parent.expose().as_bytes());
        let mut bits = Secret::new([0; 32]);
        bits.expose_mut().copy_from_slice(tag.as_ref());
        Self::from_bits(parent.kind, bits.expose())
    }

    fn from_bits(kind: OpaqueKind, bits: &[u8; 32]) -> Self {
        let prefix = kind.prefix();
        let mut text = Secret::new(String::with_capacity(prefix.len() + BODY + CHECK));
        text.expose_mut().push_str(prefix);
        push_base62(text.expose_mut(), bits, BODY);
        // It finds slips of the hand, and is no protection.
        let check = crc32fast::hash(text.expose().as_bytes()).to_be_bytes();
        push_base62(text.expose_mut(), &check, CHECK);
        Self { kind, text }
    }
}

fn check(text: &str) -> Result<OpaqueKind, Malformed> {
    let kind = OpaqueKind::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()));
    let kind = kind.ok_or(Malformed)?;
    let prefix = kind.prefix().len();
    if text.len() != prefix + BODY + CHECK
        || !text.bytes().skip(prefix).all(|byte| byte.is_ascii_alphanumeric())
    {
        return Err(Malformed);
    }
    let (head, shown) = text.split_at(prefix + BODY);
    let mut due = String::with_capacity(CHECK);
    push_base62(&mut due, &crc32fast::hash(head.as_bytes()).to_be_bytes(), CHECK);
    if due == shown { Ok(kind) } else { Err(Malformed) }
}

pub(crate) fn digest_of(text: impl AsRef<[u8]>) -> Digest {
    let mut out = Digest::default();
    out.copy_from_slice(digest::digest(&digest::SHA256, text.as_ref()).as_ref());
    out
}

/// Writes `number`, big-endian, in exactly `width` base62 digits.
fn push_base62(text: &mut String, number: &[u8], width: usize) {
    let mut number = Secret::new(number.to_vec());
    let mut digits = Secret::new(vec![b'0'; width]);
    for digit in digits.expose_mut().iter_mut().rev() {
        let mut rest = 0_u32;
        for byte in number.expose_mut().iter_mut() {
            let part = (rest << 8) | u32::from(*byte);
            *byte = u8::try_from(part / 62).unwrap_or(u8::MAX);
            rest = part % 62;
        }
        *digit = DIGITS[rest as usize];
    }
    text.extend(digits.expose().iter().map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds() -> impl Strategy<Value = OpaqueKind> {
        prop::sample::select(OpaqueKind::ALL.as_slice())
    }

    #[test]
    fn the_checksum_is_the_common_one_and_the_digits_are_in_order() {
        assert_eq!(crc32fast::hash(b"123456789"), 0xCBF4_3926);
        for (number, written) in
            [(0, "000000"), (61, "00000z"), (62, "000010"), (u32::MAX, "4gfFC3")]
        {
            let mut text = String::new();
            push_base62(&mut text, &number.to_be_bytes(), CHECK);
            assert_eq!(text, written);
        }
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        let token = OpaqueToken::from_bits(OpaqueKind::Access, &[7; 32]);
        assert_eq!(format!("{token:?}"), "OpaqueToken { kind: Access, text: … }");
    }

    proptest! {
        #[test]
        fn every_token_reads_back(bits: [u8; 32], kind in kinds()) {
            let token = OpaqueToken::from_bits(kind, &bits);
            prop_assert_eq!(token.expose().len(), kind.prefix().len() + 49);
            prop_assert_eq!(OpaqueToken::parse(token.expose()), Ok((kind, token.digest())));
            let again = OpaqueToken::read(token.expose()).unwrap();
            prop_assert_eq!((again.kind(), again.expose()), (kind, token.expose()));
        }

        #[test]
        fn every_bit_counts(bits: [u8; 32], other: [u8; 32]) {
            let texts = [bits, other].map(|b| OpaqueToken::from_bits(OpaqueKind::Refresh, &b));
            prop_assert_eq!(bits == other, texts[0].expose() == texts[1].expose());
        }

        #[test]
        fn one_wrong_character_is_seen(
            bits: [u8; 32], kind in kinds(), at: prop::sample::Index, to in any::<char>(),
        ) {
            let token = OpaqueToken::from_bits(kind, &bits);
            let mut typed: Vec<char> = token.expose().chars().collect();
            let at = at.index(typed.len());
            prop_assume!(typed[at] != to);
            typed[at] = to;
            let typed: String = typed.into_iter().collect();
            prop_assert_eq!(OpaqueToken::parse(&typed), Err(Malformed));
        }

        #[test]
        fn swapped_cut_or_longer_is_seen(bits: [u8; 32], at in 0_usize..54) {
            let token = OpaqueToken::from_bits(OpaqueKind::Access, &bits);
            let text = token.expose();
            prop_assert_eq!(OpaqueToken::parse(&text[..at]), Err(Malformed));
            for longer in [format!("{text}0"), format!(" {text}"), format!("{text}\n")] {
                prop_assert_eq!(OpaqueToken::parse(&longer), Err(Malformed));
            }
            let mut swapped = text.as_bytes().to_vec();
            swapped.swap(at, at + 1);
            let swapped = String::from_utf8(swapped).unwrap();
            prop_assume!(swapped != text);
            prop_assert_eq!(OpaqueToken::parse(&swapped), Err(Malformed));
        }

        #[test]
        fn strange_text_is_refused(text: String) {
            prop_assert_eq!(OpaqueToken::parse(&text), Err(Malformed));
        }

        #[test]
        fn a_successor_is_one_and_hangs_on_the_key(bits: [u8; 32], key: [u8; 32], other: [u8; 32]) {
            let parent = OpaqueToken::from_bits(OpaqueKind::Refresh, &bits);
            let child = OpaqueToken::successor(&parent, &key);
            prop_assert_eq!(child.kind(), OpaqueKind::Refresh);
            let again = OpaqueToken::successor(&parent, &key);
            prop_assert_eq!(child.expose(), again.expose());
            prop_assert_ne!(child.expose(), parent.expose());
            let elsewhere = OpaqueToken::successor(&parent, &other);
            prop_assert_eq!(key == other, child.expose() == elsewhere.expose());
            prop_assert_eq!(OpaqueToken::parse(child.expose()).unwrap().1, child.digest());
        }
    }
}
