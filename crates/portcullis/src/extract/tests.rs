//! Bodies, forms and queries as strangers send them.

mod queries;

use axum::body::Body;
use axum::extract::Request;
use axum::handler::Handler;
use axum::response::Response;
use futures_util::stream;
use garde::Validate;
use http::StatusCode;
use http_body_util::BodyExt;
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Form, Json, NoStore, Query, json};
use crate::edge::BodyLimit;
use crate::openapi::Published;

#[derive(Debug, Deserialize, Serialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct Order {
    #[garde(length(chars, min = 1, max = 5))]
    name: String,
    #[garde(range(min = 0.0))]
    price: f64,
    #[serde(default)]
    #[garde(range(min = 1, max = 9))]
    amount: Option<u8>,
    #[serde(default, rename = "labelList")]
    #[garde(length(max = 2), inner(length(chars, min = 1, max = 3)))]
    label_list: Vec<String>,
    #[garde(dive)]
    address: Address,
    #[garde(skip)]
    kind: Kind,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema, Validate)]
struct Address {
    #[garde(pattern("^[A-Z]{2}$"))]
    country: String,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Gift,
    Loan,
}

fn order() -> Value {
    json!({"name": "a", "price": 1, "address": {"country": "DE"}, "kind": "gift"})
}

async fn echo(Json(order): Json<Order>) -> Json<Order> {
    Json(order)
}

async fn ask<H, T>(handler: H, request: Request) -> (StatusCode, Value)
where
    H: Handler<T, ()>,
    T: 'static,
{
    let response: Response = handler.with_state(()).oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

fn sent(kind: &str, body: impl Into<Body>) -> Request {
    Request::post("/").header("content-type", kind).body(body.into()).unwrap()
}

async fn post(body: impl Into<Body>) -> (StatusCode, Value) {
    ask(echo, sent("application/json", body)).await
}

fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().into_iter().flatten();
    errors.map(|error| error["pointer"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_body_that_fits_arrives() {
    let (status, order) = post(order().to_string()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(order["labelList"], json!([]));
}

#[tokio::test]
async fn a_list_of_its_fields_is_no_object() {
    for body in [
        json!(["a", 1, {"country": "DE"}, "gift"]),
        json!({"name": "a", "price": 1, "address": ["DE"], "kind": "gift"}),
    ] {
        assert_eq!(post(body.to_string()).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    let listed = json!({"name": "a", "price": 1, "address": {"country": "DE"}, "kind": "gift",
        "labelList": ["x"]});
    assert_eq!(post(listed.to_string()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_json_is_malformed() {
    let deep = format!(r#"{{"name":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
    let bodies: [&[u8]; 13] = [
        b"",
        b"{",
        b"{\"name\": \"a\",}",
        b"{\"name\": \"a\"} {}",
        br#"{"name":"a","price":NaN,"address":{"country":"DE"},"kind":"gift"}"#,
        br#"{"name":"a","price":Infinity,"address":{"country":"DE"},"kind":"gift"}"#,
        br#"{"name":"a","price":1e999,"address":{"country":"DE"},"kind":"gift"}"#,
        br#"{"name":"\ud800","price":1,"address":{"country":"DE"},"kind":"gift"}"#,
        b"{\"name\":\"\xff\",\"price\":1,\"address\":{\"country\":\"DE\"},\"kind\":\"gift\"}",
        br#"{"name":"a","name":"b","price":1,"address":{"country":"DE"},"kind":"gift"}"#,
        b"\xef\xbb\xbf{}",
        b"{\"name\":\"a\x00b\"}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let (status, problem) = post(body.to_vec()).await;
        let body = String::from_utf8_lossy(body);
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body} {problem}");
        assert_eq!(problem["type"], "urn:portcullis:problem:malformed", "{body}");
    }
}

#[tokio::test]
async fn every_fault_is_listed_at_once_and_no_value_is_repeated() {
    let (status, problem) = post(
        json!({
            "name": "hunter2-is-secret",
            "price": -1,
            "amount": 77,
            "labelList": ["ok", "hunter2", "x"],
            "address": {"country": "hunter2"},
            "kind": "hunter2",
            "extra/field": "hunter2",
        })
        .to_string(),
    )
    .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        problem["errors"],
        json!([
            {"pointer": "/address/country", "detail": "must match the pattern ^[A-Z]{2}$"},
            {"pointer": "/amount", "detail": "must be at most 9"},
            {"pointer": "/extra~1field", "detail": "is not a field of this"},
            {"pointer": "/kind", "detail": "must be one of \"gift\", \"loan\""},
            {"pointer": "/labelList", "detail": "is too long: the most is 2"},
            {"pointer": "/labelList/1", "detail": "is too long: the most is 3"},
            {"pointer": "/name", "detail": "is too long: the most is 5"},
            {"pointer": "/price", "detail": "must be at least 0"},
        ])
    );
    assert!(!problem.to_string().contains("hunter2"), "{problem}");
}

#[tokio::test]
async fn a_rule_that_both_judges_know_is_said_once() {
    // Serde reads it, so garde judges too, in the same words and at the same pointers.
    let (status, problem) = post(
        json!({"name": "", "price": -0.5, "labelList": ["", "ab"], "kind": "loan",
               "address": {"country": "de"}})
        .to_string(),
    )
    .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        pointers(&problem),
        ["/address/country", "/labelList/0", "/name", "/price"],
        "{problem}"
    );
}

#[tokio::test]
async fn what_is_missing_or_of_another_type_is_named() {
    let (_, problem) = post(r#"{"price": "1", "kind": 3, "address": null}"#).await;
    assert_eq!(
        problem["errors"],
        json!([
            {"pointer": "/address", "detail": "must be an object"},
            {"pointer": "/kind", "detail": "must be a string"},
            {"pointer": "/kind", "detail": "must be one of \"gift\", \"loan\""},
            {"pointer": "/name", "detail": "is required"},
            {"pointer": "/price", "detail": "must be a number"},
        ])
    );
    for other in ["[]", "null", "7", "\"text\""] {
        let (status, problem) = post(other).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(pointers(&problem), [""], "{other}");
    }
}

#[tokio::test]
async fn what_only_serde_knows_is_said_without_its_words() {
    #[derive(Deserialize, JsonSchema, Validate)]
    #[expect(dead_code, reason = "it is refused before anyone reads it")]
    struct Place {
        #[garde(skip)]
        #[schemars(with = "String")]
        network: crate::types::Network,
    }
    async fn take(_: Json<Place>) -> Json<u8> {
        Json(1)
    }
    let body = json!({"network": "hunter2"}).to_string();
    let (status, problem) = ask(take, sent("application/json", body)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(pointers(&problem), ["/network"]);
    assert!(!problem.to_string().contains("hunter2"), "{problem}");
}

#[tokio::test]
async fn the_form_that_was_meant_is_judged() {
    #[derive(Deserialize, JsonSchema, Validate)]
    struct Holder {
        #[garde(dive)]
        address: Option<Address>,
    }
    async fn take(_: Json<Holder>) -> Json<u8> {
        Json(1)
    }
    let body = json!({"address": {"country": 7}}).to_string();
    let (_, problem) = ask(take, sent("application/json", body)).await;
    assert_eq!(
        problem["errors"],
        json!([{"pointer": "/address/country", "detail": "must be a string"}])
    );
}

#[tokio::test]
async fn a_body_too_large_is_refused_announced_or_not() {
    let limited = |mut request: Request| {
        request.extensions_mut().insert(BodyLimit(10));
        request
    };
    let announced = Request::post("/")
        .header("content-type", "application/json")
        .header("content-length", "11")
        .body(Body::empty())
        .unwrap();
    let pieces = ["{\"nam", "e\":\"a", "\"}"].map(Ok::<_, std::convert::Infallible>);
    let streamed = Body::from_stream(stream::iter(pieces));
    for request in [announced, sent("application/json", streamed)] {
        let (status, _) = ask(echo, limited(request)).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    }
    let (status, _) = ask(echo, limited(sent("application/json", "{}        "))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "the limit itself is allowed");
    let (status, _) = post(" ".repeat(1024 * 1024 + 1)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, _) = ask(echo, sent("text/plain", "{}")).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

/// A value that fits a field of `Order`, nearly fits it, or is something else altogether.
fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[a-zäß€]{0,7}", "[A-Z]{1,3}", Just("gift".to_owned())];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..300).prop_map(Value::from),
        (-1.0..1.0_f64).prop_filter("not an integer", |n| n.fract() != 0.0).prop_map(Value::from),
        text.clone().prop_map(Value::from),
        Just(json!("loan")),
    ];
    prop_oneof![
        leaf.clone(),
        proptest::collection::vec(leaf, 0..4).prop_map(Value::from),
        proptest::collection::vec("[a-zé]{0,4}", 0..4).prop_map(Value::from),
        text.prop_map(|country| json!({"country": country})),
        text_map(),
    ]
}

fn text_map() -> impl Strategy<Value = Value> {
    proptest::collection::hash_map("(country|other)", "[A-Z]{1,3}", 0..3)
        .prop_map(|fields| json!(fields))
}

fn any_order() -> impl Strategy<Value = Value> {
    let field = prop_oneof![
        Just("name"),
        Just("price"),
        Just("amount"),
        Just("labelList"),
        Just("address"),
        Just("kind"),
        Just("unknown"),
    ];
    let change = (field, proptest::option::weighted(0.85, any_value()));
    proptest::collection::vec(change, 0..4).prop_map(|changes| {
        let mut order = order();
        let fields = order.as_object_mut().unwrap();
        for (field, value) in changes {
            match value {
                Some(value) => fields.insert(field.to_owned(), value),
                None => fields.remove(field),
            };
        }
        order
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn serde_with_garde_and_the_published_schema_agree(order in any_order()) {
        let text = order.to_string();
        let read = json::read::<Order>(&text);
        prop_assert_eq!(read.is_ok(), Published::of::<Order>().fits(&order), "{}", text);
    }
}

/// Derived code reads an object from the list of its values too, at any depth.
#[test]
fn a_list_is_no_object() {
    let mut order = order();
    let whole = json!(["a", 1, null, [], {"country": "DE"}, "gift"]);
    assert!(serde_json::from_value::<Order>(whole.clone()).is_ok(), "serde alone would take it");
    assert!(json::read::<Order>(&whole.to_string()).is_err());
    order["address"] = json!(["DE"]);
    let refused = json::read::<Order>(&order.to_string()).unwrap_err();
    assert_eq!(refused.kind().status(), StatusCode::UNPROCESSABLE_ENTITY.as_u16());
    assert_eq!(refused.unfit()[0].pointer, "/address");
}

/// Plain `length` counts bytes of a text, and JSON Schema characters: they would disagree.
#[test]
fn no_text_is_measured_in_bytes() {
    fn visit(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                found.extend(
                    measured_in_bytes(&source).map(|at| format!("{}: {at}", path.display())),
                );
            }
        }
    }

    /// Attributes with a plain `length` on what is not a list.
    fn measured_in_bytes(source: &str) -> impl Iterator<Item = String> {
        let lines: Vec<&str> = source.lines().map(str::trim).collect();
        let mut found = Vec::new();
        for (position, line) in
            lines.iter().enumerate().filter(|(_, line)| line.starts_with("#[garde("))
        {
            let field = lines[position..].iter().find(|line| !line.starts_with("#["));
            let kind = field.and_then(|field| field.split_once(": ")).map_or("", |(_, kind)| kind);
            let is_list = [
                "Vec<",
                "BTreeSet<",
                "HashSet<",
                "Option<Vec<",
                "Given<Vec<",
                "BTreeMap<",
                "HashMap<",
            ]
            .iter()
            .any(|list| kind.starts_with(list));
            let (outer, inner) = line.split_once("inner(").unwrap_or((line, ""));
            let bytes = |rules: &str| rules.contains("length(") && !rules.contains("length(chars");
            if (bytes(outer) && !is_list) || bytes(inner) {
                found.push((*line).to_owned());
            }
        }
        found.into_iter()
    }

    let wrong = "#[garde(length(min = 1))]\nname: String,";
    assert_eq!(measured_in_bytes(wrong).count(), 1, "the check itself works");
    let mut found = Vec::new();
    let workspace = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for package in ["portcullis", "portcullis-server"] {
        for folder in ["src", "examples", "tests"] {
            let folder = workspace.join(package).join(folder);
            if folder.is_dir() {
                visit(&folder, &mut found);
            }
        }
    }
    found.retain(|at| !at.contains("describe/tests.rs"));
    assert!(found.is_empty(), "write `length(chars, …)`:\n{}", found.join("\n"));
}
