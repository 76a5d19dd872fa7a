//! Signed tokens: got at `/token`, shown as `Authorization: Bearer`, ended by logging out.
//!
//! A JWT can be verified by anyone who has the public keys of `/.well-known/jwks.json`. Here it is
//! also looked up whether it was ended, in memory: logging out counts on the next request.
//!
//! ```text
//! cargo run --example jwt
//! curl -d grant_type=password -d username=ann -d password="a walk in the wood" \
//!     http://127.0.0.1:8000/token
//! curl -H "Authorization: Bearer …" http://127.0.0.1:8000/protected
//! ```

use portcullis::auth::routes;
use portcullis::crypto::Algorithm;
use portcullis::prelude::*;
use std::error::Error;
use tokio::net::TcpListener;

fn app(auth: &Auth) -> Result<App, ConfigError> {
    let bearer = oauth2_password("/token", []);
    let session = cookie("__Host-jwt");
    let gate = Gate::builder()
        .auth(auth)
        .scheme("bearer", bearer.verified_by(AccessTokenVerifier::new(auth.clone())))
        .scheme("cookie", session.clone().verified_by(SessionVerifier::new(auth.clone())))
        .build()?;
    gate.routes()
        .get("/protected", authenticated(), async |who: Principal| format!("Hello, {}!", who.name))
        .merge(routes::oauth::table(&gate)) // /token, /revoke, /introspect, /.well-known
        .merge(routes::session::table(&gate, &session)) // /auth/jwt/logout
        .with_state(auth.clone())
        .finish()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = MasterSecret::generate(&Sources::system())?;
    let store = Database::in_memory();
    // Each algorithm has keys of its own; a token signed by another is refused.
    let auth = Auth::builder(store, secret).algorithm(Algorithm::Es256).start().await?;
    auth.add_missing_user(NewAccount::new("ann", "a walk in the wood"), &[]).await?;
    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    Ok(app(&auth)?.serve(listener).await?)
}

#[cfg(test)]
mod tests {
    use portcullis::testing::{FixedClock, TestApp};

    use super::*;

    #[tokio::test]
    async fn a_token_counts_until_it_expires_or_its_session_ends() {
        let clock = FixedClock::at("2026-03-02T12:00:00Z");
        let auth = portcullis::testing::auth(&clock).algorithm(Algorithm::Es256);
        let auth = auth.start().await.unwrap();
        let app = TestApp::new(app(&auth).unwrap(), auth);

        let ann = app.user("ann").jwt();
        assert_eq!(ann.get("/protected").await.expect(200).text(), "Hello, ann!");
        clock.advance(15 * 60);
        let expired = ann.get("/protected").await.expect(401);
        assert_eq!(expired.challenges(), [r#"Bearer realm="portcullis", error="invalid_token""#]);

        let ann = ann.jwt(); // signs in anew
        ann.get("/protected").await.expect(200);
        ann.post("/auth/jwt/logout").await.expect(204);
        ann.get("/protected").await.expect(401);
    }

    #[tokio::test]
    async fn the_token_endpoint_answers_as_rfc_6749_says() {
        let clock = FixedClock::at("2026-03-02T12:00:00Z");
        let auth = portcullis::testing::auth(&clock).start().await.unwrap();
        auth.add_missing_user(NewAccount::new("ann", "a walk in the wood"), &[]).await.unwrap();
        let app = TestApp::new(app(&auth).unwrap(), auth);
        let ask = |password| {
            let form = [("grant_type", "password"), ("username", "ann"), ("password", password)];
            app.anon().post("/token").form(form)
        };

        let answer = ask("a walk in the wood").await.expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let body: serde_json::Value = answer.json();
        assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &900.into()));
        let token = format!("Bearer {}", body["access_token"].as_str().unwrap());
        app.anon().header("authorization", &token).get("/protected").await.expect(200);

        let refused: serde_json::Value = ask("a stroll in the wood").await.expect(400).json();
        assert_eq!(refused["error"], "invalid_grant");
    }
}
