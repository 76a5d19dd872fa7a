//! Named text (a form, a query, a path) turned into the JSON value that a schema expects.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};

use super::fit::Part;
use crate::openapi::Schema;
use crate::problem::Problem;

/// Splits `a=1&b=2`, decoding each name and value. `None` where a percent sign is not followed by
/// two hexadecimal digits, or the bytes are not UTF-8.
pub(super) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(name)?, decoded(value)?))
        })
        .collect()
}

/// A name or value of a form, decoded; `None` where it cannot be.
pub(super) fn decoded(text: &str) -> Option<String> {
    unescaped(text, b' ')
}

/// Decodes a part of a path, in which a plus sign is one. `None` where it cannot be decoded.
pub(crate) fn decoded_path(text: &str) -> Option<String> {
    unescaped(text, b'+')
}

fn unescaped(text: &str, plus: u8) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => plus,
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Whether every percent sign begins an escape (RFC 3986 §2.1).
pub(super) fn is_well_escaped(path: &str) -> bool {
    path.split('%')
        .skip(1)
        .all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|digit| digit.is_ascii_hexdigit()))
}

/// What becomes of a name that the type does not have and that stands there twice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Nothing.
    Ignored,
    /// It is refused (RFC 6749 §3.2: parameters must not be included more than once).
    Refused,
}

/// The object that these pairs make.
pub(super) fn object(
    pairs: Vec<(String, String)>,
    schema: Schema<'_>,
    part: Part,
    unknown: Unknown,
) -> Result<Value, Problem> {
    let properties: HashMap<&str, Schema<'_>> =
        schema.properties().into_iter().map(|one| (one.name, one.schema)).collect();
    let mut fields = Map::new();
    for (name, text) in pairs {
        let known = properties.get(name.as_str()).copied();
        match known {
            Some(list) if list.is_list() => {
                let item = list.items().map_or(Value::String(text.clone()), |of| scalar(of, text));
                let entry = fields.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(items) = entry {
                    items.push(item);
                }
            }
            _ if fields.contains_key(&name) => {
                if known.is_some() || unknown == Unknown::Refused {
                    return Err(part.malformed("has a parameter more than once"));
                }
            }
            Some(one) => {
                fields.insert(name, scalar(one, text));
            }
            None => {
                fields.insert(name, Value::String(text));
            }
        }
    }
    Ok(Value::Object(fields))
}

/// Text read as the type that may stand there; text where it cannot be read as such, for the
/// schema to object to.
pub(super) fn scalar(schema: Schema<'_>, text: String) -> Value {
    let types = schema.types();
    if types.contains("string") || types.is_empty() {
        return Value::String(text);
    }
    let integer = || {
        let unsigned = text.parse::<u64>().ok().map(Number::from);
        unsigned.or_else(|| text.parse::<i64>().ok().map(Number::from))
    };
    let float = || text.parse::<f64>().ok().and_then(Number::from_f64);
    let number = match (types.contains("integer"), types.contains("number")) {
        (_, true) => integer().or_else(float),
        (true, false) => integer(),
        _ => None,
    };
    if let Some(number) = number {
        return Value::Number(number);
    }
    match text.as_str() {
        "true" if types.contains("boolean") => Value::Bool(true),
        "false" if types.contains("boolean") => Value::Bool(false),
        "" if types.contains("null") => Value::Null,
        _ => Value::String(text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn broken_escapes_and_broken_utf_8_are_not_read() {
        for broken in ["a=%", "a=%4", "a=%zz", "%ff=1", "a=%C3%28", "a=%+1"] {
            assert_eq!(pairs(broken), None, "{broken}");
        }
        assert!(!is_well_escaped("/items/%"));
        assert!(!is_well_escaped("/items/%4"));
        assert!(!is_well_escaped("/items/%g0"));
        assert!(is_well_escaped("/items/%41%2F"));
    }

    #[test]
    fn empty_pairs_count_for_nothing() {
        let read = pairs("&a=1&&b&=c&");
        let text = |one: &str, two: &str| (one.to_owned(), two.to_owned());
        assert_eq!(read, Some(vec![text("a", "1"), text("b", ""), text("", "c")]));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(name in ".*", value in ".*") {
            let encode = |text: &str| -> String {
                let bytes: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
                bytes.concat()
            };
            let text = format!("{}={}", encode(&name), encode(&value));
            prop_assert!(is_well_escaped(&text));
            prop_assert_eq!(pairs(&text), Some(vec![(name, value)]));
        }
    }
}
