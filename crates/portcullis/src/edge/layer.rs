//! What stands around every route: the request's id, a net under panics, one shape for every
//! refusal, and the headers a browser should see on any answer.

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::{Future, poll_fn, ready};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::Either;
use http::header::{
    ALLOW, CONTENT_SECURITY_POLICY, HOST, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::answered::{Answered, Who};
use super::{BodyBudget, BodyLimit, ClientInfo, Proxies};
use crate::problem::{Problem, ProblemBody, ProblemKind, TypeBase, from_bare_status};

/// The request's id: in the log, in `X-Request-Id`, and as a problem's `instance`.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

/// The header that carries it.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const NOTHING_LOADED: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const TLS_FOR_A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// The longest id that is taken over from a trusted proxy, in bytes.
const LONGEST_ID: usize = 64;

/// What a request may be and take before it is refused. Nothing is bounded where a bound is left out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    pub(crate) body: Option<usize>,
    /// The largest body of a public route.
    pub(crate) public_body: Option<usize>,
    /// How much of all bodies together is in memory while they arrive.
    pub(crate) bodies_in_flight: Option<usize>,
    pub(crate) uri: Option<usize>,
    pub(crate) header: Option<usize>,
    pub(crate) time: Option<Duration>,
    /// Whether HTTP/1.1 must name its host.
    pub(crate) host: bool,
}

impl Bounds {
    /// Refuses what is too long already in its header, or does not say once for whom it is.
    fn refusal(&self, request: &Request) -> Option<Problem> {
        let hosts = request.headers().get_all(HOST).iter().count();
        let least = usize::from(self.host && request.version() == Version::HTTP_11);
        if hosts > 1 || hosts < least {
            let one = "A request names its host once (RFC 9112 §3.2).";
            return Some(Problem::new(ProblemKind::Malformed).detail(one));
        }
        let uri = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
        if self.uri.is_some_and(|most| uri > most) {
            return Some(Problem::new(ProblemKind::UriTooLong));
        }
        // As RFC 9113 §6.5.2 counts, less its 32 bytes a field: `name: value` and the line's end.
        let line =
            |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 4;
        let header = || -> usize { request.headers().iter().map(line).sum() };
        let too_large = self.header.is_some_and(|most| header() > most);
        too_large.then(|| Problem::new(ProblemKind::HeaderTooLarge))
    }
}

/// Puts the frame around a router.
#[derive(Clone, Debug)]
pub(crate) struct EdgeLayer {
    settings: Arc<Settings>,
}

#[derive(Debug)]
struct Settings {
    proxies: Proxies,
    bounds: Bounds,
    bodies: Option<BodyBudget>,
    types: TypeBase,
    ids: RequestIds,
}

/// Where request ids come from. All routers of a gate share one, so that no two requests of a
/// process have the same id, on whichever listener they come in.
#[derive(Clone, Debug)]
pub(crate) struct RequestIds {
    /// Sixteen hexadecimal digits.
    prefix: [u8; 16],
    counter: Arc<AtomicU64>,
}

impl RequestIds {
    pub(crate) fn new(prefix: [u8; 8]) -> Self {
        let mut text = [0; 16];
        write_hex(&mut text, u64::from_be_bytes(prefix));
        Self { prefix: text, counter: Arc::default() }
    }

    /// The prefix, a hyphen, and a number that nobody else has.
    fn next(&self) -> Arc<str> {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let digits = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1) as usize;
        let mut text = [b'-'; 33];
        text[..16].copy_from_slice(&self.prefix);
        let text = &mut text[..17 + digits];
        write_hex(&mut text[17..], number);
        std::str::from_utf8(text).unwrap_or_default().into()
    }
}

/// Writes the last digits of a number, as many as there is room for.
fn write_hex(text: &mut [u8], mut number: u64) {
    for digit in text.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

impl EdgeLayer {
    pub(crate) fn new(proxies: Proxies, bounds: Bounds, ids: RequestIds) -> Self {
        let bodies = bounds.bodies_in_flight.map(BodyBudget::new);
        let types = TypeBase::default();
        Self { settings: Arc::new(Settings { proxies, bounds, bodies, types, ids }) }
    }

    /// Says what stands before the short name in a problem's `type`.
    pub(crate) fn problem_types(mut self, base: TypeBase) -> Self {
        // Nobody shares the settings yet.
        if let Some(settings) = Arc::get_mut(&mut self.settings) {
            settings.types = base;
        }
        self
    }
}

impl Settings {
    /// The id a trusted proxy gave, or one of our own.
    fn request_id(&self, headers: &HeaderMap, arrival: &ClientInfo) -> Arc<str> {
        let given = headers.get(X_REQUEST_ID).filter(|_| arrival.through_proxy);
        match given.and_then(|id| id.to_str().ok()) {
            Some(id)
                if (1..=LONGEST_ID).contains(&id.len())
                    && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) =>
            {
                id.into()
            }
            _ => self.ids.next(),
        }
    }
}

impl<S> Layer<S> for EdgeLayer {
    type Service = Edge<S>;

    fn layer(&self, inner: S) -> Edge<S> {
        Edge { inner, settings: Arc::clone(&self.settings) }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Edge<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> Service<Request> for Edge<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let bounds = self.settings.bounds;
        let refusal = bounds.refusal(&request);
        let (mut parts, body) = request.into_parts();
        let arrival = ClientInfo::of(&parts, &self.settings.proxies);
        let id = self.settings.request_id(&parts.headers, &arrival);
        let (secure, script) = (arrival.secure, is_of_a_script(&parts.headers));
        let types = self.settings.types.clone();
        // Nobody is told of the answer where nobody listens.
        let noted = tracing::enabled!(target: "portcullis::access", tracing::Level::INFO)
            .then(|| (parts.method.clone(), parts.uri.clone(), Instant::now()));
        parts.extensions.insert(arrival);
        parts.extensions.insert(RequestId(Arc::clone(&id)));
        if let Some(limit) = bounds.body {
            parts.extensions.insert(BodyLimit(limit));
        }
        if let Some(bodies) = &self.settings.bodies {
            parts.extensions.insert(bodies.clone());
        }
        // A panic may come while the future is made as well as while it runs.
        let inner = &mut self.inner;
        let answering = match refusal {
            Some(problem) => Ok(Either::Left(ready(Ok(problem.into_response())))),
            None => std::panic::catch_unwind(AssertUnwindSafe(|| {
                Either::Right(inner.call(Request::from_parts(parts, body)))
            })),
        };
        // Whatever is logged on the way names the request.
        let span = tracing::info_span!("request", %id);
        let answering = async move {
            let answer = match answering {
                Ok(future) => within(bounds.time, AssertUnwindSafe(future).catch_unwind()).await,
                Err(panic) => Err(panic),
            };
            let response = match answer {
                Ok(Ok(response)) => response,
                Ok(Err(impossible)) => match impossible {},
                Err(panic) => after_panic(&*panic, &id),
            };
            let (mut response, reason) = finish(response, &id, secure, &types);
            if script {
                spare_the_box_for_a_password(response.headers_mut());
            }
            if let Some((method, path, began)) = noted {
                log(&response, &id, &method, &path, reason, began.elapsed());
            }
            Ok(response)
        };
        Box::pin(answering.instrument(span))
    }
}

/// What is answered within the time there is; where it runs out, that it did.
async fn within<E>(
    time: Option<Duration>,
    answer: impl Future<Output = Result<Result<Response, Infallible>, E>>,
) -> Result<Result<Response, Infallible>, E> {
    let Some(time) = time else { return answer.await };
    // Nearly every answer is there at once: only one that is waited for needs the clock.
    let mut answer = std::pin::pin!(answer);
    let first = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
    if let Poll::Ready(answer) = first {
        return answer;
    }
    match tokio::time::timeout(time, answer).await {
        Ok(answer) => answer,
        Err(_) => Ok(Ok(Problem::new(ProblemKind::Timeout).into_response())),
    }
}

/// The panic's words go to the log under the request's id; nothing of them is sent.
fn after_panic(panic: &(dyn std::any::Any + Send), id: &str) -> Response {
    let words = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words");
    tracing::error!(%id, panic = words, "a handler panicked");
    Problem::new(ProblemKind::Internal).into_response()
}

/// Whether a browser's script asks, not somebody who follows a link (Fetch Metadata).
fn is_of_a_script(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_MODE).is_some_and(|mode| mode != "navigate")
}

/// Takes the challenge for Basic out, unless it is the only one: a browser would show its own box for
/// a password and keep the answer from the script until somebody has closed it.
fn spare_the_box_for_a_password(headers: &mut HeaderMap) {
    let is_basic = |value: &HeaderValue| {
        value.as_bytes().get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic"))
    };
    let challenges = headers.get_all(WWW_AUTHENTICATE);
    let others: Vec<_> = challenges.iter().filter(|value| !is_basic(value)).cloned().collect();
    if others.is_empty() || others.len() == challenges.iter().count() {
        return;
    }
    headers.remove(WWW_AUTHENTICATE);
    for challenge in others {
        headers.append(WWW_AUTHENTICATE, challenge);
    }
}

/// One line an answer. A path that no route has is a stranger's text: it is written with escapes.
fn log(
    response: &Response,
    id: &str,
    method: &Method,
    uri: &Uri,
    reason: Option<Cow<'static, str>>,
    took: Duration,
) {
    let answered = response.extensions().get::<Answered>();
    let who = Who(answered.and_then(|answered| answered.who.as_ref()));
    let route = answered.map(|answered| &*answered.route);
    let path = if route.is_none() { Some(uri.path()) } else { None };
    tracing::info!(
        target: "portcullis::access", %id, %method, route, path = path.map(tracing::field::debug),
        status = response.status().as_u16(), %who, reason = reason.as_deref(),
        ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX), "answered"
    );
}

/// One shape for every refusal, its id, and the headers every answer has; and which refusal it is.
fn finish(
    response: Response,
    id: &Arc<str>,
    secure: bool,
    types: &TypeBase,
) -> (Response, Option<Cow<'static, str>>) {
    let mut response = in_words(response);
    let mut reason = None;
    if let Some(body) = response.extensions_mut().remove::<ProblemBody>() {
        reason = Some(body.reason());
        let body = body.at(Arc::clone(id), types);
        response.headers_mut().remove(http::header::CONTENT_LENGTH);
        *response.body_mut() = body;
    }
    let headers = response.headers_mut();
    // Room for these and for what CORS adds, at once.
    headers.reserve(10);
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(X_REQUEST_ID, value);
    }
    let mut default = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    default(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    default(REFERRER_POLICY, NO_REFERRER);
    default(CONTENT_SECURITY_POLICY, NOTHING_LOADED);
    default(CROSS_ORIGIN_RESOURCE_POLICY, SAME_ORIGIN);
    if secure {
        default(STRICT_TRANSPORT_SECURITY, TLS_FOR_A_YEAR);
    }
    (response, reason)
}

/// An answer that is an error's status and nothing else, said in words.
fn in_words(response: Response) -> Response {
    let status = response.status();
    let bare = (status.is_client_error() || status.is_server_error())
        && response.body().is_end_stream()
        && response.extensions().get::<ProblemBody>().is_none();
    if !bare {
        return response;
    }
    let allow = response.headers().get(ALLOW).cloned();
    match from_bare_status(status, allow) {
        None => response,
        Some(problem) => {
            let (parts, _) = response.into_parts();
            let mut spoken = problem.into_response();
            for (name, value) in &parts.headers {
                if !spoken.headers().contains_key(name) && name != http::header::CONTENT_LENGTH {
                    spoken.headers_mut().append(name.clone(), value.clone());
                }
            }
            spoken
        }
    }
}

/// An answer for a path that no route has.
pub(crate) async fn nothing_here() -> Response<Body> {
    Problem::new(ProblemKind::NotFound).into_response()
}

#[cfg(test)]
mod tests {
    use tower::ServiceExt as _;

    use super::*;

    /// What the frame answers to a request for this path with one header of this size, around a
    /// service that never answers `/never`.
    async fn status(bounds: Bounds, path: &str, header: usize) -> u16 {
        let service = tower::service_fn(|request: Request| async move {
            if request.uri().path() == "/never" {
                std::future::pending::<()>().await;
            }
            Ok::<_, Infallible>(Response::new(Body::empty()))
        });
        let frame = EdgeLayer::new(Proxies::none(), bounds, RequestIds::new([0; 8])).layer(service);
        let request = Request::get(path).header("x", "y".repeat(header)).body(Body::empty());
        let answer = frame.oneshot(request.unwrap()).await.unwrap();
        assert!(answer.headers().contains_key(X_REQUEST_ID));
        answer.status().as_u16()
    }

    #[tokio::test]
    async fn what_is_too_long_is_refused_and_what_fits_is_not() {
        let bounds = Bounds { uri: Some(10), header: Some(100), ..Bounds::default() };
        assert_eq!(status(bounds, "/123456789", 95).await, 200);
        assert_eq!(status(bounds, "/1234567890", 0).await, 414);
        assert_eq!(status(bounds, "/12345?7890", 0).await, 414);
        assert_eq!(status(bounds, "/", 96).await, 431);
    }

    /// Faults §13, row 1.
    #[tokio::test]
    async fn a_script_is_not_asked_for_basic() {
        const BOTH: &[&str] = &["Basic realm=\"a\"", "Bearer realm=\"a\""];
        let challenges = async |mode: Option<&str>, sent: &'static [&'static str]| {
            let service = tower::service_fn(move |_: Request| async move {
                let mut refusal = Problem::new(ProblemKind::Unauthenticated).into_response();
                for challenge in sent {
                    let value = HeaderValue::from_static(challenge);
                    refusal.headers_mut().append(WWW_AUTHENTICATE, value);
                }
                Ok::<_, Infallible>(refusal)
            });
            let mut request = Request::new(Body::empty());
            if let Some(mode) = mode {
                request.headers_mut().insert(SEC_FETCH_MODE, mode.parse().unwrap());
            }
            let ids = RequestIds::new([0; 8]);
            let frame = EdgeLayer::new(Proxies::none(), Bounds::default(), ids).layer(service);
            let answer = frame.oneshot(request).await.unwrap();
            answer.headers().get_all(WWW_AUTHENTICATE).iter().count()
        };
        for mode in ["cors", "no-cors", "same-origin"] {
            assert_eq!(challenges(Some(mode), BOTH).await, 1, "{mode}");
        }
        assert_eq!(challenges(Some("navigate"), BOTH).await, 2);
        assert_eq!(challenges(None, BOTH).await, 2, "not a browser");
        assert_eq!(challenges(Some("cors"), &BOTH[..1]).await, 1, "a 401 has a challenge");
    }

    /// Faults §11, row 3.
    #[tokio::test]
    async fn two_listeners_give_no_id_twice() {
        let ids = RequestIds::new([0; 8]);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..2 {
            let service = tower::service_fn(|_: Request| async {
                Ok::<_, Infallible>(Response::new(Body::empty()))
            });
            let listener = EdgeLayer::new(Proxies::none(), Bounds::default(), ids.clone());
            let answer =
                listener.layer(service).oneshot(Request::new(Body::empty())).await.unwrap();
            seen.insert(answer.headers()[X_REQUEST_ID].clone());
        }
        assert_eq!(seen.len(), 2);
    }

    #[tokio::test]
    async fn a_host_is_named_once() {
        for (demanded, version, hosts, expected) in [
            (true, Version::HTTP_11, 0, 400),
            (true, Version::HTTP_11, 1, 200),
            (true, Version::HTTP_10, 0, 200),
            (true, Version::HTTP_2, 0, 200),
            (false, Version::HTTP_11, 0, 200),
            (false, Version::HTTP_11, 2, 400),
            (true, Version::HTTP_10, 2, 400),
        ] {
            let service = tower::service_fn(|_: Request| async {
                Ok::<_, Infallible>(Response::new(Body::empty()))
            });
            let bounds = Bounds { host: demanded, ..Bounds::default() };
            let frame =
                EdgeLayer::new(Proxies::none(), bounds, RequestIds::new([0; 8])).layer(service);
            let mut request = Request::new(Body::empty());
            *request.version_mut() = version;
            for _ in 0..hosts {
                request.headers_mut().append(HOST, HeaderValue::from_static("api.example"));
            }
            let answer = frame.oneshot(request).await.unwrap();
            assert_eq!(answer.status().as_u16(), expected, "{version:?} with {hosts}");
        }
    }

    #[tokio::test]
    async fn an_answer_is_not_waited_for_longer_than_said() {
        let bounds = Bounds { time: Some(Duration::from_millis(20)), ..Bounds::default() };
        assert_eq!(status(bounds, "/never", 0).await, 504);
        assert_eq!(status(bounds, "/", 0).await, 200);
    }
}
