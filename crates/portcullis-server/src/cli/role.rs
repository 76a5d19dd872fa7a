//! `portcullis role …`: named bundles of permissions.

use std::collections::BTreeSet;

use portcullis::auth::routes::RoleAnswer;
use portcullis::auth::{Actor, Auth};
use portcullis::problem::ProblemKind;
use portcullis::types::{Role, RoleRecord};

use super::Failure;
use super::grants;
use super::open::{self, Without};
use super::show::{Form, facts, joined, table};
use crate::config::Settings;

/// What may be done about roles.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Operation {
    /// List roles
    List {
        #[command(flatten)]
        form: Form,
    },
    /// Show a role
    Show {
        /// Which role
        name: String,
        #[command(flatten)]
        form: Form,
    },
    /// Make a role
    Add(Add),
    /// Change a role; it counts for everybody who holds it, at a running server within 0.1 s
    Change(Change),
    /// Delete a role, also wherever it is assigned or included
    Delete {
        /// Which role
        name: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// Its name
    name: String,
    /// A sentence for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    description: String,
    /// A permission its holders have; may be given more than once
    #[arg(long = "permission", value_name = "PERMISSION", value_delimiter = ',')]
    permissions: Vec<String>,
    /// A permission its holders may never have
    #[arg(long = "deny", value_name = "PERMISSION", value_delimiter = ',')]
    denied: Vec<String>,
    /// A role it includes
    #[arg(long = "include", value_name = "ROLE", value_delimiter = ',')]
    includes: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Change {
    /// Which role
    name: String,
    /// Its new sentence for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Add a permission; may be given more than once, like all below
    #[arg(long = "permission", value_name = "PERMISSION", value_delimiter = ',')]
    permissions: Vec<String>,
    /// Remove a permission
    #[arg(long = "remove-permission", value_name = "PERMISSION", value_delimiter = ',')]
    removed_permissions: Vec<String>,
    /// Deny a permission
    #[arg(long = "deny", value_name = "PERMISSION", value_delimiter = ',')]
    denied: Vec<String>,
    /// Deny a permission no longer
    #[arg(long = "remove-deny", value_name = "PERMISSION", value_delimiter = ',')]
    removed_denials: Vec<String>,
    /// Include a role
    #[arg(long = "include", value_name = "ROLE", value_delimiter = ',')]
    includes: Vec<String>,
    /// Include a role no longer
    #[arg(long = "remove-include", value_name = "ROLE", value_delimiter = ',')]
    removed_includes: Vec<String>,
}

impl Operation {
    pub(super) async fn run(self, settings: &Settings) -> Result<String, Failure> {
        open::with(settings, Without::Refuse, async |auth| self.operate(auth).await).await
    }

    async fn operate(self, auth: &Auth) -> Result<String, Failure> {
        match self {
            Self::List { form } => list(auth, form),
            Self::Show { name, form } => {
                let role = known(auth, &name)?;
                form.show(&RoleAnswer::from(role.clone()), || {
                    let inherited = auth.roles().unfold([role.name.clone()]);
                    facts(&[
                        ("name", role.name.to_string()),
                        ("description", role.description),
                        ("permissions", joined(&role.permissions)),
                        ("denied", joined(&role.denied)),
                        ("includes", joined(&role.includes)),
                        ("in all", joined(&inherited.allowed)),
                    ])
                })
            }
            Self::Add(add) => add.run(auth).await,
            Self::Change(change) => change.run(auth).await,
            Self::Delete { name } => {
                let role = known(auth, &name)?;
                auth.delete_role(&Actor::command_line(), role.name)
                    .await
                    .map_err(|problem| last(problem.into()))?;
                Ok(format!("{name} is deleted\n"))
            }
        }
    }
}

impl Add {
    async fn run(self, auth: &Auth) -> Result<String, Failure> {
        let role = RoleRecord {
            name: self.name.into(),
            description: self.description,
            permissions: set(self.permissions),
            denied: set(self.denied),
            includes: set(self.includes),
        };
        for included in &role.includes {
            grants::must_be_there(auth, included)?;
        }
        let name = role.name.clone();
        auth.add_role(&Actor::command_line(), role).await.map_err(|problem| {
            match problem.kind() {
                ProblemKind::Conflict => Failure::wrong(
                    format!("there is a role {name} already"),
                    format!("change it by `portcullis role change {name}`"),
                ),
                _ => problem.into(),
            }
        })?;
        Ok(format!("{name} is made\n"))
    }
}

impl Change {
    async fn run(self, auth: &Auth) -> Result<String, Failure> {
        let mut role = known(auth, &self.name)?;
        if let Some(description) = self.description {
            role.description = description;
        }
        let includes = set(self.includes);
        for included in &includes {
            grants::must_be_there(auth, included)?;
        }
        change(&mut role.permissions, set(self.permissions), self.removed_permissions)?;
        change(&mut role.denied, set(self.denied), self.removed_denials)?;
        change(&mut role.includes, includes, self.removed_includes)?;
        auth.replace_role(&Actor::command_line(), role)
            .await
            .map_err(|problem| last(problem.into()))?;
        Ok(format!("{} is changed\n", self.name))
    }
}

fn list(auth: &Auth, form: Form) -> Result<String, Failure> {
    let graph = auth.roles();
    let roles: Vec<RoleAnswer> = graph.records().cloned().map(RoleAnswer::from).collect();
    form.show(&roles, || {
        let rows: Vec<Vec<String>> = roles
            .iter()
            .map(|role| {
                vec![
                    role.name.to_string(),
                    joined(&role.includes),
                    joined(&role.permissions),
                    joined(&role.denied),
                    role.description.clone(),
                ]
            })
            .collect();
        let heading = ["ROLE", "INCLUDES", "PERMISSIONS", "DENIED", "WHAT IT IS"];
        table(&heading, &rows, "there is no role")
    })
}

fn known(auth: &Auth, name: &str) -> Result<RoleRecord, Failure> {
    let name = Role::from(name);
    grants::must_be_there(auth, &name)?;
    Ok(auth.role(&name)?)
}

fn set<T: From<String> + Ord>(names: Vec<String>) -> BTreeSet<T> {
    names.into_iter().map(T::from).collect()
}

/// Adds and removes; what is to be removed must be there, or a name was mistyped.
fn change<T: Ord + std::borrow::Borrow<str> + std::fmt::Display>(
    held: &mut BTreeSet<T>,
    added: BTreeSet<T>,
    removed: Vec<String>,
) -> Result<(), Failure> {
    for name in removed {
        if !held.remove(name.as_str()) {
            let fix = match joined(&*held) {
                all if all.is_empty() => "there is nothing to remove".to_owned(),
                all => format!("there are {all}"),
            };
            return Err(Failure::wrong(format!("the role does not have {name:?}"), fix));
        }
    }
    held.extend(added);
    Ok(())
}

/// Says what to do about the last administrator.
fn last(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(problem) if problem.kind() == ProblemKind::Conflict => Failure::wrong(
            problem.to_string(),
            "no role may include itself, and somebody active must go on to be an administrator",
        ),
        other => other,
    }
}
