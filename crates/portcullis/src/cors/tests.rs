//! The Fetch standard's cases.

mod browser;
mod explain;
mod laws;
mod oracle;
mod settings;

use std::convert::Infallible;

use axum::body::Body;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY};
use http::{Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use browser::{combined, preflight};

/// An inner service that says it was reached, and meddles with CORS.
async fn meddler(_: Request<Body>) -> Result<Response<Body>, Infallible> {
    Ok(Response::builder()
        .status(StatusCode::IM_A_TEAPOT)
        .header(ACCESS_CONTROL_ALLOW_ORIGIN, "https://evil.example")
        .header("access-control-allow-credentials", "true")
        .header("access-control-allow-methods", "*")
        .header("access-control-expose-headers", "*")
        .header("access-control-allow-private-network", "true")
        .header(VARY, "accept-encoding")
        .body(Body::empty())
        .unwrap())
}

async fn ask(layer: &CorsLayer, request: Request<Body>) -> Response<Body> {
    layer.layer(service_fn(meddler)).oneshot(request).await.unwrap()
}

fn get(origins: &[&str]) -> Request<Body> {
    let mut request = Request::get("/items");
    for origin in origins {
        request = request.header(ORIGIN, *origin);
    }
    request.body(Body::empty()).unwrap()
}

/// The answer's CORS headers and `Vary`, sorted, one a line.
fn cors_of(headers: &HeaderMap) -> Vec<String> {
    let mut lines: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("access-control-") || *name == VARY)
        .map(|name| format!("{name}: {}", combined(headers, name.as_str()).unwrap()))
        .collect();
    lines.sort();
    lines
}

fn with_credentials() -> CorsLayer {
    Cors::closed()
        .origins(["https://app.example", "https://*.shops.example"])
        .methods(["GET", "PUT"])
        .headers(["Content-Type", "authorization"])
        .expose_headers(["X-Request-Id"])
        .credentials(true)
        .max_age(600)
        .build()
        .unwrap()
}

#[tokio::test]
async fn an_allowed_origin_is_told_so() {
    for origin in ["https://app.example", "https://a.shops.example"] {
        let answer = ask(&with_credentials(), get(&[origin])).await;
        assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT);
        assert_eq!(
            cors_of(answer.headers()),
            [
                "access-control-allow-credentials: true".to_owned(),
                format!("access-control-allow-origin: {origin}"),
                "access-control-expose-headers: x-request-id".to_owned(),
                "vary: accept-encoding, origin".to_owned(),
            ]
        );
    }
}

#[tokio::test]
async fn refusals_and_requests_without_an_origin_say_only_that_it_varies() {
    let unreadable = {
        let mut request = get(&[]);
        let value = HeaderValue::from_bytes(b"https://app.example\xff").unwrap();
        request.headers_mut().insert(ORIGIN, value);
        request
    };
    for request in [
        get(&[]),
        get(&["https://evil.example"]),
        get(&["null"]),
        get(&[""]),
        get(&["*"]),
        get(&["https://app.example", "https://app.example"]),
        get(&["https://app.example, https://app.example"]),
        unreadable,
    ] {
        let answer = ask(&with_credentials(), request).await;
        assert_eq!(cors_of(answer.headers()), ["vary: accept-encoding, origin"]);
    }
}

#[tokio::test]
async fn a_preflight_is_answered_here() {
    let answer =
        ask(&with_credentials(), preflight("https://app.example", "PUT", "content-type")).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let expected = [
        "access-control-allow-credentials: true",
        "access-control-allow-headers: content-type, authorization",
        "access-control-allow-methods: GET, PUT",
        "access-control-allow-origin: https://app.example",
        "access-control-max-age: 600",
        "vary: origin, access-control-request-method, access-control-request-headers",
    ];
    assert_eq!(cors_of(answer.headers()), expected);
    // What is allowed does not depend on what was asked for: the browser compares.
    let other = ask(&with_credentials(), preflight("https://app.example", "DELETE", "x-own")).await;
    assert_eq!(cors_of(other.headers()), expected);
}

#[tokio::test]
async fn a_refused_preflight_is_answered_without_a_grant() {
    let mut twice = preflight("https://app.example", "PUT", "");
    twice.headers_mut().append(ORIGIN, HeaderValue::from_static("https://app.example"));
    for request in
        [preflight("https://evil.example", "PUT", ""), preflight("null", "PUT", ""), twice]
    {
        let answer = ask(&with_credentials(), request).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(
            cors_of(answer.headers()),
            ["vary: origin, access-control-request-method, access-control-request-headers"]
        );
    }
}

#[tokio::test]
async fn any_other_options_reaches_the_route() {
    let plain = || Request::options("/items");
    let method = HeaderName::from_static("access-control-request-method");
    for request in [
        plain(),
        plain().header(ORIGIN, "https://app.example"),
        plain().header(&method, "PUT"),
        Request::post("/items").header(ORIGIN, "https://app.example").header(&method, "PUT"),
    ] {
        for layer in [with_credentials(), Cors::closed().build().unwrap()] {
            let request = request_of(&request);
            assert_eq!(ask(&layer, request).await.status(), StatusCode::IM_A_TEAPOT);
        }
    }
}

fn request_of(builder: &http::request::Builder) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = builder.method_ref().unwrap().clone();
    *request.uri_mut() = builder.uri_ref().unwrap().clone();
    *request.headers_mut() = builder.headers_ref().unwrap().clone();
    request
}

#[tokio::test]
async fn a_star_is_the_same_for_everybody() {
    let layer = Cors::closed().origins(Origins::any()).build().unwrap();
    for request in [get(&[]), get(&["null"]), get(&["https://a.example"]), get(&["a", "b"])] {
        let answer = ask(&layer, request).await;
        assert_eq!(
            cors_of(answer.headers()),
            ["access-control-allow-origin: *", "vary: accept-encoding"]
        );
    }
}

#[tokio::test]
async fn closed_says_nothing_and_lets_no_handler_say_it() {
    for layer in [Cors::closed().build().unwrap(), Cors::never().build().unwrap()] {
        let answer = ask(&layer, get(&["https://app.example"])).await;
        assert_eq!(cors_of(answer.headers()), ["vary: accept-encoding"]);
        let answer = ask(&layer, preflight("https://app.example", "PUT", "")).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert!(answer.headers().is_empty());
    }
}

#[tokio::test]
async fn null_counts_where_it_is_named() {
    let layer = Cors::closed().origins(["null"]).build().unwrap();
    let answer = ask(&layer, get(&["null"])).await;
    assert_eq!(answer.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "null");
}

#[tokio::test]
async fn a_predicate_is_asked_only_about_origins() {
    let layer = Cors::closed()
        .origins(Origins::when(|origin| {
            assert!(origin.parse::<crate::types::Origin>().is_ok());
            origin.ends_with(".example")
        }))
        .credentials(true)
        .build()
        .unwrap();
    for (origin, allowed) in [
        ("https://a.example", true),
        ("https://a.test", false),
        ("null", false),
        ("", false),
        ("x\"y", false),
        ("https://a.example/.example", false),
    ] {
        let answer = ask(&layer, get(&[origin])).await;
        assert_eq!(answer.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), allowed, "{origin}");
        assert_eq!(combined(answer.headers(), "vary").unwrap(), "accept-encoding, origin");
    }
}

#[tokio::test]
async fn vary_is_added_to_and_never_repeated() {
    for (before, after) in [
        (&["Accept, Origin"][..], "Accept, Origin"),
        (&["*"], "*"),
        (&["accept", "cookie"], "accept, cookie, origin"),
        (&["x-origin"], "x-origin, origin"),
        (&[], "origin"),
    ] {
        let service = with_credentials().layer(service_fn(|_: Request<Body>| async {
            let mut response = Response::new(Body::empty());
            for line in before {
                response.headers_mut().append(VARY, HeaderValue::from_static(line));
            }
            Ok::<_, Infallible>(response)
        }));
        let answer = service.oneshot(get(&[])).await.unwrap();
        assert_eq!(combined(answer.headers(), "vary").unwrap(), after);
    }
}

#[tokio::test]
async fn a_private_network_is_opened_only_where_allowed_and_asked_for() {
    let name = "access-control-request-private-network";
    let asked = |origin, value: &str| {
        let mut request = preflight(origin, "GET", "");
        request.headers_mut().insert(name, value.parse().unwrap());
        request
    };
    let open = Cors::closed().origins("https://app.example").private_network(true).build().unwrap();
    let allowed = |answer: Response<Body>| {
        answer.headers().contains_key("access-control-allow-private-network")
    };
    assert!(allowed(ask(&open, asked("https://app.example", "true")).await));
    assert!(!allowed(ask(&open, asked("https://app.example", "1")).await));
    assert!(!allowed(ask(&open, asked("https://evil.example", "true")).await));
    assert!(!allowed(ask(&open, preflight("https://app.example", "GET", "")).await));
    assert!(!allowed(ask(&with_credentials(), asked("https://app.example", "true")).await));
    let answer = ask(&open, preflight("https://app.example", "GET", "")).await;
    assert!(combined(answer.headers(), "vary").unwrap().ends_with(name));
}

#[tokio::test]
async fn a_path_may_have_rules_of_its_own() {
    let layer = Cors::closed()
        .origins("https://app.example")
        .at("/.well-known/{*rest}", Cors::public_metadata())
        .at("/token", Cors::token_endpoint("https://spa.example"))
        .at("/authorize", Cors::never())
        .build()
        .unwrap()
        .with_routes([
            ("/users/{id}", Some(Cors::never().rules("cors of /users/{id}").unwrap())),
            ("/users/me", None),
            ("/token", None),
        ])
        .unwrap();
    for (path, origin, expected) in [
        ("/items", "https://app.example", Some("https://app.example")),
        ("/items", "https://spa.example", None),
        ("/.well-known/jwks.json", "https://x.example", Some("*")),
        ("/token", "https://spa.example", Some("https://spa.example")),
        ("/token", "https://app.example", None),
        ("/token?x", "https://spa.example", Some("https://spa.example")),
        ("/authorize", "https://app.example", None),
        ("/users/7", "https://app.example", None),
        ("/users/me", "https://app.example", Some("https://app.example")),
    ] {
        for method in ["GET", "OPTIONS"] {
            let mut request = preflight(origin, "POST", "");
            *request.uri_mut() = path.parse().unwrap();
            *request.method_mut() = method.parse().unwrap();
            let answer = ask(&layer, request).await;
            let granted = combined(answer.headers(), "access-control-allow-origin");
            assert_eq!(granted.as_deref(), expected, "{method} {path} from {origin}");
        }
    }
    let twice = layer.with_path("/authorize", CorsRules::default()).unwrap_err();
    assert_eq!(twice.faults[0].setting, "cors[/authorize]");
}

#[tokio::test]
async fn a_refusal_is_explained_only_when_asked_for() {
    let cors = Cors::closed().origins("https://app.example:8443");
    let name = "x-cors-explained";
    let quiet = ask(&cors.clone().build().unwrap(), get(&["https://app.example"])).await;
    assert!(!quiet.headers().contains_key(name));
    let layer = cors.explain_refusals(true).build().unwrap();
    let said = |answer: Response<Body>| combined(answer.headers(), name);
    assert_eq!(said(ask(&layer, get(&["https://app.example:8443"])).await), None);
    assert_eq!(said(ask(&layer, get(&[])).await), None);
    assert_eq!(
        said(ask(&layer, get(&["https://app.example"])).await).unwrap(),
        "cors.origins: `https://app.example` is not allowed: `https://app.example:8443` is, and the \
         port differs. Fix: add https://app.example to the origins."
    );
    assert_eq!(
        said(ask(&layer, preflight("https://app.example:8443", "PUT", "x-own")).await).unwrap(),
        "cors.headers: The header x-own is not allowed. Fix: add x-own to the headers."
    );
    assert!(said(ask(&layer, get(&["a", "b"])).await).unwrap().contains("more than one"));
    let strange = HeaderValue::from_bytes(b"https://\xff\t<script>").unwrap();
    let mut request = get(&[]);
    request.headers_mut().insert(ORIGIN, strange);
    assert!(said(ask(&layer, request).await).unwrap().is_ascii());
}

#[tokio::test]
async fn a_path_that_nobody_serves_is_answered_the_same() {
    let router: axum::Router = axum::Router::new().layer(with_credentials());
    let answer = router.oneshot(get(&["https://app.example"])).await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert_eq!(answer.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "https://app.example");
}
