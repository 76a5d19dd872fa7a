//! The shape RFC 6749 §5.2 gives a refusal, for the token, revocation and introspection endpoints.

use std::borrow::Cow;
use std::fmt;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use super::{BoxError, Challenge, Problem, ProblemKind};

/// The registered codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the codes are the RFC's")]
pub enum OAuthErrorCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
    UnsupportedTokenType,
    InvalidTarget,
}

impl OAuthErrorCode {
    /// Every code there is.
    pub const ALL: [Self; 8] = [
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::UnauthorizedClient,
        Self::UnsupportedGrantType,
        Self::InvalidScope,
        Self::UnsupportedTokenType,
        Self::InvalidTarget,
    ];

    /// The code as it stands in `error`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InvalidTarget => "invalid_target",
        }
    }
}

/// A refusal of an OAuth endpoint. What is not OAuth's to say goes through as a [`Problem`].
#[derive(Debug)]
#[non_exhaustive]
pub enum OAuthError {
    /// A registered error code and a sentence.
    Code {
        /// Which.
        code: OAuthErrorCode,
        /// `error_description`.
        description: Cow<'static, str>,
        /// Sent with a 401, for a client that failed to sign in.
        challenge: Option<Challenge>,
    },
    /// Too many attempts, the store away, a fault of ours.
    Other(Problem),
}

impl OAuthError {
    /// A refusal with this code.
    #[must_use]
    pub fn new(code: OAuthErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Self::Code { code, description: description.into(), challenge: None }
    }

    /// Adds a challenge: the answer becomes a 401.
    #[must_use]
    pub fn challenged(self, line: Challenge) -> Self {
        match self {
            Self::Code { code, description, .. } => {
                Self::Code { code, description, challenge: Some(line) }
            }
            other @ Self::Other(_) => other,
        }
    }

    /// A fault of ours.
    #[must_use]
    pub fn internal(source: impl Into<BoxError>) -> Self {
        Self::Other(Problem::internal(source))
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { code, description, .. } => write!(f, "{}: {description}", code.as_str()),
            Self::Other(problem) => problem.fmt(f),
        }
    }
}

impl std::error::Error for OAuthError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Code { .. } => None,
            Self::Other(problem) => problem.source(),
        }
    }
}

impl From<Problem> for OAuthError {
    fn from(problem: Problem) -> Self {
        match problem.kind() {
            // What cannot be read is `invalid_request` here, whatever the reason.
            ProblemKind::Malformed | ProblemKind::Invalid | ProblemKind::UnsupportedMediaType => {
                Self::new(OAuthErrorCode::InvalidRequest, problem.to_string())
            }
            _ => Self::Other(problem),
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        match self {
            Self::Other(problem) => problem.into_response(),
            Self::Code { code, description, challenge } => {
                let body =
                    serde_json::json!({"error": code.as_str(), "error_description": description});
                let mut response = Response::new(body.to_string().into());
                *response.status_mut() = match challenge {
                    Some(_) => StatusCode::UNAUTHORIZED,
                    None => StatusCode::BAD_REQUEST,
                };
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                if let Some(line) = challenge {
                    headers.insert(WWW_AUTHENTICATE, line.to_header());
                }
                response
            }
        }
    }
}
