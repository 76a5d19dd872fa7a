//! Who is told of refusals.

use std::fmt;

use http::Method;

use crate::auth::{Action, Auth, Event};
use crate::problem::ProblemKind;
use crate::types::{Actor, AuditTarget};

/// A request that was refused although it brought a credential: a 401 for one that is not
/// accepted, or a 403.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refusal<'a> {
    /// Who asked, and from where; nobody where the credential was not accepted.
    pub actor: Actor,
    /// The method.
    pub method: &'a Method,
    /// The route's path as declared.
    pub route: &'a str,
    /// Why.
    pub kind: ProblemKind,
    /// What was missing, as the 403 says it.
    pub missing: &'a [String],
}

/// Something that is told of refusals. It must return at once.
///
/// [`Auth`] are one: they note each in the audit log.
///
/// ```
/// use portcullis::gate::{Gate, Observer, Refusal};
///
/// #[derive(Debug)]
/// struct Print;
///
/// impl Observer for Print {
///     fn refused(&self, refusal: &Refusal<'_>) {
///         println!("{} {}: {}", refusal.method, refusal.route, refusal.kind.slug());
///     }
/// }
///
/// let gate = Gate::builder().observer(Print).build();
/// # assert!(gate.is_ok());
/// ```
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// A request was refused.
    fn refused(&self, refusal: &Refusal<'_>);
}

impl Observer for Auth {
    fn refused(&self, refusal: &Refusal<'_>) {
        let route = AuditTarget::route(refusal.method.as_str(), refusal.route);
        let event = Event::new(&refusal.actor, Action::AccessRefused).on(route).failed();
        let event = event.detail("why", refusal.kind.slug());
        self.note(if refusal.missing.is_empty() {
            event
        } else {
            event.names("missing", refusal.missing)
        });
    }
}
