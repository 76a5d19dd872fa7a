//! One row of a table of routes, and how it is mounted once the table is finished.

use std::sync::Arc;

use axum::Router;
use axum::routing::MethodRouter;
use bytes::Bytes;
use serde_json::Value;

use super::AccessRow;
use crate::gate::{Gate, Guard};
use crate::openapi::{OperationBuilder, RowToDescribe};
use crate::types::SchemeName;

/// What was said ahead of a route.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    pub(super) summary: Option<String>,
    pub(super) description: Option<String>,
    pub(super) accepts: Option<Vec<SchemeName>>,
    pub(super) body_limit: Option<usize>,
}

impl Notes {
    pub(super) fn is_empty(&self) -> bool {
        let Self { summary, description, accepts, body_limit } = self;
        summary.is_none() && description.is_none() && accepts.is_none() && body_limit.is_none()
    }
}

/// A route: who may call which method of which path.
pub(super) struct Row<S> {
    pub(super) access: AccessRow,
    pub(super) notes: Notes,
    pub(super) gate: Gate,
    pub(super) mount: Mount<S>,
}

/// What a route leads to.
pub(super) enum Mount<S> {
    /// A handler, of which the document knows what its signature says.
    Handler(Handling<S>),
    /// What answers where no route does.
    Fallback(Methods<S>),
    /// A router as it is, and what the document may say of it.
    Router(Router, Option<Arc<Value>>),
}

pub(super) struct Handling<S> {
    pub(super) name: &'static str,
    pub(super) describe: fn(&mut OperationBuilder<'_>),
    pub(super) methods: Methods<S>,
}

/// Makes the handler's method router. It is made only when the table is finished, because until
/// then a prefix, another requirement or a layer may still be added.
pub(super) type Methods<S> = Arc<dyn Fn(&Making) -> MethodRouter<S> + Send + Sync>;

/// What is known only when the table is finished.
pub(super) struct Making {
    /// What stands before the handler; nothing where the handler is about to get a layer, which
    /// stands inside the guard.
    pub(super) guard: Option<Arc<Guard>>,
    /// The document as it is sent.
    pub(super) document: Bytes,
}

impl Making {
    /// The same, without a guard.
    pub(super) fn bare(&self) -> Self {
        Self { guard: None, document: self.document.clone() }
    }
}

impl<S> Clone for Handling<S> {
    fn clone(&self) -> Self {
        Self { methods: Arc::clone(&self.methods), ..*self }
    }
}

impl<S> Clone for Mount<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Handler(handling) => Self::Handler(handling.clone()),
            Self::Fallback(methods) => Self::Fallback(Arc::clone(methods)),
            Self::Router(router, document) => Self::Router(router.clone(), document.clone()),
        }
    }
}

impl<S> Clone for Row<S> {
    fn clone(&self) -> Self {
        Self {
            access: self.access.clone(),
            notes: self.notes.clone(),
            gate: self.gate.clone(),
            mount: self.mount.clone(),
        }
    }
}

impl<S> Row<S> {
    /// What stands before this route.
    pub(super) fn guard(&self) -> Arc<Guard> {
        Arc::new(Guard {
            gate: self.gate.clone(),
            who: self.access.who.clone(),
            route: Arc::clone(&self.access.path),
            accepts: self.notes.accepts.clone(),
            body_limit: self.notes.body_limit,
        })
    }

    /// What the document is told of it; nothing where it has no signature.
    pub(super) fn to_describe<'a>(
        &'a self,
        schemes: &'a [SchemeName],
    ) -> Option<RowToDescribe<'a>> {
        let Mount::Handler(handling) = &self.mount else { return None };
        Some(RowToDescribe {
            method: &self.access.method,
            path: &self.access.path,
            who: &self.access.who,
            tag: self.access.tag.as_deref(),
            handler: handling.name,
            summary: self.notes.summary.as_deref(),
            description: self.notes.description.as_deref(),
            accepts: schemes,
            describe: handling.describe,
        })
    }
}
