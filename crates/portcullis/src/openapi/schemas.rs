//! The schemas of a document: one for each type, or two where a type reads otherwise than it sends.

use std::collections::{BTreeMap, BTreeSet};

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
    input: Direction,
    output: Direction,
}

/// The schemas of what is read, or of what is sent.
struct Direction {
    generator: SchemaGenerator,
    /// Of the types that routes name: name and identity to the name the generator gave.
    named: BTreeMap<String, BTreeMap<String, String>>,
}

impl Direction {
    fn new(settings: SchemaSettings) -> Self {
        Self { generator: settings.into_generator(), named: BTreeMap::new() }
    }

    fn subschema<T: JsonSchema + ?Sized>(&mut self) -> Value {
        let schema = self.generator.subschema_for::<T>().to_value();
        let target = schema.get("$ref").and_then(Value::as_str);
        if let Some(given) = target.and_then(|target| target.strip_prefix(HOME)) {
            let ids = self.named.entry(T::schema_name().into_owned()).or_default();
            ids.insert(T::schema_id().into_owned(), given.to_owned());
        }
        schema
    }

    /// The definitions, under names that do not hang on the order of routes; and the names that
    /// changed.
    fn finish(mut self, wanted: &Names) -> (Map<String, Value>, BTreeMap<String, String>) {
        let definitions = self.generator.take_definitions(true);
        let mut changed: BTreeMap<String, String> = BTreeMap::new();
        for (name, ids) in &self.named {
            let new = |id: &String| wanted.get(&(name.clone(), id.clone()));
            let group: Vec<(String, String)> = ids
                .iter()
                .filter_map(|(id, given)| Some((given.clone(), new(id)?.clone())))
                .collect();
            // A type that no route names may have taken the name; then all stay as they are.
            let olds: BTreeSet<&String> = group.iter().map(|(old, _)| old).collect();
            if group.iter().all(|(_, new)| olds.contains(new) || !definitions.contains_key(new)) {
                changed.extend(group.into_iter().filter(|(old, new)| old != new));
            }
        }
        let mut all = Map::new();
        for (name, mut schema) in definitions {
            refer(&mut schema, &changed);
            all.insert(changed.get(&name).cloned().unwrap_or(name), schema);
        }
        (all, changed)
    }
}

/// Name and identity of a type to the name it has in the document.
type Names = BTreeMap<(String, String), String>;

/// Types of one name are told apart by the module they are in. The first by the alphabet keeps the
/// name, so that `v1::Item` is called the same when `v2::Item` is added.
fn names(directions: [&Direction; 2]) -> Names {
    let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, known) in directions.into_iter().flat_map(|direction| &direction.named) {
        ids.entry(name).or_default().extend(known.keys().map(String::as_str));
    }
    let mut names = Names::new();
    for (name, ids) in ids.into_iter().filter(|(_, ids)| ids.len() > 1) {
        let mut taken = BTreeSet::new();
        for id in ids {
            let mut modules = id.split('<').next().unwrap_or(id).rsplit("::").skip(1);
            let mut new = name.to_owned();
            while !taken.insert(new.clone()) {
                new = match modules.next() {
                    Some(module) => capitals(module) + &new,
                    None => format!("{new}_"),
                };
            }
            names.insert((name.to_owned(), id.to_owned()), new);
        }
    }
    names
}

/// Changes references to definitions that got another name.
pub(super) fn refer(schema: &mut Value, changed: &BTreeMap<String, String>) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(|item| refer(item, changed)),
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(target) if key == "$ref" => {
                        let new = target.strip_prefix(HOME).and_then(|name| changed.get(name));
                        if let Some(new) = new {
                            *target = format!("{HOME}{new}");
                        }
                    }
                    other => refer(other, changed),
                }
            }
        }
        _ => {}
    }
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings =
            || SchemaSettings::draft2020_12().with(|own| own.definitions_path = HOME.into());
        Self {
            input: Direction::new(settings().for_deserialize()),
            output: Direction::new(settings().for_serialize()),
        }
    }

    /// What is read: a reference, or the schema itself where it is short.
    pub(super) fn read<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.input.subschema::<T>()
    }

    /// What is read, without a name of its own.
    pub(super) fn read_inline<T: JsonSchema + ?Sized>(&mut self) -> Value {
        T::json_schema(&mut self.input.generator).to_value()
    }

    /// What is sent.
    pub(super) fn sent<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.output.subschema::<T>()
    }

    /// The schemas read so far, for looking up references.
    pub(super) fn read_so_far(&self) -> Value {
        let definitions = self.input.generator.definitions().clone();
        serde_json::json!({"components": {"schemas": definitions}})
    }

    /// All schemas by name, and how those that are read must be spoken of.
    pub(super) fn finish(self) -> (Map<String, Value>, Renamed) {
        let wanted = names([&self.input, &self.output]);
        let (mut read, input) = self.input.finish(&wanted);
        let (mut all, output) = self.output.finish(&wanted);
        name_variants(&mut read);
        name_variants(&mut all);
        let renamed = Renamed { input, output, apart: Renamed::apart(&read, &all) };
        for (name, mut schema) in read {
            renamed.set_apart(&mut schema);
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
    Some(capitals(field))
}

/// `recent_login` as `RecentLogin`.
fn capitals(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let capitals = words.filter_map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    });
    capitals.collect()
}

/// How types are spoken of whose name changed, or whose two directions differ.
pub(super) struct Renamed {
    input: BTreeMap<String, String>,
    output: BTreeMap<String, String>,
    apart: BTreeSet<String>,
}

impl Renamed {
    fn apart(read: &Map<String, Value>, sent: &Map<String, Value>) -> BTreeSet<String> {
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
                return apart;
            }
        }
    }

    /// Changes the references in a schema that an operation reads.
    pub(super) fn apply(&self, schema: &mut Value) {
        refer(schema, &self.input);
        self.set_apart(schema);
    }

    /// Changes the references in a schema that an operation sends.
    pub(super) fn apply_sent(&self, schema: &mut Value) {
        refer(schema, &self.output);
    }

    fn name(&self, name: &str) -> String {
        if self.apart.contains(name) { format!("{name}Input") } else { name.to_owned() }
    }

    fn set_apart(&self, schema: &mut Value) {
        let new = |name: &String| (name.clone(), self.name(name));
        refer(schema, &self.apart.iter().map(new).collect());
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

    mod v1 {
        #[derive(schemars::JsonSchema)]
        #[expect(dead_code, reason = "only described")]
        pub(super) struct Item {
            name: String,
        }
    }

    mod v2 {
        #[derive(schemars::JsonSchema)]
        #[expect(dead_code, reason = "only described")]
        pub(super) struct Item {
            name: String,
            price: f64,
        }
    }

    /// Faults §14: schemas were renamed when a route was added.
    #[test]
    fn a_name_does_not_hang_on_the_order_of_routes() {
        let fields = |all: &Map<String, Value>, name: &str| {
            all[name]["properties"].as_object().map(Map::len)
        };
        let mut alone = Schemas::new();
        alone.sent::<v1::Item>();
        assert_eq!(fields(&alone.finish().0, "Item"), Some(1));
        for newest_first in [false, true] {
            let mut schemas = Schemas::new();
            let (mut one, mut two) = if newest_first {
                let two = schemas.sent::<v2::Item>();
                (schemas.sent::<v1::Item>(), two)
            } else {
                (schemas.sent::<v1::Item>(), schemas.sent::<v2::Item>())
            };
            let mut read = schemas.read::<v2::Item>();
            let (all, renamed) = schemas.finish();
            assert_eq!((fields(&all, "Item"), fields(&all, "V2Item")), (Some(1), Some(2)));
            renamed.apply_sent(&mut one);
            renamed.apply_sent(&mut two);
            renamed.apply(&mut read);
            assert_eq!(one, serde_json::json!({"$ref": "#/components/schemas/Item"}));
            assert_eq!(two, serde_json::json!({"$ref": "#/components/schemas/V2Item"}));
            assert_eq!(read, two);
        }
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
