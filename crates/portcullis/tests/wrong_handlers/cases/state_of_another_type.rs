//! A handler that asks for a state which the table does not have.

use portcullis::extract::NoContent;
use portcullis::gate::Gate;
use portcullis::policy::permission;
use portcullis::router::Routes;

#[derive(Clone)]
pub struct Notes;

async fn handler(_: axum::extract::State<Notes>) -> NoContent {
    NoContent
}

pub fn routes(gate: &Gate) -> Routes<u64> {
    gate.routes::<u64>().get("/", permission("notes:read"), handler)
}
