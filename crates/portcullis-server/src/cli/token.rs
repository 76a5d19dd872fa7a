//! `portcullis token …`: tokens that are out.

use portcullis::auth::{Actor, Auth, Revocable, Settings as RulesSettings};
use portcullis::crypto::Secret;
use portcullis::types::{Timestamp, TokenId};

use super::Failure;
use super::open::{self, Without};
use super::password;
use crate::config::Settings;

/// What may be done about tokens.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Operation {
    /// End a token: an access token alone, a refresh token with its whole session. It is asked for
    /// on the terminal or read as one line from standard input, since arguments are remembered by
    /// shells and shown to others
    Revoke {
        /// End the access token of this id instead: its `jti`, as the token itself and `/introspect` name it
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        id: Option<TokenId>,
    },
}

impl Operation {
    pub(super) async fn run(self, settings: &Settings) -> Result<String, Failure> {
        open::with(settings, Without::Refuse, async |auth| self.operate(auth).await).await
    }

    async fn operate(self, auth: &Auth) -> Result<String, Failure> {
        let Self::Revoke { id } = self;
        if let Some(id) = id {
            // How long it lives is written in the token alone: it is remembered as long as any can.
            let longest = auth.now().as_second() + i64::from(RulesSettings::LONGEST_ACCESS_TTL);
            let until = Timestamp::from_second(longest).unwrap_or(Timestamp::MAX);
            auth.revoke_token(&Actor::command_line(), id, until).await?;
            return Ok(format!("{} is revoked\n", id.to_claim()));
        }
        let token = password::secret("the token")?;
        let what = stands_for(auth, &token).await?;
        auth.revoke(&Actor::command_line(), token.expose()).await?;
        Ok(format!("{what}\n"))
    }
}

/// What the token ends; where it ends nothing, somebody may think that it did.
async fn stands_for(auth: &Auth, token: &Secret<String>) -> Result<String, Failure> {
    let found = auth.stands_for(token.expose()).await?.map(|found| match found {
        Revocable::Session(id) => format!("the session {id} is over, and every token of it"),
        Revocable::ApiKey(name) => format!("the API key {name:?} is deleted"),
        Revocable::Token(token) => format!("{} of {} is revoked", token.id.to_claim(), token.name),
        _ => "it is revoked".to_owned(),
    });
    found.ok_or_else(|| {
        Failure::wrong(
            "the token is not valid here, or no longer: there is nothing to revoke",
            "is it whole? Does this command read the settings that the server reads?",
        )
    })
}
