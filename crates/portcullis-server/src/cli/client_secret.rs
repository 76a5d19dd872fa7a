//! `portcullis client secret …`: the secrets of a confidential client.

use portcullis::auth::{Actor, Auth, ClientSecret};
use serde::Serialize;
use uuid::Uuid;

use super::Failure;
use super::client::known;
use super::show::{Form, table};

/// The secrets of one client.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = false, subcommand_negates_reqs = false)]
pub(super) struct SecretsOf {
    /// Which client
    id: String,
    #[command(subcommand)]
    operation: Option<Operation>,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Subcommand)]
enum Operation {
    /// Draw a secret, and print it: it is shown this once and kept nowhere. There are two at the most
    Add,
    /// Delete a secret: it counts for nothing on the next request
    Delete {
        /// Which secret, as the list names it
        secret: Uuid,
    },
}

/// A secret as it is printed.
#[derive(Serialize)]
struct Shown {
    id: Uuid,
    is_drawn: bool,
    created_at: String,
}

impl SecretsOf {
    pub(super) async fn run(self, auth: &Auth) -> Result<String, Failure> {
        let client = known(auth, &self.id).await?.id;
        let by = Actor::command_line();
        match self.operation {
            None => {
                let secrets = auth.client_secrets(&client).await?;
                let secrets: Vec<Shown> = secrets.into_iter().map(shown).collect();
                self.form.show(&secrets, || list(&secrets))
            }
            Some(Operation::Add) => {
                let (_, secret) = auth.create_client_secret(&by, client).await?;
                Ok(format!("{}\n", secret.expose()))
            }
            Some(Operation::Delete { secret }) => {
                if auth.delete_client_secret(&by, client.clone(), secret).await? {
                    return Ok(format!("{secret} is deleted\n"));
                }
                Err(Failure::wrong(
                    format!("{client} has no secret {secret}"),
                    format!("`portcullis client secret {client}` lists them all"),
                ))
            }
        }
    }
}

fn shown(secret: ClientSecret) -> Shown {
    Shown { id: secret.id, is_drawn: secret.drawn, created_at: secret.created_at.to_string() }
}

fn list(secrets: &[Shown]) -> String {
    let rows: Vec<Vec<String>> = secrets
        .iter()
        .map(|secret| {
            let made = if secret.is_drawn { "drawn" } else { "chosen" };
            vec![secret.id.to_string(), made.to_owned(), secret.created_at.clone()]
        })
        .collect();
    table(&["SECRET", "MADE", "SINCE"], &rows, "it has no secret")
}
