//! One operation in the making: arguments and answers say what they read and send.

use std::any::type_name;

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::document::{MediaType, Operation, Parameter, RequestBody, ResponseObject};
use super::published::Published;
use super::schemas::Schemas;
use super::shape::Schema;
use crate::problem::{ConfigError, Problem, ProblemBody, ProblemKind};

/// Names that carry a credential. Query strings stand in logs, histories and `Referer`, so that no
/// credential is ever taken from one (RFC 9700 §4.3).
pub(crate) const SECRETS: [&str; 6] =
    ["password", "passwd", "client_secret", "access_token", "refresh_token", "api_key"];

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the path.
    Path,
    /// In the query string.
    Query,
    /// In a header.
    Header,
    /// In a cookie.
    Cookie,
}

/// One operation of the document, to which each argument and the answer add their part.
pub struct OperationBuilder<'a> {
    pub(super) operation: Operation,
    pub(super) may_sign_in: bool,
    route: &'a str,
    captures: Vec<&'a str>,
    schemas: &'a mut Schemas,
    faults: &'a mut ConfigError,
}

impl std::fmt::Debug for OperationBuilder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OperationBuilder").field("route", &self.route).finish_non_exhaustive()
    }
}

impl<'a> OperationBuilder<'a> {
    /// An operation of which nothing is known but its route, such as `GET /items/{id}`.
    pub(super) fn new(
        route: &'a str,
        captures: Vec<&'a str>,
        schemas: &'a mut Schemas,
        faults: &'a mut ConfigError,
    ) -> Self {
        let operation = Operation::default();
        Self { operation, may_sign_in: false, route, captures, schemas, faults }
    }

    fn fault(&mut self, wrong: String, fix: &str) {
        self.faults.add(&format!("routes.{}", self.route), wrong, fix);
    }

    /// Adds a parameter that is a single value.
    pub fn parameter<T: JsonSchema>(&mut self, place: Place, name: &str, required: bool) {
        let schema = self.schemas.read::<T>();
        self.add_parameter(place, name, required, schema);
    }

    /// Adds each field of `T` as a parameter of its own; of a map, one parameter for them all.
    pub fn parameters<T: JsonSchema + 'static>(&mut self, place: Place) {
        self.check_schema::<T>();
        let whole = self.schemas.read_inline::<T>();
        if whole.get("additionalProperties").is_some_and(|any| *any != Value::Bool(false))
            && whole.get("properties").is_none()
        {
            // OpenAPI 3.1 spreads an object in a query over parameters of any name (style `form`).
            return self.add_parameter(place, "parameters", false, whole);
        }
        let fields = self.fields::<T>();
        if fields.is_empty() {
            let wrong = format!("`{}` has no named fields to read from", type_name::<T>());
            self.fault(wrong, "take a struct");
        }
        for (name, schema, required) in fields {
            self.add_parameter(place, &name, required, schema);
        }
    }

    fn fields<T: JsonSchema>(&mut self) -> Vec<(String, Value, bool)> {
        let here = self.schemas.read_inline::<T>();
        let root = self.schemas.read_so_far();
        let properties = Schema::new(&root, &here).properties().into_iter();
        properties
            .map(|field| (field.name.to_owned(), field.schema.value().clone(), field.required))
            .collect()
    }

    /// Adds the variable parts of the path, read as `T`.
    pub fn path_parameters<T: JsonSchema + 'static>(&mut self) {
        self.check_schema::<T>();
        let here = self.schemas.read_inline::<T>();
        let root = self.schemas.read_so_far();
        let schema = Schema::new(&root, &here);
        let captures = self.captures.clone();
        let parts: Vec<(String, Value)> = match schema.members() {
            Some(members) => {
                if members.len() != captures.len() {
                    let (takes, has) = (members.len(), captures.len());
                    let wrong =
                        format!("the handler takes {takes} parts of the path, it has {has}");
                    self.fault(wrong, "give the tuple as many members as the path has `{…}`");
                }
                let schemas = members.into_iter().map(|member| member.value().clone());
                captures.iter().map(ToString::to_string).zip(schemas).collect()
            }
            None if schema.types().contains("object") => schema
                .properties()
                .into_iter()
                .map(|field| (field.name.to_owned(), field.schema.value().clone()))
                .collect(),
            None => {
                if captures.len() != 1 {
                    let wrong = format!(
                        "the handler takes one part of the path, it has {}",
                        captures.len()
                    );
                    self.fault(wrong, "write one `{…}` in the path, or take a tuple or a struct");
                }
                captures.iter().map(|name| ((*name).to_owned(), here.clone())).collect()
            }
        };
        for (name, schema) in parts {
            if captures.contains(&name.as_str()) {
                self.add_parameter(Place::Path, &name, true, schema);
            } else {
                let wrong = format!("the handler asks for `{name}`, which the path does not have");
                self.fault(wrong, "use the same name in both");
            }
        }
    }

    fn add_parameter(&mut self, place: Place, name: &str, required: bool, mut schema: Value) {
        if place == Place::Query && SECRETS.contains(&name) {
            let wrong = format!("`{name}` would be read from the query string");
            self.fault(wrong, "take it from a form or a header: query strings are logged");
        }
        let description = match schema.as_object_mut() {
            Some(fields) if !fields.contains_key("$ref") => {
                fields.remove("description").and_then(|text| text.as_str().map(str::to_owned))
            }
            _ => None,
        };
        let parameters = &mut self.operation.parameters;
        parameters.retain(|known| (known.place, known.name.as_str()) != (place, name));
        let name = name.to_owned();
        parameters.push(Parameter { name, place, required, description, schema });
    }

    /// Documents the parts of the path that no argument takes.
    pub(super) fn complete_path(&mut self) {
        for name in self.captures.clone() {
            let known = self.operation.parameters.iter();
            if !known.clone().any(|known| known.place == Place::Path && known.name == name) {
                self.parameter::<String>(Place::Path, name, true);
            }
        }
        if !self.captures.is_empty() {
            self.problem(ProblemKind::NotFound);
        }
    }

    /// Adds the body, and the refusals that a body may meet with.
    pub fn body<T: JsonSchema + 'static>(&mut self, media_type: &str) {
        self.check_schema::<T>();
        let schema = self.schemas.read::<T>();
        self.raw_body(media_type, schema);
        for kind in [
            ProblemKind::Malformed,
            ProblemKind::TooLarge,
            ProblemKind::UnsupportedMediaType,
            ProblemKind::Invalid,
        ] {
            self.problem(kind);
        }
    }

    /// Adds a body that another's extractor reads, with refusals of its own.
    pub(crate) fn foreign_body<T: JsonSchema + 'static>(&mut self, media_type: &str) {
        self.check_schema::<T>();
        let schema = self.schemas.read::<T>();
        self.raw_body(media_type, schema);
    }

    /// Adds a body with a schema written by hand.
    pub fn raw_body(&mut self, media_type: &str, schema: Value) {
        let body = self.operation.request_body.get_or_insert_with(RequestBody::default);
        body.content.insert(media_type.to_owned(), MediaType { schema });
    }

    /// Adds what an argument reads that may also be left out: no part of it is required.
    pub fn optional(&mut self, describe: fn(&mut Self)) {
        let body = self.operation.request_body.take();
        let known = self.operation.parameters.len();
        describe(self);
        for parameter in self.operation.parameters.iter_mut().skip(known) {
            parameter.required = parameter.place == Place::Path;
        }
        match (&mut self.operation.request_body, body) {
            (Some(added), None) => added.required = false,
            (now, Some(before)) => *now = Some(before),
            (None, None) => {}
        }
    }

    /// Adds what an answer sends under a status that only the handler knows.
    pub fn of_any_status(&mut self, describe: fn(&mut Self)) {
        let before = std::mem::take(&mut self.operation.responses);
        describe(self);
        let described = std::mem::replace(&mut self.operation.responses, before);
        let any = self.response("default", "The handler decides on the status");
        for response in described.into_values() {
            any.content.extend(response.content);
        }
    }

    /// Adds a redirect.
    pub fn redirect(&mut self) {
        let response = self.response("3XX", "Look at another address");
        let header = serde_json::json!({
            "description": "The other address.",
            "required": true,
            "schema": {"type": "string"},
        });
        response.headers.insert("Location".to_owned(), header);
    }

    /// Adds a refusal whose words are not ours: text.
    pub fn text_refusal(&mut self, status: StatusCode) {
        let response =
            self.response(status.as_str(), status.canonical_reason().unwrap_or("A refusal"));
        let schema = serde_json::json!({"type": "string"});
        response.content.insert("text/plain; charset=utf-8".to_owned(), MediaType { schema });
    }

    /// Adds an answer that sends a `T`.
    pub fn answer<T: JsonSchema>(&mut self, status: StatusCode, media_type: &str) {
        let schema = self.schemas.sent::<T>();
        self.raw_answer(status, media_type, schema);
    }

    /// Adds an answer with a schema written by hand.
    pub fn raw_answer(&mut self, status: StatusCode, media_type: &str, schema: Value) {
        let response =
            self.response(status.as_str(), status.canonical_reason().unwrap_or("Answer"));
        response.content.insert(media_type.to_owned(), MediaType { schema });
    }

    /// Adds an answer without a body.
    pub fn empty_answer(&mut self, status: StatusCode) {
        self.response(status.as_str(), status.canonical_reason().unwrap_or("Answer"));
    }

    /// Adds an answer of which nothing can be said.
    pub fn undescribed_answer(&mut self) {
        self.response("default", "Built by hand");
    }

    /// Adds a refusal.
    pub fn problem(&mut self, kind: ProblemKind) {
        self.add_problem(kind.status().as_str(), kind.title());
    }

    /// Adds refusals of which only the handler knows.
    pub fn any_problem(&mut self) {
        self.add_problem("default", "Any other refusal");
    }

    fn add_problem(&mut self, status: &str, title: &str) {
        let schema = self.schemas.sent::<ProblemBody>();
        let response = self.response(status, title);
        response.content.insert(Problem::MEDIA_TYPE.to_owned(), MediaType { schema });
    }

    fn response(&mut self, status: &str, description: &str) -> &mut ResponseObject {
        self.operation.responses.entry(status.to_owned()).or_insert_with(|| ResponseObject {
            description: description.to_owned(),
            ..ResponseObject::default()
        })
    }

    /// Notes that a caller may sign in, on a route that is open to anyone too.
    pub fn may_sign_in(&mut self) {
        self.may_sign_in = true;
    }

    /// Adds what a guard answers where it knows the caller not: 401 with its header, 400 for two
    /// credentials at once, 429 for too many wrong ones, and 503 where who it is cannot be found
    /// out at the moment.
    pub(super) fn guarded(&mut self) {
        self.challenge();
        self.problem(ProblemKind::TwoCredentials);
        self.problem(ProblemKind::TooManyRequests);
        self.problem(ProblemKind::Unavailable);
    }

    fn challenge(&mut self) {
        self.problem(ProblemKind::Unauthenticated);
        let status = ProblemKind::Unauthenticated.status();
        let response = self.response(status.as_str(), "");
        let header = serde_json::json!({
            "description": "One line for each scheme that is accepted (RFC 9110, 11.6.1).",
            "required": true,
            "schema": {"type": "string"},
        });
        response.headers.insert("WWW-Authenticate".to_owned(), header);
    }

    fn check_schema<T: JsonSchema + 'static>(&mut self) {
        if let Some(error) = Published::of::<T>().broken() {
            let wrong = format!("the schema of `{}` is none: {error}", type_name::<T>());
            self.fault(wrong, "correct the attributes of the type");
        }
    }
}
