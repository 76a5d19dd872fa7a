//! `portcullis client …`: programs that are registered.

use portcullis::auth::routes::ClientAnswer;
use portcullis::auth::{
    Actor, Auth, Client, ClientChange, ClientRequest, ClientSettings, GrantType, RedirectUri,
};
use portcullis::problem::ProblemKind;
use portcullis::types::{ClientId, Role, Scopes, Subject};

use super::Failure;
use super::grants::{self, PermissionsOf, RolesOf};
use super::open::{self, Noun, Without};
use super::show::{Form, facts, joined, table};
use super::user::state;
use super::{client_key, client_secret};
use crate::config::Settings;

/// What may be done about clients. ID is what they send as `client_id`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Operation {
    /// List clients
    List {
        #[command(flatten)]
        form: Form,
    },
    /// Register a client
    Add {
        /// What it sends as `client_id`
        id: String,
        /// A name for people; the id where it is left out
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// A role to begin with; may be given more than once
        #[arg(long = "role", value_name = "ROLE", value_delimiter = ',')]
        roles: Vec<String>,
        #[command(flatten)]
        settings: ClientFlags,
    },
    /// Show a client
    Show {
        /// Which client
        id: String,
        #[command(flatten)]
        form: Form,
    },
    /// Refuse a client from now on, and delete its API keys
    Disable {
        /// Which client
        id: String,
    },
    /// Let a disabled client in again
    Enable {
        /// Which client
        id: String,
    },
    /// List, give or take away roles
    Roles(RolesOf),
    /// List, allow, deny or remove single permissions
    Permissions(PermissionsOf),
    /// List, make or delete API keys: what the client shows to be known
    Key(client_key::KeysOf),
    /// List, draw or delete secrets: what a confidential client shows where it asks for tokens
    Secret(client_secret::SecretsOf),
    /// Delete a client with its keys, and end every session at it
    Delete {
        /// Which client
        id: String,
    },
}

/// What a client may ask for.
#[derive(Debug, clap::Args)]
pub(super) struct ClientFlags {
    /// It can keep a secret, and must show it: one is drawn and printed, this once
    #[arg(long)]
    confidential: bool,
    /// It is ours: its users are not asked for consent
    #[arg(long)]
    first_party: bool,
    /// How it gets tokens, such as authorization_code; may be given more than once
    #[arg(long = "grant-type", value_name = "GRANT", value_delimiter = ',', value_parser = grant_type)]
    grant_types: Vec<GrantType>,
    /// Where a person may be sent with a code; may be given more than once
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<RedirectUri>,
    /// Where a person may be sent after signing out; may be given more than once
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    post_logout_redirect_uris: Vec<RedirectUri>,
    /// A scope that its tokens may have, where not all; may be given more than once
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    scopes: Option<Vec<String>>,
}

impl ClientFlags {
    fn settings(self) -> ClientSettings {
        ClientSettings {
            confidential: self.confidential,
            first_party: self.first_party,
            grant_types: self.grant_types.into_iter().collect(),
            redirect_uris: self.redirect_uris,
            post_logout_redirect_uris: self.post_logout_redirect_uris,
            scopes: self.scopes.map_or(Scopes::All, Scopes::only),
        }
    }
}

fn grant_type(name: &str) -> Result<GrantType, String> {
    GrantType::of_name(name).ok_or_else(|| {
        let names: Vec<&str> = GrantType::ALL.iter().map(|grant| grant.as_str()).collect();
        format!("the grants are {}", names.join(", "))
    })
}

impl Operation {
    pub(super) async fn run(self, settings: &Settings) -> Result<String, Failure> {
        open::with(settings, Without::Refuse, async |auth| self.operate(auth).await).await
    }

    async fn operate(self, auth: &Auth) -> Result<String, Failure> {
        let by = Actor::command_line();
        match self {
            Self::List { form } => list(auth, form).await,
            Self::Add { id, name, roles, settings } => {
                let roles: Vec<Role> = roles.into_iter().map(Role::from).collect();
                for role in &roles {
                    grants::must_be_there(auth, role)?;
                }
                let name = name.unwrap_or_else(|| id.clone());
                let settings = settings.settings();
                let request = ClientRequest { roles, settings, ..ClientRequest::new(&*id, name) };
                let client = auth.register_client(&by, request).await?;
                let mut text = format!("{} is registered\n", client.id);
                if client.settings.confidential {
                    let (_, secret) = auth.create_client_secret(&by, client.id).await?;
                    text.push_str(secret.expose());
                    text.push('\n');
                }
                Ok(text)
            }
            Self::Show { id, form } => {
                let client = shown(auth, known(auth, &id).await?).await?;
                form.show(&client, || {
                    facts(&[
                        ("id", client.id.to_string()),
                        ("name", client.name.clone()),
                        ("state", state(client.is_active).to_owned()),
                        ("kind", kind(&client)),
                        ("grants", joined(&client.grant_types)),
                        ("redirects", joined(&client.redirect_uris)),
                        ("scopes", client.scopes.as_ref().map_or("no limit".into(), joined)),
                        ("roles", joined(&client.roles)),
                        ("registered", client.created_at.clone()),
                    ])
                })
            }
            Self::Disable { id } => activate(auth, &id, false).await,
            Self::Enable { id } => activate(auth, &id, true).await,
            Self::Roles(roles) => roles.run(auth, Noun::Client).await,
            Self::Permissions(permissions) => permissions.run(auth, Noun::Client).await,
            Self::Key(keys) => keys.run(auth).await,
            Self::Secret(secrets) => secrets.run(auth).await,
            Self::Delete { id } => {
                let client = known(auth, &id).await?;
                auth.delete_client(&by, client.id).await?;
                Ok(format!("{id} is deleted\n"))
            }
        }
    }
}

async fn list(auth: &Auth, form: Form) -> Result<String, Failure> {
    let mut clients = Vec::new();
    for client in open::every_row(async |page| auth.clients(page).await).await? {
        clients.push(shown(auth, client).await?);
    }
    form.show(&clients, || {
        let rows: Vec<Vec<String>> = clients
            .iter()
            .map(|client| {
                vec![
                    client.id.to_string(),
                    state(client.is_active).to_owned(),
                    joined(&client.roles),
                    client.name.clone(),
                ]
            })
            .collect();
        table(&["ID", "STATE", "ROLES", "NAME"], &rows, "there is no client")
    })
}

async fn activate(auth: &Auth, id: &str, active: bool) -> Result<String, Failure> {
    let client = known(auth, id).await?;
    let change = ClientChange { active: Some(active), ..ClientChange::default() };
    let client = auth.change_client(&Actor::command_line(), client.id, change).await?;
    Ok(format!("{} is {}\n", client.id, state(client.active)))
}

pub(super) async fn known(auth: &Auth, id: &str) -> Result<Client, Failure> {
    let found = match auth.client(&ClientId::from(id)).await {
        Err(problem) if problem.kind() == ProblemKind::NotFound => None,
        found => Some(found?),
    };
    found.ok_or_else(|| {
        Failure::wrong(
            format!("there is no client {id:?}"),
            "`portcullis client list` names them all",
        )
    })
}

async fn shown(auth: &Auth, client: Client) -> Result<ClientAnswer, Failure> {
    let roles = auth.roles_of(&Subject::Client(client.id.clone())).await?;
    Ok(ClientAnswer::new(client, roles))
}

fn kind(client: &ClientAnswer) -> String {
    let whose = if client.is_first_party { ", first-party" } else { "" };
    format!("{}{whose}", if client.is_confidential { "confidential" } else { "public" })
}
