//! The tutorial's own routes: enough to see that a set-up works.

use portcullis::auth::Auth;
use portcullis::extract::Json;
use portcullis::gate::Gate;
use portcullis::policy::{authenticated, permission, public, role};
use portcullis::router::Routes;
use portcullis::types::Principal;
use schemars::JsonSchema;
use serde::Serialize;

/// `/`, `/protected`, `/admin`, `/user`, `/read`, `/write`.
pub(super) fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes()
        .tag("hello")
        .get("/", public("a greeting"), hello_world)
        .get("/protected", authenticated(), hello_user)
        .get("/admin", role("admin"), hello_admin)
        .get("/user", role("user"), hello_regular_user)
        .get("/read", permission("read"), may_read)
        .get("/write", permission("write"), may_write)
}

/// A message.
#[derive(Serialize, JsonSchema)]
struct Message {
    /// What it says.
    message: String,
}

fn say(message: impl Into<String>) -> Json<Message> {
    Json(Message { message: message.into() })
}

async fn hello_world() -> Json<Message> {
    say("Hello, world!")
}

async fn hello_user(who: Principal) -> Json<Message> {
    say(format!("Hello, {}!", who.name))
}

async fn hello_admin(who: Principal) -> Json<Message> {
    say(format!("Hello, {}! You are an admin.", who.name))
}

async fn hello_regular_user(who: Principal) -> Json<Message> {
    say(format!("Hello, {}! You are a user.", who.name))
}

async fn may_read() -> Json<Message> {
    say("You may read.")
}

async fn may_write() -> Json<Message> {
    say("You may write.")
}
