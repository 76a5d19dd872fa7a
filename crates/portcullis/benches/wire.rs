//! The servers that `cargo xtask bench` asks over loopback: portcullis, a bare handler that sends the
//! same answers, a bare hello, and what somebody would write by hand.
//!
//! Each prints one line of JSON about what it serves, and ends when its input does.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark speaks on its output")]

#[expect(dead_code, reason = "the bench of the walk uses the rest")]
mod stand;

use std::net::SocketAddr;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use portcullis::auth::Database;
use portcullis::clock::Sources;
use portcullis::crypto::{Algorithm, PasswordSettings, Passwords};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use stand::{Case, PHRASE, cases, hello, of_algorithm, start};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

/// A request to be made, and what is answered to it.
#[derive(Serialize, Deserialize)]
struct Exchange {
    name: String,
    address: SocketAddr,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
    status: u16,
    answer_headers: Vec<(String, String)>,
    answer: String,
}

async fn listen(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn exchange(case: &Case, address: SocketAddr) -> Exchange {
    let answer = case.answer(case.request()).await;
    let (parts, body) = answer.into_parts();
    let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
    let body = body.collect().await.unwrap().to_bytes();
    Exchange {
        name: case.name.to_owned(),
        address,
        method: case.method.to_owned(),
        path: case.path.clone(),
        headers: case.headers.iter().map(|(a, b)| ((*a).to_owned(), b.clone())).collect(),
        body: case.body.to_owned(),
        status: parts.status.as_u16(),
        answer_headers: parts.headers.iter().map(|(a, b)| (a.to_string(), text(b))).collect(),
        answer: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// portcullis: an exchange for each case.
async fn ours(database: &str) -> Vec<Exchange> {
    let auth = start(Database::connect(database).await.unwrap(), Algorithm::EdDsa).await;
    let mut all = cases(&auth).await;
    all.push(of_algorithm("JWT, ES256", Algorithm::Es256).await);
    all.push(of_algorithm("JWT, RS256", Algorithm::Rs256).await);
    all.push(of_algorithm("JWT, HS256", Algorithm::Hs256).await);
    let mut exchanges = Vec::new();
    for case in &all {
        let address = listen(case.router.clone()).await;
        // What can be in memory is, from the second time on.
        exchange(case, address).await;
        exchanges.push(exchange(case, address).await);
    }
    exchanges
}

/// What a bare handler sends.
#[derive(Clone)]
struct Prepared {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

async fn send(State(prepared): State<Prepared>, request: Request) -> Response {
    // Whoever sends the same answer has read the body too.
    if request.method() == http::Method::POST {
        request.into_body().collect().await.unwrap();
    }
    let mut response = Response::new(Body::from(prepared.body.clone()));
    *response.status_mut() = prepared.status;
    *response.headers_mut() = prepared.headers.clone();
    response
}

/// A bare handler for each of these, which sends the same answer to the same request.
async fn bare(mut exchanges: Vec<Exchange>) -> Vec<Exchange> {
    for one in &mut exchanges {
        let headers = one.answer_headers.iter().map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        let prepared = Prepared {
            status: StatusCode::from_u16(one.status).unwrap(),
            headers: headers.collect(),
            body: one.answer.clone().into(),
        };
        #[expect(clippy::disallowed_methods, reason = "it is what we are compared with")]
        let router = Router::new().route(&one.path, any(send)).with_state(prepared);
        one.address = listen(router).await;
    }
    exchanges
}

fn plain(name: &str, address: SocketAddr, headers: Vec<(String, String)>) -> Exchange {
    Exchange {
        name: name.to_owned(),
        address,
        method: "GET".to_owned(),
        path: "/".to_owned(),
        headers,
        body: String::new(),
        status: 200,
        answer_headers: Vec::new(),
        answer: String::new(),
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

#[derive(Clone)]
struct ByHand {
    pool: SqlitePool,
    key: DecodingKey,
}

/// As it is often written: the token is verified and the user is read, each time.
async fn by_hand(State(state): State<ByHand>, headers: HeaderMap) -> Result<Response, StatusCode> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|text| text.strip_prefix("Bearer "));
    let token = token.ok_or(StatusCode::UNAUTHORIZED)?;
    let claims = jsonwebtoken::decode::<Claims>(token, &state.key, &Validation::default())
        .map_err(|_| StatusCode::UNAUTHORIZED)?
        .claims;
    let role: Option<(String,)> =
        sqlx::query_as("SELECT role FROM users WHERE name = $1 AND active")
            .bind(&claims.sub)
            .fetch_optional(&state.pool)
            .await
            .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    match role {
        Some((role,)) if role == "worker" => Ok("Hello, world!".into_response()),
        _ => Err(StatusCode::FORBIDDEN),
    }
}

async fn naive() -> Vec<Exchange> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("naive.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
    for statement in [
        "CREATE TABLE users (name TEXT PRIMARY KEY, role TEXT NOT NULL, active INTEGER NOT NULL)",
        "INSERT INTO users VALUES ('ada', 'worker', 1)",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    let secret = b"no secret but long enough for HS256";
    let claims = Claims { sub: "ada".to_owned(), exp: 4_000_000_000 };
    let token =
        jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(secret));
    let state = ByHand { pool, key: DecodingKey::from_secret(secret) };
    #[expect(clippy::disallowed_methods, reason = "it is what we are compared with")]
    let router = Router::new().route("/", get(by_hand)).with_state(state);
    let address = listen(router).await;
    // The folder stays for as long as the process.
    std::mem::forget(folder);
    let header = ("authorization".to_owned(), format!("Bearer {}", token.unwrap()));
    vec![plain("by hand: JWT and SQLite each time", address, vec![header])]
}

/// The answer of `/token` to this form, and how many milliseconds it took.
async fn token(router: &Router, form: &str) -> (serde_json::Value, f64) {
    let request = http::Request::post("/token")
        .header("host", "127.0.0.1")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .unwrap();
    let began = Instant::now();
    let answer = router.clone().oneshot(request).await.unwrap();
    let took = began.elapsed().as_secs_f64() * 1e3;
    assert_eq!(answer.status(), StatusCode::OK, "{form}");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (serde_json::from_slice(&body).unwrap(), took)
}

/// What is written: a refresh beside one durable commit, and a sign-in beside its hash alone, in turns.
/// In milliseconds.
async fn writes(folder: &str) -> serde_json::Value {
    let database = format!("sqlite://{folder}/writes.db");
    let auth = start(Database::connect(&database).await.unwrap(), Algorithm::EdDsa).await;
    let router = cases(&auth).await.swap_remove(0).router;
    let options = SqliteConnectOptions::new()
        .filename(format!("{folder}/commits.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    sqlx::query("CREATE TABLE rows (text TEXT)").execute(&pool).await.unwrap();
    let passwords = Passwords::start(PasswordSettings::default(), Sources::system()).unwrap();
    let hash = passwords.hash(PHRASE.to_owned().into()).await.unwrap();
    let sign_in = format!("grant_type=password&username=ada&password={}", PHRASE.replace(' ', "+"));
    let (mut answer, _) = token(&router, &sign_in).await;
    let (mut commits, mut refreshes, mut hashes, mut sign_ins) = (vec![], vec![], vec![], vec![]);
    for round in 0..60 {
        let began = Instant::now();
        sqlx::query("INSERT INTO rows VALUES ('a row')").execute(&pool).await.unwrap();
        commits.push(began.elapsed().as_secs_f64() * 1e3);
        let refresh = answer["refresh_token"].as_str().unwrap();
        let form = format!("grant_type=refresh_token&refresh_token={refresh}");
        let took;
        (answer, took) = token(&router, &form).await;
        refreshes.push(took);
        if round % 3 == 0 {
            let began = Instant::now();
            assert!(passwords.verify(PHRASE.to_owned().into(), &hash).await.unwrap().matches);
            hashes.push(began.elapsed().as_secs_f64() * 1e3);
            sign_ins.push(token(&router, &sign_in).await.1);
        }
    }
    serde_json::json!({
        "commit": commits, "refresh": refreshes, "hash": hashes, "sign_in": sign_ins,
    })
}

async fn serve(what: &str, given: &str) -> Vec<Exchange> {
    match what {
        "ours" => ours(given).await,
        "bare" => {
            bare(serde_json::from_str(&std::fs::read_to_string(given).unwrap()).unwrap()).await
        }
        "naive" => naive().await,
        _ => {
            #[expect(clippy::disallowed_methods, reason = "it is what we are compared with")]
            let router = Router::new().route("/", get(hello));
            vec![plain("bare hello", listen(router).await, Vec::new())]
        }
    }
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().collect();
    let at = words.iter().position(|word| word == "serve");
    let Some(at) = at else {
        println!("run by `cargo xtask bench`");
        return;
    };
    if words[at + 1] == "writes" {
        return println!("{}", writes(&words[at + 2]).await);
    }
    let exchanges = serve(&words[at + 1], words.get(at + 2).map_or("", String::as_str)).await;
    println!("{}", serde_json::to_string(&exchanges).unwrap());
    let mut rest = Vec::new();
    let read = move || std::io::Read::read_to_end(&mut std::io::stdin(), &mut rest);
    let _ = tokio::task::spawn_blocking(read).await;
}
