//! Reading a JSON Schema: which fields it has, and which types may stand where.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// How many references are followed before a schema counts as endless.
const DEEPEST: u8 = 16;

/// A schema together with the document its references point into.
#[derive(Clone, Copy)]
pub(crate) struct Schema<'a> {
    root: &'a Value,
    here: &'a Value,
}

/// One field of an object.
pub(crate) struct Property<'a> {
    pub(crate) name: &'a str,
    pub(crate) schema: Schema<'a>,
    pub(crate) required: bool,
}

impl<'a> Schema<'a> {
    pub(crate) fn new(root: &'a Value, here: &'a Value) -> Self {
        Self { root, here }
    }

    pub(crate) fn value(self) -> &'a Value {
        self.here
    }

    fn at(self, here: &'a Value) -> Self {
        Self { root: self.root, here }
    }

    fn object(self) -> Option<&'a Map<String, Value>> {
        self.here.as_object()
    }

    fn referred(self) -> Option<Self> {
        let pointer = self.object()?.get("$ref")?.as_str()?.strip_prefix('#')?;
        self.root.pointer(pointer).map(|target| self.at(target))
    }

    fn branches(self, keyword: &str) -> impl Iterator<Item = Self> {
        let list = self.object().and_then(|object| object.get(keyword)).and_then(Value::as_array);
        list.into_iter().flatten().map(move |branch| self.at(branch))
    }

    /// The JSON types that may stand here; empty where any may.
    pub(crate) fn types(self) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        self.collect_types(&mut found, 0);
        found
    }

    fn collect_types(self, found: &mut BTreeSet<&'a str>, depth: u8) {
        let Some(object) = self.object().filter(|_| depth < DEEPEST) else { return };
        match object.get("type") {
            Some(Value::String(one)) => {
                found.insert(one);
            }
            Some(Value::Array(several)) => found.extend(several.iter().filter_map(Value::as_str)),
            _ => {}
        }
        if let Some(target) = self.referred() {
            target.collect_types(found, depth + 1);
        }
        for keyword in ["anyOf", "oneOf", "allOf"] {
            self.branches(keyword).for_each(|branch| branch.collect_types(found, depth + 1));
        }
    }

    /// Whether a list may stand here, and text may not.
    pub(crate) fn is_list(self) -> bool {
        let types = self.types();
        types.contains("array") && !types.contains("string")
    }

    /// What each item of a list is.
    pub(crate) fn items(self) -> Option<Self> {
        self.find(&|schema| {
            schema.object().and_then(|object| object.get("items")).map(|items| schema.at(items))
        })
    }

    /// The members of a tuple.
    pub(crate) fn members(self) -> Option<Vec<Self>> {
        self.find(&|schema| {
            let list = schema.object()?.get("prefixItems")?.as_array()?;
            Some(list.iter().map(|member| schema.at(member)).collect())
        })
    }

    fn find<T>(self, look: &dyn Fn(Self) -> Option<T>) -> Option<T> {
        self.find_within(look, 0)
    }

    fn find_within<T>(self, look: &dyn Fn(Self) -> Option<T>, depth: u8) -> Option<T> {
        if depth >= DEEPEST {
            return None;
        }
        look(self)
            .or_else(|| self.referred().and_then(|target| target.find_within(look, depth + 1)))
            .or_else(|| {
                ["allOf", "anyOf", "oneOf"].into_iter().find_map(|keyword| {
                    self.branches(keyword).find_map(|branch| branch.find_within(look, depth + 1))
                })
            })
    }

    /// The fields an object here may have, each once.
    pub(crate) fn properties(self) -> Vec<Property<'a>> {
        let mut found = Vec::new();
        self.collect_properties(&mut found, true, 0);
        found
    }

    fn collect_properties(self, found: &mut Vec<Property<'a>>, must: bool, depth: u8) {
        let Some(object) = self.object().filter(|_| depth < DEEPEST) else { return };
        let required: Vec<&str> = match object.get("required") {
            Some(Value::Array(names)) if must => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        for (name, schema) in
            object.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            if !found.iter().any(|known| known.name == name) {
                found.push(Property {
                    name,
                    schema: self.at(schema),
                    required: required.contains(&name.as_str()),
                });
            }
        }
        if let Some(target) = self.referred() {
            target.collect_properties(found, must, depth + 1);
        }
        self.branches("allOf").for_each(|part| part.collect_properties(found, must, depth + 1));
        for keyword in ["anyOf", "oneOf"] {
            self.branches(keyword).for_each(|one| one.collect_properties(found, false, depth + 1));
        }
    }
}
