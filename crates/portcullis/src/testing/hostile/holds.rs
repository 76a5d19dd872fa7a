//! What a principal on one of the ways holds, as an account.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use crate::auth::Auth;
use crate::policy::{Decision, Requirement, Roles, Term};
use crate::router::AccessRow;
use crate::testing::TestClient;
use crate::types::{Access, Context, Permission, Principal, Role, Scope, Scopes, Subject, UserId};

/// What somebody holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Holds {
    pub(super) roles: BTreeSet<Role>,
    pub(super) permissions: BTreeSet<Permission>,
    pub(super) scopes: BTreeSet<Scope>,
    /// Whether a token of theirs is limited to those scopes.
    pub(super) limited: bool,
    pub(super) denied: BTreeSet<Permission>,
    /// What no account can be given.
    pub(super) beyond: Vec<String>,
}

impl Holds {
    /// Just what these terms ask for.
    pub(super) fn of(terms: &[&Requirement], auth: &Auth) -> Self {
        let mut holds = Self::default();
        for term in terms {
            match term.term() {
                Term::Role(role) | Term::RoleIn(_, role) => {
                    holds.roles.insert(role.clone());
                }
                Term::Permission(permission) | Term::PermissionIn(_, permission) => {
                    holds.permissions.insert(permission.clone());
                }
                Term::Scope(scope) => {
                    holds.scopes.insert(scope.clone());
                    holds.limited = true;
                    let rule = auth.scope_book().rules.get(scope);
                    holds.permissions.extend(rule.and_then(|rule| rule.permission.clone()));
                }
                Term::Is(_) | Term::Asked(_) => holds.beyond.push(term.to_string()),
                _ => {}
            }
        }
        holds
    }

    /// The user who holds it, through `client`.
    pub(super) fn given_to(&self, mut client: TestClient) -> TestClient {
        if self.limited {
            client = client.with_scopes(self.scopes.iter().cloned());
        }
        for role in &self.roles {
            client = client.with_role(role.clone());
        }
        for permission in &self.permissions {
            client = client.with_permission(permission.clone());
        }
        for permission in &self.denied {
            client = client.denied(permission.clone());
        }
        client
    }

    /// What the requirement says of whoever holds it and has just signed in: worked out from the
    /// value alone, without store, token or gate.
    pub(super) fn judged(
        &self,
        row: &AccessRow,
        (auth, roles): (&Auth, Option<&Roles>),
        (by_token, address): (bool, Option<IpAddr>),
    ) -> Decision {
        let live = auth.roles();
        let mut held = live.unfold(self.roles.iter().cloned());
        if let Some(roles) = roles {
            let more = roles.unfold(held.roles.iter().chain(&self.roles).cloned());
            held.roles.extend(more.roles);
            held.allowed.extend(more.allowed);
            held.denied.extend(more.denied);
        }
        let id = UserId(uuid::Uuid::from_u128(1));
        let mut who = Principal::new(Subject::User(id), "model");
        who.access = Arc::new(Access {
            roles: held.roles.union(&self.roles).cloned().collect(),
            allowed: held.allowed.union(&self.permissions).cloned().collect(),
            denied: held.denied.union(&self.denied).cloned().collect(),
            scopes: Arc::clone(auth.scope_book()),
            ..Access::default()
        });
        if by_token && self.limited {
            who.scopes = Scopes::Only(Arc::new(self.scopes.clone()));
        }
        who.authenticated_at = Some(auth.now());
        who.context = Context {
            method: Some(row.method.clone()),
            route: Some(Arc::clone(&row.path)),
            address,
            now: auth.now(),
            ..Context::default()
        };
        row.who.check(&who)
    }
}
