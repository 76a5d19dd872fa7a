//! Users, roles and grants, by administrators.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::accounts::NewAccount;
use super::{Action, Auth, Event};
use crate::crypto::Secret;
use crate::policy::Roles;
use crate::problem::{BodyFault, Problem, ProblemKind};
use crate::store::{UserChange, UserFilter};
use crate::types::{
    Actor, AuditTarget, ConditionSpec, Effect, Grant, GrantId, Page, PageRequest, Permission, Role,
    RoleRecord, Subject, Timestamp, User, UserId,
};

/// What an administrator changes of a user. `None` leaves it as it is.
#[derive(Debug, Default)]
pub struct UserRequest {
    /// The username.
    pub username: Option<String>,
    /// The name for people; `Some(None)` takes it away.
    pub name: Option<Option<String>>,
    /// The e-mail address; `Some(None)` takes it away.
    pub email: Option<Option<String>>,
    /// Whether the address was shown to be theirs.
    pub email_verified: Option<bool>,
    /// Whether they may do anything at all.
    pub active: Option<bool>,
    /// A new password, which ends every session.
    pub password: Option<Secret<String>>,
}

/// A grant to be made.
#[derive(Clone, Debug)]
pub struct GrantRequest {
    /// Allow or deny.
    pub effect: Effect,
    /// What is allowed or denied.
    pub permission: Permission,
    /// When it counts; always where `None`.
    pub condition: Option<ConditionSpec>,
    /// From when on it counts.
    pub valid_from: Option<Timestamp>,
    /// Until when it counts, that moment excluded.
    pub valid_until: Option<Timestamp>,
}

impl GrantRequest {
    /// A grant that always counts.
    #[must_use]
    pub fn new(effect: Effect, permission: impl Into<Permission>) -> Self {
        Self {
            effect,
            permission: permission.into(),
            condition: None,
            valid_from: None,
            valid_until: None,
        }
    }
}

fn invalid(pointer: &str, detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::Invalid)
        .faults(vec![BodyFault { pointer: pointer.to_owned(), detail: detail.into() }])
}

impl Auth {
    /// A page of users.
    ///
    /// # Errors
    /// A 422 where the cursor is not one; 503.
    pub async fn users(
        &self,
        filter: &UserFilter,
        page: &PageRequest,
    ) -> Result<Page<User>, Problem> {
        Ok(self.store().users(filter, page).await?)
    }

    /// The user with this id.
    ///
    /// # Errors
    /// 404; 503.
    pub async fn user(&self, id: UserId) -> Result<User, Problem> {
        self.store()
            .user(id)
            .await?
            .ok_or_else(|| Problem::new(ProblemKind::NotFound).detail("There is no such user."))
    }

    /// Makes a user with roles.
    ///
    /// # Errors
    /// A 422 that points at each fault; 409; 404 where a role is not there; 503.
    pub async fn add_user(
        &self,
        actor: &Actor,
        account: NewAccount,
        active: bool,
        roles: &[Role],
    ) -> Result<User, Problem> {
        let (rules, roles) = (self.clone(), roles.to_vec());
        let event = Event::new(actor, Action::UserCreated).names("roles", &roles);
        let change = async move { Ok(rules.make_account(account, active, &roles).await?) };
        let events = move |result: &Result<User, Problem>| match result {
            Ok(user) => vec![event.on(AuditTarget::user(user)).flag("active", active)],
            Err(_) => Vec::new(),
        };
        self.deed_and(change, events).await
    }

    /// Changes a user.
    ///
    /// # Errors
    /// A 422 that points at each fault; 404; 409 where a name is taken, or for the last
    /// administrator; 503.
    pub async fn change_user(
        &self,
        actor: &Actor,
        id: UserId,
        request: UserRequest,
    ) -> Result<User, Problem> {
        if let Some(fault) = request.username.as_deref().and_then(crate::types::username_fault) {
            return Err(invalid("/username", fault));
        }
        let password_hash = match request.password {
            None => None,
            Some(password) => {
                let username = match &request.username {
                    Some(username) => username.clone(),
                    None => self.user(id).await?.username,
                };
                Some(self.new_password_hash(&username, password).await?)
            }
        };
        let change = UserChange {
            username: request.username,
            name: request.name,
            email: request.email,
            email_verified: request.email_verified,
            active: request.active,
            password_hash,
        };
        self.update_user(actor, id, change, None).await
    }

    /// The roles as they are at this moment.
    #[must_use]
    pub fn roles(&self) -> Arc<Roles> {
        self.0.access_cache.roles()
    }

    /// The role of this name.
    ///
    /// # Errors
    /// 404.
    pub fn role(&self, name: &Role) -> Result<RoleRecord, Problem> {
        self.roles()
            .get(name.as_str())
            .cloned()
            .ok_or_else(|| Problem::new(ProblemKind::NotFound).detail("There is no such role."))
    }

    /// Makes a role.
    ///
    /// # Errors
    /// A 422 where a name cannot be one; 409 where it is there, or would include itself; 404 where
    /// an included role is not there; 503.
    pub async fn add_role(&self, actor: &Actor, role: RoleRecord) -> Result<(), Problem> {
        check_role(&role)?;
        let (rules, event) = (self.clone(), describe(actor, Action::RoleCreated, &role));
        self.change_roles(event, async move { Ok(rules.store().insert_role(&role).await?) }).await
    }

    /// Replaces a role.
    ///
    /// # Errors
    /// As for making one; 409 also where no administrator would be left.
    pub async fn change_role(&self, actor: &Actor, role: RoleRecord) -> Result<(), Problem> {
        check_role(&role)?;
        self.keep_administering(&role).await?;
        let (rules, event) = (self.clone(), describe(actor, Action::RoleChanged, &role));
        self.change_roles(event, async move {
            let required_role = rules.0.settings.administrator.as_ref();
            Ok(rules.store().update_role(&role, required_role).await?)
        })
        .await
    }

    /// Deletes a role, also wherever it is assigned or included.
    ///
    /// # Errors
    /// 404; 409 where no administrator would be left; 503.
    pub async fn delete_role(&self, actor: &Actor, name: Role) -> Result<(), Problem> {
        let rules = self.clone();
        let event = Event::new(actor, Action::RoleDeleted).on(AuditTarget::role(&name));
        self.change_roles(event, async move {
            let required_role = rules.0.settings.administrator.as_ref();
            Ok(rules.store().delete_role(&name, required_role).await?)
        })
        .await
    }

    async fn change_roles(
        &self,
        event: Event,
        change: impl Future<Output = Result<(), Problem>> + Send + 'static,
    ) -> Result<(), Problem> {
        let rules = self.clone();
        self.noted(event, super::standing::CacheGuard::of_everybody, async move {
            let result = change.await;
            // Also where it failed: memory must say what the store says.
            rules.0.access_cache.read_roles(rules.store()).await?;
            result
        })
        .await
    }

    /// The roles a subject was assigned directly.
    ///
    /// # Errors
    /// 404; 503.
    pub async fn roles_of(&self, subject: &Subject) -> Result<BTreeSet<Role>, Problem> {
        Ok(self.standing_of(subject).await?.roles)
    }

    /// The direct grants of a subject, oldest first.
    ///
    /// # Errors
    /// 404; 503.
    pub async fn grants_of(&self, subject: &Subject) -> Result<Vec<Grant>, Problem> {
        Ok(self.standing_of(subject).await?.grants)
    }

    pub(super) async fn standing_of(
        &self,
        subject: &Subject,
    ) -> Result<crate::store::StoredAccess, Problem> {
        self.store().standing(subject).await?.ok_or_else(|| {
            Problem::new(ProblemKind::NotFound).detail(match subject {
                Subject::Client(_) => "There is no such client.",
                _ => "There is no such user.",
            })
        })
    }

    /// Assigns a role.
    ///
    /// # Errors
    /// 404 where the subject or the role is not there; 503.
    pub async fn assign_role(
        &self,
        actor: &Actor,
        subject: Subject,
        role: Role,
    ) -> Result<(), Problem> {
        self.lock_nobody_out(&subject, Some(&role), <[Grant]>::to_vec).await?;
        let event = Event::new(actor, Action::RoleAssigned).on(self.party(&subject).await?);
        let event = event.detail("role", role.as_str());
        let (rules, of) = (self.clone(), subject.clone());
        self.noted(event, |mark| mark.of(of), async move {
            Ok(rules.store().assign_role(&subject, &role).await?)
        })
        .await
    }

    /// Takes a role away.
    ///
    /// # Errors
    /// 404 where it was not assigned; 409 for the last administrator; 503.
    pub async fn unassign_role(
        &self,
        actor: &Actor,
        subject: Subject,
        role: Role,
    ) -> Result<(), Problem> {
        let event = Event::new(actor, Action::RoleUnassigned).on(self.party(&subject).await?);
        let event = event.detail("role", role.as_str());
        let (rules, of) = (self.clone(), subject.clone());
        self.noted(event, |mark| mark.of(of), async move {
            let required_role = rules.0.settings.administrator.as_ref();
            let was = rules.store().unassign_role(&subject, &role, required_role).await?;
            if was { Ok(()) } else { Err(ProblemKind::NotFound.into()) }
        })
        .await
    }

    /// Allows or denies a permission directly.
    ///
    /// # Errors
    /// A 422 where the permission or the condition cannot be one; 404; 503.
    pub async fn grant(
        &self,
        actor: &Actor,
        subject: Subject,
        request: GrantRequest,
    ) -> Result<Grant, Problem> {
        let grant = self.check_grant(request)?;
        let one_more = |grants: &[Grant]| [grants, std::slice::from_ref(&grant)].concat();
        self.lock_nobody_out(&subject, None, one_more).await?;
        let event = made(actor, self.party(&subject).await?, &grant);
        let (rules, of, kept) = (self.clone(), subject.clone(), grant.clone());
        self.noted(event, |mark| mark.of(of), async move {
            Ok(rules.store().insert_grant(&subject, &kept).await?)
        })
        .await?;
        Ok(grant)
    }

    /// Replaces every direct grant of a subject, in one step.
    ///
    /// # Errors
    /// As for making one.
    pub async fn set_grants(
        &self,
        actor: &Actor,
        subject: Subject,
        requests: Vec<GrantRequest>,
    ) -> Result<Vec<Grant>, Problem> {
        let grants: Vec<Grant> =
            requests.into_iter().map(|one| self.check_grant(one)).collect::<Result<_, _>>()?;
        self.lock_nobody_out(&subject, None, |_| grants.clone()).await?;
        let party = self.party(&subject).await?;
        let (rules, actor, of) = (self.clone(), actor.clone(), subject.clone());
        let change = async move {
            let old = rules.store().standing(&subject).await?;
            rules.store().set_grants(&subject, &grants).await?;
            Ok((old.map_or_else(Vec::new, |standing| standing.grants), grants))
        };
        let events = move |result: &Result<(Vec<Grant>, Vec<Grant>), Problem>| {
            let Ok((old, new)) = result else { return Vec::new() };
            let gone = old.iter().map(|grant| removed(&actor, party.clone(), grant.id));
            gone.chain(new.iter().map(|grant| made(&actor, party.clone(), grant))).collect()
        };
        let (_, grants) = self.change_and(|mark| mark.of(of), change, events).await?;
        Ok(grants)
    }

    fn check_grant(&self, request: GrantRequest) -> Result<Grant, Problem> {
        Permission::parse(request.permission.as_str())
            .map_err(|fault| invalid("/permission", fault.to_string()))?;
        if let (Some(from), Some(until)) = (request.valid_from, request.valid_until)
            && until <= from
        {
            return Err(invalid("/valid_until", "It must be after valid_from."));
        }
        let grant = Grant {
            id: GrantId(self.0.sources.uuid().map_err(Problem::internal)?),
            effect: request.effect,
            permission: request.permission,
            place: None,
            condition: request.condition,
            valid_from: request.valid_from,
            valid_until: request.valid_until,
            created_at: self.now(),
        };
        if let Some(spec) = grant.when() {
            self.0
                .conditions
                .compile(&spec)
                .map_err(|fault| invalid("/condition", fault.to_string()))?;
        }
        Ok(grant)
    }

    /// Takes a direct grant back.
    ///
    /// # Errors
    /// 404; 503.
    pub async fn revoke_grant(
        &self,
        actor: &Actor,
        subject: Subject,
        grant: GrantId,
    ) -> Result<(), Problem> {
        let event = removed(actor, self.party(&subject).await?, grant);
        let (rules, of) = (self.clone(), subject.clone());
        self.noted(event, |mark| mark.of(of), async move {
            let was = rules.store().delete_grant(&subject, grant).await?;
            if was { Ok(()) } else { Err(ProblemKind::NotFound.into()) }
        })
        .await
    }
}

/// What a role is noted with.
fn describe(actor: &Actor, action: Action, role: &RoleRecord) -> Event {
    Event::new(actor, action)
        .on(AuditTarget::role(&role.name))
        .names("permissions", &role.permissions)
        .names("denied", &role.denied)
        .names("includes", &role.includes)
}

/// What a new grant is noted as.
fn made(actor: &Actor, holder: AuditTarget, grant: &Grant) -> Event {
    let effect = match grant.effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    };
    Event::new(actor, Action::GrantMade)
        .on(holder)
        .detail("grant", &grant.id.to_string())
        .detail("effect", effect)
        .detail("permission", grant.permission.as_str())
        .flag("conditional", grant.when().is_some())
}

/// What a grant taken back is noted as.
fn removed(actor: &Actor, holder: AuditTarget, grant: GrantId) -> Event {
    Event::new(actor, Action::GrantRemoved).on(holder).detail("grant", &grant.to_string())
}

fn check_role(role: &RoleRecord) -> Result<(), Problem> {
    Role::parse(role.name.as_str()).map_err(|fault| invalid("/name", fault.to_string()))?;
    for (pointer, permissions) in [("/permissions", &role.permissions), ("/denied", &role.denied)] {
        for (position, permission) in permissions.iter().enumerate() {
            Permission::parse(permission.as_str())
                .map_err(|fault| invalid(&format!("{pointer}/{position}"), fault.to_string()))?;
        }
    }
    Ok(())
}
