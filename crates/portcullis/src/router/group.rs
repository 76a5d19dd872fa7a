//! Routes that share one requirement.

use std::fmt;

use http::Method;

use super::{Mountable, Routes};
use crate::openapi::{Arguments, Describe, DescribeAnswer, Signature};
use crate::policy::Requirement;

/// A part of a table of routes in which every route has the same requirement: see
/// [`Routes::all`].
#[must_use = "give the group back to the table"]
pub struct Group<S = ()> {
    routes: Routes<S>,
    who: Requirement,
    also: Option<Requirement>,
}

impl<S> fmt::Debug for Group<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("who", &self.who).finish_non_exhaustive()
    }
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $verb:ident;)+) => {
        $($(#[$doc])*
        pub fn $verb<H, T>(mut self, path: &str, handler: H) -> Self
        where
            H: Signature<T>,
            H::Args: Describe + Arguments<T, S>,
            H::Out: DescribeAnswer,
            T: 'static,
        {
            let who = self.requirement();
            self.routes = self.routes.$verb(path, who, handler);
            self
        })+
    };
}

impl<S: Clone + Send + Sync + 'static> Group<S> {
    pub(super) fn new(routes: Routes<S>, who: Requirement) -> Self {
        Self { routes, who, also: None }
    }

    pub(super) fn into_routes(self) -> Routes<S> {
        let mut routes = self.routes;
        if self.also.is_some() {
            let wrong = "a further requirement stands behind the last route of a group";
            routes.faults.add("routes", wrong, "write it before the route it belongs to");
        }
        routes
    }

    fn requirement(&mut self) -> Requirement {
        match self.also.take() {
            None => self.who.clone(),
            Some(also) => self.who.clone() & also,
        }
    }

    verbs! {
        /// Adds a route for GET, and HEAD with it.
        get;
        /// Adds a route for POST.
        post;
        /// Adds a route for PUT.
        put;
        /// Adds a route for PATCH.
        patch;
        /// Adds a route for DELETE.
        delete;
    }

    /// Adds a route for another method: see [`Routes::on`].
    pub fn on<H, T>(mut self, method: Method, path: &str, handler: H) -> Self
    where
        H: Signature<T>,
        H::Args: Describe + Arguments<T, S>,
        H::Out: DescribeAnswer,
        T: 'static,
    {
        let who = self.requirement();
        self.routes = self.routes.on(method, path, who, handler);
        self
    }

    /// Puts a router as it is under a path: see [`Routes::mount`].
    pub fn mount<M: Mountable>(mut self, prefix: &str, service: M) -> Self {
        let who = self.requirement();
        self.routes = self.routes.mount(prefix, who, service);
        self
    }

    /// Asks more of the next route: the group's requirement and this one.
    pub fn also(mut self, who: Requirement) -> Self {
        self.also = Some(match self.also {
            None => who,
            Some(before) => before & who,
        });
        self
    }

    /// Groups the routes added from here on in the document.
    pub fn tag(mut self, name: &str) -> Self {
        self.routes = self.routes.tag(name);
        self
    }

    /// Gives the next route a summary.
    pub fn summary(mut self, text: impl Into<String>) -> Self {
        self.routes = self.routes.summary(text);
        self
    }

    /// Gives the next route a paragraph in the document (CommonMark).
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.routes = self.routes.describe(text);
        self
    }

    /// Narrows the schemes of the next route to these.
    pub fn accepts(mut self, schemes: &[&str]) -> Self {
        self.routes = self.routes.accepts(schemes);
        self
    }

    /// Gives the next route a largest body of its own: see [`Routes::body_limit`].
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.routes = self.routes.body_limit(bytes);
        self
    }
}
