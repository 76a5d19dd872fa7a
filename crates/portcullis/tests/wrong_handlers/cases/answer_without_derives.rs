//! An answer of a type without any derive.

use portcullis::extract::Created;
use portcullis::gate::Gate;
use portcullis::policy::permission;
use portcullis::router::Routes;

pub struct Note;

async fn handler() -> Created<Note> {
    Created(Note)
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().post("/", permission("notes:write"), handler)
}
