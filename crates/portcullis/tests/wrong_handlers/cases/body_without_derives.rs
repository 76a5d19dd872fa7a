//! A body of a type without any derive.

use portcullis::extract::{Json, NoContent};
use portcullis::gate::Gate;
use portcullis::policy::permission;
use portcullis::router::Routes;

pub struct Note;

async fn handler(_: Json<Note>) -> NoContent {
    NoContent
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().post("/", permission("notes:write"), handler)
}
