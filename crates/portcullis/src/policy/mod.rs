//! 4, may they? One value says who may call: enforced, documented, printed. Pure: no I/O, no clock.

mod check;
mod condition;
pub mod conditions;
mod explain;
mod openapi;
mod roles;

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::{BitAnd, BitOr};
use std::sync::Arc;

pub use check::{Ask, Decision, Missing, permits};
pub use condition::Conditions;
pub(crate) use condition::Unknown;
pub use explain::{
    Circumstance, Ground, Held, Help, Join, Opening, Outcome, Provenance, Reason, Reasons, State,
};
pub use openapi::SecurityRequirement;
pub use roles::{Roles, Unfolded, Ways};

use crate::types::{Condition, Permission, Role, Scope, Subject};

/// Who may call a route.
///
/// There is no *not*: a denial belongs to a role or a grant.
///
/// ```
/// use portcullis::policy::{permission, role, scope};
///
/// let who = role("analyst") & (scope("reports:read") | permission("reports:all"));
/// assert_eq!(who.to_string(), "role analyst and (scope reports:read or permission reports:all)");
/// ```
#[must_use = "a requirement guards nothing until a route is mounted with it"]
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Requirement {
    /// Anyone, and the reason why. Credentials are not looked at.
    Public(&'static str),
    /// Whoever is signed in.
    Authenticated,
    /// Whoever is signed in by a credential that is not limited to scopes.
    Unscoped,
    /// Whoever holds this role, or one that includes it.
    Role(Role),
    /// Whoever holds this permission.
    Permission(Permission),
    /// Whoever's credential carries this scope.
    Scope(Scope),
    /// This one alone.
    Is(Subject),
    /// The owner of the thing: known only to the handler, which must ask once it has the row.
    Owner(&'static str),
    /// Whoever asks while this holds.
    When(Arc<dyn Condition>),
    /// All of these.
    All(Vec<Requirement>),
    /// Any of these.
    Any(Vec<Requirement>),
}

/// Anyone may call. Say why: the reason is printed in the access table.
pub fn public(why: &'static str) -> Requirement {
    Requirement::Public(why)
}

/// Whoever is signed in may call.
pub fn authenticated() -> Requirement {
    Requirement::Authenticated
}

/// Whoever is signed in by a credential that is not limited to scopes may call: a password, a
/// session cookie, a token that was asked for without scopes. For what a token that was narrowed
/// for some purpose must not do, such as changing the account itself.
pub fn unscoped() -> Requirement {
    Requirement::Unscoped
}

/// Whoever holds the role, directly or through one that includes it.
pub fn role(name: impl Into<Role>) -> Requirement {
    Requirement::Role(name.into())
}

/// Whoever holds the permission as of now. A denial wins over any number of allowances.
pub fn permission(name: impl Into<Permission>) -> Requirement {
    Requirement::Permission(name.into())
}

/// Whoever's credential carries the scope, and who may make use of it as of now.
pub fn scope(name: impl Into<Scope>) -> Requirement {
    Requirement::Scope(name.into())
}

/// This user or client alone. For a handler that has the row in hand.
pub fn is(who: impl Into<Subject>) -> Requirement {
    Requirement::Is(who.into())
}

/// The owner of the thing that the path names.
///
/// The route table cannot know who that is. The gate lets whoever is signed in come as far as the
/// handler, and the handler must ask [`Principal::must`](crate::types::Principal::must) once the
/// row is in hand; an answer given without asking is withheld.
pub fn owner(of: &'static str) -> Requirement {
    Requirement::Owner(of)
}

/// Whoever asks while the condition holds.
pub fn when(condition: impl Condition) -> Requirement {
    Requirement::When(Arc::new(condition))
}

impl Requirement {
    /// The same requirement where the owner is known: what [`owner`] left open, this subject
    /// alone meets.
    pub fn owned_by(self, who: &Subject) -> Self {
        let each = |terms: Vec<Self>| terms.into_iter().map(|term| term.owned_by(who)).collect();
        match self {
            Self::Owner(_) => Self::Is(who.clone()),
            Self::All(terms) => Self::All(each(terms)),
            Self::Any(terms) => Self::Any(each(terms)),
            other => other,
        }
    }
}

impl BitAnd for Requirement {
    type Output = Self;

    fn bitand(self, with: Self) -> Self {
        let mut terms = match self {
            Self::All(terms) => terms,
            one => vec![one],
        };
        match with {
            Self::All(more) => terms.extend(more),
            one => terms.push(one),
        }
        Self::All(terms)
    }
}

impl BitOr for Requirement {
    type Output = Self;

    fn bitor(self, or: Self) -> Self {
        let mut terms = match self {
            Self::Any(terms) => terms,
            one => vec![one],
        };
        match or {
            Self::Any(more) => terms.extend(more),
            one => terms.push(one),
        }
        Self::Any(terms)
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, terms: &[Self], word: &str| {
            for (position, term) in terms.iter().enumerate() {
                if position > 0 {
                    write!(f, " {word} ")?;
                }
                match term {
                    Self::All(_) | Self::Any(_) => write!(f, "({term})")?,
                    _ => write!(f, "{term}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::Public(why) => write!(f, "anyone: {why}"),
            Self::Authenticated => f.write_str("signed in"),
            Self::Unscoped => write!(f, "signed in by {}", check::UNSCOPED),
            Self::Role(name) => write!(f, "role {name}"),
            Self::Permission(name) => write!(f, "permission {name}"),
            Self::Scope(name) => write!(f, "scope {name}"),
            Self::Is(who) => write!(f, "{who}"),
            Self::Owner(of) => write!(f, "owner of the {of}"),
            Self::When(condition) => f.write_str(&condition.explain()),
            Self::All(terms) => joined(f, terms, "and"),
            Self::Any(terms) => joined(f, terms, "or"),
        }
    }
}
