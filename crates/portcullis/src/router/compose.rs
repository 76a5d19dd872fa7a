//! Tables put together: merged, nested, under one requirement, with a layer, with their state.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, Route};
use tower::{Layer, Service};

use super::row::{Handling, Making, Methods, Mount, Row};
use super::{Group, Routes};
use crate::gate::GuardLayer;
use crate::policy::Requirement;

impl<S> Routes<S> {
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

    /// Adds the routes of another table, each under this path.
    ///
    /// The route `/` of the other table becomes the path itself. A handler sees the whole path, and
    /// may take parts of the prefix with [`Path`](crate::extract::Path).
    ///
    /// ```
    /// use portcullis::gate::Gate;
    /// use portcullis::policy::public;
    ///
    /// # fn main() -> Result<(), portcullis::problem::ConfigError> {
    /// let gate = Gate::builder().build()?;
    /// let notes = gate.routes::<()>().get("/notes", public("a test"), async || "none");
    /// let app = gate.routes().nest("/v1", notes.clone()).nest("/v2", notes).finish()?;
    /// assert_eq!(
    ///     app.access.to_string(),
    ///     "GET   /v1/notes    anyone: a test\n\
    ///      GET   /v2/notes    anyone: a test\n"
    /// );
    /// # Ok(())
    /// # }
    /// ```
    pub fn nest(mut self, prefix: &str, mut other: Self) -> Self {
        if !prefix.starts_with('/') || prefix.ends_with('/') {
            let wrong =
                "routes are nested under a path that does not begin with `/` or ends with it";
            self.faults.add(&format!("routes.nest {prefix}"), wrong, "write it like `/v1`");
            return self;
        }
        for row in &mut other.rows {
            if let Mount::Fallback(_) = row.mount {
                let wrong = "a nested table has a fallback";
                let fix = "give the fallback to the table that is finished";
                self.faults.add(&format!("routes.nest {prefix}"), wrong, fix);
            }
            row.access.path = under(prefix, &row.access.path);
        }
        for (path, _) in &mut other.cors {
            *path = under(prefix, path);
        }
        self.merge(other)
    }
}

fn under(prefix: &str, path: &str) -> Arc<str> {
    if path == "/" { prefix.into() } else { format!("{prefix}{path}").into() }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Adds routes that have one requirement, which is said once.
    ///
    /// ```
    /// use portcullis::gate::Gate;
    /// use portcullis::policy::public;
    ///
    /// # fn main() -> Result<(), portcullis::problem::ConfigError> {
    /// let gate = Gate::builder().build()?;
    /// let app = gate
    ///     .routes::<()>()
    ///     .all(public("the shop window"), |routes| {
    ///         routes.get("/", async || "Welcome!").get("/hours", async || "from 9 to 5")
    ///     })
    ///     .finish()?;
    /// assert_eq!(
    ///     app.access.to_string(),
    ///     "GET   /         anyone: the shop window\n\
    ///      GET   /hours    anyone: the shop window\n"
    /// );
    /// # Ok(())
    /// # }
    /// ```
    pub fn all(self, who: Requirement, routes: impl FnOnce(Group<S>) -> Group<S>) -> Self {
        routes(Group::new(self, who)).into_routes()
    }

    /// Puts a tower layer around the handler of each route so far, inside its guard: it sees only
    /// requests that were let through, and may read the
    /// [`Principal`](crate::types::Principal) from their extensions.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        for row in &mut self.rows {
            row.mount = match row.mount.clone() {
                Mount::Router(router, document) => {
                    Mount::Router(router.layer(layer.clone()), document)
                }
                other => other.map(|methods| {
                    let layer = layer.clone();
                    Arc::new(move |making: &Making| {
                        let layered = methods(&making.bare()).layer(layer.clone());
                        match &making.guard {
                            Some(guard) => layered.route_layer(GuardLayer::new(Arc::clone(guard))),
                            None => layered,
                        }
                    })
                }),
            };
        }
        self
    }

    /// Gives the handlers their state.
    pub fn with_state<S2: 'static>(self, state: S) -> Routes<S2> {
        let rows = self.rows.into_iter().map(|row| Row {
            access: row.access,
            notes: row.notes,
            gate: row.gate,
            mount: row.mount.map(|methods| {
                let state = state.clone();
                Arc::new(move |making: &Making| -> MethodRouter<S2> {
                    methods(making).with_state(state.clone())
                })
            }),
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
}

impl<S> Mount<S> {
    /// The same, with other method routers made of its own.
    fn map<S2>(self, map: impl FnOnce(Methods<S>) -> Methods<S2>) -> Mount<S2> {
        match self {
            Self::Handler(Handling { name, describe, methods }) => {
                Mount::Handler(Handling { name, describe, methods: map(methods) })
            }
            Self::Fallback(methods) => Mount::Fallback(map(methods)),
            Self::Router(router, document) => Mount::Router(router, document),
        }
    }
}
