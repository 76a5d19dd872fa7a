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
    /// name nobody registered.
    pub fn compile(&self, spec: &ConditionSpec) -> Result<Arc<dyn Condition>, InvalidCondition> {
        self.compile_at(spec, 0)
    }

    fn compile_at(
        &self,
        spec: &ConditionSpec,
        depth: usize,
    ) -> Result<Arc<dyn Condition>, InvalidCondition> {
        if depth > DEEPEST {
            return Err(InvalidCondition(format!("conditions are nested deeper than {DEEPEST}")));
        }
        let each = |clauses: &[ConditionSpec]| {
            if clauses.is_empty() {
                return Err(InvalidCondition("a list of conditions is empty".to_owned()));
            }
            clauses.iter().map(|one| self.compile_at(one, depth + 1)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match spec {
            ConditionSpec::Hours(hours) => Arc::new(OpenHours::new(hours)?),
            ConditionSpec::Networks(networks) => Arc::new(Within::new(networks)?),
            ConditionSpec::NotBefore(moment) => Arc::new(Moment::NotBefore(*moment)),
            ConditionSpec::NotAfter(moment) => Arc::new(Moment::NotAfter(*moment)),
            ConditionSpec::RecentLogin(0) => {
                return Err(InvalidCondition("a recent login of 0 seconds never holds".to_owned()));
            }
            ConditionSpec::RecentLogin(seconds) => Arc::new(RecentLogin::within(*seconds)),
            ConditionSpec::SecondFactor(_) if self.no_second_factor => {
                return Err(InvalidCondition(
                    "nothing here gives a second factor, so `second_factor` would never hold"
                        .to_owned(),
                ));
            }
            ConditionSpec::SecondFactor(true) => Arc::new(SecondFactor),
            ConditionSpec::SecondFactor(false) => Arc::new(NotThis(Arc::new(SecondFactor))),
            ConditionSpec::Countries(codes) => Arc::new(Countries::new(codes)?),
            ConditionSpec::All(clauses) => Arc::new(AllOf(each(clauses)?)),
            ConditionSpec::Any(clauses) => Arc::new(AnyOf(each(clauses)?)),
            ConditionSpec::Not(spec) => Arc::new(NotThis(self.compile_at(spec, depth + 1)?)),
            ConditionSpec::Custom { name, parameters } => match self.own.get(name) {
                Some(make) => make(parameters)?,
                None => {
                    return Err(InvalidCondition(format!(
                        "no condition is registered as {name:?}"
                    )));
                }
            },
        })
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
