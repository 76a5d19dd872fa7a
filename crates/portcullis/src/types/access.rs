//! What a subject holds as of now: roles unfolded, denials apart, conditions ready to ask.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Condition, Effect, GrantId, Permission, Place, Principal, Role, Scope};

/// What a subject holds as of now. Built once, shared by every request until something changes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Access {
    /// Every role held, with the roles those include.
    pub roles: BTreeSet<Role>,
    /// Permissions held without condition.
    pub allowed: BTreeSet<Permission>,
    /// Permissions denied without condition. A denial wins over any allowance.
    pub denied: BTreeSet<Permission>,
    /// Allowances and denials that count only while their condition holds.
    pub conditional: Vec<Conditional>,
    /// What is held in single places besides, such as in one tenant.
    pub within: BTreeMap<Place, PlacedAccess>,
    /// The scopes known, and the permission that stands behind each.
    pub scopes: Arc<ScopeBook>,
}

/// What is held in one place.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PlacedAccess {
    /// Roles, with those they include.
    pub roles: BTreeSet<Role>,
    /// Permissions.
    pub allowed: BTreeSet<Permission>,
    /// Permissions denied there, whatever is held elsewhere.
    pub denied: BTreeSet<Permission>,
    /// Allowances and denials that count only while their condition holds.
    pub conditional: Vec<Conditional>,
}

/// One allowance or denial that counts only while a condition holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Conditional {
    /// The grant it came from.
    pub grant: GrantId,
    /// Allow or deny.
    pub effect: Effect,
    /// What is allowed or denied.
    pub permission: Permission,
    /// When it counts.
    pub condition: Arc<dyn Condition>,
}

impl Conditional {
    /// Whether it counts for this request. Where that cannot be known, a denial does.
    #[must_use]
    pub fn counts(&self, who: &Principal) -> bool {
        match self.effect {
            Effect::Allow => self.condition.holds(who),
            Effect::Deny => !self.condition.is_known(who) || self.condition.holds(who),
        }
    }
}

/// The scopes that exist, each with its sentence and the permission that stands behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeBook {
    /// By name.
    pub rules: BTreeMap<Scope, ScopeRule>,
}

/// What a scope means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeRule {
    /// A sentence for people, shown where consent is asked and in OpenAPI.
    pub sentence: String,
    /// The permission a user must hold for a token of theirs to make use of this scope.
    pub permission: Option<Permission>,
}

/// The scopes that OpenID Connect names, each with its sentence. They stand beside the application's own, in no book:
/// a token has one only where it was asked for.
pub const OPENID_SCOPES: [(&str, &str); 4] = [
    ("openid", "Know who you are."),
    ("profile", "See your name."),
    ("email", "See your e-mail address."),
    ("offline_access", "Stay signed in when you are away."),
];

/// Whether OpenID Connect names this scope.
#[must_use]
pub fn is_openid_scope(name: &str) -> bool {
    OPENID_SCOPES.iter().any(|(known, _)| *known == name)
}

impl ScopeBook {
    /// A book with no scope in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a scope that anyone signed in may have.
    #[must_use]
    pub fn register(mut self, name: &str, sentence: &str) -> Self {
        self.rules
            .insert(name.into(), ScopeRule { sentence: sentence.to_owned(), permission: None });
        self
    }

    /// Registers a scope that only holders of `permission` may have.
    #[must_use]
    pub fn register_for(mut self, name: &str, sentence: &str, permission: &str) -> Self {
        let rule = ScopeRule { sentence: sentence.to_owned(), permission: Some(permission.into()) };
        self.rules.insert(name.into(), rule);
        self
    }
}
