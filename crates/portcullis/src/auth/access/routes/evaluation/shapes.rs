//! The questions and the answers (AuthZEN §5 to §7).

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Unanswered;
use crate::auth::{Supposed, Why};
use crate::policy::{Reasons, Requirement};
use crate::types::{Scope, Timestamp};

/// A subject or a resource.
#[derive(Clone, Deserialize, JsonSchema, Validate)]
pub(super) struct Entity {
    /// What kind of thing it is.
    #[garde(length(chars, min = 1, max = 100))]
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// Which one.
    #[garde(length(chars, min = 1, max = 2000))]
    pub(super) id: String,
    /// What else is known of it.
    #[garde(skip)]
    #[serde(default)]
    pub(super) properties: Option<Map<String, Value>>,
}

/// What is to be done.
#[derive(Clone, Deserialize, JsonSchema, Validate)]
pub(super) struct Action {
    /// An HTTP method, or the name of a permission or its last part.
    #[garde(length(chars, min = 1, max = 100))]
    pub(super) name: String,
    /// What else is known of it. Not looked at.
    #[garde(skip)]
    #[serde(default, rename = "properties")]
    _properties: Option<Map<String, Value>>,
}

/// The circumstances. What is left out is not known.
#[derive(Clone, Default, Deserialize, JsonSchema, Validate)]
pub(super) struct Circumstances {
    /// When (RFC 3339). Now where it is left out.
    #[garde(skip)]
    #[serde(default)]
    time: Option<String>,
    /// From which address.
    #[garde(skip)]
    #[serde(default)]
    ip_address: Option<String>,
    /// Another word for `ip_address`.
    #[garde(skip)]
    #[serde(default)]
    address: Option<String>,
    /// From which country, two letters.
    #[garde(skip)]
    #[serde(default)]
    country: Option<String>,
    /// When the subject last proved who they are (RFC 3339).
    #[garde(skip)]
    #[serde(default)]
    since: Option<String>,
    /// Whether a second factor was given.
    #[garde(skip)]
    #[serde(default)]
    second_factor: Option<bool>,
    /// The scopes the credential is limited to, with spaces between. All where it is left out.
    #[garde(skip)]
    #[serde(default)]
    scope: Option<String>,
}

/// One question.
#[derive(Deserialize, JsonSchema, Validate)]
pub(super) struct Evaluation {
    /// Who.
    #[garde(dive)]
    pub(super) subject: Entity,
    /// Does what.
    #[garde(dive)]
    pub(super) action: Action,
    /// To what.
    #[garde(dive)]
    pub(super) resource: Entity,
    /// Under which circumstances.
    #[garde(dive)]
    #[serde(default)]
    pub(super) context: Option<Circumstances>,
}

/// One of many questions. What it leaves out is taken from what stands beside the list.
#[derive(Deserialize, JsonSchema, Validate)]
pub(super) struct OneOfMany {
    /// Who.
    #[garde(dive)]
    #[serde(default)]
    pub(super) subject: Option<Entity>,
    /// Does what.
    #[garde(dive)]
    #[serde(default)]
    pub(super) action: Option<Action>,
    /// To what.
    #[garde(dive)]
    #[serde(default)]
    pub(super) resource: Option<Entity>,
    /// Under which circumstances.
    #[garde(dive)]
    #[serde(default)]
    pub(super) context: Option<Circumstances>,
}

/// Many questions.
#[derive(Deserialize, JsonSchema, Validate)]
pub(super) struct Batch {
    /// Who, where a question does not say.
    #[garde(dive)]
    #[serde(default)]
    pub(super) subject: Option<Entity>,
    /// Does what, where a question does not say.
    #[garde(dive)]
    #[serde(default)]
    pub(super) action: Option<Action>,
    /// To what, where a question does not say.
    #[garde(dive)]
    #[serde(default)]
    pub(super) resource: Option<Entity>,
    /// Under which circumstances, where a question does not say.
    #[garde(dive)]
    #[serde(default)]
    pub(super) context: Option<Circumstances>,
    /// The questions. Without any, what stands beside it is the only one.
    #[garde(length(max = 100), dive)]
    #[serde(default)]
    pub(super) evaluations: Option<Vec<OneOfMany>>,
    /// How they are answered.
    #[garde(skip)]
    #[serde(default)]
    pub(super) options: Option<Options>,
}

/// How many questions are answered.
#[derive(Default, Deserialize, JsonSchema)]
pub(super) struct Options {
    /// Whether to go on after a decision. All are answered where it is left out.
    #[serde(default)]
    pub(super) evaluations_semantic: Option<Semantic>,
}

/// Whether to go on after a decision.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Semantic {
    /// Answer all.
    #[default]
    ExecuteAll,
    /// Stop after the first that is refused.
    DenyOnFirstDeny,
    /// Stop after the first that is permitted.
    PermitOnFirstPermit,
}

/// One answer, or many.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Answer {
    /// To a question without a list.
    One(Box<Decision>),
    /// To a list.
    Many(Answers),
}

/// The decisions, in the order of the questions.
#[derive(Serialize, JsonSchema)]
pub(super) struct Answers {
    /// As many as were answered.
    pub(super) evaluations: Vec<Decision>,
}

/// Whether they may, and why.
#[derive(Serialize, JsonSchema)]
pub(super) struct Decision {
    /// Whether they may, for certain.
    pub(super) decision: bool,
    /// Why.
    context: Grounds,
}

/// What a decision rests on.
#[derive(Default, Serialize, JsonSchema)]
struct Grounds {
    /// In a sentence.
    reason: String,
    /// The route that was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    /// What is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    requires: Option<String>,
    /// Whether the subject may sign in at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<bool>,
    /// What speaks for and against, term by term.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<Reasons>,
    /// The circumstances it was judged under.
    #[serde(skip_serializing_if = "Option::is_none")]
    assumed: Option<Assumed>,
    /// Why the question could not be answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
}

/// The circumstances of a decision, as the question has them: they are no facts about any request.
#[derive(Serialize, JsonSchema)]
struct Assumed {
    /// When (RFC 3339).
    time: Option<String>,
    /// From which address; `null` where that is not known.
    ip_address: Option<String>,
    /// From which country, two letters; `null` where that is not known. It does not follow from the
    /// address.
    country: Option<String>,
    /// When the subject last proved who they are (RFC 3339); `null` where that is not known.
    since: Option<String>,
    /// Whether a second factor was given.
    second_factor: bool,
    /// The scopes the credential is limited to, with spaces between; `null` where it has no limit.
    scope: Option<String>,
}

impl From<&Supposed> for Assumed {
    fn from(supposed: &Supposed) -> Self {
        let scopes = supposed.scopes.as_ref();
        Self {
            time: supposed.at.map(|at| at.to_string()),
            ip_address: supposed.address.map(|address| address.to_string()),
            country: supposed.country.map(|letters| letters.map(char::from).iter().collect()),
            since: supposed.authenticated_at.map(|at| at.to_string()),
            second_factor: supposed.second_factor,
            scope: scopes.map(|all| all.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")),
        }
    }
}

/// Why a question could not be answered.
#[derive(Serialize, JsonSchema)]
pub(super) struct Fault {
    /// What a question by itself would have been answered with.
    pub(super) status: u16,
    /// What is wrong with it.
    pub(super) message: String,
}

impl Decision {
    /// As the auth explain it.
    pub(super) fn of(
        why: Why,
        route: Option<String>,
        what: &Requirement,
        supposed: &Supposed,
    ) -> Self {
        let reason = if why.active || why.open {
            why.reasons.outcome.to_string()
        } else {
            "the subject is inactive: refused everywhere (401)".to_owned()
        };
        Self {
            decision: why.is_permitted(),
            context: Grounds {
                reason,
                route,
                requires: Some(what.to_string()),
                active: Some(why.active),
                reasons: Some(why.reasons),
                assumed: Some(supposed.into()),
                error: None,
            },
        }
    }

    /// Refused before anything was judged.
    pub(super) fn refused(reason: String) -> Self {
        Self { decision: false, context: Grounds { reason, ..Grounds::default() } }
    }

    /// Not answered.
    pub(super) fn faulty(fault: Fault) -> Self {
        let reason = "The question cannot be read.".to_owned();
        let context = Grounds { reason, error: Some(fault), ..Grounds::default() };
        Self { decision: false, context }
    }
}

impl Circumstances {
    /// What they suppose.
    pub(super) fn suppose(&self) -> Result<Supposed, Unanswered> {
        let malformed = |pointer, detail: &str| Unanswered::Malformed(pointer, detail.to_owned());
        let moment = |pointer, text: &Option<String>| {
            let read = |text: &String| text.parse::<Timestamp>();
            text.as_ref().map(read).transpose().map_err(|_| {
                malformed(pointer, "is no moment: write it like 2026-03-02T09:00:00Z.")
            })
        };
        let address = self.ip_address.as_ref().or(self.address.as_ref());
        let address = address
            .map(|text| text.parse())
            .transpose()
            .map_err(|_| malformed("/context/ip_address", "is no address."))?;
        let letters = |text: &String| match text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok([a.to_ascii_uppercase(), b.to_ascii_uppercase()])
            }
            _ => Err(malformed("/context/country", "is no country: write two letters.")),
        };
        let scopes = |text: &String| {
            let each = text.split(' ').filter(|name| !name.is_empty()).map(Scope::parse);
            each.collect::<Result<_, _>>()
        };
        Ok(Supposed {
            at: moment("/context/time", &self.time)?,
            address,
            country: self.country.as_ref().map(letters).transpose()?,
            authenticated_at: moment("/context/since", &self.since)?,
            second_factor: self.second_factor.unwrap_or_default(),
            scopes: self
                .scope
                .as_ref()
                .map(scopes)
                .transpose()
                .map_err(|fault| malformed("/context/scope", &fault.to_string()))?,
            ..Supposed::default()
        })
    }
}
