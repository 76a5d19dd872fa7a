//! Who administers can go on to administer, and nobody takes over an account above their own.

use super::Rules;
use crate::policy::{Roles, permission};
use crate::problem::{Problem, ProblemKind};
use crate::types::{Effect, Grant, Permission, Principal, RoleRecord, Subject};

/// What whoever administers must be able to do: everything else they can give themselves.
const ADMINISTERING: &str = "roles:manage";

pub(super) fn denied(grants: &[Grant]) -> impl Iterator<Item = &Permission> {
    grants.iter().filter(|grant| grant.effect == Effect::Deny).map(|grant| &grant.permission)
}

fn locked_out() -> Problem {
    Problem::new(ProblemKind::Conflict)
        .detail(format!("An administrator would lose {ADMINISTERING}, and could not undo this."))
}

impl Rules {
    /// 409 where the administrator's role would no longer let anybody administer.
    pub(super) fn keep_administering(&self, changed: &RoleRecord) -> Result<(), Problem> {
        let Some(administrator) = &self.0.settings.administrator else { return Ok(()) };
        let wanted = Permission::from(ADMINISTERING);
        let administers = |roles: &Roles| {
            let held = roles.unfold([administrator.clone()]);
            held.allowed.iter().any(|one| one.covers(&wanted))
                && !held.denied.iter().any(|one| one.covers(&wanted))
        };
        let now = self.roles();
        let others = now.records().filter(|role| role.name != changed.name).cloned();
        let then: Roles = others.chain([changed.clone()]).collect();
        if administers(&now) && !administers(&then) { Err(locked_out()) } else { Ok(()) }
    }

    /// 409 where these denials would keep an administrator from administering.
    pub(super) async fn lock_nobody_out<'a>(
        &self,
        subject: &Subject,
        mut denied: impl Iterator<Item = &'a Permission>,
    ) -> Result<(), Problem> {
        let Some(administrator) = &self.0.settings.administrator else { return Ok(()) };
        let wanted = Permission::from(ADMINISTERING);
        if !denied.any(|one| one.covers(&wanted)) {
            return Ok(());
        }
        let held = self.roles().unfold(self.roles_of(subject).await?).roles;
        if held.contains(administrator) { Err(locked_out()) } else { Ok(()) }
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
