//! A public route that does not say why.

use portcullis::extract::NoContent;
use portcullis::gate::Gate;
use portcullis::policy::public;
use portcullis::router::Routes;

async fn handler() -> NoContent {
    NoContent
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().get("/", public(), handler)
}
