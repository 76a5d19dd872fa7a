//! From stored conditions to ones that can be asked, the application's own among them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::conditions::{
    AllOf, AnyOf, Countries, Moment, NotThis, OpenHours, RecentLogin, SecondFactor, Within,
};
use crate::types::{Condition, ConditionSpec, InvalidCondition};

/// How deep conditions may be nested.
const DEEPEST: usize = 8;

/// How many members one condition may have: each condition in it, each network, country and weekday that
/// it lists, and each value in the parameters of an application's own.
pub const CONDITION_MEMBERS: usize = 100;

type Make = dyn Fn(&Value) -> Result<Arc<dyn Condition>, InvalidCondition> + Send + Sync;

/// The conditions an application added, by name.
///
/// ```
/// use std::sync::Arc;
/// use portcullis::policy::Conditions;
/// use portcullis::policy::conditions::RecentLogin;
///
/// // Stored as {"custom": {"name": "fresh", "parameters": {}}}.
/// let conditions = Conditions::new().with("fresh", |_| Ok(Arc::new(RecentLogin::within(60))));
/// ```
#[derive(Clone, Default)]
pub struct Conditions {
    own: BTreeMap<String, Arc<Make>>,
    no_second_factor: bool,
}

impl fmt::Debug for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.own.keys()).finish()
    }
}

impl Conditions {
    /// Only the built-in ones.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition of the application's own. `make` gets the parameters a grant stores.
    #[must_use]
    pub fn with<F>(mut self, name: &str, make: F) -> Self
    where
        F: Fn(&Value) -> Result<Arc<dyn Condition>, InvalidCondition> + Send + Sync + 'static,
    {
        self.own.insert(name.to_owned(), Arc::new(make));
        self
    }

    /// Refuses conditions on a second factor: nothing gives one here, so such an allowance would never
    /// count and such a denial always.
    #[must_use]
    pub fn without_second_factor(mut self) -> Self {
        self.no_second_factor = true;
        self
    }

    /// Makes a stored condition ready to be asked.
    ///
    /// # Errors
    /// [`InvalidCondition`], with a sentence on what is wrong: an unknown time zone, an empty list, a
    /// name nobody registered, more than [`CONDITION_MEMBERS`].
    pub fn compile(&self, spec: &ConditionSpec) -> Result<Arc<dyn Condition>, InvalidCondition> {
        self.locate(spec).map_err(|(_, fault)| fault)
    }

    /// As [`compile`](Self::compile), and says which member is wrong, as a JSON pointer within the
    /// condition.
    ///
    /// ```
    /// use portcullis::policy::Conditions;
    /// use portcullis::types::ConditionSpec;
    ///
    /// let spec = ConditionSpec::All(vec![ConditionSpec::SecondFactor(true), ConditionSpec::RecentLogin(0)]);
    /// let (pointer, fault) = Conditions::new().locate(&spec).unwrap_err();
    /// assert_eq!(pointer, "/all/1/recent_login");
    /// assert_eq!(fault.to_string(), "a recent login of 0 seconds never holds");
    /// ```
    ///
    /// # Errors
    /// As [`compile`](Self::compile).
    pub fn locate(
        &self,
        spec: &ConditionSpec,
    ) -> Result<Arc<dyn Condition>, (String, InvalidCondition)> {
        if members(spec) > CONDITION_MEMBERS {
            let most = format!("it has more than {CONDITION_MEMBERS} members");
            return Err((String::new(), InvalidCondition(most)));
        }
        self.compile_at(spec, 0, "")
    }

    fn compile_at(
        &self,
        spec: &ConditionSpec,
        depth: usize,
        above: &str,
    ) -> Result<Arc<dyn Condition>, (String, InvalidCondition)> {
        let here = format!("{above}/{}", kind(spec));
        let at = |fault: InvalidCondition| (here.clone(), fault);
        let wrong = |fault: &str| at(InvalidCondition(fault.to_owned()));
        if depth > DEEPEST {
            return Err(wrong(&format!("conditions are nested deeper than {DEEPEST}")));
        }
        let each = |clauses: &[ConditionSpec]| {
            if clauses.is_empty() {
                return Err(wrong("a list of conditions is empty"));
            }
            let clauses = clauses.iter().enumerate();
            clauses
                .map(|(number, one)| self.compile_at(one, depth + 1, &format!("{here}/{number}")))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match spec {
            ConditionSpec::Hours(hours) => Arc::new(OpenHours::new(hours).map_err(at)?),
            ConditionSpec::Networks(networks) => Arc::new(Within::new(networks).map_err(at)?),
            ConditionSpec::NotBefore(moment) => Arc::new(Moment::NotBefore(*moment)),
            ConditionSpec::NotAfter(moment) => Arc::new(Moment::NotAfter(*moment)),
            ConditionSpec::RecentLogin(0) => {
                return Err(wrong("a recent login of 0 seconds never holds"));
            }
            ConditionSpec::RecentLogin(seconds) => Arc::new(RecentLogin::within(*seconds)),
            ConditionSpec::SecondFactor(_) if self.no_second_factor => {
                return Err(wrong(
                    "nothing here gives a second factor, so `second_factor` would never hold",
                ));
            }
            ConditionSpec::SecondFactor(true) => Arc::new(SecondFactor),
            ConditionSpec::SecondFactor(false) => Arc::new(NotThis(Arc::new(SecondFactor))),
            ConditionSpec::Countries(codes) => Arc::new(Countries::new(codes).map_err(at)?),
            ConditionSpec::All(clauses) => Arc::new(AllOf(each(clauses)?)),
            ConditionSpec::Any(clauses) => Arc::new(AnyOf(each(clauses)?)),
            ConditionSpec::Not(spec) => {
                Arc::new(NotThis(self.compile_at(spec, depth + 1, &here)?))
            }
            ConditionSpec::Custom { name, parameters } => match self.own.get(name) {
                Some(make) => make(parameters).map_err(at)?,
                None => return Err(wrong(&format!("no condition is registered as {name:?}"))),
            },
        })
    }
}

/// The name of a condition's kind, as its JSON has it.
fn kind(spec: &ConditionSpec) -> &'static str {
    match spec {
        ConditionSpec::Hours(_) => "hours",
        ConditionSpec::Networks(_) => "networks",
        ConditionSpec::NotBefore(_) => "not_before",
        ConditionSpec::NotAfter(_) => "not_after",
        ConditionSpec::RecentLogin(_) => "recent_login",
        ConditionSpec::SecondFactor(_) => "second_factor",
        ConditionSpec::Countries(_) => "countries",
        ConditionSpec::All(_) => "all",
        ConditionSpec::Any(_) => "any",
        ConditionSpec::Not(_) => "not",
        ConditionSpec::Custom { .. } => "custom",
    }
}

/// How many members a condition has.
pub(crate) fn members(spec: &ConditionSpec) -> usize {
    1 + match spec {
        // One for each day is no more than the whole.
        ConditionSpec::Hours(hours) => hours.weekdays.len().saturating_sub(7),
        ConditionSpec::Networks(networks) => networks.len(),
        ConditionSpec::Countries(codes) => codes.len(),
        ConditionSpec::All(each) | ConditionSpec::Any(each) => each.iter().map(members).sum(),
        ConditionSpec::Not(spec) => members(spec),
        ConditionSpec::Custom { parameters, .. } => values(parameters),
        _ => 0,
    }
}

fn values(parameters: &Value) -> usize {
    match parameters {
        Value::Array(items) => items.iter().map(|item| 1 + values(item)).sum(),
        Value::Object(fields) => fields.values().map(|value| 1 + values(value)).sum(),
        _ => 0,
    }
}

/// What a stored condition becomes that can no longer be asked: never known, so that an allowance
/// under it does not count and a denial does.
#[derive(Clone, Copy, Debug)]
#[cfg(feature = "auth")]
pub(crate) struct Unknown;

#[cfg(feature = "auth")]
impl Condition for Unknown {
    fn explain(&self) -> std::borrow::Cow<'static, str> {
        "under a condition this server does not know".into()
    }

    fn holds(&self, _: &crate::types::Principal) -> bool {
        false
    }

    fn is_known(&self, _: &crate::types::Principal) -> bool {
        false
    }
}
