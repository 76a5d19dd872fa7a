//! The schema of a type as published, compiled once, and every fault it finds in a value.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::judge::Judge;
use super::shape::Schema;
use crate::problem::BodyFault;

/// The schema of a type, as the document publishes it for a request.
pub(crate) struct Published {
    root: Value,
    judge: Result<Judge, String>,
}

/// One for each type that was ever asked for. It is derived from types alone and never changes,
/// so that it may outlive any gate; a generic function cannot have a static of its own.
static KNOWN: LazyLock<RwLock<HashMap<TypeId, Arc<Published>>>> = LazyLock::new(RwLock::default);

impl Published {
    /// The schema of `T`.
    pub(crate) fn of<T: JsonSchema + 'static>() -> Arc<Self> {
        let id = TypeId::of::<T>();
        if let Some(known) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Arc::clone(known);
        }
        let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
        let made = Arc::new(Self::new(schema.to_value()));
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(id).or_insert(made))
    }

    fn new(root: Value) -> Self {
        let judge = Judge::new(&root);
        Self { root, judge }
    }

    /// The schema itself.
    pub(crate) fn schema(&self) -> Schema<'_> {
        Schema::new(&self.root, &self.root)
    }

    /// What is wrong with the schema itself, if anything.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.judge.as_ref().err().map(String::as_str)
    }

    /// Whether the value fits. A schema that cannot be compiled, which `Routes::finish` refuses,
    /// fits nothing.
    pub(crate) fn fits(&self, value: &Value) -> bool {
        self.judge.as_ref().is_ok_and(|judge| judge.fits(&self.root, value))
    }

    /// The faults of the value: all of them, a hundred at the most, or without the feature
    /// `all-faults` the first.
    pub(crate) fn faults(&self, value: &Value) -> Vec<BodyFault> {
        self.judge.as_ref().map_or_else(|_| Vec::new(), |judge| judge.faults(&self.root, value))
    }
}

/// The pointer of a field below `parent` (RFC 6901 §3).
pub(crate) fn child(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}
