//! Signing keys: published before they sign, rotated in time, and kept under one master secret.

use portcullis::auth::{Auth, Database, Settings, StartError};
use portcullis::clock::Sources;
use portcullis::crypto::{Algorithm, MasterSecret, PasswordSettings};
use portcullis::testing::FixedClock;
use serde_json::Value;

use crate::stand::{Credential, Kind, Place, Stand};

async fn published(stand: &Stand) -> usize {
    let keys: Value = stand.app.anon().get("/.well-known/jwks.json").await.expect(200).json();
    keys["keys"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_rotated_when_it_is_due_and_nobody_notices() {
    let mut settings = Settings::new("http://127.0.0.1:8000");
    settings.key_rotation = 86_400;
    settings.access_ttl = 86_400;
    let stand = Stand::with(Place::File, settings).await;
    let auth = stand.app.auth();
    assert!(auth.rotate_key_when_due().await.unwrap().is_none());
    let first = auth.keys().await.unwrap()[0].id.clone();
    stand.clock.advance(86_399);
    assert!(auth.rotate_key_when_due().await.unwrap().is_none());
    stand.clock.advance(1);
    let old = Credential::of(&stand.app, Kind::Jwt).await;
    let second = auth.rotate_key_when_due().await.unwrap().unwrap();
    assert!(auth.rotate_key_when_due().await.unwrap().is_none(), "one successor will do");
    // Published, and not yet signing.
    assert_eq!(published(&stand).await, 2);
    assert_eq!(kid(&Credential::of(&stand.app, Kind::Jwt).await.text), first);
    stand.clock.advance(900);
    let new = Credential::of(&stand.app, Kind::Jwt).await;
    assert_eq!(kid(&new.text), second.id);
    for credential in [&old, &new] {
        assert_eq!(credential.status(&stand.app).await, 200);
    }
    // The old key goes when the last token it can have signed has expired.
    stand.clock.advance(86_400 - 1);
    assert_eq!(published(&stand).await, 2);
    assert_eq!(new.status(&stand.app).await, 200);
    stand.clock.advance(1);
    assert_eq!(published(&stand).await, 1);
    assert_eq!(new.status(&stand.app).await, 401, "it has expired");
}

fn kid(token: &str) -> String {
    use base64::Engine;
    let head = token.split('.').next().unwrap();
    let head = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(head).unwrap();
    let head: Value = serde_json::from_slice(&head).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_normal_user_is_short() {
    let stand = Stand::new(Place::Memory, Kind::Jwt.format()).await;
    let token = Credential::of(&stand.app, Kind::Jwt).await.text;
    assert!(token.len() < 600, "{} bytes", token.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_master_secret_or_algorithm_is_noticed_at_start() {
    let store = Database::in_memory();
    let clock = FixedClock::at("2026-03-02T12:00:00Z");
    let master = || MasterSecret::generate(&Sources::system()).unwrap();
    let auth = |master: MasterSecret| {
        Auth::builder(store.clone(), master)
            .sources(clock.sources())
            .passwords(PasswordSettings::cheap())
    };
    let right = master();
    auth(right.clone()).start().await.unwrap();
    let error = auth(master()).start().await.unwrap_err();
    let StartError::Config(error) = error else { panic!("{error:?}") };
    assert_eq!(error.faults[0].setting, "tokens.master_secret");
    assert!(error.to_string().contains("another master secret"), "{error}");
    // Of the same family, old tokens go on to count; a shared secret takes over at once.
    let signing = async |algorithm: Algorithm| {
        let auth = auth(right.clone()).algorithm(algorithm).start().await.unwrap();
        let now = auth.now();
        let keys = auth.keys().await.unwrap();
        let live = keys.iter().filter(|key| key.retired_at.is_none_or(|at| now < at));
        let all: Vec<_> = live.clone().map(|key| key.algorithm.clone()).collect();
        let signs = live
            .filter(|key| key.signs_from <= now && key.signs_until.is_none_or(|until| now < until));
        (signs.map(|key| key.algorithm.clone()).collect::<Vec<_>>(), all.len())
    };
    assert_eq!(signing(Algorithm::EdDsa).await, (vec!["EdDSA".to_owned()], 1));
    assert_eq!(signing(Algorithm::Es256).await, (vec!["EdDSA".to_owned()], 2));
    clock.advance(900);
    assert_eq!(signing(Algorithm::Es256).await, (vec!["ES256".to_owned()], 2));
    assert_eq!(signing(Algorithm::Hs256).await, (vec!["HS256".to_owned()], 1));
}
