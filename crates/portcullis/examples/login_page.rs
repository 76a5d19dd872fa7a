//! A page that signs in: a session in a cookie, which no other site can use to change anything.
//!
//! `cargo run --example login_page`, then open `http://127.0.0.1:8000/` and sign in as `ann` with
//! `a walk in the wood`.

use axum::response::Html;
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};
use portcullis::auth::routes;
use portcullis::prelude::*;
use std::error::Error;
use tokio::net::TcpListener;

const PAGE: &str = r#"<!doctype html><html lang="en"><title>Sign in</title>
<form id="login"><label>Name <input name="username" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Sign in</button></form>
<p id="answer"></p><script src="/login.js"></script></html>"#;

const SCRIPT: &str = r#"const say = text => document.getElementById("answer").textContent = text;
const greet = () => fetch("/hello").then(async answer => answer.ok && say(await answer.text()));
document.getElementById("login").addEventListener("submit", async event => {
  event.preventDefault();
  const body = new URLSearchParams(new FormData(event.target));
  const answer = await fetch("/auth/cookie/login", { method: "POST", body });
  answer.ok ? greet() : say((await answer.json()).detail);
});
greet();"#;

type With<A> = ([(HeaderName, HeaderValue); 1], A);

async fn page() -> With<Html<&'static str>> {
    let policy = "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'none'; \
                  frame-ancestors 'none'; base-uri 'none'";
    ([(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy))], Html(PAGE))
}

async fn script() -> With<&'static str> {
    ([(CONTENT_TYPE, HeaderValue::from_static("text/javascript"))], SCRIPT)
}

fn app(auth: &Auth) -> Result<App, ConfigError> {
    // Behind TLS, leave `over_plain_loopback` out: the cookie is then Secure and __Host-.
    let session = cookie("__Host-session").over_plain_loopback();
    let gate = Gate::builder()
        .auth(auth)
        .scheme("bearer", bearer().verified_by(AccessTokenVerifier::new(auth.clone())))
        .scheme("cookie", session.clone().verified_by(SessionVerifier::new(auth.clone())))
        .build()?;
    gate.routes()
        .get("/", public("the page"), page)
        .get("/login.js", public("the page's script"), script)
        .get("/hello", authenticated(), async |who: Principal| format!("Hello, {}!", who.name))
        .merge(routes::session::table(&gate, &session)) // /auth/cookie/login and logout
        .merge(routes::me::table(&gate)) // /users/me
        .with_state(auth.clone())
        .finish()
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

    async fn started() -> TestApp {
        let clock = FixedClock::at("2026-03-02T12:00:00Z");
        let auth = portcullis::testing::auth(&clock).start().await.unwrap();
        auth.add_missing_user(NewAccount::new("ann", "a walk in the wood"), &[]).await.unwrap();
        TestApp::new(app(&auth).unwrap(), auth)
    }

    #[tokio::test]
    async fn a_form_gets_a_cookie_that_scripts_cannot_read() {
        let app = started().await;
        let form = [("username", "ann"), ("password", "a walk in the wood")];
        let answer = app.anon().post("/auth/cookie/login").form(form).await.expect(204);
        let set = answer.header("set-cookie").unwrap();
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
        let cookie = set.split(';').next().unwrap();
        let ann = app.anon().header("cookie", cookie);
        assert_eq!(ann.get("/hello").await.expect(200).text(), "Hello, ann!");
        ann.post("/auth/cookie/logout").await.expect(204);
        ann.get("/hello").await.expect(401);
    }

    #[tokio::test]
    async fn another_sites_page_changes_nothing_with_the_cookie() {
        let app = started().await;
        let ann = app.user("ann").with_password("a walk in the wood").cookie();
        let confirmed = serde_json::json!({ "current_password": "a walk in the wood" });
        let delete = |site: &str| ann.delete("/users/me").header("sec-fetch-site", site);
        delete("cross-site").json(&confirmed).await.expect(403);
        delete("same-site").json(&confirmed).await.expect(403);
        // The hidden image: a GET changes nothing, so it may pass.
        ann.get("/users/me").header("sec-fetch-site", "cross-site").await.expect(200);
        delete("same-origin").json(&confirmed).await.expect(204);
    }
}
