//! The rules, checked and ready: every header value that may be sent is already made.

use std::fmt;
use std::sync::Arc;

use http::header::{HeaderName, ORIGIN};
use http::{HeaderMap, HeaderValue};

use super::lists::Predicate;
use crate::types::{Origin, OriginRule};

/// Rules that passed every check. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct CorsRules(pub(super) Arc<Compiled>);

/// What [`CorsRules`] hold. The default allows nobody.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    /// What these rules are called in an explanation, such as `cors`.
    pub(super) section: String,
    pub(super) origins: Allowed,
    pub(super) methods: Names,
    pub(super) headers: Names,
    pub(super) expose: Names,
    pub(super) credentials: bool,
    pub(super) max_age: Option<HeaderValue>,
    pub(super) private_network: bool,
    /// What the answer to a preflight depends on. `None` where nobody is allowed anything.
    pub(super) preflight_vary: Option<HeaderValue>,
}

#[derive(Default)]
pub(super) enum Allowed {
    #[default]
    Nobody,
    Anybody,
    Listed {
        /// Sorted by their bytes.
        exact: Vec<HeaderValue>,
        patterns: Vec<OriginRule>,
        /// All of them, as they were given, for whoever asks.
        all: Vec<OriginRule>,
    },
    When(Predicate),
}

impl fmt::Debug for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("Nobody"),
            Self::Anybody => f.write_str("Anybody"),
            Self::Listed { all, .. } => f.debug_tuple("Listed").field(all).finish(),
            Self::When(_) => f.write_str("When(…)"),
        }
    }
}

/// Methods or header names, and the value that lists them.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) any: bool,
    pub(super) list: Vec<String>,
    pub(super) value: Option<HeaderValue>,
}

/// What the rules make of a request's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The value of `Access-Control-Allow-Origin`.
    Granted(HeaderValue),
    /// There is none, so there is nothing to say to.
    NoOrigin,
    Refused,
}

impl CorsRules {
    /// What the rules make of the origin that these headers name. Depends on nothing else.
    pub(super) fn judge(&self, headers: &HeaderMap) -> Verdict {
        if matches!(self.0.origins, Allowed::Anybody) {
            // The same for everybody, asked or not: a cache may keep it.
            return Verdict::Granted(HeaderValue::from_static("*"));
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Verdict::NoOrigin,
            (Some(origin), None) => self.0.origins.grant(origin),
            (Some(_), Some(_)) => Verdict::Refused,
        }
    }

    /// Whether the answer depends on `Origin`, so that a cache must be told, whoever asks.
    pub(super) fn varies(&self) -> bool {
        self.0.origins.vary()
    }

    /// The origins named by these rules whose pages may send credentials. They belong to those that
    /// `Csrf::trust` is told of. Empty where a predicate decides.
    #[must_use]
    pub fn credentialed_origins(&self) -> &[OriginRule] {
        match &self.0.origins {
            Allowed::Listed { all, .. } if self.0.credentials => all,
            _ => &[],
        }
    }

    /// Whether any page of another origin may read anything.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.0.origins, Allowed::Nobody)
    }
}

impl Allowed {
    fn vary(&self) -> bool {
        matches!(self, Self::Listed { .. } | Self::When(_))
    }

    /// See [`Compiled::preflight_vary`].
    pub(super) fn preflight_vary(&self, private_network: bool) -> Option<HeaderValue> {
        let private = REQUEST_PRIVATE_NETWORK;
        let names: &[(bool, &str)] = &[
            (self.vary(), "origin"),
            (true, "access-control-request-method"),
            (true, "access-control-request-headers"),
            (private_network, private.as_str()),
        ];
        let names: Vec<_> = names.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
        if matches!(self, Self::Nobody) {
            return None;
        }
        HeaderValue::from_str(&names.join(", ")).ok()
    }

    pub(super) fn grant(&self, origin: &HeaderValue) -> Verdict {
        let bytes = origin.as_bytes();
        match self {
            Self::Nobody => Verdict::Refused,
            Self::Anybody => Verdict::Granted(HeaderValue::from_static("*")),
            Self::Listed { exact, patterns, .. } => {
                if let Ok(at) = exact.binary_search_by(|known| known.as_bytes().cmp(bytes)) {
                    Verdict::Granted(exact[at].clone())
                } else if patterns.iter().any(|pattern| pattern.matches(bytes)) {
                    Verdict::Granted(origin.clone())
                } else {
                    Verdict::Refused
                }
            }
            Self::When(allowed) => {
                let is_allowed = origin
                    .to_str()
                    .ok()
                    .filter(|text| text.parse::<Origin>().is_ok())
                    .is_some_and(|text| allowed(text));
                if is_allowed { Verdict::Granted(origin.clone()) } else { Verdict::Refused }
            }
        }
    }
}

impl Names {
    pub(super) fn new(list: Vec<String>, any: bool) -> Self {
        let value = if any {
            Some(std::iter::once("*").chain(list.iter().map(String::as_str)).collect::<Vec<_>>())
        } else if list.is_empty() {
            None
        } else {
            Some(list.iter().map(String::as_str).collect())
        };
        // Only tokens come here, and a header can carry every one of them.
        let value = value.and_then(|names| HeaderValue::from_str(&names.join(", ")).ok());
        Self { any, list, value }
    }

    pub(super) fn has_method(&self, method: &str) -> bool {
        self.list.iter().any(|known| known == method)
    }

    pub(super) fn has_header(&self, name: &str) -> bool {
        self.list.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// Headers of the private network proposal, which `http` does not know.
pub(super) const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
pub(super) const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");
