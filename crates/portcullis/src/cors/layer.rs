//! The tower layer: true preflights are answered, everything else is passed on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::explain;
use super::rules::{ALLOW_PRIVATE_NETWORK, CorsRules, REQUEST_PRIVATE_NETWORK, Verdict};
use crate::edge::ListedOrigin;
use crate::problem::ConfigError;

const EXPLAINED: HeaderName = HeaderName::from_static("x-cors-explained");
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// What only this layer may say. A handler's own lines are taken out: two authorities would sooner
/// or later allow together what neither does alone.
const OURS: [HeaderName; 7] = [
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE,
    ALLOW_PRIVATE_NETWORK,
];

/// The CORS protocol around a service. It belongs outermost, so that every answer passes through it:
/// also a refusal, a time-out, and a panic that was caught.
///
/// - A preflight is `OPTIONS` with `Origin` *and* `Access-Control-Request-Method`. It is answered
///   here, needs no credential and never reaches a route. Any other `OPTIONS` goes on.
/// - It is answered 204 whether it is granted or not: a refusal lacks the headers, which is what a
///   browser looks at and can name to the developer. An allowed origin is told every method and header
///   that is allowed, whichever it asked for.
/// - `Vary` follows from the rules and not from the request: it stands on answers to requests
///   without `Origin` and on refusals too, so that no cache serves one origin's grant to another.
/// - Origins are compared byte for byte. More than one `Origin` line is a refusal.
#[derive(Clone, Debug)]
pub struct CorsLayer {
    base: CorsRules,
    /// Only where some path has rules of its own. `None` in it stands for `base`.
    paths: Option<Arc<matchit::Router<Option<CorsRules>>>>,
    explain: bool,
}

impl CorsLayer {
    pub(super) fn of(base: CorsRules, explain: bool) -> Self {
        Self { base, paths: None, explain }
    }

    /// Gives a path rules of its own, instead of the base.
    ///
    /// # Errors
    /// [`ConfigError`] where the path is not valid or has rules already.
    pub fn with_path(self, path: &str, rules: CorsRules) -> Result<Self, ConfigError> {
        self.with_routes([(path, Some(rules))])
    }

    /// Tells it of paths, some with rules of their own. Tell it of all the router has, as soon as one
    /// has its own: `/users/me` would else be taken for `/users/{id}`.
    ///
    /// # Errors
    /// [`ConfigError`] where a path is not valid or has rules already. A path that is only repeated
    /// without rules is no fault.
    pub fn with_routes<'a>(
        mut self,
        routes: impl IntoIterator<Item = (&'a str, Option<CorsRules>)>,
    ) -> Result<Self, ConfigError> {
        let mut faults = ConfigError::none();
        let routes: Vec<_> = routes.into_iter().collect();
        if self.paths.is_none() && routes.iter().all(|(_, rules)| rules.is_none()) {
            return Ok(self);
        }
        let mut paths = self.paths.as_deref().cloned().unwrap_or_default();
        for (path, rules) in routes {
            let is_plain = rules.is_none();
            match paths.insert(path, rules) {
                Ok(()) => {}
                Err(matchit::InsertError::Conflict { .. }) if is_plain => {}
                Err(error) => faults.add(
                    &format!("cors[{path}]"),
                    error.to_string(),
                    "give each path one set of rules, written like a path of axum",
                ),
            }
        }
        self.paths = Some(Arc::new(paths));
        faults.into_result(self)
    }

    /// The rules that hold at a path.
    #[must_use]
    pub fn rules_at(&self, path: &str) -> &CorsRules {
        self.paths
            .as_ref()
            .and_then(|paths| paths.at(path).ok()?.value.as_ref())
            .unwrap_or(&self.base)
    }

    /// The rules that hold where no path has its own.
    #[must_use]
    pub fn base(&self) -> &CorsRules {
        &self.base
    }

    /// For an API whose schemes read `Authorization`: checks that pages which may ask can send it.
    ///
    /// # Errors
    /// [`ConfigError`] where the allowed headers are `*` and nothing else, which does not cover it.
    pub fn check_authorization(&self) -> Result<(), ConfigError> {
        let rules = &self.base.0;
        if self.base.is_closed() || !rules.headers.any || rules.headers.has_header("authorization")
        {
            return Ok(());
        }
        Err(ConfigError::one(
            &format!("{}.headers", rules.section),
            "`*` does not cover `Authorization`, which the schemes of this API read",
            "name it too: `*` and `authorization`",
        ))
    }
}

impl<S> Layer<S> for CorsLayer {
    type Service = CorsService<S>;

    fn layer(&self, inner: S) -> CorsService<S> {
        CorsService { inner, layer: self.clone() }
    }
}

/// A service with [`CorsLayer`] around it.
#[derive(Clone, Debug)]
pub struct CorsService<S> {
    inner: S,
    layer: CorsLayer,
}

impl<S, B, R> Service<Request<B>> for CorsService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = CorsFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let rules = self.layer.rules_at(request.uri().path());
        let verdict = rules.judge(request.headers());
        let refusal = if self.layer.explain { explain::refusal(rules, &request) } else { None };
        if matches!(&verdict, Verdict::Granted(origin) if origin != "*") {
            request.extensions_mut().insert(ListedOrigin);
        }
        let answer = Answer { rules: rules.clone(), verdict, refusal };
        let kind = if is_preflight(&request) {
            Kind::Preflight { headers: Some(answer.preflight(request.headers())) }
        } else {
            Kind::Passed { future: self.inner.call(request), answer: Some(answer) }
        };
        CorsFuture { kind }
    }
}

fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(ORIGIN)
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

pin_project! {
    /// What [`CorsService`] answers.
    #[derive(Debug)]
    pub struct CorsFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    #[project = KindProjection]
    #[derive(Debug)]
    enum Kind<F> {
        Preflight { headers: Option<HeaderMap> },
        Passed { #[pin] future: F, answer: Option<Answer> },
    }
}

impl<F, R, E> Future for CorsFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Default,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProjection::Preflight { headers } => {
                let mut response = Response::new(R::default());
                *response.status_mut() = StatusCode::NO_CONTENT;
                *response.headers_mut() = headers.take().unwrap_or_default();
                Poll::Ready(Ok(response))
            }
            KindProjection::Passed { future, answer } => {
                let mut response = ready!(future.poll(context))?;
                if let Some(answer) = answer.take() {
                    answer.stamp(response.headers_mut());
                }
                Poll::Ready(Ok(response))
            }
        }
    }
}

/// What is to be said on an answer, decided before the request was passed on.
#[derive(Debug)]
struct Answer {
    rules: CorsRules,
    verdict: Verdict,
    refusal: Option<HeaderValue>,
}

impl Answer {
    fn preflight(self, asked: &HeaderMap) -> HeaderMap {
        let rules = &self.rules.0;
        let mut answer = HeaderMap::with_capacity(8);
        if let Some(vary) = &rules.preflight_vary {
            answer.insert(VARY, vary.clone());
        }
        if let Some(refusal) = self.refusal {
            answer.insert(EXPLAINED, refusal);
        }
        let Verdict::Granted(origin) = self.verdict else { return answer };
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if rules.credentials {
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        }
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_METHODS, &rules.methods.value),
            (ACCESS_CONTROL_ALLOW_HEADERS, &rules.headers.value),
            (ACCESS_CONTROL_MAX_AGE, &rules.max_age),
        ] {
            if let Some(value) = value {
                answer.insert(name, value.clone());
            }
        }
        if rules.private_network && asked.get(REQUEST_PRIVATE_NETWORK) == Some(&TRUE) {
            answer.insert(ALLOW_PRIVATE_NETWORK, TRUE);
        }
        answer
    }

    fn stamp(self, answer: &mut HeaderMap) {
        if answer.keys().any(|name| name.as_str().starts_with("access-control-")) {
            for name in &OURS {
                answer.remove(name);
            }
        }
        if self.rules.varies() && !varies_by_origin(answer) {
            answer.append(VARY, HeaderValue::from_static("origin"));
        }
        if let Some(refusal) = self.refusal {
            answer.insert(EXPLAINED, refusal);
        }
        let Verdict::Granted(origin) = self.verdict else { return };
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.rules.0.credentials {
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        }
        if let Some(exposed) = &self.rules.0.expose.value {
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
    }
}

/// Whether a handler has said so already.
fn varies_by_origin(answer: &HeaderMap) -> bool {
    answer.get_all(VARY).iter().any(|line| {
        line.as_bytes().split(|byte| *byte == b',').any(|name| {
            let name = name.trim_ascii();
            name == b"*" || name.eq_ignore_ascii_case(b"origin")
        })
    })
}
