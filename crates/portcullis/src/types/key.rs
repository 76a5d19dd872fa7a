//! What is kept of secrets: digests, and keys encrypted.

use super::Timestamp;

/// The SHA-256 of a secret: what is kept in its place.
pub type Digest = [u8; 32];

/// A signing key as it is kept: its private part sealed under the master secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its public name (`kid`).
    pub id: String,
    /// The one algorithm it is for, such as `EdDSA`.
    pub algorithm: String,
    /// The private key, encrypted.
    pub sealed: Vec<u8>,
    /// When it was made and first published.
    pub created_at: Timestamp,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// When it stopped to sign, if it did: from then on it only verifies.
    pub signs_until: Option<Timestamp>,
    /// From when on it does not verify either.
    pub retired_at: Option<Timestamp>,
}
