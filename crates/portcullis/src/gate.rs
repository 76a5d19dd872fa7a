//! Assembles the walk, then walks it.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;

use crate::credential::SecurityScheme;
use crate::policy::Requirement;
use crate::types::{SchemeName, ScopeBook};

/// Which other origins may read.
#[derive(Clone, Debug)]
pub struct Cors;

/// The gate in front of every route.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    schemes: Vec<(SchemeName, SecurityScheme)>,
    scopes: ScopeBook,
}

impl Gate {
    #[cfg(test)]
    pub(crate) fn of(schemes: Vec<(SchemeName, SecurityScheme)>, scopes: ScopeBook) -> Self {
        Self(Arc::new(Inner { schemes, scopes }))
    }

    /// The schemes, as OpenAPI describes them.
    #[must_use]
    pub fn schemes(&self) -> Vec<(SchemeName, SecurityScheme)> {
        self.0.schemes.clone()
    }

    /// The scopes there are.
    #[must_use]
    pub fn scope_book(&self) -> &ScopeBook {
        &self.0.scopes
    }

    pub(crate) fn guard<H>(
        &self,
        who: Requirement,
        route: Arc<str>,
        accepts: Option<Vec<SchemeName>>,
        handler: H,
    ) -> Guarded<H> {
        let _ = (self, who, route, accepts);
        Guarded { handler }
    }

    pub(crate) fn frame<S>(&self, router: Router<S>, cors: Vec<(Arc<str>, Cors)>) -> Router<S> {
        let _ = (self, cors);
        router
    }
}

/// A handler behind the gate.
#[derive(Clone, Debug)]
pub struct Guarded<H> {
    handler: H,
}

impl<H, T, S> Handler<T, S> for Guarded<H>
where
    H: Handler<T, S>,
    S: Clone + Send + Sync + 'static,
{
    type Future = H::Future;

    fn call(self, request: Request, state: S) -> Self::Future {
        self.handler.call(request, state)
    }
}
