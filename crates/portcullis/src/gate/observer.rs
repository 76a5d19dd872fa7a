//! An observer is told of refusals.

use std::fmt;

use http::Method;

use crate::problem::ProblemKind;
use crate::types::Principal;

/// A request that was refused although it brought a credential: a 401 for one that is not
/// accepted, or a 403.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refusal<'a> {
    /// Who asked, and under which circumstances; a guest where the credential was not accepted.
    pub principal: &'a Principal,
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
/// `Auth` (feature `auth`) is one: it notes each in the audit log.
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
