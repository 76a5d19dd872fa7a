//! The body of a problem, and where its type is described.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{BodyFault, ConfigError};

/// What stands before a problem's short name where the application names nothing else.
const URN: &str = "urn:portcullis:problem:";

/// What stands before a problem's short name in `type`, such as `https://errors.example/`.
#[derive(Clone, Debug)]
pub(crate) struct TypeBase(Arc<str>);

impl Default for TypeBase {
    fn default() -> Self {
        Self(URN.into())
    }
}

impl TypeBase {
    /// Takes an absolute URI to which a short name can be appended.
    ///
    /// # Errors
    /// [`ConfigError`] where it is none.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let absolute = text.split_once(':').is_some_and(|(scheme, rest)| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(plain)
                && !rest.is_empty()
        });
        let readable =
            text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
        if absolute && readable && text.ends_with(['/', ':', '#', '=']) {
            Ok(Self(text.into()))
        } else {
            Err(ConfigError::one(
                "problem_types",
                format!("{text:?} is no absolute URI that a short name can follow"),
                "write it like `https://errors.example/` or `urn:example:`",
            ))
        }
    }

    /// The `type` of the problem of this short name. One that is an absolute URI stays as it is.
    fn uri(&self, name: &str) -> Cow<'static, str> {
        if name.contains(':') { name.to_owned().into() } else { format!("{}{name}", self.0).into() }
    }
}

/// The body of a problem, left in the answer's extensions so that the frame around every route
/// can add `instance` once the request's id is known.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem", description = "A refusal (RFC 9457).")]
pub(crate) struct ProblemBody {
    /// Which refusal it is: `urn:portcullis:problem:…`, stable for ever.
    #[serde(rename = "type")]
    pub(super) kind: Cow<'static, str>,
    /// The same for every refusal of this type.
    pub(super) title: Cow<'static, str>,
    /// The HTTP status.
    pub(super) status: u16,
    /// What is wrong this time.
    pub(super) detail: Cow<'static, str>,
    /// The request's id, as in `X-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instance: Option<Arc<str>>,
    /// What the caller lacks, with a 403.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) missing: Vec<String>,
    /// What does not fit, with a 422.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) errors: Vec<BodyFault>,
    /// The application's own members.
    #[serde(flatten)]
    #[schemars(skip)]
    pub(super) more: Map<String, Value>,
}

impl ProblemBody {
    /// The short name of the refusal, for the log.
    pub(crate) fn reason(&self) -> Cow<'static, str> {
        self.kind.clone()
    }

    /// The same body, naming the request it answers, with a `type` under this base.
    pub(crate) fn at(mut self, instance: Arc<str>, base: &TypeBase) -> Body {
        self.instance = Some(instance);
        self.into_body(base)
    }

    /// The bytes, with a `type` under this base. Before, `kind` is the short name alone.
    pub(super) fn into_body(mut self, base: &TypeBase) -> Body {
        self.kind = base.uri(&self.kind);
        // A body of strings always serializes.
        Body::from(serde_json::to_vec(&self).unwrap_or_default())
    }
}
