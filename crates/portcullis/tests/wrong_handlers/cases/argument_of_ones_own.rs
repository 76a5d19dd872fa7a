//! An extractor of one's own that does not say what it reads.

use portcullis::extract::NoContent;
use portcullis::gate::Gate;
use portcullis::policy::permission;
use portcullis::problem::Problem;
use portcullis::router::Routes;

pub struct Tenant;

impl<S: Sync> axum::extract::FromRequestParts<S> for Tenant {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut http::request::Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self)
    }
}

async fn handler(_: Tenant) -> NoContent {
    NoContent
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().get("/", permission("notes:read"), handler)
}
