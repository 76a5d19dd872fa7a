//! Links in letters: a proof that somebody reads an address, or may set a new password.
//!
//! Nothing is stored for them. The proof is sealed under the master secret and hangs on what it
//! changes, the password's hash or the address: once used, that has changed and the proof is void.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::Auth;
use crate::crypto::Secret;
use crate::problem::{BodyFault, Problem, ProblemKind};
use crate::types::{Timestamp, UserId};

/// What a proof is good for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Purpose {
    /// Showing that an address is read by its owner.
    Address,
    /// Showing that of an address that the account is to have from then on.
    NewAddress(String),
    /// Setting a new password.
    Password,
}

impl Purpose {
    /// How long it is good, in seconds.
    fn seconds(&self) -> i64 {
        match self {
            Self::Address | Self::NewAddress(_) => 24 * 3600,
            Self::Password => 15 * 60,
        }
    }
}

/// What a link in a letter says.
#[derive(Serialize, Deserialize)]
pub(super) struct ActionToken {
    pub(super) purpose: Purpose,
    pub(super) user: UserId,
    /// What it hangs on, hashed.
    pub(super) hangs_on: u64,
    until: i64,
}

const LABEL: &str = "proof";

impl Auth {
    pub(super) fn prove(
        &self,
        purpose: Purpose,
        user: UserId,
        hangs_on: u64,
    ) -> Result<Secret<String>, Problem> {
        let until = self.now().as_second() + purpose.seconds();
        let plain = serde_json::to_vec(&ActionToken { purpose, user, hangs_on, until })
            .map_err(Problem::internal)?;
        let sealed =
            self.0.master.seal(LABEL, &plain, &self.0.sources).map_err(Problem::internal)?;
        Ok(Secret::new(URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// What a proof says that is still good.
    pub(super) fn proven(&self, text: &str) -> Result<ActionToken, Problem> {
        let read = || {
            let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
            let plain = self.0.master.open(LABEL, &sealed).ok()?;
            let proof: ActionToken = serde_json::from_slice(plain.expose()).ok()?;
            let until = Timestamp::from_second(proof.until).ok()?;
            (self.now() < until).then_some(proof)
        };
        read().ok_or_else(void)
    }
}

/// The same words whether it is wrong, used or too old.
pub(super) fn void() -> Problem {
    Problem::new(ProblemKind::Invalid).faults(vec![BodyFault {
        pointer: "/token".to_owned(),
        detail: "It is not valid, or no longer. Ask for a new one.".to_owned(),
    }])
}
