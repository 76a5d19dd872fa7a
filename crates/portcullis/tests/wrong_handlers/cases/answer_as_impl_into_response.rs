//! An answer that is only known to be some response.

use portcullis::gate::Gate;
use portcullis::policy::permission;
use portcullis::router::Routes;

async fn handler() -> impl axum::response::IntoResponse {
    "all is well"
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().get("/", permission("notes:read"), handler)
}
