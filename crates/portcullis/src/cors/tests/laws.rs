//! Laws over random requests: nobody outside the list is let in, and what is explained happens.

use std::convert::Infallible;

use axum::body::Body;
use http::{Request, Response};
use proptest::prelude::*;
use tower::{Layer, ServiceExt, service_fn};

use super::browser::{self, Page};
use crate::cors::{Cors, CorsLayer, Headers, Methods, Origins, Question, RequestClass};

async fn ok(_: Request<Body>) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(Body::empty()))
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

const LISTED: [&str; 3] =
    ["https://app.example", "http://localhost:3000", "https://xn--bcher-kva.example"];
const PATTERN: &str = "https://*.shops.example:8443";

fn layer() -> CorsLayer {
    let origins: Origins = LISTED.into_iter().chain([PATTERN]).collect();
    Cors::closed().origins(origins).credentials(true).build().unwrap()
}

/// Whether the list means this origin, said without any of the code that is tested.
fn is_meant(origin: &str) -> bool {
    LISTED.contains(&origin)
        || origin
            .strip_prefix("https://")
            .and_then(|rest| rest.strip_suffix(".shops.example:8443"))
            .is_some_and(|label| {
                !label.is_empty()
                    && label.len() < 64
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
            })
}

/// Origins that look like one of the list: something put before, after or into it.
fn look_alike() -> impl Strategy<Value = String> {
    let seed = prop::sample::select(vec![
        LISTED[0],
        LISTED[1],
        LISTED[2],
        "https://a.shops.example:8443",
        "https://shops.example:8443",
        "https://a.b.shops.example:8443",
    ]);
    let scrap = prop::sample::select(vec![
        "",
        ".",
        "-",
        "x",
        "x.",
        ".x",
        "@",
        "x@",
        ":",
        ":443",
        ":80",
        ":8443",
        "/",
        "?",
        "#",
        "%2e",
        "*",
        " ",
        ", ",
        "https://",
        "http://",
        ".evil.example",
        "evil",
        "xn--",
        "\u{e9}",
        "\u{ff0e}",
        "null",
        "\\",
        "//",
        "_",
        "A",
        "0",
    ]);
    (seed, scrap, any::<prop::sample::Index>(), 0_u8..5).prop_map(|(seed, scrap, at, kind)| {
        let at = at.index(seed.len() + 1);
        match kind {
            0 => format!("{scrap}{seed}"),
            1 => format!("{seed}{scrap}"),
            2 => format!("{}{scrap}{}", &seed[..at], &seed[at..]),
            3 => seed
                .char_indices()
                .map(|(i, c)| if i == at { c.to_ascii_uppercase() } else { c })
                .collect(),
            _ => seed.char_indices().filter(|(i, _)| *i != at).map(|(_, c)| c).collect(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nobody_outside_the_list_is_let_in(
        origin in prop_oneof![4 => look_alike(), 1 => "\\PC{0,40}", 1 => "https://[a-z.*@:/0-9-]{0,20}"],
        is_preflight in any::<bool>(),
    ) {
        let mut request = Request::options("/").header("origin", origin.as_bytes());
        if is_preflight {
            request = request.header("access-control-request-method", "PUT");
        }
        let Ok(request) = request.body(Body::empty()) else { return Ok(()) };
        let answer = run(layer().layer(service_fn(ok)).oneshot(request)).unwrap();
        let granted = answer.headers().get("access-control-allow-origin");
        if is_meant(&origin) {
            prop_assert_eq!(granted.unwrap().as_bytes(), origin.as_bytes());
        } else {
            prop_assert!(granted.is_none(), "{} was let in", origin);
            prop_assert!(!answer.headers().contains_key("access-control-allow-credentials"));
        }
        let varies = answer.headers()["vary"].to_str().unwrap().starts_with("origin");
        prop_assert!(varies);
    }
}

fn rules() -> impl Strategy<Value = Cors> {
    let origins = prop_oneof![
        Just(Origins::default()),
        Just(Origins::any()),
        Just(Origins::from(["https://app.example", "https://*.shops.example"])),
        Just(Origins::from(["null"])),
        Just(Origins::when(|origin| origin.ends_with("app.example"))),
    ];
    let methods = prop_oneof![
        Just(Methods::any()),
        Just(Methods::default()),
        Just(Methods::from(["PUT", "patch-ish"])),
        Just(Methods::from(["*", "DELETE"])),
    ];
    let headers = prop_oneof![
        Just(Headers::any()),
        Just(Headers::any().and("authorization")),
        Just(Headers::default()),
        Just(Headers::from(["Content-Type", "X-Own"])),
    ];
    (origins, methods, headers, any::<bool>()).prop_map(
        |(origins, methods, headers, credentials)| {
            Cors::closed()
                .origins(origins)
                .methods(methods)
                .headers(headers)
                .credentials(credentials)
        },
    )
}

fn page() -> impl Strategy<Value = Page> {
    let origin = prop::sample::select(vec![
        "https://app.example",
        "https://a.shops.example",
        "https://evil.example",
        "null",
    ]);
    let method = prop::sample::select(vec![
        "GET",
        "post",
        "PUT",
        "put",
        "PATCH",
        "patch-ish",
        "DELETE",
        "OPTIONS",
    ]);
    let header = prop::sample::select(vec![
        ("content-type", "application/json"),
        ("content-type", "text/plain"),
        ("authorization", "Bearer x"),
        ("x-own", "1"),
        ("accept", "*/*"),
        ("range", "bytes=-1"),
    ]);
    let headers = prop::collection::vec(header, 0..3);
    (origin, method, headers, any::<bool>()).prop_map(|(origin, method, headers, credentials)| {
        Page {
            origin: origin.to_owned(),
            method: method.to_owned(),
            headers: headers.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            path: "/items".to_owned(),
            credentials,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_explained_is_what_a_browser_does(cors in rules(), page in page()) {
        let Ok(layer) = cors.build() else { return Ok(()) };
        let mut question =
            Question::new(&*page.origin, &*page.method, &*page.path).credentials(page.credentials);
        for (name, value) in &page.headers {
            question = question.header(&format!("{name}: {value}"));
        }
        let explained = layer.explain(&question);
        let happened = run(browser::fetch(layer.layer(service_fn(ok)), &page));
        prop_assert_eq!(explained.allowed, happened.read, "{}", explained);
        prop_assert_eq!(explained.reaches_the_route, happened.sent, "{}", explained);
        prop_assert_ne!(explained.class, RequestClass::Never);
    }
}
