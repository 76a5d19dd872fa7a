//! Connects [`Auth`] to the guard: it supplies scopes and a clock, and records refusals.

use super::{Action, Actor, Auth, Event};
use crate::auth::audit::AuditTarget;
use crate::gate::{GateBuilder, Observer, Refusal};

impl Observer for Auth {
    fn refused(&self, refusal: &Refusal<'_>) {
        let route = AuditTarget::route(refusal.method.as_str(), refusal.route);
        let event =
            Event::new(&Actor::of(refusal.principal), Action::AccessRefused).on(route).failed();
        let event = event.detail("why", refusal.kind.slug());
        self.note(if refusal.missing.is_empty() {
            event
        } else {
            event.names("missing", refusal.missing)
        });
    }
}

impl GateBuilder {
    /// Takes scopes, time and randomness from this side, so that both go by the same clock.
    pub fn auth(self, auth: &Auth) -> Self {
        self.scopes(auth.scope_book().as_ref().clone()).sources(auth.sources().clone())
    }
}
