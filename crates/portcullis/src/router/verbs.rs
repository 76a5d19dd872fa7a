//! The ways to add a route: each takes a requirement.

use std::any::type_name;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, any, on};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::Value;
use tower::Service;

use super::access::any_method;
use super::row::{Handling, Making, Methods, Mount, Row};
use super::{AccessRow, Routes};
use crate::extract::describe_document;
use crate::gate::Guarded;
use crate::openapi::{Arguments, Call, Describe, DescribeAnswer, OperationBuilder, Signature};
use crate::policy::Requirement;

/// What can be mounted: an axum router that has its state, or any other service that answers every
/// request.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be mounted",
    label = "this is no service that answers requests",
    note = "a router needs its state first: `router.with_state(state)`",
    note = "a service must be `Clone + Send + Sync` and never fail: its error is `Infallible`"
)]
pub trait Mountable {
    /// The same as a router.
    fn into_router(self) -> Router;
}

#[diagnostic::do_not_recommend]
impl<M> Mountable for M
where
    M: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
    M::Response: IntoResponse,
    M::Future: Send + 'static,
{
    fn into_router(self) -> Router {
        Router::new().fallback_service(self)
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
            self.on(Method::$method, path, who, handler)
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

    /// Adds a route for any method there is a name for, such as OPTIONS, HEAD or TRACE.
    ///
    /// A preflight (OPTIONS with `Origin` and `Access-Control-Request-Method`) is answered by CORS
    /// and never reaches a route; any other OPTIONS does.
    pub fn on<H, T>(mut self, method: Method, path: &str, who: Requirement, handler: H) -> Self
    where
        H: Signature<T>,
        H::Args: Describe + Arguments<T, S>,
        H::Out: DescribeAnswer,
        T: 'static,
    {
        let Ok(filter) = MethodFilter::try_from(method.clone()) else {
            let wrong = format!("`{method}` is no method that a route can have");
            let setting = format!("routes.{method} {path}");
            self.faults.add(&setting, wrong, "use a method of RFC 9110 or PATCH");
            return self;
        };
        let methods: Methods<S> = Arc::new(move |making: &Making| {
            let call = Call::new(handler.clone());
            match &making.guard {
                Some(guard) => on(filter, Guarded::new(Arc::clone(guard), call)),
                None => on(filter, call),
            }
        });
        let describe = |operation: &mut OperationBuilder<'_>| {
            <H::Args as Describe>::describe(operation);
            <H::Out as DescribeAnswer>::describe(operation);
        };
        let handling = Handling { name: type_name::<H>(), describe, methods };
        let access = self.access(method, path, who);
        self.add(access, Mount::Handler(handling));
        self
    }

    /// Serves the OpenAPI document of all routes as JSON, itself included.
    pub fn openapi(mut self, path: &str, who: Requirement) -> Self {
        let methods: Methods<S> = Arc::new(|making: &Making| {
            let send = document(making.document.clone());
            match &making.guard {
                Some(guard) => on(MethodFilter::GET, Guarded::new(Arc::clone(guard), send)),
                None => on(MethodFilter::GET, send),
            }
        });
        let handling = Handling { name: "openapi", describe: describe_document, methods };
        let access = self.access(Method::GET, path, who);
        self.add(access, Mount::Handler(handling));
        self
    }

    /// Answers where no route does, in place of the 404. There is one at the most.
    ///
    /// It is a line of the access table (`ANY /*`) and not in the document.
    ///
    /// ```
    /// use portcullis::gate::Gate;
    /// use portcullis::policy::public;
    ///
    /// # fn main() -> Result<(), portcullis::problem::ConfigError> {
    /// let gate = Gate::builder().build()?;
    /// let routes = gate.routes::<()>().fallback(public("the start page"), async || "Welcome!");
    /// assert_eq!(routes.finish()?.access.to_string(), "ANY   /*    anyone: the start page\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn fallback<H, T>(mut self, who: Requirement, handler: H) -> Self
    where
        H: Signature<T>,
        H::Args: Arguments<T, S>,
        H::Out: IntoResponse,
        T: 'static,
    {
        let methods: Methods<S> = Arc::new(move |making: &Making| {
            let call = Call::new(handler.clone());
            match &making.guard {
                Some(guard) => any(Guarded::new(Arc::clone(guard), call)),
                None => any(call),
            }
        });
        let access = self.access(any_method(), "/*", who);
        self.add(access, Mount::Fallback(methods));
        self
    }

    /// Puts an axum router, or any service, as it is under a path and behind one requirement.
    ///
    /// All of it stays as it was: typed paths, WebSocket, streams, uploads, its own layers. A
    /// router that needs a state gets it before: `router.with_state(state)`. The router sees paths
    /// without the prefix, as with axum's `nest`; its handlers and layers may take a
    /// [`Principal`](crate::types::Principal).
    ///
    /// It is one line of the access table, `ANY /legacy/*`. A route of the table below the same
    /// prefix comes before it, so that a service can be taken over route by route; such a route
    /// answers every method of its path.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use portcullis::gate::Gate;
    /// use portcullis::policy::public;
    ///
    /// # fn main() -> Result<(), portcullis::problem::ConfigError> {
    /// let gate = Gate::builder().build()?;
    /// let old = Router::new().route("/hello/{name}", get(async || "Hello!"));
    /// let app = gate.routes::<()>().mount("/legacy", public("a greeting"), old).finish()?;
    /// assert_eq!(app.access.to_string(), "ANY   /legacy/*    anyone: a greeting\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn mount<M: Mountable>(mut self, prefix: &str, who: Requirement, service: M) -> Self {
        self.add_router(prefix, who, service.into_router(), None);
        self
    }

    /// As [`mount`](Self::mount), with an OpenAPI document of the router: what `utoipa` makes,
    /// say, as a JSON value.
    ///
    /// Its operations stand in the document under the prefix, each with this requirement in place
    /// of what it said of security; its components stand beside ours. Where a name is taken by
    /// another component, it gets the prefix before it.
    pub fn mount_described<M: Mountable>(
        mut self,
        prefix: &str,
        who: Requirement,
        service: M,
        document: Value,
    ) -> Self {
        self.add_router(prefix, who, service.into_router(), Some(Arc::new(document)));
        self
    }
}

impl<S> Routes<S> {
    fn add(&mut self, access: AccessRow, mount: Mount<S>) {
        let notes = self.take_notes();
        self.rows.push(Row { access, notes, gate: self.gate.clone(), mount });
    }

    fn add_router(
        &mut self,
        prefix: &str,
        who: Requirement,
        router: Router,
        document: Option<Arc<Value>>,
    ) {
        if prefix.len() < 2 || prefix.ends_with('/') {
            let wrong = "a router is mounted under a path that is none or ends with `/`";
            let fix = "write it like `/legacy`; for everything there is, use `fallback`";
            self.faults.add(&format!("routes.ANY {prefix}"), wrong, fix);
            return;
        }
        let access = self.access(any_method(), &format!("{prefix}/*"), who);
        self.add(access, Mount::Router(router, document));
    }
}

fn document(text: Bytes) -> impl FnOnce() -> std::future::Ready<Response> + Clone {
    move || {
        let kind = HeaderValue::from_static("application/json");
        std::future::ready(([(CONTENT_TYPE, kind)], text).into_response())
    }
}
