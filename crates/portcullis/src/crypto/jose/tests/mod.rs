//! Tokens as strangers send them, keys as strangers publish them.

mod differential;
mod hostile;
mod jwe;
mod jwt;
mod keys;
mod vectors;

use std::sync::{Arc, LazyLock};

use super::*;
use crate::clock::{Clock, NoRandomness, Rng, Sources};
use crate::types::{ClientId, SessionId, Timestamp, TokenId};

const ISSUER: &str = "https://auth.example.com";
const AUDIENCE: &str = "https://api.example.com";

/// One key for each algorithm: RSA keys take long to make.
static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    let make = |algorithm: Algorithm| match algorithm {
        // Making an RSA key is slow; all six algorithms can share the numbers of one.
        algorithm if algorithm.is_rsa() => SigningKey::from_pem(RSA_PEM, algorithm).unwrap(),
        algorithm => SigningKey::generate(algorithm, &Sources::system()).unwrap(),
    };
    Algorithm::ALL.map(make).into()
});

/// A 2048-bit key made for these tests alone.
const RSA_PEM: &str = include_str!("rsa.pem");

fn key(algorithm: Algorithm) -> &'static SigningKey {
    KEYS.iter().find(|key| key.algorithm() == algorithm).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// When the tokens of these tests are made.
const THEN: i64 = 1_800_000_000;

#[derive(Debug)]
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn monotonic(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
}

#[derive(Debug)]
struct Real;

impl Rng for Real {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        crate::clock::SystemRng.fill(bytes)
    }
}

fn still(second: i64) -> Sources {
    Sources { clock: Arc::new(Still(at(second))), rng: Arc::new(Real) }
}

fn access() -> AccessClaims {
    let sources = still(THEN);
    AccessClaims {
        issuer: ISSUER.into(),
        audience: vec![AUDIENCE.into()],
        subject: sources.uuid().unwrap().to_string(),
        client: ClientId::first_party(),
        id: TokenId(sources.uuid().unwrap()),
        session: Some(SessionId(sources.uuid().unwrap())),
        scopes: ["items:read".into(), "items:write".into()].into(),
        all_scopes: false,
        issued_at: at(THEN),
        expires_at: at(THEN + 900),
        authenticated_at: Some(at(THEN)),
        methods: vec!["pwd".into()],
    }
}

fn settings(algorithms: &[Algorithm]) -> VerifierSettings {
    VerifierSettings::new(ISSUER, AUDIENCE, algorithms).unwrap()
}

/// Verifies with the one key, a second after the tokens of these tests are made.
fn verify(token: &str, key: &SigningKey) -> Result<Claims, TokenFault> {
    let keys = vec![key.verifying_key().clone()];
    JwtVerifier::new(settings(&[key.algorithm()])).verify(token, &keys, at(THEN + 1))
}

/// Signs any header and any payload.
fn forge(key: &SigningKey, header: &str, payload: &str) -> String {
    let signed =
        format!("{}.{}", strict::encode(header.as_bytes()), strict::encode(payload.as_bytes()));
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", strict::encode(&signature))
}

/// A header that is right for this key.
fn header(key: &SigningKey) -> String {
    format!(r#"{{"alg":"{}","typ":"at+jwt","kid":"{}"}}"#, key.algorithm(), key.id())
}

/// Claims that are right, with `change` made to them.
fn payload(change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) -> String {
    let token = access().sign(key(Algorithm::EdDsa)).unwrap();
    let middle = token.split('.').nth(1).unwrap();
    let mut claims = strict::object(&strict::decode(middle).unwrap()).unwrap();
    change(&mut claims);
    serde_json::to_string(&claims).unwrap()
}
