//! A page of another origin that uses the API with a cookie: CORS lets it read, and the cookie
//! counts for it. For every other origin neither is so.
//!
//! `cargo run --example spa`; serve the page from `https://app.example.com`, and the API from
//! `https://api.example.com` (the same site, so that the browser sends the cookie along).

use portcullis::auth::routes;
use portcullis::credential::csrf::Csrf;
use portcullis::prelude::*;
use portcullis::types::OriginRule;
use std::error::Error;
use tokio::net::TcpListener;

const PAGE: &str = "https://app.example.com";

fn app(auth: &Auth) -> Result<App, Box<dyn Error>> {
    let page: OriginRule = PAGE.parse()?;
    let session = cookie("__Host-session").csrf(Csrf::new().trust([page]));
    let gate = Gate::builder()
        .auth(auth)
        .cors(Cors::closed().origins([PAGE]).credentials(true).max_age(600))
        .scheme("bearer", bearer().verified_by(AccessTokenVerifier::new(auth.clone())))
        .scheme("cookie", session.clone().verified_by(SessionVerifier::new(auth.clone())))
        .build()?;
    Ok(gate
        .routes()
        .get("/hello", authenticated(), async |who: Principal| format!("Hello, {}!", who.name))
        .merge(routes::session::table(&gate, &session)) // /auth/cookie/login and logout
        .merge(routes::me::table(&gate)) // /users/me
        .with_state(auth.clone())
        .finish()?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = MasterSecret::generate(&Sources::system())?;
    let auth = Auth::builder(Database::in_memory(), secret).start().await?;
    auth.add_missing_user(NewAccount::new("ann", "a walk in the wood"), &[]).await?;
    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    Ok(app(&auth)?.serve(listener).await?)
}

#[cfg(test)]
mod tests {
    use portcullis::testing::{FixedClock, TestApp};

    use super::*;

    const EVIL: &str = "https://malicious-website.com";

    async fn started() -> TestApp {
        let clock = FixedClock::at("2026-03-02T12:00:00Z");
        let auth = portcullis::testing::auth(&clock).start().await.unwrap();
        TestApp::new(app(&auth).unwrap(), auth)
    }

    #[tokio::test]
    async fn the_page_may_ask_and_read_with_its_cookie() {
        let app = started().await;
        let preflight = app.anon().options("/users/me").header("origin", PAGE);
        let allowed = preflight.header("access-control-request-method", "PATCH").await.expect(204);
        assert_eq!(allowed.header("access-control-allow-origin"), Some(PAGE));
        assert_eq!(allowed.header("access-control-allow-credentials"), Some("true"));

        let page = app.user("ann").cookie().header("origin", PAGE);
        let page = page.header("sec-fetch-site", "same-site");
        let change = serde_json::json!({ "name": "Ann" });
        let answer = page.patch("/users/me").json(change).await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
        // A refusal can be read too, or the page could not tell what went wrong.
        let refused = app.anon().get("/hello").header("origin", PAGE).await.expect(401);
        assert_eq!(refused.header("access-control-allow-origin"), Some(PAGE));
    }

    #[tokio::test]
    async fn another_page_may_neither_read_nor_change_anything() {
        let app = started().await;
        let preflight = app.anon().options("/users/me").header("origin", EVIL);
        let preflight = preflight.header("access-control-request-method", "PATCH").await;
        assert_eq!(preflight.header("access-control-allow-origin"), None);

        let page = app.user("ann").cookie().header("origin", EVIL);
        let page = page.header("sec-fetch-site", "cross-site");
        page.patch("/users/me").json(serde_json::json!({ "name": "Eve" })).await.expect(403);
        let read = page.get("/hello").await;
        assert_eq!(read.header("access-control-allow-origin"), None);
    }
}
