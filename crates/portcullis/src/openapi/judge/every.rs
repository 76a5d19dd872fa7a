//! Every fault of a value, by a validator for all of JSON Schema.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use crate::openapi::child;
use crate::openapi::sentence::kind;
use crate::problem::BodyFault;

/// The most faults that one answer lists.
const MOST: usize = 100;

/// A schema, compiled.
pub(crate) struct Judge(Validator);

impl Judge {
    /// # Errors
    /// Where it is no schema. The message speaks of the schema, not of any request.
    pub(crate) fn new(root: &Value) -> Result<Self, String> {
        jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .offline()
            .build(root)
            .map(Self)
            .map_err(|error| error.to_string())
    }

    pub(crate) fn fits(&self, _root: &Value, value: &Value) -> bool {
        self.0.is_valid(value)
    }

    pub(crate) fn faults(&self, _root: &Value, value: &Value) -> Vec<BodyFault> {
        let mut found = Vec::new();
        for error in self.0.iter_errors(value).take(MOST) {
            note(&error, &mut found);
        }
        found.truncate(MOST);
        found
    }
}

fn note(error: &ValidationError<'_>, found: &mut Vec<BodyFault>) {
    let here = error.instance_path().as_str();
    let mut add = |pointer: String, detail: String| found.push(BodyFault { pointer, detail });
    let detail = kind::of(error.kind()).into_owned();
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
                None => {
                    let unknown = unknown_to_all(here, context);
                    if unknown.is_empty() {
                        add(here.to_owned(), detail);
                    }
                    for (name, detail) in unknown {
                        add(child(here, name), detail);
                    }
                }
            }
        }
        _ => add(here.to_owned(), detail),
    }
}

/// The members that none of several forms has, each with what is said of it.
fn unknown_to_all<'a>(
    here: &str,
    branches: &'a [Vec<ValidationError<'static>>],
) -> Vec<(&'a str, String)> {
    let unknown = |branch: &'a [ValidationError<'static>]| {
        let of_here = branch.iter().filter(|error| error.instance_path().as_str() == here);
        of_here.flat_map(|error| match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let detail = kind::of(error.kind()).into_owned();
                unexpected.iter().map(|name| (name.as_str(), detail.clone())).collect()
            }
            _ => Vec::new(),
        })
    };
    let Some((first, rest)) = branches.split_first() else { return Vec::new() };
    unknown(first)
        .filter(|(name, _)| rest.iter().all(|branch| unknown(branch).any(|one| one.0 == *name)))
        .collect()
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
