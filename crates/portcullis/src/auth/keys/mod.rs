//! Signing keys: made, published, used, retired.
//!
//! A new key is published before it signs, so that whoever caches the key set has it in time; an
//! old one is published until the last token it signed has expired.

mod operations;
pub(in crate::auth) mod sql;

use std::sync::atomic::AtomicI64;

use arc_swap::ArcSwap;

use super::sweep::Sweep;
use crate::crypto::{Algorithm, KeyRing, SigningKey};

/// What memory holds of keys.
pub(in crate::auth) struct KeyState {
    pub(in crate::auth) ring: ArcSwap<KeyRing>,
    /// When the keys in use change next by themselves, in microseconds.
    change_at: AtomicI64,
    /// The one key to sign with, where it was given as a file.
    given: Option<KeyRing>,
    /// The algorithm of generated keys.
    algorithm: Algorithm,
}

impl KeyState {
    pub(in crate::auth) fn new(given: Option<SigningKey>, algorithm: Algorithm) -> Self {
        Self {
            ring: ArcSwap::default(),
            change_at: AtomicI64::new(i64::MAX),
            given: given.map(KeyRing::single),
            algorithm,
        }
    }
}

pub(in crate::auth) const SWEEPS: &[Sweep] = &[Sweep {
    statement: "DELETE FROM signing_keys WHERE id IN
        (SELECT id FROM signing_keys WHERE retired_at <= $1 LIMIT $2)",
    waits: true,
}];
