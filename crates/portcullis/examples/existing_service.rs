//! A grown axum service, guarded step by step. Each of the three functions `step_…` is a commit; the
//! chapter "Into an existing service" of the guide tells them.
//!
//! `cargo run --example existing_service`, then
//! `curl -H "Authorization: Bearer ann" http://127.0.0.1:8000/api/notes/1`.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Multipart, Path, Request, State, WebSocketUpgrade};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use futures_util::{Stream, stream};
use portcullis::credential::{Rejection, TokenCredential};
use portcullis::extract::Undescribed;
use portcullis::prelude::{
    App, ConfigError, Gate, Info, Json, NoContent, Principal, Problem, ProblemKind, Routes,
    Subject, UserId, VerifiedBy, Verifier, authenticated, bearer, permission, public,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

// What was there before: a state, and routers that know nothing of portcullis.

/// The state that every handler takes.
#[derive(Clone, Default)]
struct Notebook {
    notes: Arc<[&'static str]>,
    requests: Arc<AtomicUsize>,
}

/// What an old handler answers: it derives what serde needs, and nothing else.
#[derive(Serialize, Deserialize)]
struct OldNote {
    text: String,
}

async fn read_old(State(notebook): State<Notebook>, Path(id): Path<usize>) -> Response {
    match notebook.notes.get(id) {
        Some(text) => axum::Json(OldNote { text: (*text).to_owned() }).into_response(),
        None => (axum::http::StatusCode::NOT_FOUND, "no such note").into_response(),
    }
}

async fn socket(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |_socket| ())
}

async fn events() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(stream::iter([Ok(Event::default().data("a note was written"))]))
}

async fn upload(mut parts: Multipart) -> Result<String, Response> {
    let mut bytes = 0;
    while let Some(part) = parts.next_field().await.map_err(IntoResponse::into_response)? {
        bytes += part.bytes().await.map_err(IntoResponse::into_response)?.len();
    }
    Ok(bytes.to_string())
}

/// A layer of the service's own, which counts requests.
async fn count(State(notebook): State<Notebook>, request: Request, next: Next) -> Response {
    notebook.requests.fetch_add(1, Ordering::Relaxed);
    next.run(request).await
}

/// A layer that is new: who it is can be read by whatever stands inside the guard.
async fn name_the_caller(principal: Principal, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Ok(name) = principal.name.parse() {
        response.headers_mut().insert("x-caller", name);
    }
    response
}

#[expect(clippy::disallowed_methods, reason = "the old router is no table of routes")]
fn old(notebook: Notebook) -> Router {
    let notes = Router::new().route("/{id}", get(read_old));
    Router::new()
        .nest("/notes", notes)
        .route("/live", any(socket))
        .route("/events", get(events))
        .route("/upload", post(upload))
        .layer(from_fn_with_state(notebook.clone(), count))
        .layer(from_fn(name_the_caller))
        .with_state(notebook)
}

/// What `utoipa` would make of the old router.
fn old_document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {"title": "The old service", "version": "1"},
        "paths": {"/notes/{id}": {"get": {
            "operationId": "read_old",
            "parameters": [
                {"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}},
            ],
            "responses": {"200": {"description": "The note", "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/OldNote"},
            }}}},
        }}},
        "components": {"schemas": {"OldNote": {
            "type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"],
        }}},
    })
}

// What is new.

/// The service's own users, in its own database: here, two of them.
#[derive(Debug)]
struct OwnUsers;

#[async_trait::async_trait]
impl Verifier<TokenCredential> for OwnUsers {
    async fn verify(
        &self,
        token: TokenCredential,
        _: &http::request::Parts,
    ) -> Result<Principal, Rejection> {
        let (number, permissions) = match token.0.expose().as_str() {
            "ann" => (1, vec!["notes:read", "notes:write"]),
            "bob" => (2, vec!["notes:read"]),
            _ => return Err(Rejection::Invalid),
        };
        let subject = Subject::User(UserId(uuid::Uuid::from_u128(number)));
        Ok(Principal::new(subject, token.0.expose().as_str()).with_permissions(permissions))
    }
}

fn gate() -> Result<Gate, ConfigError> {
    Gate::builder().scheme("bearer", bearer().verified_by(OwnUsers)).body_limit(64 * 1024).build()
}

/// Step 1: the whole service as it is, behind one requirement.
fn step_1(gate: &Gate, notebook: Notebook) -> Routes {
    gate.routes()
        .about(Info::new("Notes", "2.0.0"))
        .get("/health", public("liveness probe"), async || "ok")
        .body_limit(8 * 1024 * 1024)
        .mount_described("/api", authenticated(), old(notebook), old_document())
}

/// Step 2: an old handler gets a requirement of its own. Its route comes before the mounted router.
fn step_2(gate: &Gate, notebook: Notebook) -> Routes {
    async fn write(
        Extension(notebook): Extension<Notebook>,
        Undescribed(axum::Json(note)): Undescribed<axum::Json<OldNote>>,
    ) -> Undescribed<impl IntoResponse> {
        let count = notebook.requests.fetch_add(1, Ordering::Relaxed);
        Undescribed((axum::http::StatusCode::CREATED, format!("{count}: {}", note.text)))
    }
    let taken_over = gate
        .routes()
        .post("/api/notes", permission("notes:write"), write)
        .layer(Extension(notebook.clone()));
    step_1(gate, notebook).merge(taken_over)
}

/// A new answer: described, and sent with its declared fields only.
#[derive(Serialize, schemars::JsonSchema)]
struct Note {
    id: usize,
    text: String,
}

async fn list(State(notebook): State<Notebook>) -> Json<Vec<Note>> {
    let notes = notebook.notes.iter().enumerate();
    Json(notes.map(|(id, text)| Note { id, text: (*text).to_owned() }).collect())
}

async fn read(
    State(notebook): State<Notebook>,
    portcullis::extract::Path(id): portcullis::extract::Path<usize>,
) -> Result<Json<Note>, Problem> {
    let text = notebook.notes.get(id).ok_or(ProblemKind::NotFound)?;
    Ok(Json(Note { id, text: (*text).to_owned() }))
}

/// Step 3: the next version is a table of routes, beside what is left of the old one.
fn step_3(gate: &Gate, notebook: Notebook) -> Routes {
    let notes = gate
        .routes()
        .tag("notes")
        .all(permission("notes:read"), |routes| {
            routes
                .get("/notes", list)
                .get("/notes/{id}", read)
                .also(permission("notes:write"))
                .delete("/notes/{id}", async || NoContent)
        })
        .layer(from_fn(name_the_caller))
        .with_state(notebook.clone());
    step_2(gate, notebook)
        .nest("/v2", notes)
        .openapi("/openapi.json", public("the document"))
        .fallback(public("a friendly 404"), async || {
            (axum::http::StatusCode::NOT_FOUND, "Look at /openapi.json.")
        })
}

fn app() -> Result<App, ConfigError> {
    let notebook = Notebook { notes: Arc::new(["buy milk", "sell milk"]), ..Notebook::default() };
    step_3(&gate()?, notebook).finish()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    Ok(app()?.serve(TcpListener::bind("127.0.0.1:8000").await?).await?)
}

#[cfg(test)]
const TABLE: &str = "\
GET      /health           anyone: liveness probe
ANY      /api/*            signed in
POST     /api/notes        permission notes:write
GET      /v2/notes         permission notes:read
GET      /v2/notes/{id}    permission notes:read
DELETE   /v2/notes/{id}    permission notes:read and permission notes:write
GET      /openapi.json     anyone: the document
ANY      /*                anyone: a friendly 404
";

#[cfg(test)]
#[tokio::test]
async fn an_old_service_is_guarded_as_it_is() -> Result<(), Box<dyn Error>> {
    use portcullis::testing::TestApp;

    assert_eq!(app()?.access.to_string(), TABLE);
    let api = TestApp::without_auth(app()?);
    for (method, path, nobody, bob, ann) in [
        ("GET", "/health", 200, 200, 200),
        ("GET", "/api/notes/1", 401, 200, 200),
        ("GET", "/api/notes/9", 401, 404, 404),
        ("GET", "/api/events", 401, 200, 200),
        ("GET", "/api/anything", 401, 404, 404),
        ("GET", "/v2/notes", 401, 200, 200),
        ("GET", "/v2/notes/1", 401, 200, 200),
        ("DELETE", "/v2/notes/1", 401, 403, 204),
        ("POST", "/api/notes", 401, 403, 201),
        ("GET", "/elsewhere", 404, 404, 404),
    ] {
        for (token, status) in [(None, nobody), (Some("bob"), bob), (Some("ann"), ann)] {
            let request = api.anon().request(method.parse()?, path);
            let request = match token {
                Some(token) => request.header("authorization", &format!("Bearer {token}")),
                None => request,
            };
            let request = match method {
                "POST" => request.json(json!({"text": "sell milk"})),
                _ => request,
            };
            request.await.expect(status);
        }
    }
    let note = api.anon().get("/api/notes/1").header("authorization", "Bearer bob").await;
    assert_eq!(note.headers["x-caller"], "bob");
    let document: Value = api.anon().get("/openapi.json").await.expect(200).json();
    let old = &document["paths"]["/api/notes/{id}"]["get"];
    assert_eq!(old["security"], json!([{"bearer": []}]));
    assert!(document["components"]["schemas"]["OldNote"].is_object());
    assert!(document["components"]["schemas"]["Note"].is_object());
    Ok(())
}

#[cfg(test)]
#[tokio::test]
async fn a_socket_and_an_upload_pass_the_guard() -> Result<(), Box<dyn Error>> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(app()?.serve(listener));
    let ask = async |request: String| -> Result<String, Box<dyn Error>> {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut start = [0; 32];
        let read = stream.read(&mut start).await?;
        Ok(String::from_utf8_lossy(&start[..read]).into_owned())
    };
    let socket = |credential: &str| {
        format!(
            "GET /api/live HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{credential}\r\n"
        )
    };
    assert!(ask(socket("")).await?.starts_with("HTTP/1.1 401"));
    let opened = ask(socket("Authorization: Bearer bob\r\n")).await?;
    assert!(opened.starts_with("HTTP/1.1 101"), "{opened}");

    let upload = |bytes: usize| {
        let part = format!(
            "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n{}\r\n--x--\r\n",
            "a".repeat(bytes)
        );
        format!(
            "POST /api/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer bob\r\n\
             Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {}\r\n\r\n{part}",
            part.len()
        )
    };
    let taken = ask(upload(3 * 1024 * 1024)).await?;
    assert!(taken.starts_with("HTTP/1.1 200"), "more than axum's own 2 MB: {taken}");
    let header = upload(9 * 1024 * 1024);
    let header = header.split_inclusive("\r\n\r\n").next().unwrap_or_default().to_owned();
    let refused = ask(header).await?;
    assert!(refused.starts_with("HTTP/1.1 413"), "{refused}");
    Ok(())
}
