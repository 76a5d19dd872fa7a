//! Routes: method, path, who, handler. The only place where a route is mounted.
//!
//! The same table guards, documents and prints itself:
//!
//! ```text
//! GET   /health      anyone: liveness probe
//! GET   /reports     role analyst and scope reports:read
//! GET   /articles    permission article:write or during office hours
//! ```

mod access;
mod check;
mod compose;
mod finish;
mod group;
mod matrix;
mod row;
mod serve;
mod verbs;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use http::Method;

pub use access::{AccessBook, AccessRow, AccessTable};
pub use group::Group;
pub use matrix::{Cell, Matrix, MatrixRow};
pub use verbs::Mountable;

use self::row::{Notes, Row};
use crate::cors::{Cors, CorsLayer};
use crate::gate::Gate;
use crate::openapi::{Info, OpenApi, Server};
use crate::policy::Requirement;
use crate::problem::ConfigError;
use crate::types::SchemeName;

/// A table of routes in the making. Closed by default: no route without a requirement.
///
/// `S` is the state that the handlers still lack, as with axum's `Router<S>`.
#[must_use = "routes are served only once they are finished"]
pub struct Routes<S = ()> {
    gate: Gate,
    rows: Vec<Row<S>>,
    tag: Option<Arc<str>>,
    next: Notes,
    cors: Vec<(Arc<str>, Cors)>,
    info: Option<Info>,
    servers: Vec<Server>,
    books: Vec<AccessBook>,
    faults: ConfigError,
}

/// What [`Routes::finish`] makes.
#[derive(Debug)]
pub struct App<S = ()> {
    /// Serves the routes, each behind the gate.
    pub router: Router<S>,
    /// Describes them.
    pub openapi: OpenApi,
    /// Says who may call which.
    pub access: AccessTable,
    /// Says what pages of other origins may read, and can explain it.
    pub cors: CorsLayer,
}

impl Gate {
    /// An empty table of routes behind this gate.
    pub fn routes<S>(&self) -> Routes<S> {
        Routes {
            gate: self.clone(),
            rows: Vec::new(),
            tag: None,
            next: Notes::default(),
            cors: Vec::new(),
            info: None,
            servers: Vec::new(),
            books: Vec::new(),
            faults: ConfigError::none(),
        }
    }
}

impl<S> Clone for Routes<S> {
    fn clone(&self) -> Self {
        Self {
            gate: self.gate.clone(),
            rows: self.rows.clone(),
            tag: self.tag.clone(),
            next: self.next.clone(),
            cors: self.cors.clone(),
            info: self.info.clone(),
            servers: self.servers.clone(),
            books: self.books.clone(),
            faults: self.faults.clone(),
        }
    }
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rows()).finish()
    }
}

impl<S> Routes<S> {
    /// Groups the routes added from here on in the document.
    pub fn tag(mut self, name: &str) -> Self {
        self.tag = Some(name.into());
        self
    }

    /// Gives the next route a summary, in place of the one made of its handler's name.
    pub fn summary(mut self, text: impl Into<String>) -> Self {
        self.next.summary = Some(text.into());
        self
    }

    /// Gives the next route a paragraph in the document (CommonMark).
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.next.description = Some(text.into());
        self
    }

    /// Narrows the schemes of the next route to these. Others do not count there.
    pub fn accepts(mut self, schemes: &[&str]) -> Self {
        self.next.accepts = Some(schemes.iter().map(|name| SchemeName::from(*name)).collect());
        self
    }

    /// Gives the next route, or the next mounted router, a largest body of its own, in bytes. It
    /// holds for every body, whichever extractor reads it; a larger one is a 413.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        if bytes == 0 {
            let wrong = "no body fits into 0 bytes";
            self.faults.add("routes.body_limit", wrong, "give at least 1 byte");
        }
        self.next.body_limit = Some(bytes);
        self
    }

    /// Gives one path rules of its own about other origins.
    pub fn cors(mut self, path: &str, cors: Cors) -> Self {
        self.cors.push((path.into(), cors));
        self
    }

    /// Says what the API is, in the document.
    pub fn about(mut self, info: Info) -> Self {
        self.info = Some(info);
        self
    }

    /// Says where the API is served, in the document.
    pub fn server(mut self, url: impl Into<String>) -> Self {
        self.servers.push(Server { url: url.into(), description: None });
        self
    }

    /// A book that will hold the access table of the whole application, once it is finished.
    pub fn access_book(&mut self) -> AccessBook {
        let book = AccessBook::default();
        self.books.push(book.clone());
        book
    }

    /// Each route so far, in the order added.
    pub fn rows(&self) -> impl Iterator<Item = &AccessRow> {
        self.rows.iter().map(|row| &row.access)
    }

    /// What was said ahead of the route that is being added.
    fn take_notes(&mut self) -> Notes {
        std::mem::take(&mut self.next)
    }

    fn access(&self, method: Method, path: &str, who: Requirement) -> AccessRow {
        AccessRow { method, path: path.into(), who, tag: self.tag.clone() }
    }

    fn check_spent_notes(&mut self) {
        if !self.take_notes().is_empty() {
            self.faults.add(
                "routes",
                "a summary, a description, a list of schemes or a body limit stands behind the \
                 last route",
                "write it before the route it belongs to",
            );
        }
    }
}
