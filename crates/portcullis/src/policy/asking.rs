//! What a handler asks of the principal, once it has the row in hand.

use super::check::{At, At::Everywhere, holds, reaches};
use super::{Ask, Decision, Missing, Requirement, permits};
use crate::problem::{Problem, ProblemKind};
use crate::types::{Condition, Permission, Place, Principal, Tenants};

impl Principal {
    /// Asks for something once the row is in hand: the same algebra as in the route table.
    ///
    /// ```
    /// use portcullis::policy::{is, permission};
    /// use portcullis::types::{Principal, Subject, UserId};
    ///
    /// let owner = UserId(uuid::Uuid::from_u128(7));
    /// let who = Principal::new(Subject::User(owner), "ann");
    /// assert!(who.must(permission("items:delete") | is(owner)).is_ok());
    /// assert!(who.must(permission("items:delete")).is_err());
    /// ```
    ///
    /// # Errors
    /// A 403 that names what is missing; a 401 for a guest, or where a fresh sign-in would help.
    pub fn must(&self, what: Requirement) -> Result<(), Problem> {
        self.context.asked.note();
        match what.check(self) {
            Decision::Permit => Ok(()),
            // An owner is a question to the handler itself: here nobody is left to answer it.
            Decision::Defer => {
                Err(Missing { terms: vec![what.to_string()], ..Missing::default() }.into_problem())
            }
            Decision::Challenge(Ask::SignIn) => Err(ProblemKind::Unauthenticated.into()),
            Decision::Challenge(Ask::StepUp(_)) => Err(ProblemKind::StepUp.into()),
            Decision::Forbid(missing) => Err(missing.into_problem()),
        }
    }

    /// As [`must`](Self::must), but says 404: whoever may not see it may not know that it exists.
    ///
    /// # Errors
    /// A 404.
    pub fn must_or_hide(&self, what: Requirement) -> Result<(), Problem> {
        self.must(what).map_err(|_| ProblemKind::NotFound.into())
    }

    /// Whether the subject holds the permission at this moment, by a credential that reaches so
    /// far. Behind [`owner`](super::owner) this is asking, as [`must`](Self::must) is.
    #[must_use]
    pub fn may(&self, permission: &Permission) -> bool {
        self.context.asked.note();
        permits(self, permission)
    }

    /// Whether the subject holds the permission in this place at this moment, by a credential that
    /// reaches so far.
    #[must_use]
    pub fn may_in(&self, place: &Place, permission: &Permission) -> bool {
        self.context.asked.note();
        holds(self, permission, At::Place(place))
            && reaches(self, permission, self.context.within_scope)
    }

    /// The tenants in which the permission is held at this moment: for a list that is read by SQL.
    ///
    /// ```
    /// use portcullis::types::{ClientId, Place, Principal, Subject, Tenants};
    ///
    /// let who = Principal::new(Subject::Client(ClientId::from("sync")), "sync")
    ///     .with_permissions_in(Place::new("tenant", "acme"), ["notes:*"]);
    /// let Tenants::Only(names) = who.tenants_with(&"notes:read".into()) else { return };
    /// // SELECT … FROM notes WHERE tenant = ANY ($1) ORDER BY id LIMIT 50
    /// assert_eq!(names.into_iter().collect::<Vec<_>>(), ["acme".into()]);
    /// ```
    #[must_use]
    pub fn tenants_with(&self, permission: &Permission) -> Tenants {
        self.places_with("tenant", permission)
    }

    /// As [`tenants_with`](Self::tenants_with), for places that paths name in another part.
    #[must_use]
    pub fn places_with(&self, part: &str, permission: &Permission) -> Tenants {
        self.context.asked.note();
        if !reaches(self, permission, self.context.within_scope) {
            return Tenants::none();
        }
        let places = self.access.within.keys().filter(|place| place.part() == part);
        let (held, not): (Vec<&Place>, Vec<&Place>) =
            places.partition(|place| holds(self, permission, At::Place(place)));
        let names = |places: Vec<&Place>| places.into_iter().map(|one| one.name().into()).collect();
        if holds(self, permission, Everywhere) {
            Tenants::AllBut(names(not))
        } else {
            Tenants::Only(names(held))
        }
    }

    /// Whether a condition holds for this request.
    #[must_use]
    pub fn meets(&self, condition: &dyn Condition) -> bool {
        condition.holds(self)
    }
}
