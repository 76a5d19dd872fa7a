//! JSON, read and sent.

use std::fmt;

use axum::body::HttpBody as _;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::body;
use super::fit::{self, Part, misfit, validated};
use crate::openapi::{Describe, DescribeAnswer, Input, OperationBuilder, Output, Published};
use crate::problem::{Problem, ProblemKind};

/// A JSON body, or a JSON answer with status 200.
///
/// As an argument it must be a handler's last one. Refusals: 415 where the body is not sent as
/// `application/json` or `application/…+json` in UTF-8, 413 where it is larger than
/// [`BodyLimit`](crate::edge::BodyLimit), 400 where it is not JSON or names a field twice, 422 with every
/// fault at once where it does not fit the type. No refusal repeats a value that was sent.
///
/// As an answer it sends the declared fields of `T`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

pub(super) fn is_json(essence: &str) -> bool {
    essence
        .strip_prefix("application/")
        .is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

impl<T: Input, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let text = body::text(request, is_json, "application/json in UTF-8").await?;
        read(&text).map(Self)
    }
}

/// `None` where neither a body nor its kind was sent.
impl<T: Input, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        if request.body().is_end_stream() && !request.headers().contains_key(CONTENT_TYPE) {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

/// Reads a body. What the published schema refuses is refused, also where derived code would take it.
pub(super) fn read<T: Input>(text: &str) -> Result<T, Problem> {
    let read = serde_json::from_str(text).map(validated::<T>);
    // Derived code also reads an object from a list of its fields, which no schema says.
    if let (Ok(Ok(value)), false) = (read, text.contains('[')) {
        return Ok(value);
    }
    match serde_json::from_str::<Strict>(text) {
        Ok(Strict(value)) if Published::of::<T>().fits(&value) => fit::read(&value, Part::Body),
        Ok(Strict(value)) => Err(misfit::<T>(&value, Part::Body)),
        Err(error) if error.is_data() => Err(Part::Body.malformed("names a field twice")),
        Err(error) => {
            let place = format!("is not JSON: line {}, column {}", error.line(), error.column());
            Err(Part::Body.malformed(&place))
        }
    }
}

impl<T: Input> Describe for Json<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.body::<T>("application/json");
    }
}

impl<T: Output> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        respond(StatusCode::OK, &self.0)
    }
}

impl<T: Output> DescribeAnswer for Json<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<T>(StatusCode::OK, "application/json");
    }
}

/// Sends `value` as JSON.
pub(super) fn respond<T: Output>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(text) => {
            let kind = HeaderValue::from_static("application/json");
            (status, [(CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => Problem::new(ProblemKind::Internal).source(error).into_response(),
    }
}

/// Any JSON in which no object names a field twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
                let mut items = Vec::new();
                while let Some(Strict(item)) = list.next_element()? {
                    items.push(item);
                }
                Ok(items.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
                let mut fields = Map::new();
                while let Some((name, Strict(value))) = object.next_entry::<String, _>()? {
                    if fields.insert(name, value).is_some() {
                        return Err(A::Error::custom("a field twice"));
                    }
                }
                Ok(fields.into())
            }
        }

        deserializer.deserialize_any(Any).map(Self)
    }
}
