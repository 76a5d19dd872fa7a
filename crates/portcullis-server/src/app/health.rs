//! `/health`: is it there, and can it do its work?

use axum::extract::State;
use portcullis::auth::Auth;
use portcullis::extract::Json;
use portcullis::gate::Gate;
use portcullis::policy::public;
use portcullis::problem::Problem;
use portcullis::router::Routes;
use schemars::JsonSchema;
use serde::Serialize;

/// `/health/live` and `/health/ready`.
pub(super) fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes().tag("health").get("/health/live", public("liveness probe"), live).get(
        "/health/ready",
        public("readiness probe"),
        ready,
    )
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

async fn ready(State(rules): State<Auth>) -> Result<Json<Health>, Problem> {
    rules.store().ping().await?;
    Ok(Json(Health { status: "ok" }))
}
