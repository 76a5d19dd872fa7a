//! The seal of the last row of the log: only a holder of the master secret can make it.

use std::fmt;

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq;

use super::{AuditArchive, AuditHead};
use crate::auth::db::Digest;
use crate::crypto::{MasterSecret, SealError};

/// HMAC-SHA-256 over the place and the hash of a row: the last of the log, or the last before it.
#[derive(Clone)]
pub(in crate::auth) struct Seal(hmac::Key);

impl Seal {
    pub(in crate::auth) fn new(master: &MasterSecret) -> Result<Self, SealError> {
        let key = master.subkey("audit head")?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose())))
    }

    fn of(&self, parts: &[&[u8]]) -> Digest {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        let mut seal = [0; 32];
        seal.copy_from_slice(context.sign().as_ref());
        seal
    }

    /// The seal of a last row.
    pub(super) fn seal(&self, seq: u64, hash: &Digest) -> Digest {
        self.of(&[b"portcullis audit head v1", &seq.to_be_bytes(), hash])
    }

    /// The seal of the last row that lies in an archive.
    pub(super) fn seal_base(&self, seq: u64, hash: &Digest) -> Digest {
        self.of(&[b"portcullis audit base v1", &seq.to_be_bytes(), hash])
    }

    /// The seal of an archive.
    pub(super) fn seal_archive(
        &self,
        first: u64,
        previous: &Digest,
        last: u64,
        hash: &Digest,
    ) -> Digest {
        let (first, last) = (first.to_be_bytes(), last.to_be_bytes());
        self.of(&[b"portcullis audit archive v1", &first, previous, &last, hash])
    }

    /// Whether the place at which the log begins is sealed by us.
    pub(super) fn is_genuine_base(&self, base: &AuditHead) -> bool {
        self.seal_base(base.seq, &base.hash).ct_eq(&base.seal).into()
    }

    /// Whether an archive is sealed by us.
    pub(super) fn is_genuine_archive(&self, archive: &AuditArchive) -> bool {
        let AuditArchive { first, previous, last, hash, seal } = archive;
        self.seal_archive(*first, previous, *last, hash).ct_eq(seal).into()
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
