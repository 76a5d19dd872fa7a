//! The tutorial's guarded routes: one for each kind of requirement.

use portcullis::auth::Auth;
use portcullis::extract::Json;
use portcullis::gate::Gate;
use portcullis::policy::{authenticated, permission, role};
use portcullis::router::Routes;
use portcullis::types::Principal;

use crate::app::Message;

/// `/protected`, `/admin`, `/user`, `/read`, `/write`.
pub(crate) fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes()
        .tag("hello")
        .get("/protected", authenticated(), hello_user)
        .get("/admin", role("admin"), hello_admin)
        .get("/user", role("user"), hello_regular_user)
        .get("/read", permission("read"), may_read)
        .get("/write", permission("write"), may_write)
}

async fn hello_user(who: Principal) -> Json<Message> {
    Message::say(format!("Hello, {}!", who.name))
}

async fn hello_admin(who: Principal) -> Json<Message> {
    Message::say(format!("Hello, {}! You are an admin.", who.name))
}

async fn hello_regular_user(who: Principal) -> Json<Message> {
    Message::say(format!("Hello, {}! You are a user.", who.name))
}

async fn may_read() -> Json<Message> {
    Message::say("You may read.")
}

async fn may_write() -> Json<Message> {
    Message::say("You may write.")
}
