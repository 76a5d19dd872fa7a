//! `portcullis secret …`: the master secret.

use super::Failure;
use super::open::{self, Without};
use crate::app;
use crate::config::Settings;

/// What may be done about the master secret.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Operation {
    /// Go on without a master secret that is lost for good: new signing keys, every session ends, and the
    /// audit log is sealed anew from a row on that says so. Stop the server first
    ReplaceLost {
        /// That the secret cannot be found: what it kept is given up
        #[arg(long)]
        yes: bool,
    },
}

impl Operation {
    pub(super) async fn run(self, settings: &Settings) -> Result<String, Failure> {
        let Self::ReplaceLost { yes } = self;
        if !yes {
            return Err(Failure::wrong(
                "the signing keys that the lost secret sealed are deleted, every session ends, and the \
                 seal of the audit log begins anew",
                "look for the secret where it is kept; where it is lost, add `--yes`",
            ));
        }
        open::look(settings, Without::Refuse).await?;
        let auth = app::replace_lost_secret(settings).await?;
        let keys = auth.keys().await?.len();
        auth.close().await;
        Ok(format!(
            "another master secret is in use\n\
             signing keys: {keys}, made with it; those from before are deleted\n\
             sessions: all ended; passwords and API keys stay\n\
             audit log: sealed anew; `portcullis audit verify` says from which row on. What was done to the \
             rows before that cannot be told: compare them with an export that was kept elsewhere\n"
        ))
    }
}
