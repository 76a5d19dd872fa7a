//! What is made of another issuer's word.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::crypto::{AccessClaims, Claims, TokenFault};
use crate::problem::{BoxError, ConfigError};
use crate::types::{ClientId, External, Permission, Principal, Role, Scope, Subject};

/// How `amr` says that a second factor was given (RFC 8176 §2).
const SECOND_FACTOR: &str = "mfa";

/// Claims that only other tokens than access tokens have: of ID tokens (OpenID Connect Core §2,
/// §3.3.2.11) and of logout tokens.
const OF_OTHER_TOKENS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

/// Claims by which some issuers tell their tokens apart, and what access tokens say there.
const KINDS: [(&str, &str); 2] = [("token_use", "access"), ("typ", "Bearer")];

/// Which claims of an issuer mean what here.
#[derive(Clone, Debug, Default)]
pub(super) struct Mapping {
    pub(super) name: Option<String>,
    pub(super) roles: Option<String>,
    pub(super) permissions: Option<String>,
    /// Scopes that say nothing of this API.
    pub(super) ignored: Vec<String>,
    /// What the application makes of the claims.
    pub(super) map: Option<MapClaims>,
}

type Map = dyn Fn(Principal, &Claims) -> Result<Principal, BoxError> + Send + Sync;

/// What an application makes of the claims of a token.
#[derive(Clone)]
pub(super) struct MapClaims(pub(super) Arc<Map>);

impl fmt::Debug for MapClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MapClaims(…)")
    }
}

impl Mapping {
    /// Notes pointers that are none (RFC 6901 §3).
    pub(super) fn check(&self, setting: impl Fn(&str) -> String, faults: &mut ConfigError) {
        let pointers =
            [("name", &self.name), ("roles", &self.roles), ("permissions", &self.permissions)];
        for (what, pointer) in pointers {
            if pointer.as_ref().is_some_and(|pointer| !is_pointer(pointer)) {
                faults.add(
                    &setting(what),
                    "it is not a JSON pointer to a claim",
                    "begin with '/', and write '~1' for a slash within a name and '~0' for '~'",
                );
            }
        }
    }

    /// Whom a verified token of this `kind` (`typ`) speaks for.
    ///
    /// # Errors
    /// [`TokenFault`] where it is no access token, or a claim that is needed is of the wrong type.
    pub(super) fn principal(
        &self,
        claims: &Claims,
        kind: Option<&str>,
    ) -> Result<Principal, TokenFault> {
        if kind != Some(AccessClaims::KIND) && !may_be_access_token(claims) {
            return Err(TokenFault::WrongKind);
        }
        let external = External::new(&*claims.issuer, &*claims.subject);
        let name = match claim(self.name.as_deref(), claims) {
            None => Arc::clone(&external.subject),
            Some(Value::String(name)) => name.as_str().into(),
            Some(_) => return Err(TokenFault::WrongClaim("name")),
        };
        let roles = words(claim(self.roles.as_deref(), claims), "roles")?;
        let permissions = words(claim(self.permissions.as_deref(), claims), "permissions")?;
        // Names that cannot be one here give nothing, and take nothing from the others.
        let roles = roles.into_iter().filter_map(|name| Role::parse(name).ok());
        let permissions = permissions.into_iter().filter_map(|name| Permission::parse(name).ok());
        let mut principal = Principal::new(Subject::External(external), name)
            .with_roles(roles)
            .with_permissions(permissions);
        principal = match scopes(claims)? {
            None => principal.without_scopes(),
            Some(named) => self.limit(principal, named),
        };
        principal.authenticated_at = claims.authenticated_at;
        principal.second_factor = claims.methods.iter().any(|method| method == SECOND_FACTOR);
        principal.client = match (&claims.client, claims.extra.get("azp")) {
            (Some(client), _) => Some(client.clone()),
            (None, Some(Value::String(client))) => Some(ClientId::from(client.as_str())),
            (None, _) => None,
        };
        self.mapped(principal, claims)
    }

    /// What the application makes of it.
    fn mapped(&self, principal: Principal, claims: &Claims) -> Result<Principal, TokenFault> {
        let Some(MapClaims(map)) = &self.map else { return Ok(principal) };
        map(principal, claims).map_err(|error| {
            tracing::debug!(%error, "the claims of a token of another issuer cannot be mapped");
            TokenFault::WrongClaim("mapped")
        })
    }

    /// Limits the principal to the scopes that the token names, but for those that say nothing of
    /// this API.
    fn limit(&self, principal: Principal, named: Vec<Scope>) -> Principal {
        let is_ignored = |one: &Scope| self.ignored.iter().any(|name| name == one.as_str());
        let any = !named.is_empty();
        let counted: Vec<Scope> = named.into_iter().filter(|one| !is_ignored(one)).collect();
        if any && counted.is_empty() {
            principal.without_scopes()
        } else {
            principal.with_scopes(counted)
        }
    }
}

/// The claim at a pointer.
fn claim<'c>(pointer: Option<&str>, claims: &'c Claims) -> Option<&'c Value> {
    let (first, rest) = split(pointer?)?;
    let claim = claims.extra.get(&first)?;
    if rest.is_empty() { Some(claim) } else { claim.pointer(rest) }
}

/// The name of the claim a pointer begins with, and the pointer from there on.
fn split(pointer: &str) -> Option<(String, &str)> {
    let path = pointer.strip_prefix('/')?;
    let end = path.find('/').unwrap_or(path.len());
    let (first, rest) = path.split_at(end);
    Some((first.replace("~1", "/").replace("~0", "~"), rest))
}

fn is_pointer(text: &str) -> bool {
    let escapes = text.split('~').skip(1);
    text.len() > 1
        && text.starts_with('/')
        && escapes.into_iter().all(|after| after.starts_with(['0', '1']))
}

/// Whether a token whose `typ` says too little, such as `JWT`, may be an access token.
fn may_be_access_token(claims: &Claims) -> bool {
    let says_so = |(name, access): (&str, &str)| match claims.extra.get(name) {
        None => true,
        Some(Value::String(kind)) => kind.eq_ignore_ascii_case(access),
        Some(_) => false,
    };
    KINDS.into_iter().all(says_so)
        && OF_OTHER_TOKENS.into_iter().all(|name| !claims.extra.contains_key(name))
}

/// What the token is limited to: `scope`, or `scp` where others write it so. `None` where it does not
/// say; a claim that names nothing limits to nothing.
fn scopes(claims: &Claims) -> Result<Option<Vec<Scope>>, TokenFault> {
    if let Some(scopes) = &claims.scopes {
        return Ok(Some(scopes.iter().cloned().collect()));
    }
    let fault = TokenFault::WrongClaim("scp");
    let Some(claim) = claims.extra.get("scp") else { return Ok(None) };
    let words = words(Some(claim), "scp")?.into_iter();
    words.map(|word| Scope::parse(word).map_err(|_| fault)).collect::<Result<_, _>>().map(Some)
}

/// Words as an array, or as one text with spaces between.
fn words<'c>(claim: Option<&'c Value>, name: &'static str) -> Result<Vec<&'c str>, TokenFault> {
    let fault = TokenFault::WrongClaim(name);
    match claim {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(text.split(' ').filter(|word| !word.is_empty()).collect()),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().ok_or(fault)).collect::<Result<_, _>>()
        }
        Some(_) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_checked_when_the_verifier_is_built() {
        for good in ["/roles", "/realm_access/roles", "/https:~1~1api.example~1roles", "/a~0b"] {
            assert!(is_pointer(good), "{good}");
        }
        for bad in ["", "/", "roles", "/a~2", "/a~"] {
            assert!(!is_pointer(bad), "{bad}");
        }
        assert_eq!(split("/a~1b/c/0"), Some(("a/b".to_owned(), "/c/0")));
    }
}
