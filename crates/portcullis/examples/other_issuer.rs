//! An API without users of its own: it takes the tokens of another issuer.
//!
//! `cargo run --example other_issuer -- https://login.example https://api.example 127.0.0.1:8001`
//! names the issuer, what it calls this API (`aud`), and where to listen.

use std::error::Error;
use std::net::SocketAddr;

use portcullis::clock::Sources;
use portcullis::credential::bearer;
use portcullis::crypto::Algorithm;
use portcullis::extract::Json;
use portcullis::gate::Gate;
use portcullis::identity::{RemoteIssuer, RemoteTokens, VerifiedBy};
use portcullis::policy::{Roles, authenticated, permission, public, role, scope};
use portcullis::problem::ConfigError;
use portcullis::router::App;
use portcullis::types::{Principal, ScopeBook};
use tokio::net::TcpListener;

/// Who somebody is by their issuer's word.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Me {
    issuer: Option<String>,
    subject: Option<String>,
    name: String,
}

async fn me(who: Principal) -> Json<Me> {
    let external = who.external();
    Json(Me {
        issuer: external.map(|external| external.issuer.to_string()),
        subject: external.map(|external| external.subject.to_string()),
        name: who.name.to_string(),
    })
}

/// The issuer, as far as it is trusted: its word counts on who somebody is, on scopes, and on the
/// groups they are in. What a group may do is said below, by the application; a token that is limited
/// to scopes may do no more than they say. `openid` says nothing of this API, and limits nothing.
fn issuer(name: &str, audience: &str) -> RemoteIssuer {
    RemoteIssuer::discover(name)
        .audience(audience)
        .algorithms(&[Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256])
        .roles_from("/groups")
        .ignore_scopes(&["openid"])
        .name_from("/preferred_username")
}

fn app(tokens: RemoteTokens) -> Result<App, ConfigError> {
    let roles = Roles::new().grant("staff", ["write"]).include("boss", "staff");
    let gate = Gate::builder()
        .scheme("bearer", bearer().verified_by(tokens))
        .roles(roles)
        .scopes(ScopeBook::new().register("items:read", "Read items."))
        .build()?;
    gate.routes()
        .get("/", public("a greeting"), async || "Hello, world!")
        .get("/me", authenticated(), me)
        .get("/items", scope("items:read"), async || "items")
        .get("/write", permission("write"), async || "You may write.")
        .get("/boss", role("boss"), async || "You are the boss.")
        .finish()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, audience, listen] = &words[..] else {
        return Err("usage: other_issuer ISSUER AUDIENCE ADDRESS:PORT".into());
    };
    let tokens = RemoteTokens::new([issuer(name, audience)], Sources::system())?;
    // Not needed: a wrong address only shows earlier.
    tokens.fetch_keys().await?;
    let router = app(tokens)?.router.into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(TcpListener::bind(listen).await?, router).await?)
}

#[cfg(test)]
#[tokio::test]
async fn it_takes_the_tokens_of_another_issuer() -> Result<(), Box<dyn Error>> {
    use portcullis::crypto::{Jwks, SigningKey, sign_jws};
    use portcullis::testing::TestApp;
    use serde_json::{Value, json};

    let sources = Sources::system();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let key = SigningKey::generate(Algorithm::EdDsa, &sources)?;

    let metadata = Json(json!({"issuer": url, "jwks_uri": format!("{url}/keys")}));
    let keys = Json(Jwks { keys: key.verifying_key().jwk().into_iter().collect() });
    let metadata = move || std::future::ready(metadata.clone());
    let keys = move || std::future::ready(keys.clone());
    let issuing = Gate::builder()
        .build()?
        .routes()
        .get("/.well-known/openid-configuration", public("metadata"), metadata)
        .get("/keys", public("keys"), keys)
        .finish()?;
    tokio::spawn(async { axum::serve(listener, issuing.router).await });

    let tokens = RemoteTokens::new([issuer(&url, "https://api.example")], sources.clone())?;
    let api = TestApp::without_auth(app(tokens)?);
    let token = |groups: &[&str], scope: &str, audience: &str| {
        let claims = json!({
            "iss": url, "aud": audience, "sub": "u1", "preferred_username": "ada",
            "exp": sources.now().as_second() + 60, "scope": scope, "groups": groups,
        });
        let token = sign_jws(&key, "at+jwt", claims.to_string().as_bytes());
        token.map(|token| format!("Bearer {token}"))
    };
    let boss = token(&["boss"], "openid", "https://api.example")?;
    let limited = token(&["boss"], "openid items:read", "https://api.example")?;
    let nobody = token(&[], "openid", "https://api.example")?;
    let elsewhere = token(&["boss"], "openid", "https://other.example")?;
    for (path, statuses) in [
        ("/me", [200, 200, 200, 401]),
        ("/items", [403, 200, 403, 401]),
        ("/write", [200, 403, 403, 401]),
        ("/boss", [200, 403, 403, 401]),
    ] {
        api.anon().get(path).await.expect(401);
        for (token, status) in [&boss, &limited, &nobody, &elsewhere].into_iter().zip(statuses) {
            api.anon().get(path).header("authorization", token).await.expect(status);
        }
    }
    let me: Value = api.anon().get("/me").header("authorization", &boss).await.expect(200).json();
    assert_eq!(me, json!({"issuer": url, "subject": "u1", "name": "ada"}));
    Ok(())
}
