//! `portcullis token …`: tokens that are out.

use portcullis::auth::{Auth, Settings as RulesSettings};
use portcullis::crypto::{OpaqueKind, OpaqueToken, Secret};
use portcullis::types::{Actor, Timestamp, TokenId};

use super::Failure;
use super::open::{self, Without};
use super::password;
use crate::config::Settings;

/// What may be done about tokens.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Deed {
    /// End a token: an access token alone, a refresh token with its whole session. It is asked for
    /// on the terminal or read as one line from standard input, since arguments are remembered by
    /// shells and shown to others
    Revoke {
        /// End the access token of this id instead: its `jti`, as the token itself and `/introspect` name it
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        id: Option<TokenId>,
    },
}

impl Deed {
    pub(super) async fn run(self, settings: &Settings) -> Result<String, Failure> {
        let rules = open::open(settings, Without::Refuse).await?;
        let Self::Revoke { id } = self;
        if let Some(id) = id {
            // How long it lives is written in the token alone: it is remembered as long as any can.
            let longest = rules.now().as_second() + i64::from(RulesSettings::LONGEST_ACCESS_TTL);
            let until = Timestamp::from_second(longest).unwrap_or(Timestamp::MAX);
            rules.revoke_token(&Actor::command_line(), id, until).await?;
            return Ok(format!("{} is revoked\n", id.to_claim()));
        }
        let token = password::secret("the token")?;
        let what = stands_for(&rules, &token).await?;
        rules.revoke(&Actor::command_line(), token.expose()).await?;
        Ok(format!("{what}\n"))
    }
}

/// What the token ends; where it ends nothing, somebody may think that it did.
async fn stands_for(rules: &Auth, token: &Secret<String>) -> Result<String, Failure> {
    let found = match OpaqueToken::parse(token.expose()) {
        Ok((OpaqueKind::Refresh, digest)) => rules
            .store()
            .session_by_refresh(&digest)
            .await?
            .filter(|(session, _)| session.is_live(rules.now()))
            .map(|(session, _)| {
                format!("the session {} is over, and every token of it", session.id)
            }),
        Ok((OpaqueKind::ApiKey, digest)) => rules
            .store()
            .api_key(&digest)
            .await?
            .map(|key| format!("the API key {:?} is deleted", key.name)),
        _ => rules
            .introspect(token.expose())
            .await?
            .map(|found| format!("{} of {} is revoked", found.id.to_claim(), found.name)),
    };
    found.ok_or_else(|| {
        Failure::wrong(
            "the token is not valid here, or no longer: there is nothing to revoke",
            "is it whole? Does this command read the settings that the server reads?",
        )
    })
}
