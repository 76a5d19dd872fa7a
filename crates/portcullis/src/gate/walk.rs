//! The walk itself: the dozen lines every request to a guarded route passes through.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::HttpBody as _;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};

use super::renewal::{BodyVerdict, Judged};
use super::{Gate, Refusal, asking};
use crate::edge::{Answered, BodyBudget, BodyLimit, Verdict};
use crate::policy::{Decision, Requirement};
use crate::problem::{Problem, ProblemKind};
use crate::types::{Asked, Principal, SchemeName, Subject};

/// A handler behind its requirement. The only kind of handler that a route table mounts.
#[derive(Clone, Debug)]
pub struct Guarded<H> {
    guard: Arc<Guard>,
    handler: H,
}

/// What stands before a route: who may pass, and how much they may bring.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) gate: Gate,
    pub(crate) who: Requirement,
    pub(crate) route: Arc<str>,
    pub(crate) accepts: Option<Vec<SchemeName>>,
    /// The largest body of this route, where it has a limit of its own.
    pub(crate) body_limit: Option<usize>,
}

/// Left in the request of a public route, for a handler that asks who it is all the same.
#[derive(Clone, Debug)]
pub(crate) struct AskGuard {
    pub(crate) guard: Arc<Guard>,
    /// Where it is noted who it was found to be, if a body is still to arrive.
    pub(super) judged: Option<Judged>,
}

/// Left in the request of a guarded route: who asks, for the handler and whatever stands before it.
#[derive(Clone, Debug)]
pub(crate) struct Identified(pub(crate) Arc<Principal>);

type Admitted = Arc<Principal>;

impl<H> Guarded<H> {
    /// Puts a handler behind its requirement.
    pub(crate) fn new(guard: Arc<Guard>, handler: H) -> Self {
        Self { guard, handler }
    }
}

impl Guard {
    /// Credential → identity. A guest where nothing was brought.
    pub(crate) async fn identify(&self, parts: &Parts) -> Result<Principal, Problem> {
        let accepts = self.accepts.as_deref();
        self.gate.identify(parts, accepts, Some(&self.route)).await.map_err(|refused| {
            let problem = self.gate.refuse(refused, accepts);
            self.tell(parts, None, &problem);
            problem
        })
    }

    /// The parts of the path, by name and decoded.
    pub(crate) async fn parts_of(&self, parts: &mut Parts) -> Arc<[(Arc<str>, Arc<str>)]> {
        if !self.route.contains('{') {
            return Arc::default();
        }
        // What cannot be decoded names no place; the handler's own extractor refuses it.
        let Ok(named) = RawPathParams::from_request_parts(parts, &()).await else {
            return Arc::default();
        };
        named.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    /// Tells the observer, if there is one, where a credential was refused.
    fn tell(&self, parts: &Parts, who: Option<&Principal>, problem: &Problem) {
        let Some(observer) = &self.gate.0.observer else { return };
        let kind = problem.kind();
        if !matches!(kind.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return;
        }
        let guest = || {
            let mut guest = Principal::guest();
            guest.context = self.gate.context(parts, Some(&self.route));
            guest
        };
        let guest = who.is_none().then(guest);
        let Some(principal) = who.or(guest.as_ref()) else { return };
        observer.refused(&Refusal {
            principal,
            method: &parts.method,
            route: &self.route,
            kind,
            missing: problem.lacks(),
        });
    }

    /// Credential → identity → policy. Who it is, and whether the handler must still ask; or the
    /// refusal, and who is refused where that is known.
    pub(super) async fn admit(
        &self,
        parts: &mut Parts,
    ) -> Result<Admitted, (Box<Problem>, Option<Subject>)> {
        let identified = self.identify(parts).await;
        let mut principal = identified.map_err(|problem| (Box::new(problem), None))?;
        principal.context.parts = self.parts_of(parts).await;
        let accepts = self.accepts.as_deref();
        let refused =
            |problem: Problem, who: &Principal| Err((Box::new(problem), Some(who.subject.clone())));
        let decision = match asking::judge(&self.who, &mut principal).await {
            Ok(decision) => decision,
            Err(problem) => return refused(problem, &principal),
        };
        // Without a limit there is nothing for a scope to vouch for.
        principal.context.within_scope =
            principal.limit().is_some() && self.who.is_within_scope(&principal);
        match decision {
            Decision::Permit => {}
            Decision::Defer => principal.context.asked = Asked::pending(),
            Decision::Challenge(ask) => {
                let problem = self.gate.ask(&ask, accepts);
                // Whoever brought nothing is only asked to sign in.
                if !principal.is_guest() {
                    self.tell(parts, Some(&principal), &problem);
                }
                return refused(problem, &principal);
            }
            Decision::Forbid(missing) => {
                let problem = self.gate.forbid(missing, accepts);
                self.tell(parts, Some(&principal), &problem);
                return refused(problem, &principal);
            }
        }
        let principal = Arc::new(principal);
        parts.extensions.insert(Identified(Arc::clone(&principal)));
        Ok(principal)
    }

    /// The largest body of this request. Where no credential counts, a stranger sends it.
    fn body_limit(&self, parts: &mut Parts) -> BodyLimit {
        let bounds = self.gate.0.bounds;
        let given = parts.extensions.get().copied().or(bounds.body.map(BodyLimit));
        let BodyLimit(limit) = given.unwrap_or_default();
        let limit = match bounds.public_body.filter(|_| self.who.is_public()) {
            Some(most) => limit.min(most),
            None => limit,
        };
        if self.who.is_public()
            && let Some(bodies) = parts.extensions.get_mut::<BodyBudget>()
        {
            bodies.set_stranger();
        }
        BodyLimit(self.body_limit.unwrap_or(limit))
    }

    /// Takes a request through the walk and on to what this guards.
    pub(crate) async fn walk<F>(
        self: Arc<Self>,
        request: Request,
        next: impl FnOnce(Request) -> F,
    ) -> Response
    where
        F: Future<Output = Response>,
    {
        let (mut parts, body) = request.into_parts();
        let limit = self.body_limit(&mut parts);
        let route = Arc::clone(&self.route);
        // Only what has not arrived yet may arrive too late.
        let judged = (!body.is_end_stream()).then(Judged::default);
        let verdict = judged.clone().map(|judged| -> Box<dyn Verdict> {
            let (guard, parts) = (Arc::clone(&self), parts.clone());
            Box::new(BodyVerdict { guard, parts, judged })
        });
        if self.who.is_public() {
            parts.extensions.insert(AskGuard { guard: self, judged });
            let response = match limit.hold(parts, body, verdict) {
                Ok((request, watch)) => watch.judge(next(request).await),
                Err(problem) => problem.into_response(),
            };
            return answered(response, route, None);
        }
        let safe = parts.method == Method::GET || parts.method == Method::HEAD;
        let judged = judged.map(|judged| (judged, self.gate.0.sources.monotonic()));
        let principal = match self.admit(&mut parts).await {
            Ok(principal) => principal,
            Err((problem, who)) => return answered(problem.into_response(), route, who.as_ref()),
        };
        if let Some((judged, began)) = judged {
            judged.note(began, Principal::clone(&principal));
        }
        let method = parts.method.clone();
        let mut response = match limit.hold(parts, body, verdict) {
            Ok((request, watch)) => watch.judge(next(request).await),
            Err(problem) => problem.into_response(),
        };
        if response.status() == StatusCode::FORBIDDEN
            && let Some(observer) = &self.gate.0.observer
        {
            // The handler asked about a thing it had in hand.
            let (kind, route) = (ProblemKind::Forbidden, &*self.route);
            observer.refused(&Refusal {
                principal: &principal,
                method: &method,
                route,
                kind,
                missing: &[],
            });
        }
        let who = Some(&principal.subject);
        // A redirect may carry a signed address, and 101 opens a socket: only a refusal passes.
        let status = response.status();
        let refuses = status.is_client_error() || status.is_server_error();
        if !principal.context.asked.is_noted() && !refuses {
            let fault = format!("{} answered without asking who the owner is", self.route);
            return answered(Problem::internal(fault).into_response(), route, who);
        }
        // What somebody had to sign in for is theirs: no cache may keep it.
        if safe && !response.headers().contains_key(CACHE_CONTROL) {
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        answered(response, route, who)
    }
}

impl<H, T, S> Handler<T, S> for Guarded<H>
where
    H: Handler<T, S>,
    T: 'static,
    S: Send + 'static,
{
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, state: S) -> Self::Future {
        let Self { guard, handler } = self;
        Box::pin(guard.walk(request, |request| handler.call(request, state)))
    }
}

/// Leaves word for the log of answers: which route it was, and who asked.
fn answered(mut response: Response, route: Arc<str>, who: Option<&Subject>) -> Response {
    response.extensions_mut().insert(Answered { route, who: who.cloned() });
    response
}
