//! A query whose type does not derive `garde::Validate`.

use portcullis::extract::Query;
use portcullis::gate::Gate;
use portcullis::policy::permission;
use portcullis::router::Routes;

#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct Wanted {
    pub limit: u32,
}

async fn handler(Query(wanted): Query<Wanted>) -> String {
    wanted.limit.to_string()
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().get("/", permission("notes:read"), handler)
}
