//! The first fault of a value, by the rules of JSON Schema that types are published with.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use crate::openapi::child;
use crate::openapi::sentence::{self, DOES_NOT_FIT, REQUIRED, UNKNOWN};
use crate::problem::BodyFault;

/// How many references and forms are followed without a step into the value.
const DEEPEST: u8 = 64;

/// The keywords that say nothing of a value, or that are read together with another.
const SILENT: [&str; 15] = [
    "$schema",
    "$id",
    "$defs",
    "definitions",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentEncoding",
    "contentMediaType",
    "discriminator",
];

/// The keywords whose value is a list of schemas.
const LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];

/// The keywords whose value is one schema.
const SINGLE: [&str; 4] = ["items", "additionalProperties", "not", "propertyNames"];

/// The keywords whose value is no schema.
const PLAIN: [&str; 18] = [
    "$ref",
    "type",
    "enum",
    "const",
    "format",
    "required",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];

/// Knows that a schema has no rule but those that this module judges by.
pub(crate) struct Judge;

type Verdict = Result<(), BodyFault>;

#[expect(clippy::unused_self, reason = "as the judge of every fault, which is compiled")]
impl Judge {
    /// # Errors
    /// Where the schema has a rule that needs the feature `all-faults`, such as a pattern.
    pub(crate) fn new(root: &Value) -> Result<Self, String> {
        known(root).map(|()| Self)
    }

    pub(crate) fn fits(&self, root: &Value, value: &Value) -> bool {
        judged(root, root, value, "", 0).is_ok()
    }

    pub(crate) fn faults(&self, root: &Value, value: &Value) -> Vec<BodyFault> {
        judged(root, root, value, "", 0).err().into_iter().collect()
    }
}

/// Whether every keyword of a schema is judged by.
fn known(schema: &Value) -> Result<(), String> {
    let Some(object) = schema.as_object() else { return Ok(()) };
    for (keyword, value) in object {
        match keyword.as_str() {
            "$defs" | "definitions" | "properties" => {
                value.as_object().into_iter().flat_map(Map::values).try_for_each(known)?;
            }
            name if LISTS.contains(&name) => {
                value.as_array().into_iter().flatten().try_for_each(known)?;
            }
            name if SINGLE.contains(&name) => known(value)?,
            name if PLAIN.contains(&name) || SILENT.contains(&name) || name.starts_with("x-") => {}
            other => return Err(format!("`{other}` in it needs the feature `all-faults`")),
        }
    }
    Ok(())
}

fn fault(here: &str, detail: impl Into<String>) -> Verdict {
    Err(BodyFault { pointer: here.to_owned(), detail: detail.into() })
}

/// Judges a value by the schema that stands for its place.
fn judged(root: &Value, schema: &Value, value: &Value, here: &str, depth: u8) -> Verdict {
    let rules = match schema {
        Value::Object(rules) if depth < DEEPEST => rules,
        Value::Bool(true) => return Ok(()),
        _ => return fault(here, DOES_NOT_FIT),
    };
    if let Some(reference) = rules.get("$ref").and_then(Value::as_str) {
        let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        let Some(target) = target else { return fault(here, DOES_NOT_FIT) };
        judged(root, target, value, here, depth + 1)?;
    }
    is_typed(rules, value, here)?;
    is_chosen(rules, value, here)?;
    match value {
        Value::Number(number) => in_range(rules, number, here)?,
        Value::String(text) => {
            in_length(rules, "minLength", "maxLength", text.chars().count(), here)?;
            is_formatted(rules, text, here)?;
        }
        Value::Array(items) => list(root, rules, items, here)?,
        Value::Object(fields) => object(root, rules, fields, here)?,
        Value::Null | Value::Bool(_) => {}
    }
    forms(root, rules, value, here, depth)
}

fn is_typed(rules: &Map<String, Value>, value: &Value, here: &str) -> Verdict {
    let names: Vec<&str> = match rules.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    let fits = names.iter().any(|name| match *name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_number().is_some_and(is_whole),
        _ => false,
    });
    if fits { Ok(()) } else { fault(here, sentence::typed(&names)) }
}

fn is_whole(number: &Number) -> bool {
    !number.is_f64() || number.as_f64().is_some_and(|float| float.fract() == 0.0)
}

fn is_chosen(rules: &Map<String, Value>, value: &Value, here: &str) -> Verdict {
    if let Some(options) = rules.get("enum")
        && !options.as_array().is_some_and(|options| options.contains(value))
    {
        return fault(here, sentence::one_of(options));
    }
    match rules.get("const") {
        Some(expected) if expected != value => fault(here, format!("must be {expected}")),
        _ => Ok(()),
    }
}

/// Numbers in order, without loss where both are whole.
fn compared(one: &Number, other: &Number) -> Option<Ordering> {
    let whole = |number: &Number| {
        number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
    };
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

fn in_range(rules: &Map<String, Value>, number: &Number, here: &str) -> Verdict {
    let against = |keyword: &str| {
        let limit = rules.get(keyword)?;
        Some((limit, compared(number, limit.as_number()?)?))
    };
    if let Some((limit, Ordering::Less)) = against("minimum") {
        return fault(here, sentence::at_least(limit));
    }
    if let Some((limit, Ordering::Greater)) = against("maximum") {
        return fault(here, sentence::at_most(limit));
    }
    if let Some((limit, Ordering::Less | Ordering::Equal)) = against("exclusiveMinimum") {
        return fault(here, format!("must be more than {}", sentence::number(limit)));
    }
    if let Some((limit, Ordering::Greater | Ordering::Equal)) = against("exclusiveMaximum") {
        return fault(here, format!("must be less than {}", sentence::number(limit)));
    }
    match rules.get("multipleOf").and_then(Value::as_f64).zip(number.as_f64()) {
        Some((step, number)) if step != 0.0 && (number / step).fract() != 0.0 => {
            fault(here, format!("must be a multiple of {step}"))
        }
        _ => Ok(()),
    }
}

fn in_length(
    rules: &Map<String, Value>,
    least: &str,
    most: &str,
    length: usize,
    here: &str,
) -> Verdict {
    let limit = |keyword: &str| {
        rules.get(keyword).and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok())
    };
    match (limit(least), limit(most)) {
        (Some(least), _) if length < least => fault(here, sentence::no_shorter(least)),
        (_, Some(most)) if length > most => fault(here, sentence::no_longer(most)),
        _ => Ok(()),
    }
}

fn is_formatted(rules: &Map<String, Value>, text: &str, here: &str) -> Verdict {
    let Some(format) = rules.get("format").and_then(Value::as_str) else { return Ok(()) };
    let fits = match format {
        "uuid" => text.len() == 36 && uuid::Uuid::parse_str(text).is_ok(),
        "ip" => text.parse::<std::net::IpAddr>().is_ok(),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "uri" => text.parse::<http::Uri>().is_ok_and(|uri| uri.scheme().is_some()),
        "email" => text.split_once('@').is_some_and(|(before, behind)| {
            let plain = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
            plain(before) && plain(behind) && !behind.contains('@')
        }),
        // Others name a type of Rust, which serde reads: `uint32`, `double`.
        _ => true,
    };
    if fits { Ok(()) } else { fault(here, sentence::formatted(format)) }
}

fn list(root: &Value, rules: &Map<String, Value>, items: &[Value], here: &str) -> Verdict {
    in_length(rules, "minItems", "maxItems", items.len(), here)?;
    let members = rules.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for (index, item) in items.iter().enumerate() {
        if let Some(schema) = members.get(index).or_else(|| rules.get("items")) {
            judged(root, schema, item, &format!("{here}/{index}"), 0)?;
        }
    }
    if rules.get("uniqueItems") == Some(&Value::Bool(true)) {
        let mut seen = HashSet::new();
        if !items.iter().all(|item| seen.insert(in_one_order(item).to_string())) {
            return fault(here, "must not have the same item twice");
        }
    }
    Ok(())
}

/// The same value, its fields in the order of the alphabet.
fn in_one_order(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(in_one_order).collect(),
        Value::Object(fields) => {
            let mut fields: Map<String, Value> =
                fields.iter().map(|(name, field)| (name.clone(), in_one_order(field))).collect();
            fields.sort_keys();
            Value::Object(fields)
        }
        plain => plain.clone(),
    }
}

fn object(
    root: &Value,
    rules: &Map<String, Value>,
    fields: &Map<String, Value>,
    here: &str,
) -> Verdict {
    let required = rules.get("required").and_then(Value::as_array);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            return fault(&child(here, name), REQUIRED);
        }
    }
    in_length(rules, "minProperties", "maxProperties", fields.len(), here)?;
    let properties = rules.get("properties").and_then(Value::as_object);
    for (name, field) in fields {
        let place = child(here, name);
        if let Some(schema) = rules.get("propertyNames") {
            judged(root, schema, &Value::String(name.clone()), &place, 0)?;
        }
        match (properties.and_then(|known| known.get(name)), rules.get("additionalProperties")) {
            (None, Some(Value::Bool(false))) => return fault(&place, UNKNOWN),
            (Some(schema), _) | (None, Some(schema)) => judged(root, schema, field, &place, 0)?,
            (None, None) => {}
        }
    }
    Ok(())
}

fn forms(
    root: &Value,
    rules: &Map<String, Value>,
    value: &Value,
    here: &str,
    depth: u8,
) -> Verdict {
    let all = |keyword: &str| rules.get(keyword).and_then(Value::as_array);
    let fits = |form: &&Value| judged(root, form, value, here, depth + 1).is_ok();
    for form in all("allOf").into_iter().flatten() {
        judged(root, form, value, here, depth + 1)?;
    }
    if let Some(forms) = all("anyOf")
        && !forms.iter().any(|form| fits(&form))
    {
        return nearest(root, forms, value, here, depth);
    }
    if let Some(forms) = all("oneOf") {
        match forms.iter().filter(fits).take(2).count() {
            0 => return nearest(root, forms, value, here, depth),
            1 => {}
            _ => return fault(here, "fits more than one form that may stand here"),
        }
    }
    match rules.get("not") {
        Some(form) if fits(&form) => fault(here, DOES_NOT_FIT),
        _ => Ok(()),
    }
}

/// The fault of the form that was meant: the only one whose fault lies deepest inside.
fn nearest(root: &Value, forms: &[Value], value: &Value, here: &str, depth: u8) -> Verdict {
    let mut faults: Vec<BodyFault> = forms
        .iter()
        .filter_map(|form| judged(root, form, value, here, depth + 1).err())
        .filter(|fault| fault.pointer != here && fault.detail != UNKNOWN)
        .collect();
    let steps = |fault: &BodyFault| fault.pointer.matches('/').count();
    let deepest = faults.iter().map(steps).max();
    faults.retain(|fault| Some(steps(fault)) == deepest);
    match <[BodyFault; 1]>::try_from(faults) {
        Ok([fault]) => Err(fault),
        Err(_) => fault(here, "fits none of the forms that may stand here"),
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use schemars::generate::SchemaSettings;
    use serde_json::json;

    use super::*;

    #[derive(JsonSchema)]
    #[schemars(deny_unknown_fields)]
    #[expect(dead_code, reason = "only described")]
    struct Thing {
        #[schemars(length(min = 1, max = 3))]
        name: String,
        #[schemars(range(min = 0, max = 9))]
        small: i64,
        large: u64,
        price: Option<f64>,
        #[schemars(length(max = 2))]
        tags: Vec<String>,
        kind: Kind,
        pair: (u8, String),
        id: Option<uuid::Uuid>,
        inner: Option<Box<Thing>>,
    }

    #[derive(JsonSchema)]
    #[schemars(rename_all = "snake_case")]
    #[expect(dead_code, reason = "only described")]
    enum Kind {
        Plain,
        Weighed { grams: u32 },
        Many(Vec<Kind>),
    }

    fn schema() -> Value {
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Thing>().to_value()
    }

    fn right() -> Value {
        json!({
            "name": "abc", "small": 0, "large": u64::MAX, "price": 1.5, "tags": ["a"],
            "kind": {"weighed": {"grams": 3}}, "pair": [1, "a"],
            "id": "00000000-0000-7000-8000-000000000000",
            "inner": null,
        })
    }

    /// Each place, and a value that does not fit there.
    const WRONG: [(&str, &str); 19] = [
        ("/name", "\"\""),
        ("/name", "\"abcd\""),
        ("/name", "1"),
        ("/small", "-1"),
        ("/small", "10"),
        ("/small", "1.5"),
        ("/large", "-1"),
        ("/price", "\"1\""),
        ("/tags", "[\"a\", \"b\", \"c\"]"),
        ("/tags/0", "1"),
        ("/kind", "\"other\""),
        ("/kind/weighed", "{}"),
        ("/kind/weighed/grams", "-1"),
        ("/kind", "{\"many\": [\"other\"]}"),
        ("/pair", "[1]"),
        ("/pair/0", "\"a\""),
        ("/id", "\"00000000\""),
        ("/inner", "{}"),
        ("/more", "1"),
    ];

    #[test]
    fn the_first_fault_is_found_where_it_is() {
        let root = schema();
        let judge = Judge::new(&root).unwrap();
        assert!(judge.fits(&root, &right()), "{:?}", judge.faults(&root, &right()));
        let faults = |value: &Value| judge.faults(&root, value);
        let mut value = right();
        value["small"] = json!(10);
        assert_eq!(faults(&value)[0].pointer, "/small");
        assert_eq!(faults(&value)[0].detail, "must be at most 9");
        value = right();
        value.as_object_mut().unwrap().remove("name");
        assert_eq!(faults(&value)[0].pointer, "/name");
        assert_eq!(faults(&value)[0].detail, REQUIRED);
        value = right();
        value["kind"]["weighed"]["grams"] = json!("x");
        assert_eq!(faults(&value)[0].pointer, "/kind/weighed/grams");
    }

    /// The judge of all faults is the oracle.
    #[test]
    fn it_agrees_with_a_validator_for_all_of_json_schema() {
        let root = schema();
        let judge = Judge::new(&root).unwrap();
        let oracle = jsonschema::options().should_validate_formats(true).build(&root).unwrap();
        for (place, wrong) in WRONG {
            let mut value = right();
            let new: Value = serde_json::from_str(wrong).unwrap();
            match value.pointer_mut(place) {
                Some(here) => *here = new,
                None => value["more"] = new,
            }
            assert!(!oracle.is_valid(&value), "{value}");
            assert!(!judge.fits(&root, &value), "{value}");
            let nested = {
                let mut nested = right();
                nested["inner"] = value;
                nested
            };
            assert!(!judge.fits(&root, &nested), "{nested}");
        }
        let mut nested = right();
        nested["inner"] = right();
        assert!(oracle.is_valid(&nested) && judge.fits(&root, &nested));
    }

    #[test]
    fn a_rule_that_it_does_not_know_is_refused() {
        for schema in [
            json!({"pattern": "^a"}),
            json!({"properties": {"a": {"pattern": "^a"}}}),
            json!({"$defs": {"a": {"anyOf": [{"if": true}]}}}),
        ] {
            assert!(Judge::new(&schema).err().unwrap().contains("all-faults"), "{schema}");
        }
    }
}
