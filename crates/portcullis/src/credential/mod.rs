//! 2, what did the request bring? Finds and parses; never verifies.

mod api_key;
mod authorization;
mod basic;
mod bearer;
mod cookie;
pub mod csrf;

use std::fmt;

use http::request::Parts;

pub use api_key::{ApiKeyHeader, api_key_header};
pub use basic::{Basic, PasswordCredential, basic};
pub use bearer::{Bearer, TokenCredential, bearer, oauth2_password};
pub use cookie::{
    CookieAttributes, CookieCredential, CookieError, LONGEST_COOKIE_AGE, LONGEST_COOKIE_PAIR,
    SameSite, SessionCookie, clear_cookie, cookie, set_cookie,
};

use crate::problem::{BoxError, Challenge, Problem, ProblemKind};

/// A place where a request carries a credential.
pub trait CredentialSource: fmt::Debug + Send + Sync + 'static {
    /// What is found there, parsed and not verified.
    type Credential: Send;

    /// Looks for it. `Ok(None)` where it is absent.
    ///
    /// # Errors
    /// A [`Rejection`] where something is there that cannot be read.
    fn find(&self, parts: &Parts) -> Result<Option<Self::Credential>, Rejection>;

    /// Whether something is there at all: a quick look that may say yes too often, never no.
    fn is_brought(&self, _parts: &Parts) -> bool {
        true
    }

    /// Its entry among OpenAPI's `securitySchemes`.
    fn describe(&self) -> SecurityScheme;

    /// Its line in a 401.
    fn challenge(&self) -> Option<Challenge>;

    /// Where it looks: a gate refuses two schemes that find the same credential. `None` where it
    /// cannot be said.
    fn place(&self) -> Option<CredentialPlace> {
        None
    }
}

/// Where in a request a credential stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialPlace {
    /// In `Authorization`, behind this scheme in lower case, such as `bearer`.
    Authorization(&'static str),
    /// In the header of this name, in lower case.
    Header(Box<str>),
    /// In the cookie of this name.
    Cookie(Box<str>),
}

impl fmt::Display for CredentialPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorization(scheme) => write!(f, "the header `authorization` ({scheme})"),
            Self::Header(name) => write!(f, "the header `{name}`"),
            Self::Cookie(name) => write!(f, "the cookie `{name}`"),
        }
    }
}

/// An entry of OpenAPI's `components.securitySchemes`.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityScheme(pub serde_json::Value);

/// Why a credential was not accepted.
#[derive(Debug)]
#[non_exhaustive]
pub enum Rejection {
    /// It no longer counts, and nobody chose to send it: a stale cookie. Taken as absent.
    Stale,
    /// It cannot be read.
    Malformed,
    /// It is wrong, expired, revoked, or its owner is inactive. Never says which.
    Invalid,
    /// There is more than one.
    Ambiguous,
    /// A cookie came along with a request that another site made.
    CrossSite,
    /// It came over cleartext from elsewhere.
    Cleartext,
    /// Too many attempts: when to try again, in seconds.
    TooMany(u64),
    /// What is needed to check it is away.
    Unavailable(BoxError),
    /// A fault of ours.
    Internal(BoxError),
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale => f.write_str("the credential no longer counts"),
            Self::Malformed => f.write_str("the credential cannot be read"),
            Self::Invalid => f.write_str("the credential is not valid"),
            Self::Ambiguous => f.write_str("there is more than one credential"),
            Self::CrossSite => f.write_str("another site made the request that a cookie came with"),
            Self::Cleartext => f.write_str("the credential came over cleartext"),
            Self::TooMany(seconds) => write!(f, "too many attempts; wait {seconds} seconds"),
            Self::Unavailable(_) => f.write_str("what is needed to check the credential is away"),
            Self::Internal(_) => f.write_str("the credential could not be checked"),
        }
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unavailable(source) | Self::Internal(source) => Some(&**source),
            _ => None,
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Stale | Rejection::Malformed | Rejection::Invalid => {
                Self::new(ProblemKind::InvalidCredential)
            }
            Rejection::Ambiguous => Self::new(ProblemKind::TwoCredentials),
            Rejection::CrossSite => Self::new(ProblemKind::CrossSite),
            Rejection::Cleartext => Self::new(ProblemKind::Cleartext),
            Rejection::TooMany(seconds) => {
                Self::new(ProblemKind::TooManyRequests).retry_after(seconds)
            }
            Rejection::Unavailable(source) => {
                Self::new(ProblemKind::Unavailable).retry_after(1).source(source)
            }
            Rejection::Internal(source) => Self::internal(source),
        }
    }
}
