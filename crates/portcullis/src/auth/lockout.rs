//! Who administers can go on to administer, and nobody takes over an account above their own.

use std::collections::BTreeSet;

use super::Auth;
use crate::policy::{Roles, permission};
use crate::problem::{Problem, ProblemKind};
use crate::types::{Effect, Grant, Permission, Principal, Role, RoleRecord, Subject};

/// What whoever administers must be able to do: everything else they can give themselves.
const ADMINISTERING: &str = "roles:manage";

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
    grants.iter().filter(|grant| grant.effect == Effect::Deny).map(|grant| &grant.permission)
}

fn locked_out() -> Problem {
    Problem::new(ProblemKind::Conflict)
        .detail(format!("An administrator would lose {ADMINISTERING}, and could not undo this."))
}

impl Auth {
    /// 409 where the administrator's role would no longer let anybody administer, or a role would
    /// deny it to an administrator who holds that role as well.
    pub(super) async fn keep_administering(&self, changed: &RoleRecord) -> Result<(), Problem> {
        let Some(administrator) = &self.0.settings.administrator else { return Ok(()) };
        let wanted = Permission::from(ADMINISTERING);
        let now = self.roles();
        let others = now.records().filter(|role| role.name != changed.name).cloned();
        let then: Roles = others.chain([changed.clone()]).collect();
        let of_the_role = [administrator.clone()].into();
        let administers = |table: &Roles| {
            let holding = Holding { table, roles: &of_the_role, grants: &[] };
            let held = table.unfold([administrator.clone()]);
            held.allowed.iter().any(|one| one.covers(&wanted))
                && !holding.is_locked_out(administrator)
        };
        if administers(&now) && !administers(&then) {
            return Err(locked_out());
        }
        if !then.unfold([changed.name.clone()]).denied.iter().any(|one| one.covers(&wanted)) {
            return Ok(());
        }
        for role in then.records() {
            if !then.unfold([role.name.clone()]).roles.contains(administrator) {
                continue;
            }
            for holder in self.store().holders(&role.name).await? {
                let Some(standing) = self.store().standing(&holder).await? else { continue };
                let grants = &standing.grants;
                let before = Holding { table: &now, roles: &standing.roles, grants };
                let after = Holding { table: &then, ..before };
                if !before.is_locked_out(administrator) && after.is_locked_out(administrator) {
                    return Err(locked_out());
                }
            }
        }
        Ok(())
    }

    /// 409 where an administrator could no longer administer with this role besides, or with
    /// these grants instead.
    pub(super) async fn lock_nobody_out(
        &self,
        subject: &Subject,
        one_more: Option<&Role>,
        grants: impl FnOnce(&[Grant]) -> Vec<Grant>,
    ) -> Result<(), Problem> {
        let Some(administrator) = &self.0.settings.administrator else { return Ok(()) };
        let standing = self.standing_of(subject).await?;
        let table = self.roles();
        let grants = grants(&standing.grants);
        let roles: BTreeSet<Role> = standing.roles.iter().chain(one_more).cloned().collect();
        let before = Holding { table: &table, roles: &standing.roles, grants: &standing.grants };
        let after = Holding { table: &table, roles: &roles, grants: &grants };
        if !before.is_locked_out(administrator) && after.is_locked_out(administrator) {
            return Err(locked_out());
        }
        Ok(())
    }

    /// Whether somebody may take over this account, by a new password or by a key of its own: they
    /// hold all that it holds, or may give it to themselves.
    ///
    /// # Errors
    /// A 403; 404; 503.
    pub async fn must_not_exceed(&self, who: &Principal, subject: &Subject) -> Result<(), Problem> {
        let administering = permission(ADMINISTERING);
        if who.must(administering.clone()).is_ok() || who.subject == *subject {
            return Ok(());
        }
        let standing = self.standing_of(subject).await?;
        let held = self.roles().unfold(standing.roles);
        let granted = standing.grants.iter().filter(|grant| grant.effect == Effect::Allow);
        let mut allowed = held.allowed.iter().chain(granted.map(|grant| &grant.permission));
        if held.roles.is_subset(&who.access.roles) && allowed.all(|one| who.may(one)) {
            Ok(())
        } else {
            who.must(administering)
        }
    }
}
