//! A body that is not the last argument.

use portcullis::extract::{Json, NoContent, Path};
use portcullis::gate::Gate;
use portcullis::policy::permission;
use portcullis::router::Routes;

#[derive(serde::Deserialize, schemars::JsonSchema, garde::Validate)]
pub struct Note {
    #[garde(skip)]
    pub text: String,
}

async fn handler(_: Json<Note>, _: Path<u64>) -> NoContent {
    NoContent
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().post("/{id}", permission("notes:write"), handler)
}
