//! An error of one's own that does not say what it sends.

use portcullis::extract::NoContent;
use portcullis::gate::Gate;
use portcullis::policy::permission;
use portcullis::router::Routes;

pub struct NoteError;

impl axum::response::IntoResponse for NoteError {
    fn into_response(self) -> axum::response::Response {
        axum::http::StatusCode::CONFLICT.into_response()
    }
}

async fn handler() -> Result<NoContent, NoteError> {
    Err(NoteError)
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().delete("/", permission("notes:write"), handler)
}
