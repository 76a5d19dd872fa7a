//! What each target does with strangers' bytes, and what must hold whatever they are. A target
//! panics where it does not.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderValue, Request};
use http_body_util::BodyExt;
use portcullis::edge::{ClientInfo, Proxies};
use portcullis::clock::Sources;
use portcullis::credential::{self, CredentialSource, api_key_header, basic, bearer};
use portcullis::gate::{Cleartext, Gate};
use portcullis::auth::{AccessTokenVerifier, Auth, Database, ThrottleSettings, routes};
use portcullis::identity::VerifiedBy;
use portcullis::crypto::{
    AccessClaims, Algorithm, JwtVerifier, KeyRing, MasterSecret, OpaqueToken, PasswordSettings,
    SigningKey, VerifierSettings,
};
use portcullis::types::{ClientId, Timestamp, TokenId};
use tokio::runtime::Runtime;
use tower::ServiceExt;

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);
const ISSUER: &str = "https://api.example";

/// The head of a request with these bytes in one header; `None` where HTTP itself forbids them.
fn parts(name: &'static str, bytes: &[u8]) -> Option<Parts> {
    let mut request = Request::new(());
    for line in bytes.split(|byte| *byte == b'\n').take(4) {
        request.headers_mut().append(name, HeaderValue::from_bytes(line).ok()?);
    }
    Some(request.into_parts().0)
}

struct Signed {
    token: String,
    keys: KeyRing,
    verifier: JwtVerifier,
}

static SIGNED: LazyLock<Signed> = LazyLock::new(|| {
    let sources = Sources::system();
    let key = SigningKey::generate(Algorithm::EdDsa, &sources).unwrap();
    let claims = AccessClaims {
        issuer: ISSUER.to_owned(),
        audience: vec![ISSUER.to_owned()],
        subject: sources.uuid().unwrap().to_string(),
        client: ClientId::first_party(),
        id: TokenId(sources.uuid().unwrap()),
        session: None,
        scopes: ["items:read".into()].into(),
        all_scopes: false,
        issued_at: NOW,
        expires_at: Timestamp::constant(1_800_000_900, 0),
        authenticated_at: None,
        methods: Vec::new(),
    };
    let token = claims.sign(&key).unwrap();
    let settings = VerifierSettings::new(ISSUER, ISSUER, &[Algorithm::EdDsa]).unwrap();
    Signed { token, keys: KeyRing::single(key), verifier: JwtVerifier::new(settings) }
});

/// Of all texts, the token that was signed is the only one that verifies. The bytes are a text of
/// their own, or, behind a zero, edits of the token: a position and a byte to put there, each.
pub fn jws(bytes: &[u8]) {
    let Signed { token, keys, verifier } = &*SIGNED;
    let text = match bytes.split_first() {
        Some((0, edits)) => {
            let mut text = token.clone().into_bytes();
            for edit in edits.chunks_exact(3) {
                let position = usize::from(edit[0]) * 4 + usize::from(edit[1] % 4);
                let position = position % text.len();
                match edit[1] / 64 {
                    0 => drop(text.remove(position)),
                    1 => text.insert(position, edit[2]),
                    _ => text[position] = edit[2],
                }
            }
            text
        }
        _ => bytes.to_vec(),
    };
    let Ok(text) = String::from_utf8(text) else { return };
    let verdict = verifier.verify(&text, keys, NOW);
    assert_eq!(verdict.is_ok(), text == *token, "{text}");
}

/// What is found in `Authorization` and `X-API-Key` is what was sent, in its one spelling.
pub fn authorization(bytes: &[u8]) {
    if let Some(parts) = parts("authorization", bytes) {
        let text = parts.headers["authorization"].to_str().unwrap_or_default();
        let sent = text.split_once(' ').map(|(_, credential)| credential.trim_matches(' '));
        if let Ok(Some(found)) = basic("fuzz").find(&parts) {
            let pair = format!("{}:{}", found.username, found.password.expose());
            assert_eq!(Some(STANDARD.encode(&pair).as_str()), sent);
            assert!(!found.username.contains(':') && !pair.chars().any(char::is_control));
        }
        if let Ok(Some(found)) = bearer().find(&parts) {
            assert_eq!(Some(found.0.expose().as_str()), sent);
        }
    }
    if let Some(parts) = parts("x-api-key", bytes)
        && let Ok(Some(found)) = api_key_header("X-API-Key").find(&parts)
    {
        assert_eq!(found.0.expose().as_bytes(), bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(token) = OpaqueToken::read(text)
    {
        assert_eq!(token.expose(), text);
        assert!(text.starts_with(token.kind().prefix()));
    }
}

/// What is found in `Cookie` stands there, once, behind its name.
pub fn cookie(bytes: &[u8]) {
    let Some(parts) = parts("cookie", bytes) else { return };
    let Ok(Some(found)) = credential::cookie("__Host-session").find(&parts) else { return };
    let pair = format!("__Host-session={}", found.0.expose());
    let times = bytes.windows(pair.len()).filter(|window| *window == pair.as_bytes()).count();
    assert!(times >= 1, "{pair}");
}

/// Who is no trusted proxy is not believed, and who is says no more than an address.
pub fn forwarded(bytes: &[u8]) {
    let proxies = Proxies::trusting(["10.0.0.0/8".parse().unwrap()]);
    for header in ["forwarded", "x-forwarded-for"] {
        for peer in ["10.0.0.1", "203.0.113.7"] {
            let Some(mut parts) = parts(header, bytes) else { return };
            let address = SocketAddr::new(peer.parse().unwrap(), 49152);
            parts.extensions.insert(ConnectInfo(address));
            let arrival = ClientInfo::of(&parts, &proxies);
            if peer.starts_with("10.") {
                assert!(arrival.through_proxy);
            } else {
                assert_eq!(arrival.address, Some(address.ip()));
                assert!(!arrival.secure && !arrival.through_proxy);
            }
        }
    }
}

static SERVER: LazyLock<(Runtime, Router)> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let router = runtime.block_on(async {
        let master = MasterSecret::generate(&Sources::system()).unwrap();
        let patient = ThrottleSettings {
            account_attempts: u32::MAX,
            address_attempts: u32::MAX,
            account_changes: u32::MAX,
            address_changes: u32::MAX,
            ..ThrottleSettings::default()
        };
        let auth = Auth::builder(Database::in_memory(), master)
            .passwords(PasswordSettings::cheap())
            .throttle(patient)
            .start()
            .await
            .unwrap();
        let tokens = bearer().verified_by(AccessTokenVerifier::new(auth.clone()));
        let gate = Gate::builder().cleartext(Cleartext::InProcess).scheme("bearer", tokens).build().unwrap();
        let routes = routes::oauth::table(&gate).with_state(auth);
        routes.finish().unwrap().router
    });
    (runtime, router)
});

/// Whatever form is sent to the token endpoint: a clear refusal, in OAuth's shape, and no token.
pub fn form(bytes: &[u8]) {
    let (runtime, router) = &*SERVER;
    let request = Request::post("/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(bytes.to_vec()))
        .unwrap();
    let (status, body) = runtime.block_on(async {
        let Ok(answer) = router.clone().oneshot(request).await;
        let status = answer.status();
        (status, answer.into_body().collect().await.unwrap().to_bytes())
    });
    assert!(status.is_client_error(), "{status}");
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert!(body["error"].is_string(), "{status} {body}");
}
