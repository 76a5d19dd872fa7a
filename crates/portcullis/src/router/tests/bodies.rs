//! One limit for every body, whoever reads it.

use std::convert::Infallible;

use axum::body::Bytes;
use http::header::CONTENT_TYPE;

use super::*;

const KILO: usize = 1024;

/// Any text.
#[derive(Deserialize, JsonSchema, Validate)]
struct Text {
    #[garde(skip)]
    text: String,
}

async fn length_of_bytes(body: Bytes) -> String {
    body.len().to_string()
}

async fn length_of_text(body: String) -> String {
    body.len().to_string()
}

async fn by_hand(request: Request) -> Result<String, Problem> {
    match request.into_body().collect().await {
        Ok(body) => Ok(body.to_bytes().len().to_string()),
        Err(_) => Err(crate::problem::ProblemKind::Malformed.into()),
    }
}

/// A router with a limit of 4 KiB, and one route that takes 3 MiB.
#[expect(clippy::disallowed_methods, reason = "the router is no table of routes")]
fn router() -> axum::Router {
    let old = axum::Router::new().route("/upload", axum::routing::post(length_of_bytes));
    Gate::builder()
        .scheme("bearer", crate::credential::bearer().verified_by(Believed))
        .cleartext(crate::gate::Cleartext::InProcess)
        .body_limit(4 * KILO)
        .build()
        .unwrap()
        .routes::<()>()
        .post("/bytes", public("a test"), length_of_bytes)
        .post("/guarded", authenticated(), length_of_bytes)
        .post("/text", public("a test"), length_of_text)
        .post("/json", public("a test"), async |Json(text): Json<Text>| text.text.len().to_string())
        .mount("/old", public("a test"), old)
        .mount("/hand", public("a test"), axum::Router::new().fallback(by_hand))
        .body_limit(3 * KILO * KILO)
        .post("/large", public("a test"), length_of_bytes)
        .finish()
        .unwrap()
        .router
}

/// The status, and what is said.
async fn send(path: &str, body: Body) -> (u16, String) {
    let request = Request::post(path)
        .header(CONTENT_TYPE, "application/json")
        .header("authorization", "Bearer anything")
        .body(body)
        .unwrap();
    let response = router().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let problem = response.headers().get(CONTENT_TYPE).cloned();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    if status == 413 {
        assert_eq!(problem.unwrap(), "application/problem+json", "{path}");
    }
    (status, String::from_utf8(text.to_vec()).unwrap())
}

/// A body that does not say how long it is.
fn stream(length: usize) -> Body {
    let chunks: Vec<_> = json_text(length)
        .into_bytes()
        .chunks(KILO)
        .map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk)))
        .collect();
    Body::from_stream(futures_util::stream::iter(chunks))
}

/// JSON text of this length.
fn json_text(length: usize) -> String {
    format!(r#"{{"text":"{}"}}"#, "x".repeat(length - 11))
}

#[tokio::test]
async fn every_body_is_held_to_the_limit() {
    let limit = 4 * KILO;
    for path in ["/bytes", "/guarded", "/text", "/json", "/old/upload", "/hand/upload"] {
        for body in [Body::from(json_text(limit)), stream(limit)] {
            assert_eq!(send(path, body).await.0, 200, "{path}");
        }
        for body in [Body::from(json_text(limit + 1)), stream(limit + 1), stream(3 * KILO * KILO)] {
            let (status, said) = send(path, body).await;
            assert_eq!(status, 413, "{path}: {said}");
            assert!(said.contains("the most is 4096 bytes"), "{path}: {said}");
        }
    }
}

#[tokio::test]
async fn a_route_may_have_a_limit_of_its_own_above_axums() {
    let large = 3 * KILO * KILO;
    assert_eq!(send("/large", stream(large)).await, (200, large.to_string()));
    assert_eq!(send("/large", Body::from(json_text(large))).await.0, 200);
    let (status, said) = send("/large", stream(large + 1)).await;
    assert_eq!(status, 413);
    assert!(said.contains("the most is 3145728 bytes"), "{said}");
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_before_the_handler_runs() {
    let request = Request::post("/hand/x").header("content-length", "5000").body(stream(20));
    let response = router().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[test]
fn a_limit_of_nothing_and_one_behind_the_last_route_are_errors() {
    wrong(gate().routes().body_limit(0).get("/", test(), ok), ["routes.body_limit"]);
    wrong(gate().routes().get("/", test(), ok).body_limit(1), ["routes"]);
}
