//! Two requirements joined by `&&` in place of `&`.

use portcullis::extract::NoContent;
use portcullis::gate::Gate;
use portcullis::policy::{permission, role};
use portcullis::router::Routes;

async fn handler() -> NoContent {
    NoContent
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().get("/", role("editor") && permission("notes:read"), handler)
}
