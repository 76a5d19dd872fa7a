//! What can be done with roles that are held in one place, such as in one tenant. Every change needs
//! `roles:manage`.

use std::collections::{BTreeMap, BTreeSet};

use super::grants::{end_keys_of_others, stored};
use super::sql;
use crate::auth::audit::{Action, AuditTarget};
use crate::auth::db::Change;
use crate::auth::{Actor, Auth};
use crate::policy::permission;
use crate::problem::{Problem, ProblemKind};
use crate::types::{Place, Role, Subject};

/// How many roles one subject holds in places at most, all places together.
const MOST: usize = 1000;

impl Auth {
    /// The roles that a subject was assigned in single places.
    ///
    /// # Errors
    /// 404; 503.
    pub async fn roles_within(
        &self,
        subject: &Subject,
    ) -> Result<BTreeMap<Place, BTreeSet<Role>>, Problem> {
        Ok(self.stored_access(subject).await?.roles_within)
    }

    /// Assigns a role in one place: what it allows is allowed there, what it denies is denied there.
    ///
    /// # Errors
    /// 403; a 422 where the place cannot be one; 404 where the subject or the role is not there; 409
    /// beyond 1000 roles in places; 503.
    pub async fn assign_role_within(
        &self,
        actor: &Actor,
        subject: Subject,
        role: Role,
        place: Place,
    ) -> Result<(), Problem> {
        let place = checked(place, "/place")?;
        self.write(actor, move |write| {
            Box::pin(async move {
                write.require(permission("roles:manage"))?;
                let held = stored(write, &subject).await?;
                let there = held.roles_within.get(&place);
                if there.is_some_and(|roles| roles.contains(&role)) {
                    return Ok(());
                }
                if held.roles_within.values().map(BTreeSet::len).sum::<usize>() >= MOST {
                    let detail = format!("There may be {MOST} roles in places: take some back.");
                    return Err(Problem::new(ProblemKind::Conflict).detail(detail));
                }
                sql::assign_within(write.db(), &subject, (&role, &place)).await?;
                let event = write.event(Action::RoleAssigned);
                let event = event.on(AuditTarget::subject(&subject, &held.name));
                let event = event.detail("role", role.as_str());
                write.note(event.detail("place", &place.to_string()));
                end_keys_of_others(write, &subject).await?;
                write.forget(Change::Subject(subject));
                Ok(())
            })
        })
        .await
    }

    /// Takes a role away in one place.
    ///
    /// # Errors
    /// 403; 404 where it was not assigned there; 503.
    pub async fn unassign_role_within(
        &self,
        actor: &Actor,
        subject: Subject,
        role: Role,
        place: Place,
    ) -> Result<(), Problem> {
        self.write(actor, move |write| {
            Box::pin(async move {
                write.require(permission("roles:manage"))?;
                let target = write.target(&subject).await?;
                let event = write.event(Action::RoleUnassigned).on(target);
                let event = event.detail("role", role.as_str());
                write.attempt(event.detail("place", &place.to_string()));
                if !sql::unassign_within(write.db(), &subject, (&role, &place)).await? {
                    return Err(ProblemKind::NotFound.into());
                }
                write.forget(Change::Subject(subject));
                Ok(())
            })
        })
        .await
    }
}

/// A place that can be written and read again; a 422 where it cannot.
pub(super) fn checked(place: Place, pointer: &str) -> Result<Place, Problem> {
    match place.to_string().parse::<Place>() {
        Ok(read) if read == place => Ok(place),
        _ => Err(Problem::invalid(pointer, "A place is written like `tenant:acme`.")),
    }
}
