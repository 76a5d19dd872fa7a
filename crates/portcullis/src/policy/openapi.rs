//! A requirement as OpenAPI's `security`: an OR of ANDs.

use super::{Requirement, Term};
use crate::types::{Role, SchemeName, Scope};

/// How many alternatives are written out. Beyond that the list says only "signed in", and
/// `x-requires` has the whole sentence.
const MOST: usize = 64;

/// One alternative of an operation's `security`: a scheme, and what must be held besides.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecurityRequirement {
    /// The scheme to sign in with.
    pub scheme: SchemeName,
    /// Scopes that the credential must carry.
    pub scopes: Vec<Scope>,
    /// Roles that the caller must hold.
    pub roles: Vec<Role>,
}

/// What one alternative asks for besides being signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ConditionSpec {
    scopes: Vec<Scope>,
    roles: Vec<Role>,
}

impl ConditionSpec {
    fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for scope in &other.scopes {
            if !both.scopes.contains(scope) {
                both.scopes.push(scope.clone());
            }
        }
        for role in &other.roles {
            if !both.roles.contains(role) {
                both.roles.push(role.clone());
            }
        }
        both
    }
}

impl Requirement {
    /// The requirement as OpenAPI's `security` says it: each entry is one way in. Empty where
    /// anyone may call.
    ///
    /// Only scopes and roles can be said there; permissions, owners and conditions stand in the
    /// sentence of `x-requires`.
    ///
    /// ```
    /// use portcullis::policy::{role, scope};
    ///
    /// let who = (role("analyst") | role("admin")) & scope("reports:read");
    /// let ways = who.to_openapi(&["bearer".into()]);
    /// assert_eq!(ways.len(), 2);
    /// assert_eq!(ways[0].scopes, ["reports:read".into()]);
    /// assert_eq!(ways[0].roles, ["analyst".into()]);
    /// ```
    #[must_use]
    pub fn to_openapi(&self, schemes: &[SchemeName]) -> Vec<SecurityRequirement> {
        if self.is_public() {
            return Vec::new();
        }
        // No alternative at all would read as "anyone".
        let written = self.clauses().filter(|clauses| !clauses.is_empty());
        let clauses = written.unwrap_or_else(|| vec![ConditionSpec::default()]);
        let mut found: Vec<SecurityRequirement> = Vec::new();
        for spec in clauses {
            for scheme in schemes {
                let one = SecurityRequirement {
                    scheme: scheme.clone(),
                    scopes: spec.scopes.clone(),
                    roles: spec.roles.clone(),
                };
                if !found.contains(&one) {
                    found.push(one);
                }
            }
        }
        found
    }

    /// Whether anyone may call, signed in or not: the whole requirement is
    /// [`public`](super::public). As a term of a larger one that word opens nothing to a guest.
    #[must_use]
    pub fn is_public(&self) -> bool {
        matches!(self.term, Term::Public(_))
    }

    /// Every scope that is named anywhere in it.
    #[must_use]
    pub fn scopes(&self) -> Vec<&Scope> {
        match &self.term {
            Term::Scope(scope) => vec![scope],
            Term::All(terms) | Term::Any(terms) => {
                terms.iter().flat_map(Requirement::scopes).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The alternatives; `None` where there are too many to write out.
    fn clauses(&self) -> Option<Vec<ConditionSpec>> {
        let clauses = match &self.term {
            Term::Scope(scope) => {
                vec![ConditionSpec { scopes: vec![scope.clone()], roles: Vec::new() }]
            }
            Term::Role(role) => {
                vec![ConditionSpec { scopes: Vec::new(), roles: vec![role.clone()] }]
            }
            Term::Any(terms) => {
                let mut either = Vec::new();
                for term in terms {
                    either.extend(term.clauses()?);
                }
                either
            }
            Term::All(terms) => {
                let mut product = vec![ConditionSpec::default()];
                for term in terms {
                    let more = term.clauses()?;
                    if product.len() * more.len() > MOST {
                        return None;
                    }
                    product = product
                        .iter()
                        .flat_map(|one| more.iter().map(|other| one.and(other)))
                        .collect();
                }
                product
            }
            _ => vec![ConditionSpec::default()],
        };
        (clauses.len() <= MOST).then_some(clauses)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Decision, all_of, any_of, authenticated, owner, permission, public, role, scope,
    };
    use super::*;
    use crate::types::Principal;

    fn said(who: &Requirement) -> Vec<(String, Vec<String>, Vec<String>)> {
        let text = |names: Vec<String>| names;
        who.to_openapi(&["basic".into(), "oauth2".into()])
            .into_iter()
            .map(|one| {
                (
                    one.scheme.to_string(),
                    text(one.scopes.iter().map(ToString::to_string).collect()),
                    text(one.roles.iter().map(ToString::to_string).collect()),
                )
            })
            .collect()
    }

    fn way(scheme: &str, scopes: &[&str], roles: &[&str]) -> (String, Vec<String>, Vec<String>) {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        (scheme.to_owned(), owned(scopes), owned(roles))
    }

    #[test]
    fn public_is_the_empty_list_and_nothing_else_is() {
        assert!(said(&public("liveness")).is_empty());
        assert_eq!(said(&(public("a part") | role("admin"))).len(), 4);
        assert_eq!(said(&(public("a part") & authenticated())).len(), 2);
        assert_eq!(said(&all_of([])).len(), 2);
        assert_eq!(said(&any_of([])).len(), 2);
    }

    #[test]
    fn the_document_and_the_judge_agree_on_what_a_guest_may() {
        for who in [
            public("x"),
            public("x") | role("admin"),
            public("x") & public("y"),
            authenticated(),
            all_of([]),
            any_of([]),
        ] {
            let open = who.check(&Principal::guest()) == Decision::Permit;
            assert_eq!(who.is_public(), open, "{who}");
        }
    }

    #[test]
    fn each_scheme_is_a_way_in_and_names_what_it_can() {
        assert_eq!(said(&authenticated()), [way("basic", &[], &[]), way("oauth2", &[], &[])]);
        assert_eq!(
            said(&(scope("items:write") & permission("write"))),
            [way("basic", &["items:write"], &[]), way("oauth2", &["items:write"], &[])]
        );
        assert_eq!(
            said(&(permission("delete") | owner("item"))),
            [way("basic", &[], &[]), way("oauth2", &[], &[])]
        );
    }

    #[test]
    fn an_and_of_ors_becomes_an_or_of_ands() {
        let who = (role("a") | role("b")) & (scope("s") | scope("t"));
        assert_eq!(
            said(&who).into_iter().filter(|(scheme, ..)| scheme == "basic").collect::<Vec<_>>(),
            [
                way("basic", &["s"], &["a"]),
                way("basic", &["t"], &["a"]),
                way("basic", &["s"], &["b"]),
                way("basic", &["t"], &["b"]),
            ]
        );
    }

    #[test]
    fn too_many_alternatives_stay_closed_and_short() {
        let pair = |n: u8| role(format!("a{n}")) | role(format!("b{n}"));
        let who = all_of((0..40).map(pair));
        assert_eq!(said(&who), [way("basic", &[], &[]), way("oauth2", &[], &[])]);
    }
}
