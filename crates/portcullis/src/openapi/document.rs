//! The OpenAPI 3.1 document.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::mounted::{MountedDocument, Target};
use super::naming::{self, HandlerName, Unnamed};
use super::operation::{OperationBuilder, Place};
use super::schemas::Schemas;
use crate::policy::{Requirement, SecurityRequirement, authenticated};
use crate::problem::{ConfigError, ProblemKind};
use crate::types::{SchemeName, ScopeBook};

/// An OpenAPI 3.1 document: serializes to it.
#[derive(Clone, Debug, Serialize)]
pub struct OpenApi {
    openapi: &'static str,
    info: Info,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    servers: Vec<Server>,
    tags: Vec<Tag>,
    paths: Paths,
    components: Map<String, Value>,
}

type PathItem = BTreeMap<String, Operation>;

/// The paths of the table, in its order, and those of mounted routers.
#[derive(Clone, Debug)]
struct Paths {
    own: Vec<(String, PathItem)>,
    mounted: Vec<(String, Value)>,
}

impl Serialize for Paths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (path, item) in &self.own {
            map.serialize_entry(path, item)?;
        }
        // A route of the table comes before a mounted router.
        let own = |path: &str| self.own.iter().any(|(known, _)| known == path);
        for (path, item) in self.mounted.iter().filter(|(path, _)| !own(path)) {
            map.serialize_entry(path, item)?;
        }
        map.end()
    }
}

/// What the document says of the API as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Info {
    title: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

/// Where the API is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Server {
    /// Its address.
    pub url: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Tag {
    name: String,
}

/// One method of one path.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Its name, different from every other's.
    pub operation_id: String,
    /// A few words.
    pub summary: String,
    /// A paragraph (CommonMark).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it is grouped under.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What it reads besides a body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// The body it reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_body: Option<RequestBody>,
    /// What it answers, by status.
    pub responses: BTreeMap<String, ResponseObject>,
    /// Who may call: each entry is one way in.
    pub security: Vec<Map<String, Value>>,
    /// Who may call, as a sentence.
    #[serde(rename = "x-requires")]
    pub requires: String,
}

/// One parameter.
#[derive(Clone, Debug, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it stands.
    #[serde(rename = "in")]
    pub place: Place,
    /// Whether it must be there.
    pub required: bool,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What may stand there.
    pub schema: Value,
}

/// The body of a request.
#[derive(Clone, Debug, Serialize)]
pub struct RequestBody {
    /// Whether it must be there.
    pub required: bool,
    /// What may stand there, by media type.
    pub content: BTreeMap<String, MediaType>,
}

impl Default for RequestBody {
    fn default() -> Self {
        Self { required: true, content: BTreeMap::new() }
    }
}

/// One answer.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ResponseObject {
    /// What it means.
    pub description: String,
    /// Headers it carries.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Value>,
    /// What is sent, by media type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub content: BTreeMap<String, MediaType>,
}

/// What is sent as one media type.
#[derive(Clone, Debug, Serialize)]
pub struct MediaType {
    /// Its schema.
    pub schema: Value,
}

impl Info {
    /// A title and a version.
    #[must_use]
    pub fn new(title: impl Into<String>, version: impl Into<String>) -> Self {
        Self { title: title.into(), version: version.into(), description: None }
    }

    /// A paragraph (CommonMark).
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }
}

impl Default for Info {
    fn default() -> Self {
        Self::new("API", "0.1.0")
    }
}

impl OpenApi {
    /// The document as a JSON value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        // Its keys are all strings, so that it always serializes.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The operation of this method and path (as the document writes it, `/items/{id}`).
    #[must_use]
    pub fn operation(&self, method: &Method, path: &str) -> Option<&Operation> {
        let (_, item) = self.paths.own.iter().find(|(known, _)| known == path)?;
        item.get(&method.as_str().to_lowercase())
    }
}

/// What the table knows of a route.
pub(crate) struct RowToDescribe<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) who: &'a Requirement,
    pub(crate) tag: Option<&'a str>,
    pub(crate) handler: &'a str,
    pub(crate) summary: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
    pub(crate) accepts: &'a [SchemeName],
    pub(crate) describe: fn(&mut OperationBuilder<'_>),
}

/// What the gate and the table know of the whole.
pub(crate) struct Building<'a> {
    pub(crate) info: Info,
    pub(crate) servers: Vec<Server>,
    pub(crate) schemes: &'a [(SchemeName, Value)],
    pub(crate) scopes: &'a ScopeBook,
}

impl Building<'_> {
    /// The document of these routes and mounted routers. Faults of handlers are added to `faults`.
    pub(crate) fn finish(
        self,
        rows: &[RowToDescribe<'_>],
        mounted: &[MountedDocument<'_>],
        faults: &mut ConfigError,
    ) -> OpenApi {
        let mut schemas = Schemas::new();
        let mut operations: Vec<Operation> =
            rows.iter().map(|row| self.operation(row, &mut schemas, faults)).collect();
        let mut guarded = Vec::new();
        for one in mounted {
            if one.is_sound(faults) {
                guarded.push((one, one.guarding(&self, &mut schemas, faults)));
            }
        }
        let (schemas, renamed) = schemas.finish();
        for (_, guarding) in &mut guarded {
            guarding.rename(&renamed);
        }
        for (operation, id) in operations.iter_mut().zip(naming::ids(&unnamed(rows))) {
            if operation.summary.is_empty() {
                operation.summary = naming::summary(&id);
            }
            operation.operation_id = id;
            operation.parameters.iter_mut().for_each(|one| renamed.apply(&mut one.schema));
            let bodies =
                operation.request_body.iter_mut().flat_map(|body| body.content.values_mut());
            bodies.for_each(|media| renamed.apply(&mut media.schema));
            let answers =
                operation.responses.values_mut().flat_map(|answer| answer.content.values_mut());
            answers.for_each(|media| renamed.apply_sent(&mut media.schema));
        }
        let mut tags: Vec<Tag> = Vec::new();
        let mut paths: Vec<(String, PathItem)> = Vec::new();
        for (row, operation) in rows.iter().zip(operations) {
            if let Some(name) = row.tag.filter(|name| !tags.iter().any(|tag| tag.name == *name)) {
                tags.push(Tag { name: name.to_owned() });
            }
            let path = row.path.replace("{*", "{");
            let method = row.method.as_str().to_lowercase();
            match paths.iter_mut().find(|(known, _)| *known == path) {
                Some((_, item)) => {
                    item.insert(method, operation);
                }
                None => paths.push((path, PathItem::from([(method, operation)]))),
            }
        }
        let security_schemes: Map<String, Value> = self
            .schemes
            .iter()
            .map(|(name, scheme)| (name.to_string(), self.scoped(scheme)))
            .collect();
        let mut components = Map::new();
        components.insert("schemas".to_owned(), schemas.into());
        components.insert("securitySchemes".to_owned(), security_schemes.into());
        let mut ids: BTreeSet<String> = paths
            .iter()
            .flat_map(|(_, item)| item.values())
            .map(|one| one.operation_id.clone())
            .collect();
        let mut names: Vec<String> = tags.into_iter().map(|tag| tag.name).collect();
        let mut target = Target { components: &mut components, ids: &mut ids, tags: &mut names };
        let mounted =
            guarded.iter().flat_map(|(one, guarding)| one.merge(guarding, &mut target)).collect();
        OpenApi {
            openapi: "3.1.0",
            info: self.info,
            servers: self.servers,
            tags: names.into_iter().map(|name| Tag { name }).collect(),
            paths: Paths { own: paths, mounted },
            components,
        }
    }

    fn operation(
        &self,
        row: &RowToDescribe<'_>,
        schemas: &mut Schemas,
        faults: &mut ConfigError,
    ) -> Operation {
        let route = format!("{} {}", row.method, row.path);
        let mut builder = OperationBuilder::new(&route, captures(row.path), schemas, faults);
        (row.describe)(&mut builder);
        builder.complete_path();
        let public = row.who.is_public();
        if !public {
            builder.guarded();
            builder.problem(ProblemKind::Forbidden);
        } else if builder.may_sign_in {
            builder.guarded();
        }
        let may_sign_in = builder.may_sign_in;
        let mut operation = builder.operation;
        operation.security = if public && may_sign_in {
            let ways = authenticated().to_openapi(row.accepts);
            std::iter::once(Map::new()).chain(ways.iter().map(|way| self.way(way))).collect()
        } else {
            self.ways(row.who, row.accepts)
        };
        operation.requires = row.who.to_string();
        operation.tags = row.tag.map(str::to_owned).into_iter().collect();
        operation.summary = match (row.summary, HandlerName::of(row.handler)) {
            (Some(text), _) => text.to_owned(),
            (None, Some(name)) => naming::summary(name.function()),
            (None, None) => String::new(),
        };
        operation.description = row.description.map(str::to_owned);
        operation
    }

    /// An entry of `security`. OAuth lists scopes there, the others what they ask for (OpenAPI 3.1
    /// allows both).
    fn way(&self, way: &SecurityRequirement) -> Map<String, Value> {
        let scheme = self.schemes.iter().find(|(name, _)| *name == way.scheme);
        let oauth = scheme.is_some_and(|(_, scheme)| speaks_oauth(scheme));
        let scopes = way.scopes.iter().map(ToString::to_string);
        let roles = way.roles.iter().filter(|_| !oauth).map(ToString::to_string);
        let names = roles.chain(scopes).map(Value::String).collect();
        Map::from_iter([(way.scheme.to_string(), Value::Array(names))])
    }

    /// A scheme, each of whose flows lists the scopes there are.
    fn scoped(&self, scheme: &Value) -> Value {
        let mut scheme = scheme.clone();
        let all: Map<String, Value> = self
            .scopes
            .rules
            .iter()
            .map(|(name, rule)| (name.to_string(), json!(rule.sentence)))
            .collect();
        let flows = scheme.get_mut("flows").and_then(Value::as_object_mut);
        for flow in flows.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
            let listed = flow.entry("scopes").or_insert_with(|| json!({}));
            if listed.as_object().is_none_or(Map::is_empty) {
                *listed = all.clone().into();
            }
        }
        scheme
    }
}

/// What a requirement says as OpenAPI's `security`.
pub(super) trait RequirementWays {
    /// Each way in, once.
    fn ways(&self, who: &Requirement, accepts: &[SchemeName]) -> Vec<Map<String, Value>>;
}

impl RequirementWays for Building<'_> {
    fn ways(&self, who: &Requirement, accepts: &[SchemeName]) -> Vec<Map<String, Value>> {
        let mut ways = Vec::new();
        for way in who.to_openapi(accepts) {
            let way = self.way(&way);
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        ways
    }
}

fn speaks_oauth(scheme: &Value) -> bool {
    matches!(scheme.get("type").and_then(Value::as_str), Some("oauth2" | "openIdConnect"))
}

fn unnamed<'a>(rows: &'a [RowToDescribe<'a>]) -> Vec<Unnamed<'a>> {
    rows.iter()
        .map(|row| Unnamed {
            handler: HandlerName::of(row.handler),
            tag: row.tag,
            method: row.method,
            path: row.path,
        })
        .collect()
}

/// The names in a path: `id` of `/items/{id}`, `rest` of `/files/{*rest}`.
pub(crate) fn captures(path: &str) -> Vec<&str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name.trim_start_matches('*'))
        .collect()
}
