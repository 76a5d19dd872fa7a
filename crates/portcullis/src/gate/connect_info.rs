//! From where a request comes, by an application's own connect info.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use http::request::Parts;

type Find = dyn Fn(&Parts) -> Option<SocketAddr> + Send + Sync;

/// Finds the address of the peer in a request.
#[derive(Clone)]
pub(super) struct ConnectInfoOf(Arc<Find>);

impl fmt::Debug for ConnectInfoOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectInfoOf(…)")
    }
}

impl ConnectInfoOf {
    pub(super) fn new<F>(find: F) -> Self
    where
        F: Fn(&Parts) -> Option<SocketAddr> + Send + Sync + 'static,
    {
        Self(Arc::new(find))
    }

    /// Leaves the peer's address in the request, or takes away what stood there.
    pub(super) fn note(&self, request: Request) -> Request {
        let (mut parts, body) = request.into_parts();
        match (self.0)(&parts) {
            Some(peer) => drop(parts.extensions.insert(ConnectInfo(peer))),
            None => drop(parts.extensions.remove::<ConnectInfo<SocketAddr>>()),
        }
        Request::from_parts(parts, body)
    }
}
