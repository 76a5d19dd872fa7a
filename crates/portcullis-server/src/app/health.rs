//! `/health`: is it there, and can it do its work?

use std::path::PathBuf;

use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, FORWARDED, HOST, VIA};
use http::{HeaderMap, HeaderValue};
use portcullis::auth::Auth;
use portcullis::edge::ClientInfo;
use portcullis::extract::Json;
use portcullis::gate::Gate;
use portcullis::policy::public;
use portcullis::problem::{Problem, ProblemKind};
use portcullis::router::Routes;
use schemars::JsonSchema;
use serde::Serialize;

use crate::telemetry::Metrics;

/// `/health/live`, `/health/ready` and `/metrics`, for whoever reaches their listener.
pub(super) fn table(gate: &Gate, measured: Measured) -> Routes<Auth> {
    gate.routes()
        .tag("health")
        .get("/health/live", public("liveness probe"), live)
        .get("/health/ready", public("readiness probe"), ready)
        .get("/metrics", public("what was counted"), async move |State(auth): State<Auth>| {
            measured.render(&auth).await
        })
}

/// The same on the main listener, for this machine alone: not for the world behind a proxy on it.
pub(super) fn table_for_this_machine(gate: &Gate, measured: Measured) -> Routes<Auth> {
    gate.routes()
        .tag("health")
        .get("/health/live", public("liveness probe, for this machine alone"), live_here)
        .get("/health/ready", public("readiness probe, for this machine alone"), ready_here)
        .get(
            "/metrics",
            public("what was counted, for this machine alone"),
            async move |Extension(client): Extension<ClientInfo>,
                        headers: HeaderMap,
                        State(auth): State<Auth>| {
                refuse_from_elsewhere(&client, &headers)?;
                measured.render(&auth).await
            },
        )
}

/// What was counted, and the database that is looked at when somebody asks.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) metrics: Metrics,
    pub(super) database: Option<PathBuf>,
}

impl Measured {
    async fn render(self, auth: &Auth) -> Result<Response, Problem> {
        let is_up = auth.database().probe().await.is_ok();
        let text = self.metrics.render(is_up, self.database.as_deref());
        let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        Ok(([(CONTENT_TYPE, kind)], text).into_response())
    }
}

/// How it is.
#[derive(Serialize, JsonSchema)]
struct Health {
    /// Always `ok`: else the answer is a 503.
    status: &'static str,
}

async fn live() -> Json<Health> {
    Json(Health { status: "ok" })
}

async fn ready(State(auth): State<Auth>) -> Result<Json<Health>, Problem> {
    auth.database().probe().await?;
    Ok(Json(Health { status: "ok" }))
}

async fn live_here(
    Extension(client): Extension<ClientInfo>,
    headers: HeaderMap,
) -> Result<Json<Health>, Problem> {
    refuse_from_elsewhere(&client, &headers)?;
    Ok(live().await)
}

async fn ready_here(
    Extension(client): Extension<ClientInfo>,
    headers: HeaderMap,
    State(auth): State<Auth>,
) -> Result<Json<Health>, Problem> {
    refuse_from_elsewhere(&client, &headers)?;
    ready(State(auth)).await
}

/// Refuses whoever is not on this machine. A proxy on loopback that was not declared shows itself by
/// what it adds to a request, or by the name of the server that its client asked for.
fn refuse_from_elsewhere(client: &ClientInfo, headers: &HeaderMap) -> Result<(), Problem> {
    let here = client.address.is_some_and(|address| address.is_loopback());
    let undeclared_proxy = !client.through_proxy
        && (headers.keys().any(|name| name.as_str().starts_with("x-forwarded-"))
            || [FORWARDED, VIA].iter().any(|name| headers.contains_key(name))
            || headers.contains_key("x-real-ip"));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let named_here = client.through_proxy || host.is_none_or(is_this_machine);
    if here && !undeclared_proxy && named_here { Ok(()) } else { Err(ProblemKind::NotFound.into()) }
}

/// Whether a `Host` names this machine by an address or name that nobody else can use.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(name, _)| name),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(address: &str, through_proxy: bool, headers: &[(&'static str, &str)]) -> bool {
        let mut client = ClientInfo::default();
        client.address = address.parse().ok();
        client.through_proxy = through_proxy;
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        refuse_from_elsewhere(&client, &headers).is_ok()
    }

    /// Faults §11, row 4.
    #[test]
    fn only_this_machine_is_answered_and_not_the_world_behind_a_proxy_on_it() {
        for host in ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"] {
            assert!(answers("127.0.0.1", false, &[("host", host)]), "{host}");
        }
        assert!(answers("::1", false, &[]));
        assert!(!answers("203.0.113.7", true, &[("x-forwarded-for", "203.0.113.7")]));
        assert!(!answers("203.0.113.7", false, &[]) && !answers("", true, &[]));
        for header in [
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=127.0.0.1"),
            ("via", "1.1 cache"),
            ("x-real-ip", "127.0.0.1"),
            ("host", "auth.example.org"),
            ("host", "localhost.example.org"),
        ] {
            assert!(!answers("127.0.0.1", false, &[header]), "{header:?}");
        }
    }
}
