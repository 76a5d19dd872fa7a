//! What users and clients may do: `… roles NAME` and `… permissions NAME`.

use portcullis::auth::routes::GrantAnswer;
use portcullis::auth::{Actor, Auth, GrantRequest};
use portcullis::policy::Conditions;
use portcullis::problem::{Problem, ProblemKind};
use portcullis::types::{Effect, Grant, Permission, Place, Role, Subject};

use super::Failure;
use super::hours::When;
use super::open::{self, Noun};
use super::show::{Form, table};

/// The roles of somebody.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = false, subcommand_negates_reqs = false)]
pub(super) struct RolesOf {
    /// Who
    name: String,
    #[command(subcommand)]
    change: Option<RoleChange>,
    #[command(flatten)]
    place: In,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Subcommand)]
enum RoleChange {
    /// Give roles
    Add {
        /// Which roles
        #[arg(required = true)]
        roles: Vec<String>,
    },
    /// Take roles away
    Remove {
        /// Which roles
        #[arg(required = true)]
        roles: Vec<String>,
    },
}

/// Where something is held.
#[derive(Debug, clap::Args)]
struct In {
    /// In this place alone, such as tenant:acme
    #[arg(long = "in", value_name = "PLACE", global = true)]
    place: Option<Place>,
}

impl RolesOf {
    pub(super) async fn run(self, auth: &Auth, of: Noun) -> Result<String, Failure> {
        let (by, subject) = (Actor::command_line(), open::subject(auth, &self.name, of).await?);
        match self.change {
            None => {}
            Some(RoleChange::Add { roles }) => {
                let roles: Vec<Role> = roles.into_iter().map(Role::from).collect();
                for role in &roles {
                    must_be_there(auth, role)?;
                }
                for role in roles {
                    match self.place.place.clone() {
                        None => auth.assign_role(&by, subject.clone(), role).await?,
                        Some(place) => {
                            auth.assign_role_within(&by, subject.clone(), role, place).await?;
                        }
                    }
                }
            }
            Some(RoleChange::Remove { roles }) => {
                for role in roles.into_iter().map(Role::from) {
                    let (who, which) = (subject.clone(), role.clone());
                    let taken = match self.place.place.clone() {
                        None => auth.unassign_role(&by, who, which).await,
                        Some(place) => auth.unassign_role_within(&by, who, which, place).await,
                    };
                    taken.map_err(|problem| not_taken(&self.name, &role, problem))?;
                }
            }
        }
        let everywhere = auth.roles_of(&subject).await?;
        let within = auth.roles_within(&subject).await?;
        let roles = match &self.place.place {
            None => everywhere.clone(),
            Some(place) => within.get(place).cloned().unwrap_or_default(),
        };
        self.form.show(&roles, || {
            let row = |role: &Role, place: String| {
                let known = auth.role(role).map(|role| role.description);
                vec![role.to_string(), place, known.unwrap_or_default()]
            };
            let everywhere = everywhere.iter().filter(|_| self.place.place.is_none());
            let mut rows: Vec<_> =
                everywhere.map(|role| row(role, "everywhere".to_owned())).collect();
            for (place, roles) in within.iter().filter(|(place, _)| self.place.shows(place)) {
                rows.extend(roles.iter().map(|role| row(role, place.to_string())));
            }
            table(&["ROLE", "IN", "WHAT IT IS"], &rows, &format!("{} has no role", self.name))
        })
    }
}

fn not_taken(name: &str, role: &Role, problem: Problem) -> Failure {
    match problem.kind() {
        ProblemKind::NotFound => Failure::wrong(
            format!("{name} does not have the role {role}"),
            format!(
                "`portcullis user roles {name}` lists those they have; a role may also come with another that includes it"
            ),
        ),
        ProblemKind::Conflict => Failure::wrong(
            format!("{name}: {problem}"),
            format!(
                "give the role to somebody else first: `portcullis user roles NAME add {role}`"
            ),
        ),
        _ => problem.into(),
    }
}

/// Refuses a role that is not there, naming those that are.
pub(super) fn must_be_there(auth: &Auth, role: &Role) -> Result<(), Failure> {
    if auth.role(role).is_ok() {
        return Ok(());
    }
    let graph = auth.roles();
    let known: Vec<&str> = graph.records().map(|role| role.name.as_str()).collect();
    Err(Failure::wrong(
        format!("there is no role {:?}", role.as_str()),
        format!("the roles are {}; another is made by `portcullis role add`", known.join(", ")),
    ))
}

impl In {
    /// Whether what is held there is to be shown.
    fn shows(&self, place: &Place) -> bool {
        self.place.as_ref().is_none_or(|asked| asked == place)
    }
}

/// The single permissions of somebody.
#[derive(Debug, clap::Args)]
pub(super) struct PermissionsOf {
    /// Who
    name: String,
    #[command(subcommand)]
    change: Option<PermissionChange>,
    #[command(flatten)]
    place: In,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Subcommand)]
enum PermissionChange {
    /// Allow it, perhaps only under a condition
    Allow {
        /// Which permission
        permission: String,
        #[command(flatten)]
        when: Box<When>,
    },
    /// Deny it, whatever roles and other grants say
    Deny {
        /// Which permission
        permission: String,
        #[command(flatten)]
        when: Box<When>,
    },
    /// Take back what was allowed or denied directly
    Remove {
        /// Which permission
        permission: String,
    },
}

impl PermissionsOf {
    pub(super) async fn run(self, auth: &Auth, of: Noun) -> Result<String, Failure> {
        let (by, subject) = (Actor::command_line(), open::subject(auth, &self.name, of).await?);
        match self.change {
            None => {}
            Some(PermissionChange::Allow { permission, when }) => {
                let what = (Effect::Allow, permission, self.place.place.clone());
                grant(auth, &subject, what, &when).await?;
            }
            Some(PermissionChange::Deny { permission, when }) => {
                let what = (Effect::Deny, permission, self.place.place.clone());
                grant(auth, &subject, what, &when).await?;
            }
            Some(PermissionChange::Remove { permission }) => {
                let held = auth.grants_of(&subject).await?;
                let mut found = false;
                let meant = |one: &&Grant| {
                    one.permission.as_str() == permission && one.place == self.place.place
                };
                for grant in held.iter().filter(meant) {
                    auth.revoke_grant(&by, subject.clone(), grant.id).await?;
                    found = true;
                }
                if !found {
                    return Err(Failure::wrong(
                        format!(
                            "{permission} is neither allowed nor denied to {} directly",
                            self.name
                        ),
                        "a permission that comes with a role is denied, or the role is taken away",
                    ));
                }
            }
        }
        let mut held = auth.grants_of(&subject).await?;
        held.retain(|grant| match &grant.place {
            Some(place) => self.place.shows(place),
            None => self.place.place.is_none(),
        });
        let answers: Vec<GrantAnswer> = held.iter().cloned().map(GrantAnswer::from).collect();
        self.form.show(&answers, || {
            let rows: Vec<Vec<String>> = held
                .iter()
                .map(|grant| {
                    vec![
                        effect(grant.effect).to_owned(),
                        grant.permission.to_string(),
                        grant.place.as_ref().map_or("everywhere".to_owned(), Place::to_string),
                        condition(grant).unwrap_or_else(|| "always".to_owned()),
                    ]
                })
                .collect();
            let nothing =
                format!("{} has no permission of their own, only those of roles", self.name);
            table(&["EFFECT", "PERMISSION", "IN", "WHEN"], &rows, &nothing)
        })
    }
}

async fn grant(
    auth: &Auth,
    subject: &Subject,
    (effect, permission, place): (Effect, String, Option<Place>),
    when: &When,
) -> Result<(), Failure> {
    let permission = Permission::from(permission);
    let request = GrantRequest {
        effect,
        permission,
        place,
        condition: when.spec()?,
        valid_from: when.valid_from,
        valid_until: when.valid_until,
    };
    // Said twice it would have to be taken back only once.
    let held = auth.grants_of(subject).await?;
    let is_there = held.iter().any(|grant| {
        grant.effect == request.effect
            && grant.permission == request.permission
            && grant.place == request.place
            && grant.condition == request.condition
            && (grant.valid_from, grant.valid_until) == (request.valid_from, request.valid_until)
    });
    if !is_there {
        auth.grant(&Actor::command_line(), subject.clone(), request).await?;
    }
    Ok(())
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    }
}

/// When a grant counts, in words.
fn condition(grant: &Grant) -> Option<String> {
    let spec = grant.condition.as_ref().map(|spec| match Conditions::new().compile(spec) {
        Ok(condition) => condition.explain().into_owned(),
        // One of the application's own: it is shown as it is stored.
        Err(_) => serde_json::to_string(spec).unwrap_or_default(),
    });
    let from = grant.valid_from.map(|moment| format!("from {moment} on"));
    let until = grant.valid_until.map(|moment| format!("until {moment}"));
    let all: Vec<String> = [spec, from, until].into_iter().flatten().collect();
    if all.is_empty() { None } else { Some(all.join(", ")) }
}

/// A grant in a phrase.
pub(super) fn phrase(grant: &Grant) -> String {
    let place = grant.place.as_ref().map(|place| format!(" in {place}")).unwrap_or_default();
    let always = format!("{} {}{place}", effect(grant.effect), grant.permission);
    match condition(grant) {
        Some(when) => format!("{always} ({when})"),
        None => always,
    }
}
