//! What can be done with roles. Every change needs `roles:manage`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::last_administrator::keep_administering;
use super::{AdministratorGuard, sql};
use crate::auth::audit::{Action, AuditTarget, Event};
use crate::auth::db::{Change, Cursor, page_of};
use crate::auth::{Actor, Auth};
use crate::policy::{Roles, permission};
use crate::problem::{Problem, ProblemKind};
use crate::types::{Page, PageRequest, Permission, Role, RoleRecord};

/// What is to be changed of a role. `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct RoleChange {
    /// A sentence for people.
    pub description: Option<String>,
    /// What its holders may do.
    pub permissions: Option<BTreeSet<Permission>>,
    /// What its holders may not do, whatever else they hold.
    pub denied: Option<BTreeSet<Permission>>,
    /// The roles it includes.
    pub includes: Option<BTreeSet<Role>>,
}

impl RoleChange {
    fn apply(self, mut role: RoleRecord) -> RoleRecord {
        role.description = self.description.unwrap_or(role.description);
        role.permissions = self.permissions.unwrap_or(role.permissions);
        role.denied = self.denied.unwrap_or(role.denied);
        role.includes = self.includes.unwrap_or(role.includes);
        role
    }
}

impl Auth {
    /// The roles as they are at this moment.
    #[must_use]
    pub fn roles(&self) -> Arc<Roles> {
        self.0.cache.roles()
    }

    /// A page of the roles, by name.
    ///
    /// # Errors
    /// A 422 where the cursor is none of ours.
    pub fn page_of_roles(&self, page: &PageRequest) -> Result<Page<RoleRecord>, Problem> {
        let roles = self.roles();
        Ok(page_of(roles.records().cloned(), page, |role| Cursor::named(&role.name))?)
    }

    /// The role of this name.
    ///
    /// # Errors
    /// 404.
    pub fn role(&self, name: &Role) -> Result<RoleRecord, Problem> {
        self.roles().get(name.as_str()).cloned().ok_or_else(no_role)
    }

    /// Makes a role.
    ///
    /// # Errors
    /// 403; a 422 where a name cannot be one; 409 where it is there, or would include itself; 404
    /// where an included role is not there; 503.
    pub async fn add_role(&self, actor: &Actor, role: RoleRecord) -> Result<(), Problem> {
        check(&role)?;
        self.write(actor, move |write| {
            Box::pin(async move {
                write.require(permission("roles:manage"))?;
                write.attempt(describe(write.actor(), Action::RoleCreated, &role));
                write.forget(Change::Roles);
                Ok(sql::insert_role(write.db(), &role).await?)
            })
        })
        .await
    }

    /// Changes a role, and returns what it is now.
    ///
    /// # Errors
    /// As for making one; 409 also where no administrator would be left.
    pub async fn change_role(
        &self,
        actor: &Actor,
        name: Role,
        change: RoleChange,
    ) -> Result<RoleRecord, Problem> {
        self.write(actor, move |write| {
            Box::pin(async move {
                write.require(permission("roles:manage"))?;
                let now: Roles = sql::roles(write.db()).await?.into_iter().collect();
                let role = now.get(name.as_str()).cloned().ok_or_else(no_role)?;
                let role = change.apply(role);
                check(&role)?;
                write.attempt(describe(write.actor(), Action::RoleChanged, &role));
                write.forget(Change::Roles);
                keep_administering(write, &now, &role).await?;
                let guard = AdministratorGuard::begin(write).await?;
                sql::update_role(write.db(), &role).await?;
                guard.check(write).await?;
                Ok(role)
            })
        })
        .await
    }

    /// Replaces a role.
    ///
    /// # Errors
    /// As for changing one.
    pub async fn replace_role(&self, actor: &Actor, role: RoleRecord) -> Result<(), Problem> {
        let change = RoleChange {
            description: Some(role.description),
            permissions: Some(role.permissions),
            denied: Some(role.denied),
            includes: Some(role.includes),
        };
        self.change_role(actor, role.name, change).await.map(drop)
    }

    /// Deletes a role, also wherever it is assigned or included.
    ///
    /// # Errors
    /// 403; 404; 409 where no administrator would be left; 503.
    pub async fn delete_role(&self, actor: &Actor, name: Role) -> Result<(), Problem> {
        self.write(actor, move |write| {
            Box::pin(async move {
                write.require(permission("roles:manage"))?;
                write.attempt(write.event(Action::RoleDeleted).on(AuditTarget::role(&name)));
                write.forget(Change::Roles);
                let guard = AdministratorGuard::begin(write).await?;
                sql::delete_role(write.db(), &name).await?;
                guard.check(write).await
            })
        })
        .await
    }
}

fn no_role() -> Problem {
    Problem::new(ProblemKind::NotFound).detail("There is no such role.")
}

/// What a role is noted with.
fn describe(actor: &Actor, action: Action, role: &RoleRecord) -> Event {
    Event::new(actor, action)
        .on(AuditTarget::role(&role.name))
        .names("permissions", &role.permissions)
        .names("denied", &role.denied)
        .names("includes", &role.includes)
}

fn check(role: &RoleRecord) -> Result<(), Problem> {
    Role::parse(role.name.as_str())
        .map_err(|fault| Problem::invalid("/name", fault.to_string()))?;
    for (pointer, permissions) in [("/permissions", &role.permissions), ("/denied", &role.denied)] {
        for (position, permission) in permissions.iter().enumerate() {
            Permission::parse(permission.as_str()).map_err(|fault| {
                Problem::invalid(&format!("{pointer}/{position}"), fault.to_string())
            })?;
        }
    }
    Ok(())
}
