//! The authorization code flow as a browser and a client see it, and the attacks on it that are known by name.

mod attacks;
mod flow;
mod forward;

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis::auth::Settings as AuthSettings;
use portcullis::testing::{Answer, FixedClock, TestApp};
use serde_json::Value;
use tempfile::TempDir;
use url::{Url, form_urlencoded};

use crate::demo::tests::demo_with;

const REDIRECT: &str = "http://127.0.0.1:9777/cb";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const WEB_SECRET: &str = "web-secret-of-the-demo-00000001";
const ISSUER: &str = "http://127.0.0.1:8000";

struct Demo {
    app: TestApp,
    clock: FixedClock,
    _folder: TempDir,
}

async fn demo() -> Demo {
    let clock = FixedClock::at("2026-03-02T11:00:00Z");
    let mut rules = AuthSettings::new(ISSUER);
    rules.authorization_endpoint = true;
    let (app, folder) = demo_with(&clock, |builder| builder.settings(rules)).await;
    Demo { app, clock, _folder: folder }
}

/// A browser: its cookie, and what it says of itself.
#[derive(Clone)]
struct Browser<'a> {
    demo: &'a Demo,
    cookie: Option<String>,
    site: Option<&'static str>,
}

impl<'a> Browser<'a> {
    fn new(demo: &'a Demo) -> Self {
        Self { demo, cookie: None, site: Some("same-origin") }
    }

    async fn get(&self, path: &str) -> Answer {
        let request = self.demo.app.anon().get(path);
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie).await,
            None => request.await,
        }
    }

    async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let mut request = self.demo.app.anon().post(path).form(form);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(site) = self.site {
            request = request.header("sec-fetch-site", site);
        }
        let answer = request.await;
        if let Some(line) = answer.header("set-cookie") {
            let pair = line.split(';').next().unwrap().to_owned();
            self.cookie = Some(pair).filter(|pair| !pair.ends_with('='));
        }
        answer
    }

    async fn sign_in(&mut self, username: &str, password: &str, ticket: &str) -> Answer {
        let form = [("username", username), ("password", password), ("ticket", ticket)];
        self.post("/login", &form).await
    }

    /// Asks as a client, signs alice in where that is asked for, allows, and answers where it leads in the end.
    async fn follow(&mut self, query: &str) -> HashMap<String, String> {
        let mut at = format!("/authorize?{query}");
        for _ in 0..8 {
            let answer = self.get(&at).await;
            let next = location(&answer);
            if next.starts_with("/login?") {
                let ticket = ticket(&next);
                self.get(&next).await.expect(200);
                let answer = self.sign_in("alice", "down-the-rabbit-hole", &ticket).await;
                at = location(&answer);
            } else if next.starts_with("/consent?") {
                let page = self.get(&next).await.expect(200);
                let (ticket, word) = (ticket(&next), hidden(&page, "word"));
                let form = [("ticket", &*ticket), ("word", &*word), ("decision", "allow")];
                return answered(&location(&self.post("/consent", &form).await));
            } else {
                return answered(&next);
            }
        }
        panic!("it leads in a circle: {at}");
    }
}

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.text());
    answer.header("location").unwrap().to_owned()
}

fn parameter(address: &str, name: &str) -> Option<String> {
    let query = address.split_once('?')?.1;
    form_urlencoded::parse(query.as_bytes()).find(|(one, _)| one == name).map(|(_, v)| v.into())
}

fn ticket(address: &str) -> String {
    parameter(address, "ticket").unwrap()
}

fn hidden(page: &Answer, name: &str) -> String {
    let text = page.text();
    let after = text.split_once(&format!("name=\"{name}\" value=\"")).unwrap().1;
    after.split('"').next().unwrap().to_owned()
}

/// What the client is told, at its own address.
fn answered(address: &str) -> HashMap<String, String> {
    assert!(address.starts_with(REDIRECT), "{address}");
    let url = Url::parse(address).unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let told: HashMap<String, String> = pairs.iter().cloned().collect();
    assert_eq!(told.len(), pairs.len(), "nothing is said twice: {address}");
    assert_eq!(told["iss"], ISSUER, "every answer names its issuer");
    told
}

fn query(changes: &[(&str, Option<&str>)]) -> String {
    let mut fields = vec![
        ("client_id", "demo-spa"),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", "openid items:read"),
        ("state", "a b&c"),
        ("nonce", "n-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.extend(value.map(|value| (*name, value)));
    }
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Shows a code at `/token`, as demo-spa unless it is said otherwise.
async fn exchange(demo: &Demo, code: &str, changes: &[(&str, Option<&str>)]) -> Answer {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", "demo-spa"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    for (name, value) in changes {
        form.retain(|(known, _)| known != name);
        form.extend(value.map(|value| (*name, value)));
    }
    demo.app.anon().post("/token").form(form).await
}

fn error(answer: &Answer) -> String {
    let body: Value = answer.json();
    format!("{} {}", answer.status.as_u16(), body["error"].as_str().unwrap_or_default())
}

async fn status(demo: &Demo, token: &str, path: &str) -> u16 {
    let request = demo.app.anon().get(path).header("authorization", &format!("Bearer {token}"));
    request.await.status.as_u16()
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_else(|| panic!("{name}: {body}")).to_owned()
}
