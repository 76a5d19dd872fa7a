//! The one secret all others hang on.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};

use super::weak::weakness;
use crate::clock::{NoRandomness, Sources};
use crate::crypto::Secret;
use crate::problem::ConfigError;

/// The fewest bytes.
const SHORTEST: usize = 32;

/// The first byte of whatever is sealed: which way it is sealed.
const VERSION: u8 = 1;

/// The secret that is not in the database, and without which a copy of the database is of no use.
///
/// Keys for each purpose are derived from it (HKDF-SHA-256, RFC 5869), so that none of them tells
/// anything about another. Prints as `…` and is wiped when dropped.
///
/// ```
/// use portcullis::{clock::Sources, crypto::MasterSecret};
///
/// let sources = Sources::system();
/// let master = MasterSecret::generate(&sources)?;
/// let sealed = master.seal("mail password", b"hunter2", &sources)?;
/// assert_eq!(master.open("mail password", &sealed)?.expose(), b"hunter2");
/// assert!(master.open("other purpose", &sealed).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MasterSecret {
    bytes: Secret<Vec<u8>>,
    root: RootKey,
}

#[derive(Clone)]
struct RootKey(Prk);

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Why something could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Sealed under another master secret, for another purpose, or changed since.
    #[error("sealed under another master secret or for another purpose, or changed since")]
    Foreign,
    /// The system gives no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The cipher itself failed.
    #[error("the cipher failed")]
    Failed,
}

impl MasterSecret {
    /// Takes a secret of at least 32 bytes, such as a file of random bytes or a line of random
    /// text. White space at either end does not count, so that an editor's line break does no
    /// harm.
    ///
    /// # Errors
    /// [`ConfigError`] where it is short, an example, or not random.
    pub fn new(bytes: &Secret<Vec<u8>>) -> Result<Self, ConfigError> {
        const SETTING: &str = "tokens.master_secret";
        const FIX: &str = "make one with `openssl rand -base64 32` and keep it in a file that only \
                           the server can read";
        let bytes = Secret::new(bytes.expose().trim_ascii().to_vec());
        if bytes.expose().len() < SHORTEST {
            return Err(ConfigError::one(SETTING, "the master secret has under 32 bytes", FIX));
        }
        if let Some(why) = weakness(bytes.expose()) {
            return Err(ConfigError::one(
                SETTING,
                format!("the master secret is weak: {why}"),
                FIX,
            ));
        }
        Ok(Self::trusted(bytes))
    }

    /// Makes a fresh one, as text of 43 characters that a file can hold.
    ///
    /// # Errors
    /// [`NoRandomness`] where the system gives no randomness.
    pub fn generate(sources: &Sources) -> Result<Self, NoRandomness> {
        use base64::Engine;
        let random = Secret::new(sources.bytes::<32>()?);
        let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random.expose());
        Ok(Self::trusted(Secret::new(text.into_bytes())))
    }

    fn trusted(bytes: Secret<Vec<u8>>) -> Self {
        let root = Salt::new(HKDF_SHA256, b"portcullis master secret v1").extract(bytes.expose());
        Self { bytes, root: RootKey(root) }
    }

    /// The secret itself, for the file it is kept in.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.bytes.expose()
    }

    /// The key for one purpose, always the same: `refresh`, `csrf` and so on.
    ///
    /// # Errors
    /// [`SealError::Failed`] where the derivation itself fails.
    pub fn subkey(&self, label: &str) -> Result<Secret<[u8; 32]>, SealError> {
        let mut key = Secret::new([0; 32]);
        let info = [b"portcullis/", label.as_bytes()];
        let okm = self.root.0.expand(&info, HKDF_SHA256).map_err(|_| SealError::Failed)?;
        okm.fill(key.expose_mut()).map_err(|_| SealError::Failed)?;
        Ok(key)
    }

    /// Encrypts for one purpose (AES-256-GCM, a random nonce, the label authenticated). What is
    /// sealed under one label cannot be passed off under another.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`] or `Failed`.
    pub fn seal(
        &self,
        label: &str,
        plaintext: &[u8],
        sources: &Sources,
    ) -> Result<Vec<u8>, SealError> {
        let nonce = sources.bytes::<NONCE_LEN>()?;
        let mut text = Secret::new(plaintext.to_vec());
        let tag = self
            .cipher(label)?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(label),
                text.expose_mut(),
            )
            .map_err(|_| SealError::Failed)?;
        Ok([&[VERSION], nonce.as_slice(), text.expose(), tag.as_ref()].concat())
    }

    /// Decrypts what was sealed for this purpose.
    ///
    /// # Errors
    /// [`SealError::Foreign`] or `Failed`.
    pub fn open(&self, label: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        let Some((&VERSION, rest)) = sealed.split_first() else { return Err(SealError::Foreign) };
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Foreign)?;
        let mut text = Secret::new(text.to_vec());
        let length = self
            .cipher(label)?
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(label),
                text.expose_mut(),
            )
            .map_err(|_| SealError::Foreign)?
            .len();
        text.expose_mut().truncate(length);
        Ok(text)
    }

    fn cipher(&self, label: &str) -> Result<LessSafeKey, SealError> {
        let key = self.subkey(&format!("seal/{label}"))?;
        let key = UnboundKey::new(&AES_256_GCM, key.expose()).map_err(|_| SealError::Failed)?;
        Ok(LessSafeKey::new(key))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn master() -> MasterSecret {
        MasterSecret::generate(&Sources::system()).unwrap()
    }

    #[test]
    fn weak_secrets_are_refused_with_the_fix() {
        for secret in ["", "short", &"a".repeat(32), "my-super-secret-master-key-0123456789"] {
            let error = MasterSecret::new(&secret.as_bytes().to_vec().into()).unwrap_err();
            assert!(error.to_string().contains("openssl rand"), "{error}");
            assert!(secret.is_empty() || !error.to_string().contains(secret));
        }
    }

    #[test]
    fn it_comes_back_from_its_file_and_never_prints() {
        let master = master();
        let file = [master.expose(), b"\r\n"].concat();
        let again = MasterSecret::new(&file.into()).unwrap();
        assert_eq!(
            master.subkey("refresh").unwrap().expose(),
            again.subkey("refresh").unwrap().expose()
        );
        assert_ne!(
            master.subkey("refresh").unwrap().expose(),
            master.subkey("csrf").unwrap().expose()
        );
        assert_eq!(format!("{master:?}"), "MasterSecret { bytes: …, root: … }");
    }

    #[test]
    fn sealing_twice_gives_two_texts_and_another_master_opens_neither() {
        let (one, other, sources) = (master(), master(), Sources::system());
        let sealed = one.seal("key", b"plain", &sources).unwrap();
        assert_ne!(sealed, one.seal("key", b"plain", &sources).unwrap());
        assert_eq!(other.open("key", &sealed).unwrap_err(), SealError::Foreign);
        assert_eq!(one.open("yek", &sealed).unwrap_err(), SealError::Foreign);
        assert_eq!(one.open("key", &[]).unwrap_err(), SealError::Foreign);
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_and_a_changed_bit_is_seen(
            text: Vec<u8>, label: String, at: prop::sample::Index, bit in 0_u8..8,
        ) {
            let master = master();
            let mut sealed = master.seal(&label, &text, &Sources::system()).unwrap();
            let opened = master.open(&label, &sealed).unwrap();
            prop_assert_eq!(opened.expose(), &text);
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert_eq!(master.open(&label, &sealed).unwrap_err(), SealError::Foreign);
        }
    }
}
