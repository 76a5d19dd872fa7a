//! Against an issuer on loopback that can be told to misbehave, with a clock that is set by hand.

mod fetching;
mod tokens;
mod walk;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{StatusCode, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::clock::Clock;
use crate::crypto::{Algorithm, SigningKey};
use crate::testing::FixedClock;

const AUDIENCE: &str = "https://api.example";
const THEN: i64 = 1_800_000_000;

fn clock() -> FixedClock {
    FixedClock::new(Timestamp::from_second(THEN).unwrap())
}

/// How an issuer answers.
#[derive(Clone, Debug, PartialEq)]
enum Mood {
    Well,
    Away,
    Slow,
    Huge,
    /// Like `Huge`, and says so only by sending.
    HugeInChunks,
    Redirecting,
    Saying(&'static str),
}

/// An issuer on loopback, below the path `/realm`.
#[derive(Clone)]
struct Issuer {
    url: String,
    inner: Arc<Inside>,
}

struct Inside {
    /// How often its keys were asked for, and how often its metadata.
    fetches: AtomicUsize,
    looks: AtomicUsize,
    mood: Mutex<Mood>,
    keys: Mutex<Value>,
    /// Where its metadata is, and what of it is otherwise than it should be.
    home: Mutex<(&'static str, Value)>,
    cache: Mutex<Option<&'static str>>,
}

const OPENID: &str = "/realm/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server/realm";

impl Issuer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/realm", listener.local_addr().unwrap());
        let inner = Inside {
            fetches: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
            mood: Mutex::new(Mood::Well),
            keys: Mutex::new(json!({"keys": []})),
            home: Mutex::new((OPENID, json!({}))),
            cache: Mutex::new(None),
        };
        let issuer = Self { url, inner: Arc::new(inner) };
        let asked = issuer.clone();
        let app = Router::new().fallback(async move |uri: Uri| asked.answer(uri.path()));
        tokio::spawn(async move { axum::serve(listener, app).await });
        issuer
    }

    fn answer(&self, path: &str) -> Response {
        let (home, otherwise) = self.inner.home.lock().unwrap().clone();
        let text = match path {
            "/realm/jwks" => {
                self.inner.fetches.fetch_add(1, Ordering::SeqCst);
                self.inner.keys.lock().unwrap().to_string()
            }
            path if path == home => {
                self.inner.looks.fetch_add(1, Ordering::SeqCst);
                let mut metadata =
                    json!({"issuer": self.url, "jwks_uri": format!("{}/jwks", self.url)});
                for (name, value) in otherwise.as_object().unwrap() {
                    metadata[name] = value.clone();
                }
                metadata.to_string()
            }
            _ => return StatusCode::NOT_FOUND.into_response(),
        };
        let mood = self.inner.mood.lock().unwrap().clone();
        match mood {
            Mood::Well => match *self.inner.cache.lock().unwrap() {
                Some(cache) => ([("cache-control", cache)], text).into_response(),
                None => text.into_response(),
            },
            Mood::Away => StatusCode::BAD_GATEWAY.into_response(),
            Mood::Slow => {
                // The header at once, then nothing.
                let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
                Body::from_stream(never).into_response()
            }
            Mood::Huge => (text + &" ".repeat(256 * 1024)).into_response(),
            Mood::HugeInChunks => {
                let chunk = || Ok::<_, std::io::Error>(vec![b' '; 1024]);
                let endless = futures_util::stream::repeat_with(chunk);
                Body::from_stream(endless).into_response()
            }
            Mood::Redirecting => {
                (StatusCode::FOUND, [("location", format!("{}/jwks", self.url))]).into_response()
            }
            Mood::Saying(text) => text.into_response(),
        }
    }

    fn is(&self, mood: Mood) {
        *self.inner.mood.lock().unwrap() = mood;
    }

    fn publish(&self, keys: &[&Key]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.published()).collect();
        *self.inner.keys.lock().unwrap() = json!({ "keys": keys });
    }

    fn fetches(&self) -> usize {
        self.inner.fetches.load(Ordering::SeqCst)
    }

    fn looks(&self) -> usize {
        self.inner.looks.load(Ordering::SeqCst)
    }

    fn trusted(&self) -> RemoteIssuer {
        RemoteIssuer::with_jwks(&self.url, &format!("{}/jwks", self.url))
            .audience(AUDIENCE)
            .algorithms(&[Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256])
            .timeout(Duration::from_millis(400))
    }

    fn found(&self) -> RemoteIssuer {
        let known = RemoteIssuer::discover(&self.url);
        known.audience(AUDIENCE).algorithms(&[Algorithm::EdDsa]).timeout(Duration::from_secs(2))
    }

    fn claims(&self, clock: &FixedClock) -> Value {
        json!({
            "iss": self.url, "aud": AUDIENCE, "sub": "ada", "exp": clock.now().as_second() + 600,
            "scope": "items:read items:write",
        })
    }
}

/// A key under a name of its own choosing.
struct Key {
    key: SigningKey,
    name: &'static str,
}

impl Key {
    fn new(name: &'static str) -> Self {
        let sources = Sources::system();
        Self { key: SigningKey::generate(Algorithm::EdDsa, &sources).unwrap(), name }
    }

    fn published(&self) -> Value {
        let mut key = serde_json::to_value(self.key.verifying_key().jwk().unwrap()).unwrap();
        key["kid"] = self.name.into();
        key
    }

    fn sign(&self, kind: &str, claims: &Value) -> String {
        self.sign_as(&json!({"alg": "EdDSA", "typ": kind, "kid": self.name}), claims)
    }

    fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.key.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A verifier of this issuer's tokens.
fn tokens(issuer: RemoteIssuer, clock: &FixedClock) -> RemoteTokens {
    RemoteTokens::new([issuer], clock.sources()).unwrap()
}

/// What became of a token.
#[derive(Debug, PartialEq)]
enum Seen {
    Accepted,
    Refused,
    Unavailable,
}

async fn seen(tokens: &RemoteTokens, token: &str) -> Seen {
    match tokens.principal(token).await {
        Ok(_) => Seen::Accepted,
        Err(Rejection::Invalid) => Seen::Refused,
        Err(Rejection::Unavailable(_)) => Seen::Unavailable,
        Err(other) => panic!("{other:?}"),
    }
}

/// Waits for what happens beside the requests.
async fn until(what: impl Fn() -> bool) {
    for _ in 0..500 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen");
}
