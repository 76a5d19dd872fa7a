//! The walk itself: the dozen lines every request to a guarded route passes through.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};

use super::{Gate, Refusal, asking};
use crate::edge::Answered;
use crate::policy::{Decision, Requirement};
use crate::problem::{Problem, ProblemKind};
use crate::types::{Actor, Asked, Principal, SchemeName, Subject};

/// A handler behind its requirement. The only kind of handler that a route table mounts.
#[derive(Clone, Debug)]
pub struct Guarded<H> {
    guard: Arc<Guard>,
    handler: H,
}

#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) gate: Gate,
    pub(crate) who: Requirement,
    pub(crate) route: Arc<str>,
    pub(crate) accepts: Option<Vec<SchemeName>>,
}

/// Left in the request of a public route, for a handler that asks who it is all the same.
#[derive(Clone, Debug)]
pub(crate) struct AskGuard(pub(crate) Arc<Guard>);

impl Gate {
    /// Puts a handler behind its requirement.
    pub(crate) fn guard<H>(
        &self,
        who: Requirement,
        route: Arc<str>,
        accepts: Option<Vec<SchemeName>>,
        handler: H,
    ) -> Guarded<H> {
        Guarded { guard: Arc::new(Guard { gate: self.clone(), who, route, accepts }), handler }
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

    /// Tells the observer, if there is one, where a credential was refused.
    fn tell(&self, parts: &Parts, who: Option<&Principal>, problem: &Problem) {
        let Some(observer) = &self.gate.0.observer else { return };
        let kind = problem.kind();
        if !matches!(kind.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return;
        }
        let nobody = || {
            let context = self.gate.context(parts, Some(&self.route));
            Actor::nobody(context.address, context.request_id)
        };
        let actor = who.map_or_else(nobody, Actor::of);
        observer.refused(&Refusal {
            actor,
            method: &parts.method,
            route: &self.route,
            kind,
            missing: problem.lacks(),
        });
    }

    /// Credential → identity → policy. Whether the handler must still ask.
    async fn admit(&self, parts: &mut Parts) -> Result<Option<Asked>, Problem> {
        let mut principal = self.identify(parts).await?;
        parts.extensions.insert(principal.subject.clone());
        let accepts = self.accepts.as_deref();
        let decision = asking::judge(&self.who, &mut principal).await?;
        principal.context.within_scope = self.who.is_within_scope(&principal);
        let pending = match decision {
            Decision::Permit => None,
            Decision::Defer => {
                principal.context.asked = Asked::pending();
                Some(principal.context.asked.clone())
            }
            Decision::Challenge(ask) => {
                let problem = self.gate.ask(&ask, accepts);
                // Whoever brought nothing is only asked to sign in.
                if !principal.is_guest() {
                    self.tell(parts, Some(&principal), &problem);
                }
                return Err(problem);
            }
            Decision::Forbid(missing) => {
                let problem = self.gate.forbid(missing, accepts);
                self.tell(parts, Some(&principal), &problem);
                return Err(problem);
            }
        };
        parts.extensions.insert(principal);
        Ok(pending)
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
        Box::pin(async move {
            let Self { guard, handler } = self;
            if guard.who.is_public() {
                let mut request = request;
                guard.gate.bound_body_of_a_stranger(request.extensions_mut());
                let route = Arc::clone(&guard.route);
                request.extensions_mut().insert(AskGuard(guard));
                return answered(handler.call(request, state).await, route, None);
            }
            let (mut parts, body) = request.into_parts();
            let route = Arc::clone(&guard.route);
            let safe = parts.method == Method::GET || parts.method == Method::HEAD;
            let pending = match guard.admit(&mut parts).await {
                Ok(pending) => pending,
                Err(problem) => {
                    return answered(problem.into_response(), route, parts.extensions.get());
                }
            };
            let who = parts.extensions.get::<Subject>().cloned();
            let observed = guard.gate.0.observer.as_ref().map(|observer| {
                (Arc::clone(observer), parts.method.clone(), parts.extensions.get().map(Actor::of))
            });
            let mut response = handler.call(Request::from_parts(parts, body), state).await;
            if response.status() == StatusCode::FORBIDDEN
                && let Some((observer, method, Some(actor))) = observed
            {
                // The handler asked about a thing it had in hand.
                let (kind, route) = (ProblemKind::Forbidden, &*guard.route);
                observer.refused(&Refusal { actor, method: &method, route, kind, missing: &[] });
            }
            // A redirect may carry a signed address, and 101 opens a socket: only a refusal passes.
            let status = response.status();
            let refuses = status.is_client_error() || status.is_server_error();
            if pending.is_some_and(|asked| !asked.is_noted()) && !refuses {
                let fault = format!("{} answered without asking who the owner is", guard.route);
                return answered(Problem::internal(fault).into_response(), route, who.as_ref());
            }
            // What somebody had to sign in for is theirs: no cache may keep it.
            if safe && !response.headers().contains_key(CACHE_CONTROL) {
                response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            }
            answered(response, route, who.as_ref())
        })
    }
}

/// Leaves word for the log of answers: which route it was, and who asked.
fn answered(mut response: Response, route: Arc<str>, who: Option<&Subject>) -> Response {
    response.extensions_mut().insert(Answered { route, who: who.cloned() });
    response
}
