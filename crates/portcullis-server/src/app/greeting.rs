//! `GET /`: a greeting, enough to see that the server answers.

use portcullis::auth::Auth;
use portcullis::extract::Json;
use portcullis::gate::Gate;
use portcullis::policy::public;
use portcullis::router::Routes;
use schemars::JsonSchema;
use serde::Serialize;

/// `/`.
pub(super) fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes().tag("hello").get("/", public("a greeting"), hello_world)
}

/// A message.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Message {
    /// What it says.
    message: String,
}

impl Message {
    /// An answer of these words.
    pub(crate) fn say(message: impl Into<String>) -> Json<Self> {
        Json(Self { message: message.into() })
    }
}

async fn hello_world() -> Json<Message> {
    Message::say("Hello, world!")
}
