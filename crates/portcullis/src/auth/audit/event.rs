//! Something that happened, on its way into the log.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::Action;
use super::{AuditEntry, AuditOutcome, AuditTarget};
use crate::auth::Actor;
use crate::types::Timestamp;

/// The most characters of one detail that are kept.
const LONGEST: usize = 200;
/// The most members of a list that are kept.
const MOST: usize = 50;

/// Something that happened.
///
/// Details are for names, numbers and yes or no, under keys fixed in code: never a secret, nor
/// anything a stranger typed that could be one.
///
/// ```
/// use portcullis::auth::{Action, Actor, AuditTarget, Event};
///
/// let event = Event::new(&Actor::command_line(), Action::RoleAssigned)
///     .on(AuditTarget::new("user", "0192f3a0", "ada"))
///     .detail("role", "editor");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Event {
    actor: AuditTarget,
    address: Option<String>,
    request_id: Option<String>,
    action: Action,
    subject: Option<AuditTarget>,
    outcome: AuditOutcome,
    details: Map<String, Value>,
}

/// What makes one event a repeat of another: the same happened to the same actor at the same address.
pub(super) type RepeatKey = (Action, AuditOutcome, Cow<'static, str>, String, Option<String>);

impl Event {
    /// What it is a repeat of.
    pub(super) fn repeat_key(&self) -> RepeatKey {
        let AuditTarget { kind, id, .. } = &self.actor;
        (self.action, self.outcome, kind.clone(), id.clone(), self.address.clone())
    }

    /// Something that somebody did.
    pub fn new(actor: &Actor, action: Action) -> Self {
        Self {
            actor: actor.target.clone(),
            address: actor.address.map(|address| address.to_string()),
            request_id: actor.request_id.as_ref().map(ToString::to_string),
            action,
            subject: None,
            outcome: AuditOutcome::Success,
            details: Map::new(),
        }
    }

    /// To whom, or to what.
    pub fn on(mut self, subject: AuditTarget) -> Self {
        self.subject = Some(subject);
        self
    }

    /// It was tried and refused.
    pub fn failed(mut self) -> Self {
        self.outcome = AuditOutcome::Failure;
        self
    }

    /// Adds a name; cut at 200 characters.
    pub fn detail(self, key: &'static str, name: &str) -> Self {
        self.with(key, cut(name).into())
    }

    /// Adds names; the first fifty.
    pub fn names<N: ToString>(self, key: &'static str, names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter().take(MOST).map(|name| cut(&name.to_string()).into());
        self.with(key, Value::Array(names.collect()))
    }

    /// Adds a number.
    pub fn count(self, key: &'static str, number: u64) -> Self {
        self.with(key, number.into())
    }

    /// Adds a yes or no.
    pub fn flag(self, key: &'static str, yes: bool) -> Self {
        self.with(key, yes.into())
    }

    fn with(mut self, key: &'static str, value: Value) -> Self {
        self.details.insert(key.to_owned(), value);
        self
    }

    /// As the log keeps it.
    pub(in crate::auth) fn at(self, at: Timestamp) -> AuditEntry {
        AuditEntry {
            at,
            action: Cow::Borrowed(self.action.as_str()),
            outcome: self.outcome,
            actor: self.actor,
            subject: self.subject,
            address: self.address,
            request_id: self.request_id,
            details: Value::Object(self.details).to_string(),
        }
    }
}

fn cut(name: &str) -> String {
    name.chars().take(LONGEST).collect()
}
