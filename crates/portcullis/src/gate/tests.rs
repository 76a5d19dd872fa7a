//! The walk, by URL, through the real router.

mod doors;
mod places;
mod slow;

use async_trait::async_trait;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::cors::Cors;
use crate::credential::{PasswordCredential, TokenCredential, basic, bearer};
use crate::extract::Path;
use crate::identity::{VerifiedBy, Verifier};
use crate::policy::{authenticated, owner, permission, public, role, scope};
use crate::types::{Subject, UserId};

/// A scheme that is described and believed: for tests of tables and documents.
#[derive(Debug)]
struct Described {
    name: SchemeName,
    described: SecurityScheme,
}

#[async_trait]
impl Scheme for Described {
    fn describe(&self) -> SecurityScheme {
        self.described.clone()
    }

    fn challenge(&self) -> Option<Challenge> {
        None
    }

    async fn authenticate(&self, parts: &Parts) -> Outcome {
        match parts.headers.get("x-believe") {
            Some(name) if name == &*self.name.0 => Outcome::Accepted(Box::new(
                user(4, "dora").with_roles(["clerk"]).with_permissions(["*"]),
            )),
            _ => Outcome::Absent,
        }
    }
}

impl Gate {
    /// A gate whose schemes let in whoever names one in `X-Believe`.
    pub(crate) fn of(schemes: Vec<(SchemeName, SecurityScheme)>, scopes: ScopeBook) -> Self {
        schemes
            .into_iter()
            .fold(Self::builder().cleartext(IN_PROCESS).scopes(scopes), |gate, (name, scheme)| {
                gate.scheme(&name.0, Described { name: name.clone(), described: scheme })
            })
            .build()
            .unwrap()
    }
}

/// Knows two people by name, and what the token says of a third.
#[derive(Debug)]
struct SubjectAccess;

fn user(number: u128, name: &str) -> Principal {
    Principal::new(Subject::User(UserId(uuid::Uuid::from_u128(number))), name)
}

#[async_trait]
impl Verifier<PasswordCredential> for SubjectAccess {
    async fn verify(&self, found: PasswordCredential, _: &Parts) -> Result<Principal, Rejection> {
        match (&*found.username, found.password.expose().as_str()) {
            ("ada", "right") => Ok(user(1, "ada").with_roles(["admin"])),
            ("bob", "right") => Ok(user(2, "bob")),
            _ => Err(Rejection::Invalid),
        }
    }
}

#[async_trait]
impl Verifier<TokenCredential> for SubjectAccess {
    async fn verify(&self, found: TokenCredential, _: &Parts) -> Result<Principal, Rejection> {
        match found.0.expose().as_str() {
            "good" => Ok(user(3, "carl").with_scopes(["items:read"])),
            _ => Err(Rejection::Invalid),
        }
    }
}

/// Tests ask without a socket.
const IN_PROCESS: Cleartext = Cleartext::InProcess;

fn router() -> Router {
    let gate = Gate::builder()
        .cleartext(IN_PROCESS)
        .cors(Cors::closed().origins(["https://app.example"]))
        .scheme("basic", basic("portcullis").verified_by(SubjectAccess))
        .scheme("bearer", bearer().verified_by(SubjectAccess))
        .roles(Roles::new().grant("editor", ["write"]).include("admin", "editor"))
        .scopes(ScopeBook::new().register("items:read", "Read.").register("items:write", "Write."))
        .build()
        .unwrap();
    gate.routes::<()>()
        .get("/", public("a greeting"), async || "hello")
        .get("/who", public("a greeting"), async |who: Option<Principal>| {
            who.map_or_else(|| "nobody".to_owned(), |who| who.name.to_string())
        })
        .get("/me", authenticated(), async |who: Principal| who.name.to_string())
        .get("/admin", role("admin"), async || "admin")
        .get("/write", permission("write"), async || "write")
        .get("/items", scope("items:read"), async || "items")
        .post("/items", scope("items:write"), async || "made")
        .get("/things/{id}", permission("read") | owner("thing"), thing)
        .get("/scoped/{id}", scope("items:read") & owner("thing"), thing)
        .get("/forgetful/{id}", permission("read") | owner("thing"), async || "leaked")
        .get("/unasked/{status}", permission("read") | owner("thing"), unasked)
        .get("/may/{id}", permission("read") | owner("thing"), async |who: Principal| {
            if who.may(&"read".into()) { "read" } else { "nothing to read" }
        })
        .get("/panic", public("falls"), panicking)
        .finish()
        .unwrap()
        .router
}

async fn thing(who: Principal, Path(id): Path<u32>) -> Result<String, Problem> {
    let theirs = UserId(uuid::Uuid::from_u128(id.into()));
    who.must_or_hide(permission("read") | crate::policy::is(theirs))?;
    Ok(format!("thing {id}"))
}

/// Answers with the status in the path and asks nobody.
async fn unasked(Path(status): Path<u16>) -> Withheld {
    Withheld(StatusCode::from_u16(status).unwrap())
}

/// An answer that leads to what somebody owns.
struct Withheld(StatusCode);

impl IntoResponse for Withheld {
    fn into_response(self) -> Response {
        (self.0, [("location", "https://files.example/signed?leaked")], "leaked").into_response()
    }
}

impl crate::openapi::DescribeAnswer for Withheld {
    fn describe(_: &mut crate::openapi::OperationBuilder<'_>) {}
}

async fn panicking() -> &'static str {
    panic!("secret words")
}

async fn ask(method: &str, path: &str, headers: &[(&str, &str)]) -> (Response<()>, String) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, ()), String::from_utf8(text.to_vec()).unwrap())
}

const ADA: (&str, &str) = ("authorization", "Basic YWRhOnJpZ2h0");
const BOB: (&str, &str) = ("authorization", "Basic Ym9iOnJpZ2h0");
const WRONG: (&str, &str) = ("authorization", "Basic Ym9iOndyb25n");
const TOKEN: (&str, &str) = ("authorization", "Bearer good");
const BAD_TOKEN: (&str, &str) = ("authorization", "Bearer bad");

async fn status(path: &str, headers: &[(&str, &str)]) -> u16 {
    ask("GET", path, headers).await.0.status().as_u16()
}

fn challenges(response: &Response<()>) -> Vec<&str> {
    response
        .headers()
        .get_all("www-authenticate")
        .iter()
        .map(|line| line.to_str().unwrap())
        .collect()
}

#[test]
fn cors_that_keeps_pages_from_signing_in_is_refused() {
    use crate::cors::Headers;
    let gate = |headers| {
        Gate::builder()
            .cors(Cors::closed().origins(["https://app.example"]).headers(headers))
            .scheme("bearer", bearer().verified_by(SubjectAccess))
            .build()
    };
    assert!(gate(Headers::any()).unwrap_err().to_string().contains("authorization"));
    assert!(gate(Headers::any().and("authorization")).is_ok());
}

#[tokio::test]
async fn absent_wrong_lacking_and_right_are_four_answers() {
    assert_eq!(status("/admin", &[]).await, 401);
    assert_eq!(status("/admin", &[WRONG]).await, 401);
    assert_eq!(status("/admin", &[BOB]).await, 403);
    assert_eq!(status("/admin", &[ADA]).await, 200);
    assert_eq!(status("/write", &[ADA]).await, 200, "through the role that admin includes");
}

#[tokio::test]
async fn a_401_challenges_for_every_scheme_and_says_what_was_tried() {
    let (nobody, body) = ask("GET", "/me", &[]).await;
    let basic = r#"Basic realm="portcullis", charset="UTF-8""#;
    assert_eq!(challenges(&nobody), [basic, r#"Bearer realm="portcullis""#]);
    assert_eq!(nobody.headers()["content-type"], "application/problem+json");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["status"], 401);
    assert_eq!(body["instance"], nobody.headers()["x-request-id"].to_str().unwrap());

    let (bad, _) = ask("GET", "/me", &[BAD_TOKEN]).await;
    assert_eq!(challenges(&bad), [basic, r#"Bearer realm="portcullis", error="invalid_token""#]);
    let (bad, _) = ask("GET", "/me", &[WRONG]).await;
    assert_eq!(challenges(&bad), [basic, r#"Bearer realm="portcullis""#]);
}

#[tokio::test]
async fn a_lacking_scope_is_named_in_the_challenge_and_the_body() {
    let (response, body) = ask("POST", "/items", &[TOKEN]).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        challenges(&response),
        [r#"Bearer realm="portcullis", error="insufficient_scope", scope="items:write""#]
    );
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["missing"], serde_json::json!(["scope items:write"]));
}

#[tokio::test]
async fn two_credentials_are_one_too_many() {
    let (response, _) = ask("GET", "/me", &[ADA, TOKEN]).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(challenges(&response)[1].contains(r#"error="invalid_request""#));
}

#[tokio::test]
async fn a_public_route_looks_at_no_credential_unless_its_handler_asks() {
    assert_eq!(ask("GET", "/", &[WRONG]).await.1, "hello");
    assert_eq!(ask("GET", "/who", &[]).await.1, "nobody");
    assert_eq!(ask("GET", "/who", &[TOKEN]).await.1, "carl");
    assert_eq!(status("/who", &[BAD_TOKEN]).await, 401, "wrong is not absent");
}

#[tokio::test]
async fn what_hangs_on_the_owner_is_asked_by_the_handler_or_withheld() {
    assert_eq!(status("/things/2", &[BOB]).await, 200);
    assert_eq!(status("/things/3", &[BOB]).await, 404);
    assert_eq!(status("/things/2", &[]).await, 401);
    let (response, body) = ask("GET", "/forgetful/2", &[BOB]).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!body.contains("leaked"));
}

#[tokio::test]
async fn of_a_handler_that_never_asked_only_refusals_pass() {
    for status in [101, 200, 204, 206, 300, 302, 303, 304, 307, 308] {
        let (response, body) = ask("GET", &format!("/unasked/{status}"), &[BOB]).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{status}");
        assert!(!body.contains("leaked") && !response.headers().contains_key("location"));
    }
    for refusal in [400, 404, 409, 422, 500, 503] {
        let (response, _) = ask("GET", &format!("/unasked/{refusal}"), &[BOB]).await;
        assert_eq!(response.status().as_u16(), refusal);
    }
}

#[tokio::test]
async fn asking_whether_somebody_may_is_asking() {
    assert_eq!(ask("GET", "/may/2", &[BOB]).await.1, "nothing to read");
    assert_eq!(status("/may/2", &[BOB]).await, 200);
}

#[tokio::test]
async fn a_token_limited_to_reading_does_nothing_to_its_owners_things() {
    // Carl owns thing 3, and shows a token that is limited to `items:read`.
    let (response, body) = ask("GET", "/things/3", &[TOKEN]).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(body.contains("a credential that is not limited to scopes"), "{body}");
    assert_eq!(status("/scoped/3", &[TOKEN]).await, 200, "the route names the scope");
}

#[tokio::test]
async fn every_refusal_is_a_problem_with_cors_and_security_headers() {
    let origin = ("origin", "https://app.example");
    for (method, path, status) in [
        ("GET", "/nowhere", 404),
        ("DELETE", "/me", 405),
        ("OPTIONS", "/me", 405),
        ("GET", "/panic", 500),
        ("GET", "/me", 401),
        ("GET", "/things/x", 401),
    ] {
        let (response, body) = ask(method, path, &[origin]).await;
        let headers = response.headers();
        assert_eq!(response.status().as_u16(), status, "{method} {path}");
        assert_eq!(headers["content-type"], "application/problem+json", "{method} {path}");
        assert_eq!(headers["access-control-allow-origin"], "https://app.example");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(headers.contains_key("x-request-id"));
        assert!(!body.contains("secret words"), "{body}");
        assert_eq!(status == 405, headers.contains_key("allow"), "{method} {path}");
    }
}
