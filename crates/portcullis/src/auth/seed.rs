//! What an application makes at its first start, and finds at every other.

use std::collections::BTreeSet;

use super::{Actor, Auth};
use crate::policy::Roles;
use crate::problem::{Problem, ProblemKind};
use crate::types::{Role, RoleRecord};

impl Auth {
    /// Makes each of these roles that is not there yet; one that is stays as it is.
    ///
    /// ```
    /// # use portcullis::{policy::Roles, testing::{FixedClock, auth}};
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let auth = auth(&FixedClock::at("2026-01-01T00:00:00Z")).start().await?;
    /// let roles = Roles::new().grant("user", ["read"]).grant("admin", ["write"]);
    /// auth.add_missing_roles(roles.include("admin", "user")).await?;
    /// assert_eq!(auth.roles().records().count(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// A 422 where a name cannot be one; 409 where a role would include itself; 503.
    pub async fn add_missing_roles(&self, roles: Roles) -> Result<(), Problem> {
        let there = self.roles();
        let mut done: BTreeSet<Role> = there.records().map(|record| record.name.clone()).collect();
        let mut open: Vec<RoleRecord> =
            roles.records().filter(|record| !done.contains(&record.name)).cloned().collect();
        while !open.is_empty() {
            // What a role includes must be there before it.
            let (ready, rest): (Vec<_>, Vec<_>) =
                open.into_iter().partition(|record| record.includes.is_subset(&done));
            if ready.is_empty() {
                return Err(Problem::new(ProblemKind::Conflict)
                    .detail("A role would include itself, or includes one that is nowhere."));
            }
            for record in ready {
                done.insert(record.name.clone());
                match self.add_role(&Actor::system(), record).await {
                    // Another process was quicker.
                    Err(problem) if problem.kind() == ProblemKind::Conflict => {}
                    made => made?,
                }
            }
            open = rest;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::NewAccount;
    use crate::testing::{FixedClock, auth};

    #[tokio::test]
    async fn what_is_there_stays_and_what_is_included_comes_first() {
        let auth = auth(&FixedClock::at("2026-01-01T00:00:00Z")).start().await.unwrap();
        let roles = Roles::new().grant("z", ["read"]).include("a", "m").include("m", "z");
        auth.add_missing_roles(roles.clone().grant("z", ["write"])).await.unwrap();
        auth.add_missing_roles(roles.include("new", "a")).await.unwrap();
        let held = auth.roles().unfold(["new".into()]);
        assert_eq!(held.roles.len(), 4);
        assert_eq!(held.allowed.len(), 2, "z kept what it had");
    }

    #[tokio::test]
    async fn a_ring_of_roles_is_refused() {
        let auth = auth(&FixedClock::at("2026-01-01T00:00:00Z")).start().await.unwrap();
        let ring = Roles::new().include("a", "b").include("b", "a");
        let refused = auth.add_missing_roles(ring).await.unwrap_err();
        assert_eq!(refused.kind(), ProblemKind::Conflict);
        assert_eq!(auth.roles().records().count(), 0);
    }

    #[tokio::test]
    async fn a_user_is_made_once() {
        let auth = auth(&FixedClock::at("2026-01-01T00:00:00Z")).start().await.unwrap();
        let account = || NewAccount::new("ann", "a walk in the northern wood");
        assert!(auth.add_missing_user(account(), &[]).await.unwrap().is_some());
        assert!(auth.add_missing_user(account(), &[]).await.unwrap().is_none());
    }
}
