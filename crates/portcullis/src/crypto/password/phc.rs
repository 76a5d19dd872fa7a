//! PHC strings of Argon2id: the form a password hash is kept in.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::{HashLimits, PasswordError, PasswordSettings};

/// Bytes of a hash made here.
const OUTPUT: usize = 32;

/// Longer than any PHC string made with sane lengths.
const LONGEST: usize = 512;

/// A password hash, taken apart.
#[derive(Clone)]
pub(super) struct StoredHash {
    pub(super) params: Params,
    pub(super) salt: Vec<u8>,
    pub(super) output: Vec<u8>,
}

impl StoredHash {
    /// What a hash made with these settings looks like; of nobody's password. `None` where Argon2
    /// does not take the numbers.
    pub(super) fn blank(settings: &PasswordSettings) -> Option<Self> {
        let params =
            Params::new(settings.memory_kib, settings.passes, settings.lanes, Some(OUTPUT)).ok()?;
        Some(Self { params, salt: vec![0; 16], output: vec![0; OUTPUT] })
    }

    /// Takes a stored PHC string apart.
    pub(super) fn read(phc: &str, limits: HashLimits) -> Result<Self, PasswordError> {
        if phc.len() > LONGEST {
            return Err(PasswordError::UnreadableHash);
        }
        let parsed = PasswordHash::new(phc).map_err(|_| PasswordError::UnreadableHash)?;
        if parsed.algorithm.as_str() != Algorithm::Argon2id.as_str()
            || parsed.version != Some(Version::V0x13 as u32)
        {
            return Err(PasswordError::UnreadableHash);
        }
        let params = Params::try_from(&parsed).map_err(|_| PasswordError::UnreadableHash)?;
        if params.m_cost() > limits.memory_kib
            || params.t_cost() > limits.passes
            || params.p_cost() > limits.lanes
        {
            return Err(PasswordError::AbsurdHash);
        }
        let (Some(salt), Some(output)) = (parsed.salt, parsed.hash) else {
            return Err(PasswordError::UnreadableHash);
        };
        if output.as_bytes().len() < 16 {
            return Err(PasswordError::UnreadableHash);
        }
        Ok(Self { params, salt: salt.to_vec(), output: output.as_bytes().to_vec() })
    }

    /// How many memory blocks it takes.
    pub(super) fn blocks(&self) -> usize {
        self.params.block_count()
    }

    /// Whether both were made with the same numbers.
    pub(super) fn made_like(&self, other: &Self) -> bool {
        let numbers = |hash: &Self| {
            let params = &hash.params;
            (params.m_cost(), params.t_cost(), params.p_cost(), hash.output.len())
        };
        numbers(self) == numbers(other) && self.salt.len() >= other.salt.len()
    }

    /// The function that makes its output.
    pub(super) fn function(&self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
    }
}

impl fmt::Display for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "$argon2id$v=19$m={},t={},p={}${}${}",
            self.params.m_cost(),
            self.params.t_cost(),
            self.params.p_cost(),
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(&self.output),
        )
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredHash").field("params", &self.params).finish_non_exhaustive()
    }
}
