//! `portcullis invite`: who may register where registration needs an invitation.

use portcullis::auth::routes::InvitationAnswer;
use portcullis::auth::{Actor, Auth, InvitationRequest};
use portcullis::types::{InvitationId, Role, Timestamp};

use super::open::{self, Without};
use super::show::{Form, joined, table};
use super::{Failure, grants};
use crate::config::Settings;

/// Make an invitation and print its token, or see and withdraw those that are open
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Invite {
    #[command(subcommand)]
    operation: Option<Operation>,
    /// Give the account this role from the start; may be given more than once
    #[arg(long = "role", value_name = "ROLE", value_delimiter = ',')]
    roles: Vec<String>,
    /// When it ends, such as 2026-12-31T00:00:00Z; in seven days where it is left out
    #[arg(long, value_name = "MOMENT")]
    until: Option<Timestamp>,
}

#[derive(Debug, clap::Subcommand)]
enum Operation {
    /// List the invitations that are open
    List {
        #[command(flatten)]
        form: Form,
    },
    /// Withdraw an invitation: its token is void
    Withdraw {
        /// Which invitation: its id, as the list names it
        id: InvitationId,
    },
}

impl Invite {
    pub(super) async fn run(self, settings: &Settings) -> Result<String, Failure> {
        open::with(settings, Without::Refuse, async |auth| self.operate(auth).await).await
    }

    async fn operate(self, auth: &Auth) -> Result<String, Failure> {
        match self.operation {
            Some(Operation::List { form }) => list(auth, form).await,
            Some(Operation::Withdraw { id }) => {
                auth.withdraw_invitation(&Actor::command_line(), id).await?;
                Ok(format!("{id} is withdrawn\n"))
            }
            None => {
                let roles: Vec<Role> = self.roles.into_iter().map(Role::from).collect();
                for role in &roles {
                    grants::must_be_there(auth, role)?;
                }
                let request = InvitationRequest {
                    email: None,
                    roles: roles.into_iter().collect(),
                    expires_at: self.until,
                };
                let (_, token) = auth.invite(&Actor::command_line(), request).await?;
                Ok(token.map_or_else(String::new, |token| format!("{}\n", token.expose())))
            }
        }
    }

    /// Whether it changes what a running server goes by.
    pub(super) const fn changes(&self) -> bool {
        !matches!(self.operation, Some(Operation::List { .. }))
    }
}

async fn list(auth: &Auth, form: Form) -> Result<String, Failure> {
    let open = open::every_row(async |page| auth.invitations(page).await).await?;
    let invitations: Vec<_> = open.into_iter().map(InvitationAnswer::from).collect();
    form.show(&invitations, || {
        let rows: Vec<Vec<String>> = invitations
            .iter()
            .map(|one| {
                vec![
                    one.id.to_string(),
                    one.email.clone().unwrap_or_default(),
                    joined(&one.roles),
                    one.created_at.clone(),
                    one.expires_at.clone(),
                ]
            })
            .collect();
        let heading = ["INVITATION", "SENT TO", "ROLES", "MADE", "ENDS"];
        table(&heading, &rows, "no invitation is open")
    })
}
