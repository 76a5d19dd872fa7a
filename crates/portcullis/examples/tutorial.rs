//! The tutorial's whole API, corrected, in one file: users in SQLite; HTTP Basic, OAuth2 bearer
//! tokens (JWT or opaque) and a cookie; roles, permissions and scopes; CORS; OpenAPI.
//!
//! `cargo run --example tutorial`, then
//! `curl -u ada:analytical:engine:1843 http://127.0.0.1:8000/admin`.

use std::{error::Error, fs, path::Path};

use portcullis::{auth::routes, prelude::*};
use tokio::net::TcpListener;

const USERS: [(&str, &str, &str); 3] = [
    ("ada", "analytical:engine:1843", "admin"),
    ("alice", "down-the-rabbit-hole", "user"),
    ("will", "writes-all-the-books", "guest"),
];

/// What is answered: these fields and no others.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Message {
    message: String,
}

fn say(text: impl Into<String>) -> Json<Message> {
    Json(Message { message: text.into() })
}

async fn root() -> Json<Message> {
    say("Hello, world!")
}

async fn protected(who: Principal) -> Json<Message> {
    say(format!("Hello, {}!", who.name))
}

async fn admin(CurrentUser(user): CurrentUser) -> Json<Message> {
    say(format!("Hello, {}! You are an admin.", user.username))
}

/// The users, roles and tokens of this file; made on first start.
async fn auth(folder: &Path) -> Result<Auth, Box<dyn Error>> {
    let store = Database::connect(&format!("sqlite://{}/tutorial.db", folder.display())).await?;
    store.migrate().await?;
    let key = folder.join("tutorial.key"); // Keep yours where only the server can read it.
    if !key.exists() {
        fs::write(&key, MasterSecret::generate(&Sources::system())?.expose())?;
    }
    let mut settings = Settings::new("http://127.0.0.1:8000");
    settings.registration_roles = vec!["user".into()];
    settings.registration = Registration::Open; // There is no mail here to tell the owner by.
    let auth = Auth::builder(store, MasterSecret::new(&Secret::new(fs::read(key)?))?)
        .settings(settings)
        .scopes(ScopeBook::new().register_for("read", "Read on your behalf.", "read"))
        .start()
        .await?;
    let roles = Roles::new().describe("guest", "May look.").grant("user", ["read"]);
    let roles = roles.grant("admin", ["write", "users:manage"]).include("admin", "user");
    auth.add_missing_roles(roles).await?;
    for (name, password, role) in USERS {
        auth.add_missing_user(NewAccount::new(name, password), &[role]).await?;
    }
    if let Some(will) = auth.user_named("will").await? {
        auth.set_grants(&Actor::system(), will, vec![GrantRequest::allow("write")]).await?;
    }
    Ok(auth)
}

/// Who may call what. What stands here is enforced, documented and printed.
fn app(auth: &Auth) -> Result<App, ConfigError> {
    let session = cookie("__Host-tutorial").over_plain_loopback();
    let oauth2 = oauth2_password("/token", [("read", "Read on your behalf.")]);
    let gate = Gate::builder()
        .auth(auth)
        .cors(Cors::closed().origins(["https://your-web-app.com"]))
        .scheme("basic", basic("tutorial").verified_by(PasswordVerifier::new(auth.clone())))
        .scheme("bearer", oauth2.verified_by(AccessTokenVerifier::new(auth.clone())))
        .scheme("cookie", session.clone().verified_by(SessionVerifier::new(auth.clone())))
        .build()?;
    gate.routes()
        .get("/", public("a greeting"), root)
        .get("/protected", authenticated(), protected)
        .get("/admin", role("admin"), admin)
        .get("/user", role("user"), protected)
        .get("/read", permission("read"), async || say("You may read."))
        .get("/write", permission("write"), async || say("You may write."))
        .merge(routes::oauth::table(&gate)) // /token
        .merge(routes::session::table(&gate, &session)) // /auth/jwt, /auth/opaque, /auth/cookie
        .merge(routes::accounts::table(&gate)) // /auth/register
        .merge(routes::me::table(&gate)) // /users/me
        .merge(routes::users::table(&gate)) // /users
        .openapi("/openapi.json", public("how to call this API"))
        .with_state(auth.clone())
        .finish()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let auth = auth(Path::new(".")).await?;
    Ok(app(&auth)?.serve(TcpListener::bind("127.0.0.1:8000").await?).await?)
}

#[cfg(test)]
#[tokio::test]
async fn everybody_gets_as_far_as_they_may() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let auth = auth(folder.path()).await?;
    let api = portcullis::testing::TestApp::new(app(&auth)?, auth);
    let user = |at: usize| api.user(USERS[at].0).with_password(USERS[at].1);
    for (path, allowed) in [("/admin", [200, 403, 403]), ("/write", [200, 403, 200])] {
        api.anon().get(path).await.expect(401);
        for (at, status) in allowed.into_iter().enumerate() {
            for user in [user(at).jwt(), user(at).opaque(), user(at).cookie(), user(at).basic()] {
                user.get(path).await.expect(status);
            }
        }
    }
    Ok(())
}
