//! A way to sign in of one's own: machines that show a badge in a header.
//!
//! A carrier finds, a verifier knows: each can be had without the other. Absent, accepted and
//! rejected are three answers, and the document knows the scheme like any other.
//!
//! `cargo run --example own_scheme`, then
//! `curl -H "X-Badge: 17-blue-heron" http://127.0.0.1:8000/gate`.

use std::collections::BTreeMap;
use std::error::Error;

use http::request::Parts;
use portcullis::credential::{Rejection, SecurityScheme};
use portcullis::prelude::*;
use portcullis::problem::Challenge;
use portcullis::types::ClientId;
use tokio::net::TcpListener;

/// Finds `X-Badge: <number>-<word>-<word>`.
#[derive(Debug)]
struct BadgeHeader;

/// A badge, read and not verified.
struct Badge {
    number: u32,
    words: String,
}

impl CredentialSource for BadgeHeader {
    type Credential = Badge;

    fn find(&self, parts: &Parts) -> Result<Option<Badge>, Rejection> {
        let mut values = parts.headers.get_all("x-badge").iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Rejection::Ambiguous);
        }
        let text = value.to_str().map_err(|_| Rejection::Malformed)?;
        let (number, words) = text.split_once('-').ok_or(Rejection::Malformed)?;
        let number = number.parse().map_err(|_| Rejection::Malformed)?;
        Ok(Some(Badge { number, words: words.to_owned() }))
    }

    fn is_brought(&self, parts: &Parts) -> bool {
        parts.headers.contains_key("x-badge")
    }

    fn describe(&self) -> SecurityScheme {
        let described = serde_json::json!({ "type": "apiKey", "in": "header", "name": "X-Badge" });
        SecurityScheme(described)
    }

    fn challenge(&self) -> Option<Challenge> {
        Some(Challenge::new("Badge").with("realm", "workshop"))
    }
}

/// Knows badges by number. A real one would keep digests, and compare in constant time.
#[derive(Debug)]
struct Badges(BTreeMap<u32, (&'static str, &'static str)>);

#[async_trait::async_trait]
impl Verifier<Badge> for Badges {
    async fn verify(&self, badge: Badge, _: &Parts) -> Result<Principal, Rejection> {
        let (words, role) = self.0.get(&badge.number).ok_or(Rejection::Invalid)?;
        if badge.words != *words {
            return Err(Rejection::Invalid);
        }
        let name = format!("machine {}", badge.number);
        let machine = Subject::Client(ClientId::from(name.as_str()));
        Ok(Principal::new(machine, name).with_roles([*role]))
    }
}

fn app() -> Result<App, ConfigError> {
    let badges = Badges([(17, ("blue-heron", "press")), (18, ("grey-owl", "lathe"))].into());
    let gate = Gate::builder()
        .scheme("badge", BadgeHeader.verified_by(badges))
        .roles(Roles::new().grant("press", ["stamp"]).grant("lathe", ["turn"]))
        .build()?;
    gate.routes::<()>()
        .get("/gate", authenticated(), async |who: Principal| format!("Hello, {}!", who.name))
        .get("/stamp", permission("stamp"), async || "Stamped.")
        .finish()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    Ok(app()?.serve(listener).await?)
}

#[cfg(test)]
#[tokio::test]
async fn a_badge_is_absent_accepted_or_rejected() {
    let app = portcullis::testing::TestApp::without_auth(app().unwrap());
    let with = |badge| app.anon().header("x-badge", badge);
    let absent = app.anon().get("/gate").await.expect(401);
    assert_eq!(absent.challenges(), [r#"Badge realm="workshop""#]);
    assert_eq!(with("17-blue-heron").get("/gate").await.expect(200).text(), "Hello, machine 17!");
    for wrong in ["17-grey-owl", "19-blue-heron", "seventeen", ""] {
        with(wrong).get("/gate").await.expect(401);
    }
    with("17-blue-heron").header("x-badge", "18-grey-owl").get("/gate").await.expect(400);
    with("17-blue-heron").get("/stamp").await.expect(200);
    with("18-grey-owl").get("/stamp").await.expect(403);
    let document = app.openapi().to_value();
    assert_eq!(document["components"]["securitySchemes"]["badge"]["name"], "X-Badge");
    assert!(document["paths"]["/stamp"]["get"]["security"][0]["badge"].is_array());
}
