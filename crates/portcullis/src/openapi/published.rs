//! The schema of a type as published, compiled once, and every fault it finds in a value.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::sentence;
use super::shape::Schema;
use crate::problem::BodyFault;

/// The most faults that one answer lists.
const MOST: usize = 100;

/// The schema of a type, as the document publishes it for a request.
pub(crate) struct Published {
    root: Value,
    validator: Result<Validator, String>,
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
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .offline()
            .build(&root)
            // The message speaks of the schema, not of any request.
            .map_err(|error| error.to_string());
        Self { root, validator }
    }

    /// The schema itself.
    pub(crate) fn schema(&self) -> Schema<'_> {
        Schema::new(&self.root, &self.root)
    }

    /// What is wrong with the schema itself, if anything.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.validator.as_ref().err().map(String::as_str)
    }

    /// Whether the value fits. A schema that cannot be compiled, which `Routes::finish` refuses,
    /// fits nothing.
    pub(crate) fn fits(&self, value: &Value) -> bool {
        self.validator.as_ref().is_ok_and(|validator| validator.is_valid(value))
    }

    /// Every fault of the value, a hundred at the most.
    pub(crate) fn faults(&self, value: &Value) -> Vec<BodyFault> {
        let mut found = Vec::new();
        if let Ok(validator) = &self.validator {
            for error in validator.iter_errors(value).take(MOST) {
                note(&error, &mut found);
            }
        }
        found.truncate(MOST);
        found
    }
}

fn note(error: &ValidationError<'_>, found: &mut Vec<BodyFault>) {
    let here = error.instance_path().as_str();
    let mut add = |pointer: String, detail: String| found.push(BodyFault { pointer, detail });
    let detail = sentence::of(error.kind()).into_owned();
    match error.kind() {
        ValidationErrorKind::Required { property: Value::String(name) } => {
            add(child(here, name), detail);
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                add(child(here, name), detail.clone());
            }
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            match meant(here, context) {
                Some(branch) => branch.iter().for_each(|inner| note(inner, found)),
                None => add(here.to_owned(), detail),
            }
        }
        _ => add(here.to_owned(), detail),
    }
}

/// Which of several forms the sender meant, where that can be told: the only one that is at least
/// of the right type, or the only one whose faults all lie deeper inside.
fn meant<'a>(
    here: &str,
    branches: &'a [Vec<ValidationError<'static>>],
) -> Option<&'a [ValidationError<'static>]> {
    let another_type = |error: &ValidationError<'_>| {
        error.instance_path().as_str() == here
            && matches!(
                error.kind(),
                ValidationErrorKind::Type { .. } | ValidationErrorKind::Constant { .. }
            )
    };
    let alone = |wanted: &dyn Fn(&[ValidationError<'static>]) -> bool| {
        let mut fitting = branches.iter().map(Vec::as_slice).filter(|branch| wanted(branch));
        fitting.next().filter(|_| fitting.next().is_none())
    };
    alone(&|branch| !branch.iter().any(another_type)).or_else(|| {
        alone(&|branch| branch.iter().all(|error| error.instance_path().as_str() != here))
    })
}

/// The pointer of a field below `parent` (RFC 6901 §3).
pub(crate) fn child(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}
