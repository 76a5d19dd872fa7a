//! `portcullis client …`: programs that are registered.

use std::collections::BTreeSet;

use portcullis::auth::{Actor, Auth, Client, ClientChange};
use portcullis::problem::ProblemKind;
use portcullis::types::{ClientId, PageRequest, Role, Subject};
use serde::Serialize;

use super::Failure;
use super::client_key;
use super::grants::{self, PermissionsOf, RolesOf};
use super::open::{self, Noun, Without};
use super::show::{Form, facts, joined, table};
use super::user::state;
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
    /// Delete a client with its keys, and end every session at it
    Delete {
        /// Which client
        id: String,
    },
}

/// A client as it is printed.
#[derive(Serialize)]
struct Shown {
    id: ClientId,
    name: String,
    is_active: bool,
    roles: BTreeSet<Role>,
    created_at: String,
}

impl Operation {
    pub(super) async fn run(self, settings: &Settings) -> Result<String, Failure> {
        open::with(settings, Without::Refuse, async |auth| self.operate(auth).await).await
    }

    async fn operate(self, auth: &Auth) -> Result<String, Failure> {
        let by = Actor::command_line();
        match self {
            Self::List { form } => list(auth, form).await,
            Self::Add { id, name, roles } => {
                let roles: Vec<Role> = roles.into_iter().map(Role::from).collect();
                for role in &roles {
                    grants::must_be_there(auth, role)?;
                }
                let name = name.unwrap_or_else(|| id.clone());
                let client = auth.add_client(&by, ClientId::from(&*id), name, &roles).await?;
                Ok(format!("{} is registered\n", client.id))
            }
            Self::Show { id, form } => {
                let client = shown(auth, known(auth, &id).await?).await?;
                form.show(&client, || {
                    facts(&[
                        ("id", client.id.to_string()),
                        ("name", client.name.clone()),
                        ("state", state(client.is_active).to_owned()),
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
            Self::Delete { id } => {
                let client = known(auth, &id).await?;
                auth.delete_client(&by, client.id).await?;
                Ok(format!("{id} is deleted\n"))
            }
        }
    }
}

async fn list(auth: &Auth, form: Form) -> Result<String, Failure> {
    let mut page = PageRequest { after: None, limit: PageRequest::LARGEST };
    let mut clients = Vec::new();
    loop {
        let next = auth.clients(&page).await?;
        for client in next.items {
            clients.push(shown(auth, client).await?);
        }
        match next.next {
            Some(cursor) => page.after = Some(cursor),
            None => break,
        }
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

async fn shown(auth: &Auth, client: Client) -> Result<Shown, Failure> {
    let roles = auth.roles_of(&Subject::Client(client.id.clone())).await?;
    Ok(Shown {
        id: client.id,
        name: client.name,
        is_active: client.active,
        roles,
        created_at: client.created_at.to_string(),
    })
}
