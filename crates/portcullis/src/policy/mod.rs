//! 4, may they? One value says who may call: enforced, documented, printed. Pure: no I/O, no clock.

mod asking;
mod check;
mod condition;
pub mod conditions;
mod explain;
mod openapi;
mod question;
mod roles;

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::{BitAnd, BitOr};
use std::sync::Arc;

pub use check::{Ask, Decision, Missing, permits};
#[cfg(feature = "auth")]
pub(crate) use condition::Unknown;
#[cfg(feature = "auth")]
pub(crate) use condition::members;
pub use condition::{CONDITION_MEMBERS, Conditions};
pub use explain::{
    Circumstance, Ground, Held, Help, Join, Opening, Outcome, Provenance, Reason, Reasons, State,
};
pub use openapi::SecurityRequirement;
pub use question::Question;
pub(crate) use question::QuestionTerm;
pub use roles::{Roles, Unfolded, Ways};

use crate::types::{Condition, InvalidName, Permission, Place, Principal, Role, Scope, Subject};

/// Who may call a route.
///
/// It is made by the functions of this module alone, and joined by `&` and `|`: nothing else turns
/// into a requirement, so that a slip of the pen cannot open a route. There is no *not*: a denial
/// belongs to a role or a grant.
///
/// ```
/// use portcullis::policy::{permission, role, scope};
///
/// let who = role("analyst") & (scope("reports:read") | permission("reports:all"));
/// assert_eq!(who.to_string(), "role analyst and (scope reports:read or permission reports:all)");
/// ```
#[must_use = "a requirement guards nothing until a route is mounted with it"]
#[derive(Clone, Debug)]
pub struct Requirement {
    term: Term,
}

/// What a requirement asks for.
#[derive(Clone, Debug)]
pub(crate) enum Term {
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
    /// Whoever holds this role in a place.
    RoleIn(Whereabouts, Role),
    /// Whoever holds this permission in a place.
    PermissionIn(Whereabouts, Permission),
    /// Whoever's credential carries this scope.
    Scope(Scope),
    /// This one alone.
    Is(Subject),
    /// The owner of the thing: known only to the handler, which must ask once it has the row.
    Owner(&'static str),
    /// Whoever asks while this holds.
    When(Arc<dyn Condition>),
    /// Whoever asks while this is so, by the word of somebody who must be asked.
    Asked(QuestionTerm),
    /// All of these.
    All(Vec<Requirement>),
    /// Any of these.
    Any(Vec<Requirement>),
}

/// How a requirement names a place.
#[derive(Clone, Debug)]
pub(crate) enum Whereabouts {
    /// By a part of the path.
    Part(Arc<str>),
    /// Outright.
    At(Place),
}

impl Whereabouts {
    /// The place; `None` where the path does not name it.
    pub(crate) fn of(&self, who: &Principal) -> Option<Place> {
        match self {
            Self::Part(part) => who.context.place(part),
            Self::At(place) => Some(place.clone()),
        }
    }
}

impl fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(part) => write!(f, "{{{part}}}"),
            Self::At(place) => place.fmt(f),
        }
    }
}

impl From<Term> for Requirement {
    fn from(term: Term) -> Self {
        Self { term }
    }
}

/// Anyone may call. Say why: the reason is printed in the access table.
pub fn public(why: &'static str) -> Requirement {
    Term::Public(why).into()
}

/// Whoever is signed in may call.
pub fn authenticated() -> Requirement {
    Term::Authenticated.into()
}

/// Whoever is signed in by a credential that is not limited to scopes may call: a password, a
/// session cookie, a token that was asked for without scopes. For what a token that was narrowed
/// for some purpose must not do, such as changing the account itself.
pub fn unscoped() -> Requirement {
    Term::Unscoped.into()
}

/// Whoever holds the role, directly or through one that includes it.
pub fn role(name: impl Into<Role>) -> Requirement {
    Term::Role(name.into()).into()
}

/// Whoever holds the permission as of now. A denial wins over any number of allowances.
pub fn permission(name: impl Into<Permission>) -> Requirement {
    Term::Permission(name.into()).into()
}

/// Whoever holds the role in the place that the path names in this part: in `tenant` for
/// `/tenants/{tenant}/notes`. What is held everywhere is held there too.
pub fn role_in(part: &str, name: impl Into<Role>) -> Requirement {
    Term::RoleIn(Whereabouts::Part(part.into()), name.into()).into()
}

/// Whoever holds the permission in the place that the path names in this part. What is held
/// everywhere is held there too; a denial wins, whether it is of that place or of every place.
///
/// ```
/// use portcullis::policy::permission_in;
///
/// let who = permission_in("tenant", "notes:read"); // for `/tenants/{tenant}/notes`
/// assert_eq!(who.to_string(), "permission notes:read in {tenant}");
/// ```
pub fn permission_in(part: &str, name: impl Into<Permission>) -> Requirement {
    Term::PermissionIn(Whereabouts::Part(part.into()), name.into()).into()
}

/// Whoever holds the permission in this very place. For a handler that learns the place from a row.
pub fn permission_at(place: Place, name: impl Into<Permission>) -> Requirement {
    Term::PermissionIn(Whereabouts::At(place), name.into()).into()
}

/// Whoever's credential carries the scope, and who may make use of it as of now.
pub fn scope(name: impl Into<Scope>) -> Requirement {
    Term::Scope(name.into()).into()
}

/// This user or client alone. For a handler that has the row in hand. A credential that is limited
/// to scopes meets it only where the route names a scope that it carries.
pub fn is(who: impl Into<Subject>) -> Requirement {
    Term::Is(who.into()).into()
}

/// The owner of the thing that the path names.
///
/// The route table cannot know who that is. The gate lets whoever is signed in come as far as the
/// handler, and the handler must ask [`Principal::must`](crate::types::Principal::must) once the
/// row is in hand; an answer given without asking is withheld, unless it is a refusal. A credential
/// that is limited to scopes comes so far only where a scope that it carries is named beside it:
/// `scope("items:write") & owner("item")`.
pub fn owner(of: &'static str) -> Requirement {
    Term::Owner(of).into()
}

/// Whoever asks while the condition holds.
pub fn when(condition: impl Condition) -> Requirement {
    Term::When(Arc::new(condition)).into()
}

/// Whoever asks while this is so, by the word of somebody who must be asked: a database of the
/// application's own, another service. See [`Question`].
pub fn when_asked(question: impl Question) -> Requirement {
    Term::Asked(QuestionTerm::new(question)).into()
}

/// Whoever meets all of these: for a list that is not known beforehand. Of an empty list, whoever
/// is signed in.
pub fn all_of(terms: impl IntoIterator<Item = Requirement>) -> Requirement {
    Term::All(terms.into_iter().collect()).into()
}

/// Whoever meets any of these: for a list that is not known beforehand. Of an empty list, nobody.
pub fn any_of(terms: impl IntoIterator<Item = Requirement>) -> Requirement {
    Term::Any(terms.into_iter().collect()).into()
}

impl Requirement {
    /// Whether it is one permission and nothing else.
    #[cfg(feature = "auth")]
    pub(crate) fn is_permission(&self) -> bool {
        matches!(self.term, Term::Permission(_))
    }

    /// What it asks for.
    pub(crate) fn term(&self) -> &Term {
        &self.term
    }

    /// Every permission that is named anywhere in it.
    #[must_use]
    pub fn permissions(&self) -> Vec<&Permission> {
        match &self.term {
            Term::Permission(name) | Term::PermissionIn(_, name) => vec![name],
            Term::All(terms) | Term::Any(terms) => {
                terms.iter().flat_map(Self::permissions).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Every question in it, the same one once.
    pub(crate) fn questions(&self) -> Vec<&QuestionTerm> {
        let mut found: Vec<&QuestionTerm> = match &self.term {
            Term::Asked(asked) => vec![asked],
            Term::All(terms) | Term::Any(terms) => terms.iter().flat_map(Self::questions).collect(),
            _ => Vec::new(),
        };
        found.sort_by_key(|one| one.number());
        found.dedup_by_key(|one| one.number());
        found
    }

    /// Every part of the path by which it names a place.
    #[must_use]
    pub fn parts(&self) -> Vec<&str> {
        match &self.term {
            Term::RoleIn(Whereabouts::Part(part), _)
            | Term::PermissionIn(Whereabouts::Part(part), _) => vec![part],
            Term::All(terms) | Term::Any(terms) => terms.iter().flat_map(Self::parts).collect(),
            _ => Vec::new(),
        }
    }

    /// Names in it that cannot be the name of a role, a permission or a scope.
    #[must_use]
    pub fn invalid_names(&self) -> Vec<InvalidName> {
        match &self.term {
            Term::Role(name) | Term::RoleIn(_, name) => name.check().err().into_iter().collect(),
            Term::Permission(name) | Term::PermissionIn(_, name) => {
                name.check().err().into_iter().collect()
            }
            Term::Scope(name) => name.check().err().into_iter().collect(),
            Term::All(terms) | Term::Any(terms) => {
                terms.iter().flat_map(Self::invalid_names).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The same requirement where the owner is known: what [`owner`] left open, this subject
    /// alone meets.
    pub fn owned_by(self, who: &Subject) -> Self {
        let each = |terms: Vec<Self>| terms.into_iter().map(|term| term.owned_by(who)).collect();
        match self.term {
            Term::Owner(_) => Term::Is(who.clone()).into(),
            Term::All(terms) => Term::All(each(terms)).into(),
            Term::Any(terms) => Term::Any(each(terms)).into(),
            other => other.into(),
        }
    }
}

impl BitAnd for Requirement {
    type Output = Self;

    fn bitand(self, with: Self) -> Self {
        let terms = |one: Self| match one.term {
            Term::All(terms) => terms,
            term => vec![term.into()],
        };
        all_of([terms(self), terms(with)].concat())
    }
}

impl BitOr for Requirement {
    type Output = Self;

    fn bitor(self, or: Self) -> Self {
        let terms = |one: Self| match one.term {
            Term::Any(terms) => terms,
            term => vec![term.into()],
        };
        any_of([terms(self), terms(or)].concat())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, terms: &[Self], word: &str| {
            for (position, term) in terms.iter().enumerate() {
                if position > 0 {
                    write!(f, " {word} ")?;
                }
                match term.term {
                    Term::All(_) | Term::Any(_) => write!(f, "({term})")?,
                    _ => write!(f, "{term}")?,
                }
            }
            Ok(())
        };
        match &self.term {
            Term::Public(why) => write!(f, "anyone: {why}"),
            Term::Authenticated => f.write_str("signed in"),
            Term::Unscoped => write!(f, "signed in by {}", check::UNSCOPED),
            Term::Role(name) => write!(f, "role {name}"),
            Term::Permission(name) => write!(f, "permission {name}"),
            Term::RoleIn(place, name) => write!(f, "role {name} in {place}"),
            Term::PermissionIn(place, name) => write!(f, "permission {name} in {place}"),
            Term::Scope(name) => write!(f, "scope {name}"),
            Term::Is(who) => write!(f, "{who}"),
            Term::Owner(of) => write!(f, "owner of the {of}"),
            Term::When(condition) => f.write_str(&condition.explain()),
            Term::Asked(asked) => f.write_str(&asked.question().explain()),
            Term::All(terms) => joined(f, terms, "and"),
            Term::Any(terms) => joined(f, terms, "or"),
        }
    }
}
