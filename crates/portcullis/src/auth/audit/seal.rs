//! The seal of the last row of the log: only a holder of the master secret can make it.

use std::fmt;

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq;

use super::AuditHead;
use crate::auth::db::Digest;
use crate::crypto::{MasterSecret, SealError};

/// HMAC-SHA-256 over the place and the hash of the last row.
pub(in crate::auth) struct Seal(hmac::Key);

impl Seal {
    pub(in crate::auth) fn new(master: &MasterSecret) -> Result<Self, SealError> {
        let key = master.subkey("audit head")?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose())))
    }

    /// The seal of a last row.
    pub(super) fn seal(&self, seq: u64, hash: &Digest) -> Digest {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"portcullis audit head v1");
        context.update(&seq.to_be_bytes());
        context.update(hash);
        let mut seal = [0; 32];
        seal.copy_from_slice(context.sign().as_ref());
        seal
    }

    /// Whether a seal is one of ours.
    pub(super) fn is_genuine(&self, head: &AuditHead) -> bool {
        self.seal(head.seq, &head.hash).ct_eq(&head.seal).into()
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(…)")
    }
}
