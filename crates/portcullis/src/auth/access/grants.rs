//! What can be done with assigned roles and direct grants. Every change needs `roles:manage`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::last_administrator::lock_nobody_out;
use super::places::checked;
use super::{AdministratorGuard, GRANT_MEMBERS, GRANTS, GrantRequest, StoredAccess, no_such, sql};
use crate::auth::audit::{Action, AuditTarget, Event};
use crate::auth::db::Change;
use crate::auth::write::Write;
use crate::auth::{Actor, Auth};
use crate::policy::{members, permission};
use crate::problem::{Problem, ProblemKind};
use crate::types::{Access, Effect, Grant, GrantId, Permission, Role, Subject};

impl Auth {
    /// What a subject holds, for narrowing scopes; `None` where it is not there or not active.
    ///
    /// # Errors
    /// A 503 where the database is away.
    pub async fn access_of(&self, subject: &Subject) -> Result<Option<Arc<Access>>, Problem> {
        let settled = self.settled().await?;
        let known = self.0.cache.of(&self.0.db, subject, settled).await?;
        Ok(known.filter(|known| known.active).map(|known| Arc::clone(&known.access)))
    }

    pub(super) async fn stored_access(&self, subject: &Subject) -> Result<StoredAccess, Problem> {
        let read = self.0.db.snapshot(async |view| sql::stored_access(view, subject).await);
        read.await?.ok_or_else(|| no_such(subject))
    }

    /// The roles a subject was assigned directly.
    ///
    /// # Errors
    /// 404; 503.
    pub async fn roles_of(&self, subject: &Subject) -> Result<BTreeSet<Role>, Problem> {
        Ok(self.stored_access(subject).await?.roles)
    }

    /// The roles that each of these subjects of one kind was assigned directly, in one statement.
    pub(in crate::auth) async fn roles_of_many(
        &self,
        kind: &'static str,
        ids: &[String],
    ) -> Result<BTreeMap<String, BTreeSet<Role>>, Problem> {
        Ok(sql::roles_of_many(&self.0.db, kind, ids).await?)
    }

    /// The direct grants of a subject, oldest first.
    ///
    /// # Errors
    /// 404; 503.
    pub async fn grants_of(&self, subject: &Subject) -> Result<Vec<Grant>, Problem> {
        Ok(self.stored_access(subject).await?.grants)
    }

    /// Assigns a role.
    ///
    /// # Errors
    /// 403; 404 where the subject or the role is not there; 409 where an administrator could no
    /// longer administer; 503.
    pub async fn assign_role(
        &self,
        actor: &Actor,
        subject: Subject,
        role: Role,
    ) -> Result<(), Problem> {
        self.write(actor, move |write| {
            Box::pin(async move {
                write.require(permission("roles:manage"))?;
                let held = stored(write, &subject).await?;
                lock_nobody_out(write, &held, Some(&role), &held.grants).await?;
                assign(write, &subject, &role).await?;
                let event = write.event(Action::RoleAssigned);
                let event = event.on(AuditTarget::subject(&subject, &held.name));
                write.note(event.detail("role", role.as_str()));
                end_keys_of_others(write, &subject).await?;
                Ok(())
            })
        })
        .await
    }

    /// Takes a role away.
    ///
    /// # Errors
    /// 403; 404 where it was not assigned; 409 for the last administrator; 503.
    pub async fn unassign_role(
        &self,
        actor: &Actor,
        subject: Subject,
        role: Role,
    ) -> Result<(), Problem> {
        self.write(actor, move |write| {
            Box::pin(async move {
                write.require(permission("roles:manage"))?;
                let target = write.target(&subject).await?;
                let event = write.event(Action::RoleUnassigned).on(target);
                write.attempt(event.detail("role", role.as_str()));
                let guard = AdministratorGuard::begin(write).await?;
                if !sql::unassign(write.db(), &subject, &role).await? {
                    return Err(ProblemKind::NotFound.into());
                }
                write.forget(Change::Subject(subject));
                guard.check(write).await
            })
        })
        .await
    }

    /// Allows or denies a permission directly.
    ///
    /// # Errors
    /// 403; a 422 where the permission, the place or the condition cannot be one; 404; 409 where an
    /// administrator could no longer administer, or where there are too many ([`GRANTS`]); 503.
    ///
    /// [`GRANTS`]: crate::auth::GRANTS
    pub async fn grant(
        &self,
        actor: &Actor,
        subject: Subject,
        request: GrantRequest,
    ) -> Result<Grant, Problem> {
        let grant = self.check_grant(request, "")?;
        self.write(actor, move |write| {
            Box::pin(async move {
                write.require(permission("roles:manage"))?;
                let held = stored(write, &subject).await?;
                let grants = [&*held.grants, std::slice::from_ref(&grant)].concat();
                refuse_too_many(&grants)?;
                lock_nobody_out(write, &held, None, &grants).await?;
                let target = AuditTarget::subject(&subject, &held.name);
                insert(write, &subject, &target, &grant).await?;
                if grant.effect == Effect::Allow {
                    end_keys_of_others(write, &subject).await?;
                }
                write.forget(Change::Subject(subject));
                Ok(grant)
            })
        })
        .await
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
        let requests = requests.into_iter().enumerate();
        let grants: Vec<Grant> = requests
            .map(|(number, one)| self.check_grant(one, &format!("/items/{number}")))
            .collect::<Result<_, _>>()?;
        refuse_too_many(&grants)?;
        self.write(actor, move |write| {
            Box::pin(async move {
                write.require(permission("roles:manage"))?;
                let held = stored(write, &subject).await?;
                lock_nobody_out(write, &held, None, &grants).await?;
                sql::delete_grants(write.db(), &subject).await?;
                let target = AuditTarget::subject(&subject, &held.name);
                for gone in &held.grants {
                    let event = removed(write.actor(), target.clone(), gone.id);
                    write.note(event);
                }
                for grant in &grants {
                    insert(write, &subject, &target, grant).await?;
                }
                if grants.iter().any(|grant| grant.effect == Effect::Allow) {
                    end_keys_of_others(write, &subject).await?;
                }
                write.forget(Change::Subject(subject));
                Ok(grants)
            })
        })
        .await
    }

    /// Takes a direct grant back.
    ///
    /// # Errors
    /// 403; 404; 503.
    pub async fn revoke_grant(
        &self,
        actor: &Actor,
        subject: Subject,
        grant: GrantId,
    ) -> Result<(), Problem> {
        self.write(actor, move |write| {
            Box::pin(async move {
                write.require(permission("roles:manage"))?;
                let target = write.target(&subject).await?;
                if !sql::delete_grant(write.db(), &subject, grant).await? {
                    return Err(ProblemKind::NotFound.into());
                }
                let event = removed(write.actor(), target, grant);
                write.note(event);
                write.forget(Change::Subject(subject));
                Ok(())
            })
        })
        .await
    }

    /// Checks a grant that stands at `here` in the body that asks for it.
    fn check_grant(&self, request: GrantRequest, here: &str) -> Result<Grant, Problem> {
        Permission::parse(request.permission.as_str())
            .map_err(|fault| Problem::invalid(&format!("{here}/permission"), fault.to_string()))?;
        if let (Some(from), Some(until)) = (request.valid_from, request.valid_until)
            && until <= from
        {
            return Err(Problem::invalid(
                &format!("{here}/valid_until"),
                "It must be after valid_from.",
            ));
        }
        let grant = Grant {
            id: GrantId(self.0.sources.uuid().map_err(Problem::internal)?),
            effect: request.effect,
            permission: request.permission,
            place: request
                .place
                .map(|place| checked(place, &format!("{here}/place")))
                .transpose()?,
            condition: request.condition,
            valid_from: request.valid_from,
            valid_until: request.valid_until,
            created_at: self.now(),
        };
        if let Some(spec) = &grant.condition {
            let compiled = self.0.access.conditions.locate(spec);
            compiled.map_err(|(pointer, fault)| {
                Problem::invalid(&format!("{here}/condition{pointer}"), fault.to_string())
            })?;
        }
        Ok(grant)
    }
}

/// Refuses more grants, or more conditions in them, than one subject may have: each request of theirs is
/// judged by all of them.
fn refuse_too_many(grants: &[Grant]) -> Result<(), Problem> {
    let members: usize = grants.iter().filter_map(|one| one.condition.as_ref()).map(members).sum();
    let many = if grants.len() > GRANTS {
        format!("There may be {GRANTS} direct grants")
    } else if members > GRANT_MEMBERS {
        format!("Their conditions may have {GRANT_MEMBERS} members all together")
    } else {
        return Ok(());
    };
    let detail = format!("{many}: take some back, or make a role of them.");
    Err(Problem::new(ProblemKind::Conflict).detail(detail))
}

/// Ends the API keys of a client that is given more, where they were made by somebody who could not have
/// given it: a key that was made before must not come by it.
pub(super) async fn end_keys_of_others(
    write: &mut Write,
    subject: &Subject,
) -> Result<(), Problem> {
    let ended = sql::end_keys_of_others(write.db(), subject).await?;
    if ended > 0 {
        write.forget(Change::ApiKeys);
        let target = write.target(subject).await?;
        let event = write.event(Action::ApiKeyRevoked).on(target);
        write.note(event.count("keys", ended).detail("why", "the client was given more"));
    }
    Ok(())
}

pub(super) async fn stored(write: &mut Write, subject: &Subject) -> Result<StoredAccess, Problem> {
    sql::stored_access(write.db(), subject).await?.ok_or_else(|| no_such(subject))
}

/// Keeps a grant of a subject, and notes it.
async fn insert(
    write: &mut Write,
    subject: &Subject,
    target: &AuditTarget,
    grant: &Grant,
) -> Result<(), Problem> {
    sql::insert_grant(write.db(), subject, grant).await?;
    let event = made(write.actor(), target.clone(), grant);
    write.note(event);
    Ok(())
}

/// Assigns a role within a change.
pub(in crate::auth) async fn assign(
    write: &mut Write,
    subject: &Subject,
    role: &Role,
) -> Result<(), Problem> {
    sql::assign(write.db(), subject, role).await?;
    write.forget(Change::Subject(subject.clone()));
    Ok(())
}

/// What a new grant is noted as.
fn made(actor: &Actor, holder: AuditTarget, grant: &Grant) -> Event {
    let effect = match grant.effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    };
    let event = Event::new(actor, Action::GrantMade)
        .on(holder)
        .detail("grant", &grant.id.to_string())
        .detail("effect", effect)
        .detail("permission", grant.permission.as_str())
        .flag("conditional", grant.when().is_some());
    match &grant.place {
        Some(place) => event.detail("place", &place.to_string()),
        None => event,
    }
}

/// What a grant taken back is noted as.
fn removed(actor: &Actor, holder: AuditTarget, grant: GrantId) -> Event {
    Event::new(actor, Action::GrantRemoved).on(holder).detail("grant", &grant.to_string())
}
