//! The variable parts of the path.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use serde_json::{Map, Value};

use super::fields::{is_well_escaped, scalar};
use super::fit::{Part, note_serde};
use crate::openapi::{Describe, OperationBuilder, PathInput, Published, Schema, child};
use crate::problem::{BodyFault, Problem, ProblemKind};

/// The variable parts of the path: one value for `/items/{id}`, a tuple in the path's order, or a
/// struct whose fields bear the path's names.
///
/// Refusals: 400 where an escape is broken or the bytes are not UTF-8, 422 where it does not fit.
/// Whether the route's path has what `T` asks for is checked when the routes are finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path<T>(pub T);

impl<T: PathInput, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if !is_well_escaped(parts.uri.path()) {
            return Err(Part::Path.malformed("cannot be decoded"));
        }
        let captures = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| Part::Path.malformed("is not UTF-8"))?;
        let captures: Vec<(&str, &str)> = captures.iter().collect();
        let published = Published::of::<T>();
        let value = value(published.schema(), &captures);
        if published.fits(&value)
            && let Ok(read) = T::deserialize(&value)
        {
            return Ok(Self(read));
        }
        let mut faults = published.faults(&value);
        if let Err(error) = serde_path_to_error::deserialize::<_, T>(&value) {
            note_serde(error.path(), &value, &mut faults);
        }
        let faults = faults.into_iter().map(|fault| named(fault, &value, &captures)).collect();
        Err(Part::Path.invalid(faults))
    }
}

fn value(schema: Schema<'_>, captures: &[(&str, &str)]) -> Value {
    if let Some(members) = schema.members() {
        let texts = captures.iter().map(|(_, text)| (*text).to_owned());
        return members.into_iter().zip(texts).map(|(of, text)| scalar(of, text)).collect();
    }
    let properties = schema.properties();
    match captures {
        [(_, text)] if properties.is_empty() && !schema.types().contains("object") => {
            scalar(schema, (*text).to_owned())
        }
        _ => {
            let mut fields = Map::new();
            for (name, text) in captures {
                let of = properties.iter().find(|property| property.name == *name);
                let text = (*text).to_owned();
                let one = of.map_or(Value::String(text.clone()), |of| scalar(of.schema, text));
                fields.insert((*name).to_owned(), one);
            }
            fields.into()
        }
    }
}

/// The same fault, at the name the path gives the part.
fn named(fault: BodyFault, value: &Value, captures: &[(&str, &str)]) -> BodyFault {
    let position = match value {
        Value::Object(_) => return fault,
        Value::Array(_) => fault.pointer.trim_start_matches('/').parse().unwrap_or_default(),
        _ => 0_usize,
    };
    let name = captures.get(position).map_or("", |(name, _)| name);
    BodyFault { pointer: child("", name), detail: fault.detail }
}

impl<T: PathInput> Describe for Path<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.path_parameters::<T>();
        operation.problem(ProblemKind::Malformed);
        operation.problem(ProblemKind::Invalid);
    }
}
