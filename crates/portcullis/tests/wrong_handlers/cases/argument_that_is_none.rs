//! An argument that nothing can take out of a request.

use portcullis::extract::NoContent;
use portcullis::gate::Gate;
use portcullis::policy::permission;
use portcullis::router::Routes;

pub struct Thing;

async fn handler(_: Thing) -> NoContent {
    NoContent
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().get("/", permission("notes:read"), handler)
}
