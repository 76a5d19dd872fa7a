//! axum's `Json` of a type that has no schema.

use portcullis::gate::Gate;
use portcullis::policy::permission;
use portcullis::router::Routes;

#[derive(serde::Deserialize)]
pub struct Note {
    pub text: String,
}

async fn handler(axum::Json(note): axum::Json<Note>) -> String {
    note.text
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().post("/", permission("notes:write"), handler)
}
