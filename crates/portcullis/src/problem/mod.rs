//! 5, no: how a refusal is said (RFC 9457), and what goes to the log instead.

mod body;
mod challenge;
mod config;
mod kind;
mod oauth;

use std::borrow::Cow;
use std::fmt;

use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

pub(crate) use body::{ProblemBody, TypeBase};
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
    /// Of a kind of the application's own, or with members of its own.
    own: Option<Box<Own>>,
    detail: Option<Cow<'static, str>>,
    missing: Vec<String>,
    faults: Vec<BodyFault>,
    challenges: Vec<Challenge>,
    retry_after: Option<u64>,
    allow: Option<HeaderValue>,
    source: Option<BoxError>,
}

/// What an application adds to the catalogue.
#[derive(Debug, Default)]
struct Own {
    custom: Option<Custom>,
    more: Map<String, Value>,
}

/// What a refusal of the application's own is.
#[derive(Debug)]
struct Custom {
    status: StatusCode,
    name: Cow<'static, str>,
    title: Cow<'static, str>,
}

/// The members that RFC 9457 and this library define.
const DEFINED: [&str; 7] = ["type", "title", "status", "detail", "instance", "missing", "errors"];

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
            own: None,
            detail: None,
            missing: Vec::new(),
            faults: Vec::new(),
            challenges: Vec::new(),
            retry_after: None,
            allow: None,
            source: None,
        }
    }

    /// A refusal that the catalogue does not have. `name` is the last part of its `type`, behind the
    /// base that the gate was given ([`problem_types`](crate::gate::GateBuilder::problem_types));
    /// or the whole of it, where it is an absolute URI. A status that is no refusal becomes a 500.
    ///
    /// ```
    /// use http::StatusCode;
    /// use portcullis::problem::Problem;
    ///
    /// let problem = Problem::custom(StatusCode::CONFLICT, "out-of-stock", "Out of stock")
    ///     .detail("Only 2 are left.")
    ///     .with("left", 2);
    /// assert_eq!(problem.status(), 409);
    /// ```
    #[must_use]
    pub fn custom(
        status: StatusCode,
        name: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        let refuses = status.is_client_error() || status.is_server_error();
        let status = if refuses { status } else { StatusCode::INTERNAL_SERVER_ERROR };
        let closest = ProblemKind::from_status(status).unwrap_or_else(|| {
            if status.is_client_error() { ProblemKind::Malformed } else { ProblemKind::Internal }
        });
        let custom = Custom { status, name: name.into(), title: title.into() };
        let own = Own { custom: Some(custom), more: Map::new() };
        Self { own: Some(Box::new(own)), ..Self::new(closest) }
    }

    /// Adds a member of the application's own to the body. Those that RFC 9457 and this library
    /// define are set by their own functions, and stay as they are.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        if !DEFINED.contains(&member) {
            let own = self.own.get_or_insert_default();
            own.more.insert(member.to_owned(), value.into());
        }
        self
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

    /// A 422 for one member of a body: `pointer` (RFC 6901) says which, `detail` what is wrong with it.
    #[cfg(feature = "auth")]
    pub(crate) fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        let fault = BodyFault { pointer: pointer.to_owned(), detail: detail.into() };
        Self::new(ProblemKind::Invalid).faults(vec![fault])
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

    fn custom_kind(&self) -> Option<&Custom> {
        self.own.as_ref()?.custom.as_ref()
    }

    /// The HTTP status it is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.custom_kind().map_or_else(|| self.kind.status(), |custom| custom.status)
    }

    /// The last part of its `type`, stable for ever.
    #[must_use]
    pub fn name(&self) -> &str {
        self.custom_kind().map_or_else(|| self.kind.slug(), |custom| &custom.name)
    }

    /// What it says where nobody says more.
    fn sentence(&self) -> &str {
        self.custom_kind().map_or_else(|| self.kind.sentence(), |custom| &custom.title)
    }

    /// Which kind it is; of one that the catalogue does not have, the closest.
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
        f.write_str(self.detail.as_deref().unwrap_or_else(|| self.sentence()))
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

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        if let Some(source) = &self.source {
            if status.is_server_error() {
                tracing::error!(kind = self.name(), error = %Chain(&**source), "refused by a fault of ours");
            } else {
                tracing::debug!(kind = self.name(), error = %Chain(&**source), "refused");
            }
        }
        let Own { custom, more } = self.own.map(|own| *own).unwrap_or_default();
        let (kind, title, sentence) = match custom {
            None => {
                let kind = self.kind;
                (kind.slug().into(), kind.title().into(), kind.sentence().into())
            }
            Some(Custom { name, title, .. }) => (name, title.clone(), title),
        };
        let body = ProblemBody {
            kind,
            title,
            status: status.as_u16(),
            detail: self.detail.unwrap_or(sentence),
            instance: None,
            missing: self.missing,
            errors: self.faults,
            more,
        };
        let mut response = Response::new(body.clone().into_body(&TypeBase::default()));
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

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;

    async fn said(problem: Problem) -> (StatusCode, Value) {
        let response = problem.into_response();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_refusal_of_ones_own_says_its_status_type_and_members() {
        let problem = Problem::custom(StatusCode::PAYMENT_REQUIRED, "no-credit", "No credit")
            .with("balance", 3)
            .with("status", 200)
            .with("type", "about:blank");
        assert_eq!((problem.status(), problem.name()), (StatusCode::PAYMENT_REQUIRED, "no-credit"));
        assert_eq!(problem.to_string(), "No credit");
        let (status, body) = said(problem).await;
        assert_eq!(status, StatusCode::PAYMENT_REQUIRED);
        let expected = json!({
            "type": "urn:portcullis:problem:no-credit", "title": "No credit", "status": 402,
            "detail": "No credit", "balance": 3,
        });
        assert_eq!(body, expected);
        let own = "https://errors.example/no-credit";
        let (_, body) = said(Problem::custom(StatusCode::CONFLICT, own, "No credit")).await;
        assert_eq!(body["type"], own);
    }

    #[tokio::test]
    async fn what_is_no_refusal_is_a_fault_of_ours() {
        for status in [StatusCode::OK, StatusCode::FOUND, StatusCode::SWITCHING_PROTOCOLS] {
            let (status, _) = said(Problem::custom(status, "fine", "Fine")).await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        }
    }

    #[test]
    fn a_base_of_types_is_an_absolute_uri_that_a_name_can_follow() {
        for good in ["https://errors.example/", "urn:example:problem:", "https://a.example/p#"] {
            assert!(TypeBase::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "errors/", "/errors/", "https://errors.example", "https://a b/", ":/"] {
            assert!(TypeBase::parse(bad).is_err(), "{bad}");
        }
    }
}
