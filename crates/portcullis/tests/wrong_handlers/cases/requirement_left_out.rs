//! A route without a requirement.

use portcullis::extract::NoContent;
use portcullis::gate::Gate;
use portcullis::router::Routes;

async fn handler() -> NoContent {
    NoContent
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().get("/", handler)
}
