//! A browser, as far as CORS goes: the Fetch standard's algorithms (§4.8 to §4.10) run against a
//! service. Written from the standard and not from our own rules, to check one by the other.

use std::convert::Infallible;

use axum::body::Body;
use http::header::HeaderName;
use http::{HeaderMap, Method, Request, Response};
use tower::{Service, ServiceExt};

use crate::cors::safelist;

/// What a page asks its browser for.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) origin: String,
    pub(crate) method: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) path: String,
    pub(crate) credentials: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The page reads the answer.
    pub(crate) read: bool,
    /// The request itself was sent.
    pub(crate) sent: bool,
}

pub(crate) async fn fetch<S>(service: S, page: &Page) -> Outcome
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    let method = safelist::normalize_method(&page.method);
    let names = safelist::unsafe_headers(
        page.headers.iter().map(|(name, value)| (&**name, value.as_bytes())),
    );
    let needs_preflight = !safelist::is_safelisted_method(&method) || !names.is_empty();
    if needs_preflight {
        let mut request = Request::options(&page.path)
            .header("origin", &page.origin)
            .header("access-control-request-method", &method);
        if !names.is_empty() {
            request = request.header("access-control-request-headers", names.join(","));
        }
        let answer = service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        if !preflight_passes(page, &method, &names, &answer) {
            return Outcome { read: false, sent: false };
        }
    }
    let mut request =
        Request::builder().method(&*method).uri(&page.path).header("origin", &page.origin);
    for (name, value) in &page.headers {
        request = request.header(name, value);
    }
    let answer = service.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    Outcome { read: cors_check(page, answer.headers()), sent: true }
}

fn preflight_passes(page: &Page, method: &str, names: &[String], answer: &Response<Body>) -> bool {
    if !cors_check(page, answer.headers()) || !answer.status().is_success() {
        return false;
    }
    let methods = list(answer.headers(), "access-control-allow-methods");
    let headers = list(answer.headers(), "access-control-allow-headers");
    let star = |list: &[String]| !page.credentials && list.iter().any(|name| name == "*");
    if !methods.iter().any(|known| known == method)
        && !safelist::is_safelisted_method(method)
        && !star(&methods)
    {
        return false;
    }
    names.iter().all(|name| {
        headers.iter().any(|known| known.eq_ignore_ascii_case(name))
            || (name != "authorization" && star(&headers))
    })
}

/// "CORS check".
fn cors_check(page: &Page, answer: &HeaderMap) -> bool {
    let Some(origin) = combined(answer, "access-control-allow-origin") else { return false };
    if !page.credentials && origin == "*" {
        return true;
    }
    origin == page.origin
        && (!page.credentials
            || combined(answer, "access-control-allow-credentials").as_deref() == Some("true"))
}

/// All values of a header as one, as the standard's "get" does.
pub(crate) fn combined(headers: &HeaderMap, name: &str) -> Option<String> {
    let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
    let values: Vec<_> =
        headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn list(headers: &HeaderMap, name: &str) -> Vec<String> {
    combined(headers, name)
        .map(|value| value.split(',').map(|one| one.trim().to_owned()).collect())
        .unwrap_or_default()
}

/// Whether a service would take this for a preflight.
pub(crate) fn preflight(origin: &str, method: &str, headers: &str) -> Request<Body> {
    let mut request = Request::builder()
        .method(Method::OPTIONS)
        .uri("/items")
        .header("origin", origin)
        .header("access-control-request-method", method);
    if !headers.is_empty() {
        request = request.header("access-control-request-headers", headers);
    }
    request.body(Body::empty()).unwrap()
}
