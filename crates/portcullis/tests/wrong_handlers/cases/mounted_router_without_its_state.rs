//! A router that is mounted though it lacks its state.

use portcullis::gate::Gate;
use portcullis::policy::permission;
use portcullis::router::Routes;

pub fn routes(gate: &Gate, old: axum::Router<u64>) -> Routes {
    gate.routes().mount("/old", permission("notes:read"), old)
}
