//! `portcullis client key …`: the API keys of a client.

use portcullis::auth::routes::ApiKeyAnswer;
use portcullis::auth::{Actor, ApiKeyRequest, Auth};
use portcullis::types::{ClientId, Scope, Timestamp, TokenId};

use super::Failure;
use super::client::known;
use super::show::{Form, joined, table};

/// The keys of one client.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = false, subcommand_negates_reqs = false)]
pub(super) struct KeysOf {
    /// Which client
    id: String,
    #[command(subcommand)]
    operation: Option<Operation>,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Subcommand)]
enum Operation {
    /// Make a key, and print it: it is shown this once and kept nowhere
    Add {
        /// What to call it
        name: String,
        /// Limit it to this scope; may be given more than once
        #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
        scopes: Option<Vec<String>>,
        /// When it ends, such as 2026-12-31T00:00:00Z; in 90 days where it is left out
        #[arg(long, value_name = "MOMENT")]
        until: Option<Timestamp>,
    },
    /// Delete a key: it is void, at a running server within 0.1 s
    Delete {
        /// Which key: its id, as the list names it, or its name where no other key has that
        #[arg(value_name = "KEY", allow_hyphen_values = true)]
        key: String,
    },
}

impl KeysOf {
    pub(super) async fn run(self, auth: &Auth) -> Result<String, Failure> {
        let client = known(auth, &self.id).await?.id;
        let by = Actor::command_line();
        match self.operation {
            None => {
                let keys = auth.api_keys(client).await?.into_iter().map(ApiKeyAnswer::from);
                let keys: Vec<_> = keys.collect();
                self.form.show(&keys, || list(&keys))
            }
            Some(Operation::Add { name, scopes, until }) => {
                let scopes = scopes.map(|all| all.iter().map(|one| Scope::from(&**one)).collect());
                let request = ApiKeyRequest { name, scopes, expires_at: until };
                let (_, secret) = auth.create_client_api_key(&by, client, request).await?;
                Ok(format!("{}\n", secret.expose()))
            }
            Some(Operation::Delete { key }) => {
                let id = which(auth, &client, &key).await?;
                if auth.delete_api_key(&by, client.clone(), id).await? {
                    return Ok(format!("{id} is deleted\n"));
                }
                Err(none(&client, &key))
            }
        }
    }
}

/// The key of this id or this name.
async fn which(auth: &Auth, client: &ClientId, key: &str) -> Result<TokenId, Failure> {
    if let Ok(id) = key.parse() {
        return Ok(id);
    }
    let keys = auth.api_keys(client.clone()).await?;
    let ids: Vec<TokenId> = keys.iter().filter(|one| one.name == key).map(|one| one.id).collect();
    match *ids {
        [id] => Ok(id),
        [] => Err(none(client, key)),
        _ => Err(Failure::wrong(
            format!("{client} has {} keys of the name {key:?}", ids.len()),
            format!("name one by its id: {}", joined(&ids)),
        )),
    }
}

fn none(client: &ClientId, key: &str) -> Failure {
    Failure::wrong(
        format!("{client} has no key {key:?}, by id or by name"),
        format!("`portcullis client key {client}` lists them all"),
    )
}

fn list(keys: &[ApiKeyAnswer]) -> String {
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|key| {
            vec![
                key.id.to_string(),
                key.name.clone(),
                key.scopes.as_ref().map_or_else(|| "no limit".to_owned(), joined),
                key.expires_at.clone(),
                key.last_used_at.clone().unwrap_or_else(|| "never".to_owned()),
            ]
        })
        .collect();
    table(&["KEY", "NAME", "SCOPES", "ENDS", "LAST USED"], &rows, "it has no key")
}
