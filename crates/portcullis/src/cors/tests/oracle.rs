//! The same requests against tower-http's layer under the same settings. Where the two answer
//! differently is listed, with the reason; a difference that is not in the list fails the test, and
//! so does a line of the list that is no difference any more.

use std::collections::BTreeSet;
use std::convert::Infallible;

use axum::body::Body;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tower::util::BoxCloneService;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::{AllowOrigin, Any, CorsLayer as Theirs};

use super::browser::combined;
use crate::cors::{Cors, Headers, Methods, Origins};

type Service = BoxCloneService<Request<Body>, Response<Body>, Infallible>;

async fn route(_: Request<Body>) -> Result<Response<Body>, Infallible> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// Under each setting: ours, then theirs.
fn settings() -> Vec<(&'static str, Service, Service)> {
    let ours = |cors: Cors| BoxCloneService::new(cors.build().unwrap().layer(service_fn(route)));
    let theirs = |cors: Theirs| BoxCloneService::new(cors.layer(service_fn(route)));
    let methods = [Method::GET, Method::PUT];
    let headers =
        [HeaderName::from_static("content-type"), HeaderName::from_static("authorization")];
    let listed = ["https://app.example", "https://b.example"];
    let list = AllowOrigin::list(listed.map(HeaderValue::from_static));
    vec![
        ("closed", ours(Cors::closed()), theirs(Theirs::new())),
        (
            "any",
            ours(
                Cors::closed()
                    .origins(Origins::any())
                    .methods(Methods::any())
                    .headers(Headers::any()),
            ),
            theirs(Theirs::new().allow_origin(Any).allow_methods(Any).allow_headers(Any)),
        ),
        (
            "list",
            ours(Cors::closed().origins(listed).methods(&methods[..]).headers(&headers[..])),
            theirs(
                Theirs::new()
                    .allow_origin(list.clone())
                    .allow_methods(methods.clone())
                    .allow_headers(headers.clone()),
            ),
        ),
        (
            "credentials",
            ours(
                Cors::closed()
                    .origins(listed)
                    .methods(&methods[..])
                    .headers(&headers[..])
                    .expose_headers(["x-request-id"])
                    .credentials(true)
                    .max_age(600)
                    .private_network(true),
            ),
            theirs(
                Theirs::new()
                    .allow_origin(list)
                    .allow_methods(methods)
                    .allow_headers(headers)
                    .expose_headers([HeaderName::from_static("x-request-id")])
                    .allow_credentials(true)
                    .max_age(std::time::Duration::from_mins(10))
                    .allow_private_network(true),
            ),
        ),
    ]
}

/// Each request by the name it has in the list of differences.
fn requests() -> Vec<(&'static str, Request<Body>)> {
    let request = |method: Method, headers: &[(&'static str, &'static str)]| {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        for (name, value) in headers {
            request.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        request
    };
    let asked = "access-control-request-method";
    let good = ("origin", "https://app.example");
    let evil = ("origin", "https://app.example.evil.example");
    vec![
        ("get", request(Method::GET, &[])),
        ("get, listed", request(Method::GET, &[good])),
        ("get, unlisted", request(Method::GET, &[evil])),
        ("get, null", request(Method::GET, &[("origin", "null")])),
        ("get, upper case", request(Method::GET, &[("origin", "https://APP.example")])),
        ("get, listed twice", request(Method::GET, &[good, good])),
        ("delete, listed", request(Method::DELETE, &[good])),
        ("options", request(Method::OPTIONS, &[])),
        ("options, listed", request(Method::OPTIONS, &[good])),
        ("preflight, listed", request(Method::OPTIONS, &[good, (asked, "PUT")])),
        ("preflight, unlisted", request(Method::OPTIONS, &[evil, (asked, "PUT")])),
        ("preflight, null", request(Method::OPTIONS, &[("origin", "null"), (asked, "PUT")])),
        (
            "preflight, private network",
            request(
                Method::OPTIONS,
                &[good, (asked, "PUT"), ("access-control-request-private-network", "true")],
            ),
        ),
    ]
}

/// What is compared, and how each says it. Lists in one order and one spelling.
fn facts(answer: &Response<Body>) -> Vec<(&'static str, String)> {
    let list = |name: &str| {
        let value = combined(answer.headers(), name)?.to_ascii_lowercase();
        let names: BTreeSet<_> = value.split(',').map(str::trim).collect();
        Some(names.into_iter().collect::<Vec<_>>().join(","))
    };
    let reached = answer.status() == StatusCode::ACCEPTED;
    let mut facts = vec![("reaches the route", reached.to_string())];
    for name in [
        "access-control-allow-origin",
        "access-control-allow-credentials",
        "access-control-allow-methods",
        "access-control-allow-headers",
        "access-control-expose-headers",
        "access-control-max-age",
        "access-control-allow-private-network",
        "vary",
    ] {
        facts.push((name.trim_start_matches("access-control-"), list(name).unwrap_or_default()));
    }
    facts
}

/// Differences of one reason: every one of these facts, on every one of these requests, under every
/// one of these settings.
struct Differences {
    reason: &'static str,
    settings: &'static [&'static str],
    requests: &'static [&'static str],
    facts: &'static [&'static str],
}

const fn differ(
    reason: &'static str,
    settings: &'static [&'static str],
    requests: &'static [&'static str],
    facts: &'static [&'static str],
) -> Differences {
    Differences { reason, settings, requests, facts }
}

const NO_PREFLIGHT: &str = "OPTIONS without Access-Control-Request-Method is no preflight (Fetch \
    §3.2.2): it reaches the route and gets what any answer gets";
const TELL_NOTHING: &str = "who is not allowed is not told what others are, least of all that \
    credentials are welcome";
const TWO_ORIGINS: &str = "no browser sends two Origin lines, and to pick one is to guess";
const CLOSED: &str = "where nobody is allowed the answer does not depend on Origin";
const PREFLIGHT_VARY: &str = "what makes a request a preflight, and what it asks for, is part of \
    what its answer depends on";

const OPTIONS: &[&str] = &["options", "options, listed"];
const REFUSED_PREFLIGHTS: &[&str] = &["preflight, unlisted", "preflight, null"];
const PREFLIGHTS: &[&str] =
    &["preflight, listed", "preflight, unlisted", "preflight, null", "preflight, private network"];

const DIFFERENCES: &[Differences] = &[
    differ(
        NO_PREFLIGHT,
        &["closed", "any", "list", "credentials"],
        OPTIONS,
        &["reaches the route"],
    ),
    differ(
        NO_PREFLIGHT,
        &["any", "list", "credentials"],
        OPTIONS,
        &["allow-methods", "allow-headers"],
    ),
    differ(NO_PREFLIGHT, &["credentials"], OPTIONS, &["max-age"]),
    differ(NO_PREFLIGHT, &["credentials"], &["options, listed"], &["expose-headers"]),
    differ(
        TELL_NOTHING,
        &["list", "credentials"],
        REFUSED_PREFLIGHTS,
        &["allow-methods", "allow-headers"],
    ),
    differ(TELL_NOTHING, &["credentials"], REFUSED_PREFLIGHTS, &["allow-credentials", "max-age"]),
    differ(
        TELL_NOTHING,
        &["credentials"],
        &["get", "get, unlisted", "get, null", "get, upper case"],
        &["allow-credentials", "expose-headers"],
    ),
    differ(TELL_NOTHING, &["credentials"], &["options"], &["allow-credentials"]),
    differ(TWO_ORIGINS, &["list", "credentials"], &["get, listed twice"], &["allow-origin"]),
    differ(
        TWO_ORIGINS,
        &["credentials"],
        &["get, listed twice"],
        &["allow-credentials", "expose-headers"],
    ),
    differ(
        CLOSED,
        &["closed"],
        &[
            "get",
            "get, listed",
            "get, unlisted",
            "get, null",
            "get, upper case",
            "get, listed twice",
            "delete, listed",
        ],
        &["vary"],
    ),
    differ(CLOSED, &["closed"], OPTIONS, &["vary"]),
    differ(CLOSED, &["closed"], PREFLIGHTS, &["vary"]),
    differ(PREFLIGHT_VARY, &["any", "list", "credentials"], PREFLIGHTS, &["vary"]),
];

#[tokio::test]
async fn we_differ_from_tower_http_only_where_we_mean_to() {
    let mut found = Vec::new();
    for (setting, ours, theirs) in settings() {
        for (name, request) in requests() {
            let copy = {
                let mut copy = Request::new(Body::empty());
                *copy.method_mut() = request.method().clone();
                *copy.headers_mut() = request.headers().clone();
                copy
            };
            let ours = facts(&ours.clone().oneshot(request).await.unwrap());
            let theirs = facts(&theirs.clone().oneshot(copy).await.unwrap());
            for ((fact, ours), (_, theirs)) in ours.into_iter().zip(theirs) {
                if ours != theirs {
                    found.push((format!("{setting} | {name} | {fact}"), ours, theirs));
                }
            }
        }
    }
    let mut listed = BTreeSet::new();
    for Differences { reason, settings, requests, facts } in DIFFERENCES {
        for setting in *settings {
            for (request, fact) in requests.iter().flat_map(|r| facts.iter().map(move |f| (r, f))) {
                let row = format!("{setting} | {request} | {fact}");
                assert!(found.iter().any(|(known, ..)| *known == row), "no more: {row} ({reason})");
                assert!(listed.insert(row), "listed twice");
            }
        }
    }
    found.retain(|(row, ..)| !listed.contains(row));
    assert!(found.is_empty(), "not listed (row, ours, theirs): {found:#?}");
}
