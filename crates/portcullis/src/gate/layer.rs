//! A requirement as a tower layer, for what no table of routes mounts.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use tower::{Layer, Service, ServiceExt as _};

use super::Gate;
use super::walk::Guard;
use crate::edge::ClientInfo;
use crate::policy::Requirement;

/// Lets a request through to a service where it meets a requirement. See [`Gate::layer`].
#[derive(Clone, Debug)]
pub struct GuardLayer {
    guard: Arc<Guard>,
}

/// A service behind a requirement.
#[derive(Clone, Debug)]
pub struct GuardService<S> {
    guard: Arc<Guard>,
    inner: S,
}

impl Gate {
    /// A requirement as a tower layer, for a router or a route that stands outside a table of
    /// routes.
    ///
    /// It asks who it is, checks the requirement and holds the body to the limit, as a route of a
    /// table does. What such a service answers is not in the access table and not in the document:
    /// prefer [`Routes::mount`](crate::router::Routes::mount) where a whole router goes behind one
    /// requirement.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use portcullis::gate::Gate;
    /// use portcullis::policy::authenticated;
    ///
    /// # fn main() -> Result<(), portcullis::problem::ConfigError> {
    /// let gate = Gate::builder().build()?;
    /// let reports = Router::<()>::new()
    ///     .route("/reports", get(async || "all is well"))
    ///     .layer(gate.layer(authenticated()));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn layer(&self, who: Requirement) -> GuardLayer {
        GuardLayer::new(Arc::new(Guard {
            gate: self.clone(),
            who,
            route: "".into(),
            accepts: None,
            body_limit: None,
        }))
    }
}

impl GuardLayer {
    pub(crate) fn new(guard: Arc<Guard>) -> Self {
        Self { guard }
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = GuardService<S>;

    fn layer(&self, inner: S) -> GuardService<S> {
        GuardService { guard: Arc::clone(&self.guard), inner }
    }
}

/// The same guard, at the path where the request was found: a layer does not know where it stands.
fn placed(guard: &Arc<Guard>, request: &Request) -> Arc<Guard> {
    if !guard.route.is_empty() {
        return Arc::clone(guard);
    }
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or_else(|| request.uri().path(), MatchedPath::as_str).into();
    Arc::new(Guard { route, ..Guard::clone(guard) })
}

impl<S> Service<Request> for GuardService<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A refusal needs nothing of the service, which is asked once the request was let through.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let guard = placed(&self.guard, &request);
        let inner = self.inner.clone();
        Box::pin(async move {
            if request.extensions().get::<ClientInfo>().is_none() {
                // Outside the edge nobody has looked yet where the request comes from.
                if let Some(find) = &guard.gate.0.connect_info {
                    request = find.note(request);
                }
                let (mut parts, body) = request.into_parts();
                let client = ClientInfo::of(&parts, &guard.gate.0.proxies);
                parts.extensions.insert(client);
                request = Request::from_parts(parts, body);
            }
            let next = |request| async move {
                match inner.oneshot(request).await {
                    Ok(response) => response.into_response(),
                    Err(never) => match never {},
                }
            };
            Ok(guard.walk(request, next).await)
        })
    }
}
