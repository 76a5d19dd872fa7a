//! A body whose type does not derive `schemars::JsonSchema`.

use portcullis::extract::Json;
use portcullis::gate::Gate;
use portcullis::policy::permission;
use portcullis::router::Routes;

#[derive(serde::Deserialize, garde::Validate)]
pub struct Note {
    #[garde(skip)]
    pub text: String,
}

async fn handler(Json(note): Json<Note>) -> String {
    note.text
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().post("/", permission("notes:write"), handler)
}
