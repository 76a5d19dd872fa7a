//! A handler that holds an `Rc` over an `.await`.

use portcullis::extract::NoContent;
use portcullis::gate::Gate;
use portcullis::policy::permission;
use portcullis::router::Routes;

async fn handler() -> NoContent {
    let kept = std::rc::Rc::new(1);
    std::future::ready(()).await;
    drop(kept);
    NoContent
}

pub fn routes(gate: &Gate) -> Routes {
    gate.routes().get("/", permission("notes:read"), handler)
}
