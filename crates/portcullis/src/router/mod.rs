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
mod matrix;
mod serve;

#[cfg(test)]
mod tests;

use std::any::type_name;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};

pub use access::{AccessBook, AccessRow, AccessTable};
pub use matrix::{Cell, Matrix, MatrixRow};

use crate::cors::{Cors, CorsLayer, CorsRules};
use crate::extract::describe_document;
use crate::gate::Gate;
use crate::openapi::{
    Arguments, Building, Call, Describe, DescribeAnswer, Info, OpenApi, OperationBuilder,
    RowToDescribe, Server, Signature,
};
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

/// What was said ahead of a route.
#[derive(Clone, Debug, Default)]
struct Notes {
    summary: Option<String>,
    description: Option<String>,
    accepts: Option<Vec<SchemeName>>,
}

/// A route: who may call which method of which path.
struct Row<S> {
    access: AccessRow,
    notes: Notes,
    handler: &'static str,
    describe: fn(&mut OperationBuilder<'_>),
    mount: Mount<S>,
}

enum Mount<S> {
    Handler(Box<MethodRouter<S, Infallible>>),
    /// The document, which is known only once all routes are.
    Document,
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

    /// Adds the routes of another table. What it says of the API counts where this one says
    /// nothing.
    pub fn merge(mut self, mut other: Self) -> Self {
        other.check_spent_notes();
        self.rows.append(&mut other.rows);
        self.cors.append(&mut other.cors);
        self.servers.append(&mut other.servers);
        self.books.append(&mut other.books);
        self.info = self.info.or(other.info);
        self.faults.faults.append(&mut other.faults.faults);
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

    fn add(
        &mut self,
        (method, path, who): (Method, &str, Requirement),
        handler: &'static str,
        describe: fn(&mut OperationBuilder<'_>),
        mount: Mount<S>,
    ) {
        let access = AccessRow { method, path: path.into(), who, tag: self.tag.clone() };
        let notes = std::mem::take(&mut self.next);
        self.rows.push(Row { access, notes, handler, describe, mount });
    }

    fn check_spent_notes(&mut self) {
        let Notes { summary, description, accepts } = std::mem::take(&mut self.next);
        if summary.is_some() || description.is_some() || accepts.is_some() {
            self.faults.add(
                "routes",
                "a summary, a description or a list of schemes stands behind the last route",
                "write it before the route it belongs to",
            );
        }
    }
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $verb:ident $method:ident;)+) => {
        $($(#[$doc])*
        pub fn $verb<H, T>(self, path: &str, who: Requirement, handler: H) -> Self
        where
            H: Signature<T>,
            H::Args: Describe + Arguments<T, S>,
            H::Out: DescribeAnswer,
            T: 'static,
        {
            self.mount(Method::$method, MethodFilter::$method, path, who, handler)
        })+
    };
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    verbs! {
        /// Adds a route for GET, and HEAD with it.
        get GET;
        /// Adds a route for POST.
        post POST;
        /// Adds a route for PUT.
        put PUT;
        /// Adds a route for PATCH.
        patch PATCH;
        /// Adds a route for DELETE.
        delete DELETE;
    }

    fn mount<H, T>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &str,
        who: Requirement,
        handler: H,
    ) -> Self
    where
        H: Signature<T>,
        H::Args: Describe + Arguments<T, S>,
        H::Out: DescribeAnswer,
        T: 'static,
    {
        let accepts = self.next.accepts.clone();
        let guarded = self.gate.guard(who.clone(), path.into(), accepts, Call::new(handler));
        let describe = |operation: &mut OperationBuilder<'_>| {
            <H::Args as Describe>::describe(operation);
            <H::Out as DescribeAnswer>::describe(operation);
        };
        let mount = Mount::Handler(Box::new(on(filter, guarded)));
        self.add((method, path, who), type_name::<H>(), describe, mount);
        self
    }

    /// Serves the OpenAPI document of all routes as JSON, itself included.
    pub fn openapi(mut self, path: &str, who: Requirement) -> Self {
        self.add((Method::GET, path, who), "openapi", describe_document, Mount::Document);
        self
    }

    /// Gives the handlers their state.
    pub fn with_state<S2>(self, state: S) -> Routes<S2> {
        let rows = self.rows.into_iter().map(|row| Row {
            access: row.access,
            notes: row.notes,
            handler: row.handler,
            describe: row.describe,
            mount: match row.mount {
                Mount::Handler(methods) => {
                    Mount::Handler(Box::new(methods.with_state(state.clone())))
                }
                Mount::Document => Mount::Document,
            },
        });
        Routes {
            rows: rows.collect(),
            gate: self.gate,
            tag: self.tag,
            next: self.next,
            cors: self.cors,
            info: self.info,
            servers: self.servers,
            books: self.books,
            faults: self.faults,
        }
    }

    /// The gate's rules on other origins, and those that single paths have of their own.
    fn cors_layer(&self) -> Result<CorsLayer, ConfigError> {
        let mut faults = ConfigError::none();
        let mut own: BTreeMap<&str, CorsRules> = BTreeMap::new();
        for (path, cors) in &self.cors {
            let rules = cors.clone().rules(&format!("cors[{path}]"));
            own.extend(faults.take(rules).map(|rules| (&**path, rules)));
        }
        faults.into_result(())?;
        let paths: BTreeSet<&str> = self.rows.iter().map(|row| &*row.access.path).collect();
        let routes = paths.into_iter().map(|path| (path, own.get(path).cloned()));
        self.gate.cors().clone().with_routes(routes.collect::<Vec<_>>())
    }

    /// Makes the router, with the frame around it, the document and the access table.
    ///
    /// # Errors
    /// [`ConfigError`] with every mistake: a route twice, a path that cannot be one or that
    /// overlaps another, a scheme or scope that nobody registered, a handler that asks for a part
    /// of the path that is not there.
    pub fn finish(mut self) -> Result<App<S>, ConfigError> {
        self.check_spent_notes();
        check::rows(self.rows.iter().map(|row| &row.access), &mut self.faults);
        let schemes: Vec<_> =
            self.gate.schemes().into_iter().map(|(name, scheme)| (name, scheme.0)).collect();
        for row in &self.rows {
            check::schemes(&row.access, row.notes.accepts.as_deref(), &self.gate, &mut self.faults);
            check::scopes(&row.access, self.gate.scope_book(), &mut self.faults);
            check::names(&row.access, self.gate.known_permissions(), &mut self.faults);
        }
        check::cors(self.cors.iter().map(|(path, _)| path), &self.rows, &mut self.faults);
        let cors = self.cors_layer();
        let cors = self.faults.take(cors);
        let building = Building {
            info: self.info.unwrap_or_default(),
            servers: self.servers,
            schemes: &schemes,
            scopes: self.gate.scope_book(),
        };
        let described: Vec<_> =
            self.rows.iter().map(|row| (row, row.documented(&self.gate))).collect();
        let described: Vec<_> =
            described.iter().map(|(row, schemes)| row.to_describe(schemes)).collect();
        let openapi = building.finish(&described, &mut self.faults);
        let cors = match cors {
            Some(cors) => self.faults.into_result(cors)?,
            None => return Err(self.faults),
        };

        let access: AccessTable = self.rows.iter().map(|row| row.access.clone()).collect();
        self.books.iter().for_each(|book| book.fill(&access));
        let text = Bytes::from(openapi.to_value().to_string());
        let mut router = Router::new();
        for row in self.rows {
            let path = Arc::clone(&row.access.path);
            let methods = match row.mount {
                Mount::Handler(methods) => *methods,
                Mount::Document => {
                    let document = document(text.clone());
                    let AccessRow { who, path, .. } = row.access;
                    on(MethodFilter::GET, self.gate.guard(who, path, row.notes.accepts, document))
                }
            };
            router = mounted(router, &path, methods);
        }
        let router = self.gate.edge(router, cors.clone());
        Ok(App { router, openapi, access, cors })
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn mounted<S>(router: Router<S>, path: &str, methods: MethodRouter<S>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    router.route(path, methods)
}

impl<S> Row<S> {
    /// The schemes by which it can be called, under every name they have in the document.
    fn documented(&self, gate: &Gate) -> Vec<SchemeName> {
        gate.documented(self.notes.accepts.as_deref())
    }

    fn to_describe<'a>(&'a self, schemes: &'a [SchemeName]) -> RowToDescribe<'a> {
        RowToDescribe {
            method: &self.access.method,
            path: &self.access.path,
            who: &self.access.who,
            tag: self.access.tag.as_deref(),
            handler: self.handler,
            summary: self.notes.summary.as_deref(),
            description: self.notes.description.as_deref(),
            accepts: schemes,
            describe: self.describe,
        }
    }
}

fn document(text: Bytes) -> impl FnOnce() -> std::future::Ready<Response> + Clone {
    move || {
        let kind = HeaderValue::from_static("application/json");
        std::future::ready(([(CONTENT_TYPE, kind)], text).into_response())
    }
}
