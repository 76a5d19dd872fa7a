//! 5, no: how a refusal is said (RFC 9457), and what goes to the log instead.

mod challenge;
mod config;
mod kind;
mod oauth;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

pub use challenge::Challenge;
pub use config::{ConfigError, Fault};
pub use kind::ProblemKind;
pub use oauth::{OAuthError, OAuthErrorCode};

/// What lies behind a refusal; for the log.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A refusal: a kind, a sentence for the caller, and a cause that is logged and never sent.
///
/// ```
/// use portcullis::problem::{Problem, ProblemKind};
///
/// let problem = Problem::new(ProblemKind::NotFound).detail("There is no item 7.");
/// assert_eq!(problem.kind().status(), 404);
/// ```
#[derive(Debug)]
pub struct Problem {
    kind: ProblemKind,
    detail: Option<Cow<'static, str>>,
    missing: Vec<String>,
    faults: Vec<BodyFault>,
    challenges: Vec<Challenge>,
    retry_after: Option<u64>,
    allow: Option<HeaderValue>,
    source: Option<BoxError>,
}

/// One fault of a body or a parameter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct BodyFault {
    /// Where, as a JSON pointer (RFC 6901); empty for the whole.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

impl Problem {
    /// The media type of its body.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// A refusal of this kind.
    #[must_use]
    pub fn new(kind: ProblemKind) -> Self {
        Self {
            kind,
            detail: None,
            missing: Vec::new(),
            faults: Vec::new(),
            challenges: Vec::new(),
            retry_after: None,
            allow: None,
            source: None,
        }
    }

    /// A fault of ours: 500, and nothing of `source` is sent.
    #[must_use]
    pub fn internal(source: impl Into<BoxError>) -> Self {
        Self::new(ProblemKind::Internal).source(source)
    }

    /// A sentence for the caller. It must not say what the caller may not know.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// What the caller lacks, for a 403.
    #[must_use]
    pub fn missing(mut self, missing: Vec<String>) -> Self {
        self.missing = missing;
        self
    }

    /// What does not fit, for a 422.
    #[must_use]
    pub fn faults(mut self, faults: Vec<BodyFault>) -> Self {
        self.faults = faults;
        self
    }

    /// A `WWW-Authenticate` line.
    #[must_use]
    pub fn challenge(mut self, challenge: Challenge) -> Self {
        self.challenges.push(challenge);
        self
    }

    /// When to try again, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The methods that are served, for a 405.
    #[must_use]
    pub fn allow(mut self, methods: HeaderValue) -> Self {
        self.allow = Some(methods);
        self
    }

    /// What lies behind it: logged, never sent.
    #[must_use]
    pub fn source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> ProblemKind {
        self.kind
    }

    /// The `WWW-Authenticate` lines it carries.
    #[must_use]
    pub fn challenges(&self) -> &[Challenge] {
        &self.challenges
    }

    /// When to try again, in seconds.
    #[must_use]
    pub fn seconds_to_wait(&self) -> Option<u64> {
        self.retry_after
    }

    /// What does not fit.
    #[must_use]
    pub fn unfit(&self) -> &[BodyFault] {
        &self.faults
    }

    /// What the caller lacks.
    #[must_use]
    pub fn lacks(&self) -> &[String] {
        &self.missing
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail.as_deref().unwrap_or_else(|| self.kind.sentence()))
    }
}

impl std::error::Error for Problem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl From<ProblemKind> for Problem {
    fn from(kind: ProblemKind) -> Self {
        Self::new(kind)
    }
}

/// The body of a problem, left in the answer's extensions so that the frame around every route
/// can add `instance` once the request's id is known.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem", description = "A refusal (RFC 9457).")]
pub(crate) struct ProblemBody {
    /// Which refusal it is: `urn:portcullis:problem:…`, stable for ever.
    #[serde(rename = "type")]
    kind: Cow<'static, str>,
    /// The same for every refusal of this type.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong this time.
    detail: Cow<'static, str>,
    /// The request's id, as in `X-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<Arc<str>>,
    /// What the caller lacks, with a 403.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
    /// What does not fit, with a 422.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<BodyFault>,
    #[serde(skip)]
    reason: &'static str,
}

impl ProblemBody {
    /// The short name of the refusal.
    pub(crate) fn reason(&self) -> &'static str {
        self.reason
    }

    /// The same body, naming the request it answers.
    pub(crate) fn at(mut self, instance: Arc<str>) -> Body {
        self.instance = Some(instance);
        self.into_body()
    }

    fn into_body(self) -> Body {
        // A body of strings always serializes.
        Body::from(serde_json::to_vec(&self).unwrap_or_default())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        if let Some(source) = &self.source {
            if status.is_server_error() {
                tracing::error!(kind = self.kind.slug(), error = %Chain(&**source), "refused by a fault of ours");
            } else {
                tracing::debug!(kind = self.kind.slug(), error = %Chain(&**source), "refused");
            }
        }
        let body = ProblemBody {
            kind: self.kind.type_uri(),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: self.detail.unwrap_or_else(|| self.kind.sentence().into()),
            instance: None,
            missing: self.missing,
            errors: self.faults,
            reason: self.kind.slug(),
        };
        let mut response = Response::new(body.clone().into_body());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(Self::MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for challenge in &self.challenges {
            headers.append(WWW_AUTHENTICATE, challenge.to_header());
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if let Some(methods) = self.allow {
            headers.insert(ALLOW, methods);
        }
        response.extensions_mut().insert(body);
        response
    }
}

/// An error and what lies behind it, on one line.
struct Chain<'a>(&'a (dyn std::error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// An answer that is a status and nothing else, made into a problem (405 from the router, say).
pub(crate) fn from_bare_status(status: StatusCode, allow: Option<HeaderValue>) -> Option<Problem> {
    let problem = Problem::new(ProblemKind::from_status(status)?);
    Some(match allow {
        Some(methods) => problem.allow(methods),
        None => problem,
    })
}
