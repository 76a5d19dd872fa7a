//! A part of the path of a type without any derive.

use portcullis::extract::{NoContent, Path};
use portcullis::gate::Gate;
use portcullis::policy::permission;
use portcullis::router::Routes;

pub struct Id(pub u64);

async fn handler(_: Path<Id>) -> NoContent {
    NoContent
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().get("/{id}", permission("notes:read"), handler)
}
