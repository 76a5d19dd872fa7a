//! `portcullis user …`: people with accounts.

use portcullis::auth::routes::{GrantAnswer, UserAnswer};
use portcullis::auth::{Actor, Auth, NewAccount, User, UserFilter, UserRequest};
use portcullis::problem::ProblemKind;
use portcullis::types::{Role, Subject};
use serde::Serialize;

use super::Failure;
use super::grants::{self, PermissionsOf, RolesOf};
use super::open::{self, Noun, Without};
use super::password::NewPassword;
use super::show::{Form, facts, joined, table};
use crate::config::Settings;

/// What may be done about users. NAME is a username, an e-mail address or an id.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Operation {
    /// Make a user
    Add(Box<Add>),
    /// List users
    List(List),
    /// Show a user: roles, permissions and all
    Show {
        /// Who
        name: String,
        #[command(flatten)]
        form: Form,
    },
    /// Refuse a user on every path from now on, and end their sessions
    Disable {
        /// Who
        name: String,
    },
    /// Let a disabled user in again
    Enable {
        /// Who
        name: String,
    },
    /// Set a new password, which ends every session of the user
    Password {
        /// Who
        name: String,
        #[command(flatten)]
        password: NewPassword,
    },
    /// List, give or take away roles
    Roles(RolesOf),
    /// List, allow, deny or remove single permissions
    Permissions(PermissionsOf),
    /// Delete a user with everything of theirs
    Delete {
        /// Who
        name: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// What they sign in with
    username: String,
    /// A role to begin with; may be given more than once
    #[arg(long = "role", value_name = "ROLE", value_delimiter = ',')]
    roles: Vec<String>,
    /// An e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The address is known to be theirs
    #[arg(long, requires = "email")]
    email_verified: bool,
    /// A name for people
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Refuse them until they are enabled
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    password: NewPassword,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Only those whose username begins like this
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Only those who may sign in
    #[arg(long, conflicts_with = "disabled")]
    active: bool,
    /// Only those who may not
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    form: Form,
}

/// A user, and what they may do.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    user: UserAnswer,
    grants: Vec<GrantAnswer>,
}

impl Operation {
    pub(super) async fn run(self, settings: &Settings) -> Result<String, Failure> {
        let without = if matches!(self, Self::Add(_)) { Without::Make } else { Without::Refuse };
        open::with(settings, without, async |auth| self.operate(auth).await).await
    }

    async fn operate(self, auth: &Auth) -> Result<String, Failure> {
        match self {
            Self::Add(add) => add.run(auth).await,
            Self::List(list) => list.run(auth).await,
            Self::Show { name, form } => show(auth, &name, form).await,
            Self::Disable { name } => activate(auth, &name, false).await,
            Self::Enable { name } => activate(auth, &name, true).await,
            Self::Password { name, password } => {
                let user = open::user(auth, &name).await?;
                let password = Some(password.read(&user.username)?);
                let request = UserRequest { password, ..UserRequest::default() };
                let user = auth.change_user(&Actor::command_line(), user.id, request).await?;
                Ok(format!(
                    "{} has a new password; every session of theirs is over\n",
                    user.username
                ))
            }
            Self::Roles(roles) => roles.run(auth, Noun::User).await,
            Self::Permissions(permissions) => permissions.run(auth, Noun::User).await,
            Self::Delete { name } => {
                let user = open::user(auth, &name).await?;
                auth.delete_user(&Actor::command_line(), user.id)
                    .await
                    .map_err(|problem| last(&user, problem.into()))?;
                Ok(format!("{} is deleted\n", user.username))
            }
        }
    }
}

impl Add {
    async fn run(self, auth: &Auth) -> Result<String, Failure> {
        let roles: Vec<Role> = self.roles.into_iter().map(Role::from).collect();
        for role in &roles {
            grants::must_be_there(auth, role)?;
        }
        let account = NewAccount {
            password: self.password.read(&self.username)?,
            username: self.username,
            email: self.email,
            name: self.name,
        };
        let mut user =
            auth.add_user(&Actor::command_line(), account, !self.disabled, &roles).await?;
        if self.email_verified {
            let request = UserRequest { email_verified: Some(true), ..UserRequest::default() };
            user = auth.change_user(&Actor::command_line(), user.id, request).await?;
        }
        let answer = answer(auth, user).await?;
        self.form.show(&answer, || {
            let holding = match joined(&answer.roles) {
                roles if roles.is_empty() => "without a role".to_owned(),
                roles => format!("with {roles}"),
            };
            format!("{} is made, {holding}\n", answer.username)
        })
    }
}

impl List {
    async fn run(self, auth: &Auth) -> Result<String, Failure> {
        let filter = UserFilter {
            username_prefix: self.prefix,
            active: (self.active || self.disabled).then_some(self.active),
        };
        let mut users = Vec::new();
        for user in open::every_row(async |page| auth.users(&filter, page).await).await? {
            users.push(answer(auth, user).await?);
        }
        self.form.show(&users, || {
            let rows: Vec<Vec<String>> = users
                .iter()
                .map(|user| {
                    vec![
                        user.username.clone(),
                        state(user.is_active).to_owned(),
                        joined(&user.roles),
                        user.email.clone().unwrap_or_default(),
                        user.id.to_string(),
                    ]
                })
                .collect();
            table(&["USERNAME", "STATE", "ROLES", "E-MAIL", "ID"], &rows, "there is no user")
        })
    }
}

async fn show(auth: &Auth, name: &str, form: Form) -> Result<String, Failure> {
    let user = open::user(auth, name).await?;
    let grants = auth.grants_of(&Subject::User(user.id)).await?;
    let lines = grants.iter().map(grants::phrase).collect::<Vec<_>>().join("; ");
    let user = answer(auth, user).await?;
    let shown = Shown { user, grants: grants.into_iter().map(GrantAnswer::from).collect() };
    form.show(&shown, || {
        let user = &shown.user;
        let verified = if user.is_verified { "verified" } else { "not verified" };
        let email = user.email.as_ref().map(|email| format!("{email} ({verified})"));
        facts(&[
            ("username", user.username.clone()),
            ("id", user.id.to_string()),
            ("name", user.name.clone().unwrap_or_default()),
            ("e-mail", email.unwrap_or_default()),
            ("state", state(user.is_active).to_owned()),
            ("roles", joined(&user.roles)),
            ("permissions", lines),
            ("made", user.created_at.clone()),
        ])
    })
}

async fn activate(auth: &Auth, name: &str, active: bool) -> Result<String, Failure> {
    let user = open::user(auth, name).await?;
    let request = UserRequest { active: Some(active), ..UserRequest::default() };
    let user = match auth.change_user(&Actor::command_line(), user.id, request).await {
        Ok(user) => user,
        Err(problem) => return Err(last(&user, problem.into())),
    };
    Ok(if active {
        format!("{} may sign in\n", user.username)
    } else {
        format!("{} is disabled; every session of theirs is over\n", user.username)
    })
}

/// Says what to do about the last administrator.
pub(super) fn last(user: &User, failure: Failure) -> Failure {
    match failure {
        Failure::Refused(problem) if problem.kind() == ProblemKind::Conflict => Failure::wrong(
            format!("{}: {problem}", user.username),
            "make another administrator first: `portcullis user roles NAME add admin`",
        ),
        other => other,
    }
}

async fn answer(auth: &Auth, user: User) -> Result<UserAnswer, Failure> {
    let roles = auth.roles_of(&Subject::User(user.id)).await?;
    Ok(UserAnswer {
        id: user.id,
        username: user.username,
        name: user.name,
        email: user.email,
        is_verified: user.email_verified,
        is_active: user.active,
        roles,
        created_at: user.created_at.to_string(),
    })
}

/// Whether somebody may do anything at all, in a word.
pub(super) fn state(active: bool) -> &'static str {
    if active { "active" } else { "disabled" }
}
