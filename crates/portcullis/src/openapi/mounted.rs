//! The document of a mounted router, put into ours.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::operation::OperationBuilder;
use super::schemas::{Renamed, Schemas};
use super::{RequirementWays, captures};
use crate::policy::Requirement;
use crate::problem::{ConfigError, ProblemKind};
use crate::types::SchemeName;

/// The keys of a path item that are operations (OpenAPI 3.1 §4.8.9).
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// What the table knows of a router that brings a document of its own.
pub(crate) struct MountedDocument<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) who: &'a Requirement,
    pub(crate) tag: Option<&'a str>,
    pub(crate) accepts: &'a [SchemeName],
    pub(crate) document: &'a Value,
}

/// What our guard adds to each operation of a mounted router.
pub(super) struct Guarding {
    responses: Map<String, Value>,
    parameters: Vec<Value>,
    security: Value,
    requires: String,
}

impl Guarding {
    /// Speaks of our schemas as the document does.
    pub(super) fn rename(&mut self, renamed: &Renamed) {
        self.responses.values_mut().for_each(|response| renamed.apply_sent(response));
        self.parameters.iter_mut().for_each(|parameter| renamed.apply(parameter));
    }
}

/// A document of ours, into which others go.
pub(super) struct Target<'a> {
    pub(super) components: &'a mut Map<String, Value>,
    pub(super) ids: &'a mut BTreeSet<String>,
    pub(super) tags: &'a mut Vec<String>,
}

impl MountedDocument<'_> {
    fn setting(&self) -> String {
        format!("routes.ANY {}/*", self.prefix)
    }

    /// Whether it is a document that can stand in ours. A fault is noted where it is not.
    pub(super) fn is_sound(&self, faults: &mut ConfigError) -> bool {
        let version = self.document.get("openapi").and_then(Value::as_str).unwrap_or_default();
        let sound =
            version.starts_with("3.1") && self.document.get("paths").is_some_and(Value::is_object);
        if !sound {
            let wrong = "the document given for it is none of OpenAPI 3.1 with its paths";
            faults.add(&self.setting(), wrong, "give an OpenAPI 3.1 document as a JSON value");
        }
        sound
    }

    /// What our guard answers and asks for before this router.
    pub(super) fn guarding(
        &self,
        ways: &dyn RequirementWays,
        schemas: &mut Schemas,
        faults: &mut ConfigError,
    ) -> Guarding {
        let setting = self.setting();
        let mut builder = OperationBuilder::new(&setting, captures(self.prefix), schemas, faults);
        builder.complete_path();
        if !self.who.is_public() {
            builder.guarded();
            builder.problem(ProblemKind::Forbidden);
        }
        let operation = builder.operation;
        let responses = match serde_json::to_value(&operation.responses) {
            Ok(Value::Object(responses)) => responses,
            _ => Map::new(),
        };
        let parameters = operation.parameters.iter().map(|one| json!(one)).collect();
        let security = json!(ways.ways(self.who, self.accepts));
        Guarding { responses, parameters, security, requires: self.who.to_string() }
    }

    /// Its paths, with the prefix before them. Its components are put into the target.
    pub(super) fn merge(
        &self,
        guarding: &Guarding,
        target: &mut Target<'_>,
    ) -> Vec<(String, Value)> {
        let mut document = self.document.clone();
        let renamed = self.merge_components(&document, target.components);
        rename(&mut document, &renamed);
        if let Some(Value::Object(sections)) = document.get_mut("components").map(Value::take) {
            for (section, members) in sections {
                if section == "securitySchemes" {
                    continue;
                }
                let Value::Object(members) = members else { continue };
                let ours = target.components.entry(section.clone()).or_insert_with(|| json!({}));
                let Some(ours) = ours.as_object_mut() else { continue };
                for (name, member) in members {
                    let reference = format!("#/components/{section}/{name}");
                    let name = renamed
                        .get(&reference)
                        .and_then(|new| new.rsplit('/').next())
                        .unwrap_or(&name)
                        .to_owned();
                    ours.entry(name).or_insert(member);
                }
            }
        }
        let paths = match document.get_mut("paths").map(Value::take) {
            Some(Value::Object(paths)) => paths,
            _ => Map::new(),
        };
        let mut placed = Vec::new();
        for (path, mut item) in paths {
            let path =
                if path == "/" { self.prefix.to_owned() } else { format!("{}{path}", self.prefix) };
            if let Some(fields) = item.as_object_mut() {
                self.guard_item(fields, guarding, target);
            }
            placed.push((path, item));
        }
        placed
    }

    fn guard_item(
        &self,
        item: &mut Map<String, Value>,
        guarding: &Guarding,
        target: &mut Target<'_>,
    ) {
        item.remove("servers");
        if !guarding.parameters.is_empty() {
            let parameters = item.entry("parameters").or_insert_with(|| json!([]));
            if let Some(parameters) = parameters.as_array_mut() {
                parameters.extend(guarding.parameters.iter().cloned());
            }
        }
        for method in METHODS {
            let Some(Value::Object(operation)) = item.get_mut(method) else { continue };
            operation.remove("servers");
            operation.insert("security".to_owned(), guarding.security.clone());
            operation.insert("x-requires".to_owned(), guarding.requires.clone().into());
            let responses = operation.entry("responses").or_insert_with(|| json!({}));
            if let Some(responses) = responses.as_object_mut() {
                for (status, response) in &guarding.responses {
                    responses.entry(status.clone()).or_insert_with(|| response.clone());
                }
            }
            if let Some(Value::String(id)) = operation.get_mut("operationId") {
                while !target.ids.insert(id.clone()) {
                    *id = format!("{}_{id}", word(self.prefix).to_lowercase());
                }
            }
            if let Some(tag) = self.tag {
                operation.entry("tags").or_insert_with(|| json!([tag]));
            }
            let tags = operation.get("tags").and_then(Value::as_array);
            for tag in tags.into_iter().flatten().filter_map(Value::as_str) {
                if !target.tags.iter().any(|known| known == tag) {
                    target.tags.push(tag.to_owned());
                }
            }
        }
    }

    /// New references in place of those whose name another component has.
    fn merge_components(
        &self,
        document: &Value,
        ours: &Map<String, Value>,
    ) -> BTreeMap<String, String> {
        let mut renamed = BTreeMap::new();
        let sections = document.get("components").and_then(Value::as_object);
        for (section, members) in sections.into_iter().flatten() {
            let taken = ours.get(section).and_then(Value::as_object);
            for (name, member) in members.as_object().into_iter().flatten() {
                let differs = |name: &str| {
                    taken.and_then(|taken| taken.get(name)).is_some_and(|other| other != member)
                };
                if !differs(name) {
                    continue;
                }
                let mut new = format!("{}{name}", word(self.prefix));
                while differs(&new) {
                    new.push('_');
                }
                let reference = |name: &str| format!("#/components/{section}/{name}");
                renamed.insert(reference(name), reference(&new));
            }
        }
        renamed
    }
}

/// A prefix as part of a name: `/old/shop` becomes `OldShop`.
fn word(prefix: &str) -> String {
    let steps = prefix.split(|c: char| !c.is_ascii_alphanumeric()).filter(|step| !step.is_empty());
    steps
        .map(|step| {
            let (first, rest) = step.split_at(1);
            first.to_ascii_uppercase() + rest
        })
        .collect()
}

/// Changes every reference in a document: in `$ref`, and in the mapping of a discriminator.
fn rename(value: &mut Value, renamed: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = renamed.get(text) {
                new.clone_into(text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, renamed)),
        Value::Object(fields) => fields.values_mut().for_each(|field| rename(field, renamed)),
        _ => {}
    }
}
