//! The schemas of a document: one for each type, or two where a type reads otherwise than it sends.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value};

/// Where OpenAPI keeps schemas.
const HOME: &str = "#/components/schemas/";

/// Gathers the schemas of everything that a document speaks of.
///
/// A field with a default may be left out of a request and always stands in an answer, so that the
/// two directions are gathered apart.
pub(super) struct Schemas {
    input: SchemaGenerator,
    output: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings =
            || SchemaSettings::draft2020_12().with(|own| own.definitions_path = HOME.into());
        Self {
            input: settings().for_deserialize().into_generator(),
            output: settings().for_serialize().into_generator(),
        }
    }

    /// What is read: a reference, or the schema itself where it is short.
    pub(super) fn read<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.input.subschema_for::<T>().to_value()
    }

    /// What is read, without a name of its own.
    pub(super) fn read_inline<T: JsonSchema + ?Sized>(&mut self) -> Value {
        T::json_schema(&mut self.input).to_value()
    }

    /// What is sent.
    pub(super) fn sent<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.output.subschema_for::<T>().to_value()
    }

    /// The schemas read so far, for looking up references.
    pub(super) fn read_so_far(&self) -> Value {
        let definitions = self.input.definitions().clone();
        serde_json::json!({"components": {"schemas": definitions}})
    }

    /// All schemas by name, and how those that are read must be spoken of.
    pub(super) fn finish(mut self) -> (Map<String, Value>, Renamed) {
        let mut read = self.input.take_definitions(true);
        let mut all = self.output.take_definitions(true);
        name_variants(&mut read);
        name_variants(&mut all);
        let renamed = Renamed::apart(&read, &all);
        for (name, mut schema) in read {
            renamed.apply(&mut schema);
            all.insert(renamed.name(&name), schema);
        }
        all.sort_keys();
        (all, renamed)
    }
}

/// Gives each form of a type that refers to itself a name of its own: generators of clients cannot
/// read a schema that is endless where it stands.
fn name_variants(all: &mut Map<String, Value>) {
    let taken: BTreeSet<String> = all.keys().cloned().collect();
    let mut named = Map::new();
    for (name, schema) in all.iter_mut() {
        let own = BTreeSet::from([name.clone()]);
        if !refers_to_any(schema, &own) {
            continue;
        }
        for keyword in ["oneOf", "anyOf"] {
            let branches = schema.get_mut(keyword).and_then(Value::as_array_mut);
            for branch in branches.into_iter().flatten() {
                let Some(variant) = variant(branch) else { continue };
                let full = format!("{name}{variant}");
                if taken.contains(&full) || named.contains_key(&full) {
                    continue;
                }
                let reference = serde_json::json!({"$ref": format!("{HOME}{full}")});
                named.insert(full, std::mem::replace(branch, reference));
            }
        }
    }
    all.extend(named);
}

/// The name of a form: of the one field that it must have, in capitals where words begin.
fn variant(branch: &Value) -> Option<String> {
    let [Value::String(field)] = branch.get("required")?.as_array()?.as_slice() else {
        return None;
    };
    let words = field.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let capitals = words.map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    });
    capitals.collect()
}

/// The types whose two directions differ.
pub(super) struct Renamed(BTreeSet<String>);

impl Renamed {
    fn apart(read: &Map<String, Value>, sent: &Map<String, Value>) -> Self {
        let mut apart = BTreeSet::new();
        loop {
            let before = apart.len();
            for (name, schema) in read {
                let differs = sent.get(name).is_some_and(|other| other != schema);
                let leans = sent.contains_key(name) && refers_to_any(schema, &apart);
                if differs || leans {
                    apart.insert(name.clone());
                }
            }
            if apart.len() == before {
                return Self(apart);
            }
        }
    }

    fn name(&self, name: &str) -> String {
        if self.0.contains(name) { format!("{name}Input") } else { name.to_owned() }
    }

    /// Changes the references in a schema that is read.
    pub(super) fn apply(&self, schema: &mut Value) {
        match schema {
            Value::Array(items) => items.iter_mut().for_each(|item| self.apply(item)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    match value {
                        Value::String(target) if key == "$ref" => {
                            if let Some(name) = target.strip_prefix(HOME) {
                                *target = format!("{HOME}{}", self.name(name));
                            }
                        }
                        other => self.apply(other),
                    }
                }
            }
            _ => {}
        }
    }
}

fn refers_to_any(schema: &Value, names: &BTreeSet<String>) -> bool {
    match schema {
        Value::Array(items) => items.iter().any(|item| refers_to_any(item, names)),
        Value::Object(fields) => fields.iter().any(|(key, value)| match value {
            Value::String(target) if key == "$ref" => {
                target.strip_prefix(HOME).is_some_and(|name| names.contains(name))
            }
            other => refers_to_any(other, names),
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(JsonSchema, serde::Serialize)]
    #[serde(rename_all = "snake_case")]
    #[expect(dead_code, reason = "only described")]
    enum Tree {
        OneLeaf(u8),
        Branches(Vec<Tree>),
        Bare,
    }

    /// Faults §14: generators of clients dropped operations that speak of an inline form.
    #[test]
    fn each_form_of_a_type_that_refers_to_itself_has_a_name() {
        let mut schemas = Schemas::new();
        let tree = schemas.sent::<Tree>();
        let (all, _) = schemas.finish();
        assert_eq!(tree, serde_json::json!({"$ref": "#/components/schemas/Tree"}));
        let names: Vec<_> = all.keys().collect();
        assert_eq!(names, ["Tree", "TreeBranches", "TreeOneLeaf"]);
        let branches = &all["TreeBranches"]["properties"]["branches"]["items"];
        assert_eq!(*branches, serde_json::json!({"$ref": "#/components/schemas/Tree"}));
        assert!(all["Tree"]["oneOf"].to_string().contains("#/components/schemas/TreeOneLeaf"));
    }
}
