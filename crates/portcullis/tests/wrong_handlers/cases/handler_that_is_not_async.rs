//! A function that is not async.

use portcullis::extract::NoContent;
use portcullis::gate::Gate;
use portcullis::policy::permission;
use portcullis::router::Routes;

fn handler() -> NoContent {
    NoContent
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().get("/", permission("notes:read"), handler)
}
