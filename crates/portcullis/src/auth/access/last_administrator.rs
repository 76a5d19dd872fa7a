//! Administrators can go on to administer, and nobody takes over an account above their own.

use std::collections::BTreeSet;

use super::{StoredAccess, required, sql};
use crate::auth::db::DatabaseError;
use crate::auth::write::Write;
use crate::policy::{Roles, permission};
use crate::problem::{Problem, ProblemKind};
use crate::types::{Conditional, Effect, Grant, Permission, Role, RoleRecord, Subject, UserId};

/// What an administrator must be able to do: everything else they can give themselves.
const ADMINISTERING: &str = "roles:manage";

/// The administrator's role, which must not lose its last active holder in this change.
pub(in crate::auth) struct AdministratorGuard(Option<Role>);

impl AdministratorGuard {
    /// Takes note of the role, if somebody active holds it now.
    pub(in crate::auth) async fn begin(write: &mut Write) -> Result<Self, Problem> {
        let role = write.auth().0.settings.administrator.clone();
        Ok(match role {
            Some(role) if sql::has_holder(write.db(), &role, None).await? => Self(Some(role)),
            _ => Self(None),
        })
    }

    /// Refuses where nobody active holds it any more.
    pub(in crate::auth) async fn check(self, write: &mut Write) -> Result<(), Problem> {
        match self.0 {
            Some(role) if !sql::has_holder(write.db(), &role, None).await? => {
                Err(DatabaseError::LastHolder { role }.into())
            }
            _ => Ok(()),
        }
    }
}

/// Refuses where nobody active but this user holds the administrator's role: said before anything of
/// theirs is deleted.
pub(in crate::auth) async fn refuse_last(write: &mut Write, user: UserId) -> Result<(), Problem> {
    let Some(role) = write.auth().0.settings.administrator.clone() else { return Ok(()) };
    if sql::has_holder(write.db(), &role, None).await?
        && !sql::has_holder(write.db(), &role, Some(user)).await?
    {
        return Err(DatabaseError::LastHolder { role }.into());
    }
    Ok(())
}

/// What decides whether somebody administers.
#[derive(Clone, Copy)]
struct Holding<'a> {
    table: &'a Roles,
    roles: &'a BTreeSet<Role>,
    grants: &'a [Grant],
}

impl Holding<'_> {
    /// Whether the administrator's role is held, and yet of no use: a denial wins over it.
    fn is_locked_out(&self, administrator: &Role) -> bool {
        let wanted = Permission::from(ADMINISTERING);
        let held = self.table.unfold(self.roles.iter().cloned());
        let mut denied = held.denied.iter().chain(denied(self.grants));
        held.roles.contains(administrator) && denied.any(|one| one.covers(&wanted))
    }
}

fn denied(grants: &[Grant]) -> impl Iterator<Item = &Permission> {
    // What is denied in one place leaves everything else as it is.
    let denials = grants.iter().filter(|one| one.effect == Effect::Deny && one.place.is_none());
    denials.map(|grant| &grant.permission)
}

fn locked_out() -> Problem {
    Problem::new(ProblemKind::Conflict)
        .detail(format!("An administrator would lose {ADMINISTERING}, and could not undo this."))
}

/// 409 where the administrator's role would no longer let anybody administer, or a role would deny it
/// to an administrator who holds that role as well. `now` are the roles as of this transaction.
pub(super) async fn keep_administering(
    write: &mut Write,
    now: &Roles,
    changed: &RoleRecord,
) -> Result<(), Problem> {
    let Some(administrator) = write.auth().0.settings.administrator.clone() else { return Ok(()) };
    let wanted = Permission::from(ADMINISTERING);
    let others = now.records().filter(|role| role.name != changed.name).cloned();
    let then: Roles = others.chain([changed.clone()]).collect();
    let of_the_role = [administrator.clone()].into();
    let administers = |table: &Roles| {
        let holding = Holding { table, roles: &of_the_role, grants: &[] };
        let held = table.unfold([administrator.clone()]);
        held.allowed.iter().any(|one| one.covers(&wanted)) && !holding.is_locked_out(&administrator)
    };
    if administers(now) && !administers(&then) {
        return Err(locked_out());
    }
    if !then.unfold([changed.name.clone()]).denied.iter().any(|one| one.covers(&wanted)) {
        return Ok(());
    }
    for role in then.records() {
        if !then.unfold([role.name.clone()]).roles.contains(&administrator) {
            continue;
        }
        for holder in sql::holders(write.db(), &role.name).await? {
            let Some(held) = sql::stored_access(write.db(), &holder).await? else { continue };
            let before = Holding { table: now, roles: &held.roles, grants: &held.grants };
            let after = Holding { table: &then, ..before };
            if !before.is_locked_out(&administrator) && after.is_locked_out(&administrator) {
                return Err(locked_out());
            }
        }
    }
    Ok(())
}

/// 409 where an administrator could no longer administer with this role besides, or with these grants
/// instead.
pub(super) async fn lock_nobody_out(
    write: &mut Write,
    held: &StoredAccess,
    one_more: Option<&Role>,
    grants: &[Grant],
) -> Result<(), Problem> {
    let Some(administrator) = write.auth().0.settings.administrator.clone() else { return Ok(()) };
    let cache = std::sync::Arc::clone(&write.auth().0.cache);
    let table = cache.roles_in(write.db()).await?;
    let roles: BTreeSet<Role> = held.roles.iter().chain(one_more).cloned().collect();
    let before = Holding { table: &table, roles: &held.roles, grants: &held.grants };
    let after = Holding { table: &table, roles: &roles, grants };
    if !before.is_locked_out(&administrator) && after.is_locked_out(&administrator) {
        return Err(locked_out());
    }
    Ok(())
}

/// All that is allowed, under a condition or without.
fn allowances<'a>(
    always: &'a BTreeSet<Permission>,
    conditional: &'a [Conditional],
) -> impl Iterator<Item = &'a Permission> {
    let sometimes = conditional.iter().filter(|grant| grant.effect == Effect::Allow);
    always.iter().chain(sometimes.map(|grant| &grant.permission))
}

impl Write {
    /// Requires that the actor may change this account: it holds all that the account holds, or may
    /// give it to itself.
    ///
    /// # Errors
    /// A 403; 404; 503.
    pub(in crate::auth) async fn must_not_exceed(
        &mut self,
        subject: &Subject,
    ) -> Result<(), Problem> {
        let Some(who) = self.judged().cloned() else { return Ok(()) };
        let administering = permission(ADMINISTERING);
        if who.must(administering.clone()).is_ok() || who.subject == *subject {
            return Ok(());
        }
        let held = required(self, subject).await?.access;
        let mut allowed = allowances(&held.allowed, &held.conditional);
        let everywhere = held.roles.is_subset(&who.access.roles) && allowed.all(|one| who.may(one));
        let mut places = held.within.iter();
        let within = places.all(|(place, there)| {
            let own = who.access.within.get(place).map(|own| &own.roles);
            let has =
                |role| who.access.roles.contains(role) || own.is_some_and(|own| own.contains(role));
            there.roles.iter().all(has)
                && allowances(&there.allowed, &there.conditional).all(|one| who.may_in(place, one))
        });
        if everywhere && within { Ok(()) } else { who.must(administering) }
    }
}
