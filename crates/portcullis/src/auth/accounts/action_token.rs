//! Action tokens: what an e-mail holds, so that its reader can show an address or set a password.
//!
//! Nothing is stored for them. A token is sealed under the master secret and hangs on the account's
//! security epoch, which a new password, a new address and a change of activity raise: once used, or
//! once any of these happened, it is void.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::auth::Auth;
use crate::crypto::Secret;
use crate::problem::Problem;
use crate::types::{Timestamp, UserId};

/// What an action token is good for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Purpose {
    /// Showing that the account's address is read by its owner.
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

/// What an action token says.
#[derive(Serialize, Deserialize)]
pub(super) struct ActionToken {
    pub(super) purpose: Purpose,
    pub(super) user: UserId,
    /// The account's security epoch when it was issued.
    pub(super) epoch: u64,
    until: i64,
}

/// What the tokens are sealed for. Tokens of earlier versions hung on something else.
const LABEL: &str = "action token";

impl Auth {
    pub(super) fn issue_action_token(
        &self,
        purpose: Purpose,
        user: UserId,
        epoch: u64,
    ) -> Result<Secret<String>, Problem> {
        let until = self.now().as_second() + purpose.seconds();
        let plain = serde_json::to_vec(&ActionToken { purpose, user, epoch, until })
            .map_err(Problem::internal)?;
        let sealed =
            self.0.master.seal(LABEL, &plain, &self.0.sources).map_err(Problem::internal)?;
        Ok(Secret::new(URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// What a token says whose time is not over. Whether its epoch counts, the change judges.
    pub(super) fn read_action_token(&self, text: &str) -> Result<ActionToken, Problem> {
        let read = || {
            let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
            let plain = self.0.master.open(LABEL, &sealed).ok()?;
            let token: ActionToken = serde_json::from_slice(plain.expose()).ok()?;
            let until = Timestamp::from_second(token.until).ok()?;
            (self.now() < until).then_some(token)
        };
        read().ok_or_else(void)
    }
}

/// The same words whether it is wrong, used or too old.
pub(super) fn void() -> Problem {
    Problem::invalid("/token", "It is not valid, or no longer. Ask for a new one.")
}
