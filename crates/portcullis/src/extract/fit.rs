//! Does a value fit its type? On the happy path serde and garde alone decide; only where they say
//! no does the published schema list every fault at once.

use serde_json::Value;
use serde_path_to_error::Segment;

use crate::openapi::{CheckFault, Input, Published, child, sentence};
use crate::problem::{BodyFault, Problem, ProblemKind};

/// The part of a request that is at fault.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Body,
    Query,
    Path,
}

impl Part {
    /// The whole sentence, with its verb.
    pub(super) fn that(self, verb: &str) -> String {
        let name = match self {
            Self::Body => "body",
            Self::Query => "query",
            Self::Path => "path",
        };
        format!("The {name} {verb}.")
    }

    pub(super) fn malformed(self, verb: &str) -> Problem {
        Problem::new(ProblemKind::Malformed).detail(self.that(verb))
    }

    pub(super) fn invalid(self, mut faults: Vec<BodyFault>) -> Problem {
        faults.sort();
        faults.dedup();
        Problem::new(ProblemKind::Invalid)
            .detail(self.that("does not fit the schema"))
            .faults(faults)
    }
}

/// The value, where it keeps to its own rules.
pub(super) fn validated<T: Input>(value: T) -> Result<T, Vec<CheckFault>> {
    let faults = value.check();
    if faults.is_empty() { Ok(value) } else { Err(faults) }
}

/// Reads a `T` out of a value.
pub(super) fn read<T: Input>(value: &Value, part: Part) -> Result<T, Problem> {
    match T::deserialize(value).map(validated::<T>) {
        Ok(Ok(read)) => Ok(read),
        _ => Err(misfit::<T>(value, part)),
    }
}

/// Every fault of a value that is no `T`.
pub(super) fn misfit<T: Input>(value: &Value, part: Part) -> Problem {
    let mut faults = Published::of::<T>().faults(value);
    match serde_path_to_error::deserialize::<_, T>(value) {
        Ok(read) => {
            if let Err(broken) = validated(read) {
                faults.extend(broken.into_iter().map(|fault| BodyFault {
                    pointer: field_pointer(&fault.path, value),
                    detail: fault.detail,
                }));
            }
        }
        Err(error) => note_serde(error.path(), value, &mut faults),
    }
    if faults.is_empty() {
        faults.push(fault(String::new()));
    }
    part.invalid(faults)
}

/// Adds what serde objects to, where nobody else spoke of that place. Serde's own words may hold
/// the value, so they are not used.
pub(super) fn note_serde(
    path: &serde_path_to_error::Path,
    value: &Value,
    faults: &mut Vec<BodyFault>,
) {
    let pointer = serde_pointer(path, value);
    if !faults.iter().any(|known| known.pointer.starts_with(&pointer)) {
        faults.push(fault(pointer));
    }
}

fn fault(pointer: String) -> BodyFault {
    BodyFault { pointer, detail: sentence::DOES_NOT_FIT.to_owned() }
}

fn serde_pointer(path: &serde_path_to_error::Path, value: &Value) -> String {
    let mut pointer = String::new();
    for segment in path {
        let deeper = match segment {
            Segment::Seq { index } => format!("{pointer}/{index}"),
            Segment::Map { key } => child(&pointer, key),
            // A variant stands in the text only where it is a field's name.
            Segment::Enum { variant } => {
                let field = child(&pointer, variant);
                if value.pointer(&field).is_some() { field } else { continue }
            }
            Segment::Unknown => break,
        };
        pointer = deeper;
    }
    pointer
}

/// A check speaks of Rust's fields, a pointer of JSON's: they differ where serde renames.
fn field_pointer(path: &[String], value: &Value) -> String {
    let mut pointer = String::new();
    let mut here = Some(value);
    for name in path.iter().map(String::as_str) {
        match here {
            Some(Value::Array(items)) => {
                pointer = child(&pointer, name);
                here = name.parse().ok().and_then(|index: usize| items.get(index));
            }
            Some(Value::Object(fields)) => {
                let plain = |text: &str| text.replace(['_', '-'], "").to_lowercase();
                let known = fields
                    .keys()
                    .find(|key| *key == name)
                    .or_else(|| fields.keys().find(|key| plain(key) == plain(name)));
                pointer = child(&pointer, known.map_or(name, String::as_str));
                here = known.and_then(|key| fields.get(key));
            }
            // A newtype has no step of its own in JSON.
            Some(_) => {}
            None => pointer = child(&pointer, name),
        }
    }
    pointer
}
