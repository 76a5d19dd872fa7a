//! Assembles the walk: CORS → credential → identity → policy → handler or problem.

mod asking;
mod build;
mod connect_info;
mod extract;
mod layer;
mod observer;
mod renewal;
mod walk;

use std::collections::BTreeSet;
use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::middleware::map_request;
use http::request::Parts;
use quick_cache::sync::Cache;

pub use build::GateBuilder;
use connect_info::ConnectInfoOf;
#[cfg(feature = "auth")]
pub(crate) use extract::refuse_cleartext;
pub use layer::{GuardLayer, GuardService};
pub use observer::{Observer, Refusal};
pub(crate) use walk::Guard;
pub use walk::Guarded;
#[cfg(feature = "auth")]
pub(crate) use walk::Identified;

use crate::clock::Sources;
use crate::cors::CorsLayer;
use crate::credential::{Rejection, SecurityScheme};
use crate::edge::{Bounds, ClientInfo, EdgeLayer, Proxies, RequestId, RequestIds};
use crate::identity::{Outcome, Scheme};
use crate::policy::{Ask, Missing, Roles};
use crate::problem::{Challenge, Problem, ProblemKind, TypeBase};
use crate::types::{Access, Context, Permission, Principal, Remedy, Role, SchemeName, ScopeBook};

/// How the requests of one application are guarded: its schemes, CORS, roles and proxies.
///
/// Cheap to clone.
///
/// ```
/// use portcullis::gate::Gate;
/// use portcullis::policy::public;
///
/// async fn hello() -> &'static str {
///     "Hello, world!"
/// }
///
/// # fn main() -> Result<(), portcullis::problem::ConfigError> {
/// let gate = Gate::builder().build()?;
/// let app = gate.routes::<()>().get("/", public("a greeting"), hello).finish()?;
/// assert_eq!(app.access.to_string().trim(), "GET   /    anyone: a greeting");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

pub(crate) struct Inner {
    schemes: Vec<Registered>,
    /// OpenAPI's further names for a scheme, such as `oauth2` for bearer tokens.
    aliases: Vec<Alias>,
    cors: CorsLayer,
    proxies: Proxies,
    roles: Option<Roles>,
    unfolded: Cache<BTreeSet<Role>, Arc<Access>>,
    scopes: Arc<ScopeBook>,
    sources: Sources,
    bounds: Bounds,
    cleartext: Cleartext,
    observer: Option<Arc<dyn Observer>>,
    ids: RequestIds,
    types: TypeBase,
    /// The permissions that exist, where the application says so.
    permissions: Option<BTreeSet<Permission>>,
    connect_info: Option<ConnectInfoOf>,
    /// Whether it was said that nobody tells from where requests come.
    warned: AtomicBool,
}

#[derive(Debug)]
struct Registered {
    name: SchemeName,
    scheme: Arc<dyn Scheme>,
}

#[derive(Clone, Debug)]
struct Alias {
    name: SchemeName,
    of: SchemeName,
    described: SecurityScheme,
}

/// Whether credentials are taken over cleartext.
///
/// Where nobody says from where a request comes, it is taken to come from afar: an application says
/// it with `into_make_service_with_connect_info::<SocketAddr>()`, or by
/// [`GateBuilder::connect_info`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Cleartext {
    /// From loopback only, where nobody listens in.
    #[default]
    LoopbackOnly,
    /// From loopback, and where nobody says from where a request comes: for tests, and for requests
    /// that are made within the process. Never for a server.
    InProcess,
    /// From anywhere. For a server behind something that ends TLS and says nothing of it.
    Anywhere,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("schemes", &self.0.schemes)
            .field("proxies", &self.0.proxies)
            .finish_non_exhaustive()
    }
}

impl Gate {
    /// Begins to assemble a gate.
    pub fn builder() -> GateBuilder {
        GateBuilder::default()
    }

    /// The schemes by the names OpenAPI gives them, each with its entry there.
    #[must_use]
    pub fn schemes(&self) -> Vec<(SchemeName, SecurityScheme)> {
        let own = self.0.schemes.iter().map(|one| (one.name.clone(), one.scheme.describe()));
        let aliases = self.0.aliases.iter().map(|one| (one.name.clone(), one.described.clone()));
        own.chain(aliases).collect()
    }

    /// The names a route that accepts `schemes` is documented with: theirs and their aliases'.
    pub(crate) fn documented(&self, accepts: Option<&[SchemeName]>) -> Vec<SchemeName> {
        let accepted = |name: &SchemeName| accepts.is_none_or(|some| some.contains(name));
        let own = self.0.schemes.iter().filter(|one| accepted(&one.name)).map(|one| &one.name);
        let aliases = self.0.aliases.iter().filter(|one| accepted(&one.of)).map(|one| &one.name);
        own.chain(aliases).cloned().collect()
    }

    /// The scopes that exist.
    #[must_use]
    pub fn scope_book(&self) -> &ScopeBook {
        &self.0.scopes
    }

    /// The permissions that exist, where the application says so.
    pub(crate) fn known_permissions(&self) -> Option<&BTreeSet<Permission>> {
        self.0.permissions.as_ref()
    }

    /// Puts the frame around a router, and CORS around that: a preflight carries no credential,
    /// and a page must be able to read a refusal.
    pub(crate) fn edge<S>(&self, router: Router<S>, cors: CorsLayer) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        let settings = &self.0;
        let edge = EdgeLayer::new(settings.proxies.clone(), settings.bounds, settings.ids.clone())
            .problem_types(settings.types.clone());
        // One layer of both: axum clones and boxes for each that it is given.
        match settings.connect_info.clone() {
            None => router.layer((cors, edge)),
            // Outside the edge, which reads from where the request comes.
            Some(find) => {
                let noted = map_request(move |request| ready(find.note(request)));
                router.layer(edge).layer(noted).layer(cors)
            }
        }
    }

    /// The rules on other origins that hold where a path has none of its own.
    pub(crate) fn cors(&self) -> &CorsLayer {
        &self.0.cors
    }

    /// Who the request speaks for: a guest where it brings nothing.
    pub(crate) async fn identify(
        &self,
        parts: &Parts,
        accepts: Option<&[SchemeName]>,
        route: Option<&Arc<str>>,
    ) -> Result<Principal, Refused> {
        let mut found: Option<(Principal, &Registered)> = None;
        let mut refused: Option<Refused> = None;
        for one in &self.0.schemes {
            if accepts.is_some_and(|some| !some.contains(&one.name))
                || !one.scheme.is_brought(parts)
            {
                continue;
            }
            let outcome = match self.cleartext_fault(parts) {
                Some(rejection) => Outcome::Rejected(rejection),
                None => match one.scheme.authenticate_now(parts) {
                    Some(outcome) => outcome,
                    None => one.scheme.authenticate(parts).await,
                },
            };
            match outcome {
                Outcome::Absent => {}
                _ if found.is_some() || refused.is_some() => {
                    return Err(Refused { rejection: Rejection::Ambiguous, tried: None });
                }
                Outcome::Accepted(principal) => found = Some((*principal, one)),
                Outcome::Rejected(rejection) => {
                    refused = Some(Refused { rejection, tried: Some(one.name.clone()) });
                }
            }
        }
        if let Some(refused) = refused {
            return Err(refused);
        }
        let mut principal = match found {
            None => Principal::guest(),
            Some((mut principal, one)) => {
                principal.scheme = Some(one.name.clone());
                self.unfold(&mut principal);
                principal
            }
        };
        principal.context = self.context(parts, route);
        Ok(principal)
    }

    pub(super) fn cleartext_fault(&self, parts: &Parts) -> Option<Rejection> {
        if self.0.cleartext == Cleartext::Anywhere {
            return None;
        }
        let arrival = parts.extensions.get::<ClientInfo>();
        if arrival.is_some_and(|arrival| arrival.secure) {
            return None;
        }
        let through_proxy = arrival.is_some_and(|arrival| arrival.through_proxy);
        let near = match arrival.and_then(|arrival| arrival.address) {
            Some(address) => address.is_loopback(),
            // A proxy that says nothing believable hides somebody from elsewhere.
            None if through_proxy => false,
            None if self.0.cleartext == Cleartext::InProcess => true,
            None => {
                self.warn_of_unknown_peers();
                false
            }
        };
        (!near).then_some(Rejection::Cleartext)
    }

    /// Says once what whoever set the server up must do.
    fn warn_of_unknown_peers(&self) {
        if !self.0.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "credentials are refused, since nobody says from where requests come: serve with \
                 `into_make_service_with_connect_info::<SocketAddr>()`, or name your own connect \
                 info with `GateBuilder::connect_info`"
            );
        }
    }

    /// Adds what roles written in code include and carry.
    fn unfold(&self, principal: &mut Principal) {
        self.unfold_everywhere(principal);
        let Some(roles) = &self.0.roles else { return };
        if principal.access.within.is_empty() {
            return;
        }
        for held in Arc::make_mut(&mut principal.access).within.values_mut() {
            let unfolded = roles.unfold(held.roles.iter().cloned());
            held.roles.extend(unfolded.roles);
            held.allowed.extend(unfolded.allowed);
            held.denied.extend(unfolded.denied);
        }
    }

    fn unfold_everywhere(&self, principal: &mut Principal) {
        let Some(roles) = &self.0.roles else {
            // A store's verifier brings the book along; any other leaves it to the gate, and the
            // permission that stands behind a scope must not be forgotten.
            if principal.access.scopes.rules.is_empty() && !self.0.scopes.rules.is_empty() {
                Arc::make_mut(&mut principal.access).scopes = Arc::clone(&self.0.scopes);
            }
            return;
        };
        let held = &principal.access;
        let access = match self.0.unfolded.get(&held.roles) {
            Some(access) => access,
            None => {
                let unfolded = roles.unfold(held.roles.iter().cloned());
                let access = Arc::new(Access {
                    // What a verifier vouches for stays, known to us or not.
                    roles: unfolded.roles.union(&held.roles).cloned().collect(),
                    allowed: unfolded.allowed,
                    denied: unfolded.denied,
                    scopes: Arc::clone(&self.0.scopes),
                    ..Access::default()
                });
                self.0.unfolded.insert(held.roles.clone(), Arc::clone(&access));
                access
            }
        };
        principal.access = if held.allowed.is_empty()
            && held.denied.is_empty()
            && held.conditional.is_empty()
            && held.within.is_empty()
        {
            access
        } else {
            let mut own = Access::clone(&access);
            own.allowed.extend(held.allowed.iter().cloned());
            own.denied.extend(held.denied.iter().cloned());
            own.conditional.extend(held.conditional.iter().cloned());
            own.within.clone_from(&held.within);
            Arc::new(own)
        };
    }

    fn context(&self, parts: &Parts, route: Option<&Arc<str>>) -> Context {
        let arrival = parts.extensions.get::<ClientInfo>();
        Context {
            method: Some(parts.method.clone()),
            route: route.cloned(),
            address: arrival.and_then(|arrival| arrival.address),
            country: arrival.and_then(|arrival| arrival.country),
            now: self.0.sources.now(),
            request_id: parts.extensions.get::<RequestId>().map(|id| Arc::clone(&id.0)),
            ..Context::default()
        }
    }

    /// The 401 or 400 for a credential that was not accepted.
    fn refuse(&self, refused: Refused, accepts: Option<&[SchemeName]>) -> Problem {
        let problem = Problem::from(refused.rejection);
        let error = match problem.kind() {
            ProblemKind::InvalidCredential => "invalid_token",
            ProblemKind::TwoCredentials => "invalid_request",
            _ => return problem,
        };
        let tried = refused.tried;
        let all = problem.kind() == ProblemKind::TwoCredentials;
        self.challenges(accepts).into_iter().fold(problem, |problem, (name, line)| {
            let bears = line.scheme().eq_ignore_ascii_case("bearer");
            let line = if bears && (all || tried.as_ref() == Some(&name)) {
                line.with("error", error)
            } else {
                line
            };
            problem.challenge(line)
        })
    }

    /// The 401 for a guest, or for somebody who must sign in again.
    fn ask(&self, ask: &Ask, accepts: Option<&[SchemeName]>) -> Problem {
        let kind = match ask {
            Ask::SignIn => ProblemKind::Unauthenticated,
            Ask::StepUp(_) => ProblemKind::StepUp,
        };
        self.challenges(accepts).into_iter().fold(Problem::new(kind), |problem, (_, line)| {
            let bears = line.scheme().eq_ignore_ascii_case("bearer");
            problem.challenge(match ask {
                Ask::StepUp(remedies) if bears => step_up(line, remedies),
                _ => line,
            })
        })
    }

    /// The 403, with the scopes where they are what lacks.
    fn forbid(&self, missing: Missing, accepts: Option<&[SchemeName]>) -> Problem {
        // Two terms of a requirement may want the same one.
        let scopes: BTreeSet<&str> =
            missing.scopes.iter().map(crate::types::Scope::as_str).collect();
        let scopes = scopes.into_iter().collect::<Vec<_>>().join(" ");
        let problem = missing.into_problem();
        if scopes.is_empty() {
            return problem;
        }
        let lines = self.challenges(accepts).into_iter();
        lines.filter(|(_, line)| line.scheme().eq_ignore_ascii_case("bearer")).fold(
            problem,
            |problem, (_, line)| {
                problem.challenge(line.with("error", "insufficient_scope").with("scope", &*scopes))
            },
        )
    }

    fn challenges(&self, accepts: Option<&[SchemeName]>) -> Vec<(SchemeName, Challenge)> {
        let accepted = |one: &&Registered| accepts.is_none_or(|some| some.contains(&one.name));
        let line = |one: &Registered| Some((one.name.clone(), one.scheme.challenge()?));
        self.0.schemes.iter().filter(accepted).filter_map(line).collect()
    }
}

/// RFC 9470 §3.
fn step_up(line: Challenge, remedies: &[Remedy]) -> Challenge {
    let line = line.with("error", "insufficient_user_authentication");
    remedies.iter().fold(line, |line, remedy| match remedy {
        Remedy::RecentLogin(seconds) => line.with("max_age", seconds.to_string()),
        Remedy::SecondFactor => line.with("acr_values", "mfa"),
    })
}

/// A credential that was not accepted, and the scheme it was meant for.
#[derive(Debug)]
pub(crate) struct Refused {
    rejection: Rejection,
    tried: Option<SchemeName>,
}

#[cfg(test)]
mod tests;
