//! The table: what it mounts, prints, documents and refuses.

mod bodies;
mod composing;
mod foreign;
mod mistakes;
mod mounting;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use garde::Validate;
use http::StatusCode;
use http_body_util::BodyExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceExt;

use mistakes::{ok, test, wrong};

use super::*;
use crate::credential::{Rejection, SecurityScheme, TokenCredential};
use crate::extract::{Created, Json, NoContent, Path, Query};
use crate::identity::{VerifiedBy, Verifier};
use crate::openapi::{Describe, OperationBuilder};
use crate::policy::{authenticated, owner, permission, public, role, scope};
use crate::problem::{OAuthError, Problem};
use crate::types::{Principal, ScopeBook, UserId};

fn gate() -> Gate {
    let scheme = |name: &str, value| (SchemeName::from(name), SecurityScheme(value));
    Gate::of(
        vec![
            scheme("basic", json!({"type": "http", "scheme": "basic"})),
            scheme(
                "oauth2",
                json!({"type": "oauth2", "flows": {"password": {"tokenUrl": "/token"}}}),
            ),
        ],
        ScopeBook::new().register("items:read", "Read items.").register("items:write", "Write."),
    )
}

#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct NewItem {
    /// What it is called.
    #[garde(length(chars, min = 1, max = 40))]
    name: String,
    #[garde(range(min = 0.0))]
    price: f64,
}

/// A thing for sale.
#[derive(Serialize, Deserialize, JsonSchema, Validate)]
struct Item {
    #[garde(skip)]
    id: u64,
    #[garde(skip)]
    name: String,
    #[serde(default)]
    #[garde(skip)]
    tags: Vec<String>,
}

#[derive(Deserialize, JsonSchema, Validate)]
struct List {
    /// How many at the most.
    #[garde(range(min = 1, max = 200))]
    limit: u32,
    #[serde(default)]
    #[garde(skip)]
    after: Option<String>,
}

async fn read_items(State(_): State<u8>, Query(list): Query<List>) -> Json<Vec<Item>> {
    let _ = list.after;
    Json((0..list.limit).map(|n| item(n.into(), "")).collect())
}

async fn create_item(_: Principal2, Json(new): Json<NewItem>) -> Result<Created<Item>, Problem> {
    assert!(new.price >= 0.0);
    Ok(Created(item(1, &new.name)))
}

async fn read_item(Path(id): Path<u64>) -> Json<Item> {
    Json(item(id, "one"))
}

async fn replace_item(Path(id): Path<u64>, Json(new): Json<Item>) -> Json<Item> {
    Json(Item { id, ..new })
}

async fn delete_item(Path(_): Path<u64>) -> NoContent {
    NoContent
}

async fn health(_: Option<Principal2>) -> &'static str {
    "ok"
}

async fn token() -> Result<NoContent, OAuthError> {
    Ok(NoContent)
}

fn item(id: u64, name: &str) -> Item {
    Item { id, name: name.to_owned(), tags: Vec::new() }
}

/// Believes every token.
#[derive(Debug)]
struct Believed;

#[async_trait::async_trait]
impl Verifier<TokenCredential> for Believed {
    async fn verify(
        &self,
        _: TokenCredential,
        _: &http::request::Parts,
    ) -> Result<Principal, Rejection> {
        Ok(Principal::new(UserId(uuid::Uuid::nil()).into(), "anyone"))
    }
}

/// Stands for an extractor of an application's own.
struct Principal2;

impl<S: Sync> axum::extract::FromRequestParts<S> for Principal2 {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut http::request::Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self)
    }
}

impl<S: Sync> axum::extract::OptionalFromRequestParts<S> for Principal2 {
    type Rejection = Problem;

    async fn from_request_parts(
        _: &mut http::request::Parts,
        _: &S,
    ) -> Result<Option<Self>, Problem> {
        Ok(None)
    }
}

impl Describe for Principal2 {
    fn describe(_: &mut OperationBuilder<'_>) {}

    fn describe_optional(operation: &mut OperationBuilder<'_>) {
        Option::<Principal>::describe(operation);
    }
}

fn shop() -> Routes<u8> {
    gate()
        .routes()
        .about(Info::new("Shop", "1.2.3").description("Things for sale."))
        .get("/health", public("liveness probe"), health)
        .openapi("/openapi.json", public("the document"))
        .tag("items")
        .get("/items", scope("items:read"), read_items)
        .describe("Makes an item.")
        .post("/items", scope("items:write") & permission("write"), create_item)
        .get("/items/{id}", role("clerk") & scope("items:read"), read_item)
        .put("/items/{id}", authenticated(), replace_item)
        .accepts(&["basic"])
        .delete("/items/{id}", permission("delete") | owner("item"), delete_item)
        .tag("auth")
        .summary("Get a token")
        .post("/token", public("the token endpoint"), token)
}

fn finished() -> App {
    shop().with_state(7).finish().unwrap()
}

async fn ask(method: &str, uri: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header("content-type", "application/json")
        .header("x-believe", "basic")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = finished().router.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[test]
fn the_access_table_is_printed_in_columns() {
    let when = |text| public(text);
    let routes = gate()
        .routes::<()>()
        .get("/health", when("liveness probe"), async || NoContent)
        .get("/reports", role("analyst") & scope("items:read"), async || NoContent)
        .get("/articles", permission("article:write") | owner("article"), async || NoContent);
    assert_eq!(
        routes.finish().unwrap().access.to_string(),
        "GET   /health      anyone: liveness probe\n\
         GET   /reports     role analyst and scope items:read\n\
         GET   /articles    permission article:write or owner of the article\n"
    );
    let table = finished().access;
    assert_eq!(table.iter().count(), 8);
    assert_eq!(table.iter().filter(|row| row.tag.as_deref() == Some("items")).count(), 5);
}

#[tokio::test]
async fn routes_are_served() {
    assert_eq!(ask("GET", "/items?limit=2", "").await.1.as_array().map(Vec::len), Some(2));
    let (status, made) = ask("POST", "/items", r#"{"name": "a", "price": 1}"#).await;
    assert_eq!((status, &made["name"]), (StatusCode::CREATED, &json!("a")));
    assert_eq!(ask("DELETE", "/items/7", "").await.0, StatusCode::NO_CONTENT);
    let (status, served) = ask("GET", "/openapi.json", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(served, finished().openapi.to_value());
}

#[tokio::test]
async fn a_path_that_does_not_fit_is_named() {
    assert_eq!(ask("GET", "/items/7", "").await.1["id"], 7);
    for (path, status) in [
        ("/items/seven", StatusCode::UNPROCESSABLE_ENTITY),
        ("/items/-1", StatusCode::UNPROCESSABLE_ENTITY),
        ("/items/99999999999999999999", StatusCode::UNPROCESSABLE_ENTITY),
        ("/items/%ff", StatusCode::BAD_REQUEST),
        ("/items/%zz", StatusCode::BAD_REQUEST),
        ("/items/%4", StatusCode::BAD_REQUEST),
    ] {
        let (found, problem) = ask("GET", path, "").await;
        assert_eq!(found, status, "{path}");
        if status == StatusCode::UNPROCESSABLE_ENTITY {
            assert_eq!(problem["errors"][0]["pointer"], "/id", "{path}");
        }
    }
}

#[tokio::test]
async fn a_path_is_read_as_a_tuple_or_a_struct() {
    #[derive(Deserialize, JsonSchema)]
    struct Named {
        #[schemars(length(min = 2))]
        user: String,
        number: u8,
    }
    let router = gate()
        .routes::<()>()
        .get("/a/{user}/{number}", public("a test"), async |Path(named): Path<Named>| {
            Json(vec![named.user, named.number.to_string()])
        })
        .get("/b/{user}/{number}", public("a test"), async |Path(two): Path<(String, u8)>| {
            Json(vec![two.0, two.1.to_string()])
        })
        .get("/c/{*rest}", public("a test"), async |Path(rest): Path<String>| Json(vec![rest]))
        .finish()
        .unwrap()
        .router;
    let ask = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    assert_eq!(ask("/a/12/7").await, json!(["12", "7"]));
    assert_eq!(ask("/b/12/7").await, json!(["12", "7"]));
    assert_eq!(ask("/c/x/y%20z").await, json!(["x/y z"]));
    assert_eq!(ask("/a/1/7").await["errors"][0]["pointer"], "/user", "schema rules count");
    assert_eq!(ask("/a/12/300").await["errors"][0]["pointer"], "/number");
    assert_eq!(ask("/b/12/300").await["errors"][0]["pointer"], "/number");
}

#[test]
fn operations_say_who_may_call() {
    let document = finished().openapi.to_value();
    let operation = |path: &str, method: &str| document["paths"][path][method].clone();

    let health = operation("/health", "get");
    assert_eq!(health["security"], json!([{}, {"basic": []}, {"oauth2": []}]));
    assert!(health["responses"]["401"].is_object(), "a wrong credential is refused");
    assert!(health["responses"]["403"].is_null());

    let token = operation("/token", "post");
    assert_eq!(token["security"], json!([]));
    assert_eq!(token["summary"], "Get a token");
    assert!(token["responses"]["401"]["content"]["application/json"].is_object());

    let read = operation("/items/{id}", "get");
    assert_eq!(
        read["security"],
        json!([{"basic": ["clerk", "items:read"]}, {"oauth2": ["items:read"]}])
    );
    assert_eq!(read["x-requires"], "role clerk and scope items:read");
    let challenged = &read["responses"]["401"];
    assert!(challenged["headers"]["WWW-Authenticate"]["schema"].is_object());
    assert!(challenged["content"]["application/problem+json"].is_object());
    assert!(read["responses"]["404"].is_object());

    assert_eq!(operation("/items/{id}", "delete")["security"], json!([{"basic": []}]));
    assert_eq!(
        document["components"]["securitySchemes"]["oauth2"]["flows"]["password"]["scopes"],
        json!({"items:read": "Read items.", "items:write": "Write."})
    );
}

#[test]
fn operations_say_what_they_read_and_send() {
    let document = finished().openapi.to_value();
    let list = &document["paths"]["/items"]["get"];
    assert_eq!(list["operationId"], "read_items");
    assert_eq!(list["summary"], "Read items");
    assert_eq!(list["tags"], json!(["items"]));
    let limit = &list["parameters"][0];
    assert_eq!(limit["name"], "limit");
    assert_eq!(limit["in"], "query");
    assert_eq!(limit["required"], true);
    assert_eq!(limit["description"], "How many at the most.");
    assert_eq!(
        (&limit["schema"]["minimum"], &limit["schema"]["maximum"]),
        (&json!(1), &json!(200))
    );
    assert_eq!(list["parameters"][1]["required"], false);

    let create = &document["paths"]["/items"]["post"];
    assert_eq!(create["description"], "Makes an item.");
    let statuses: Vec<_> = create["responses"].as_object().unwrap().keys().collect();
    assert_eq!(
        statuses,
        ["201", "400", "401", "403", "413", "415", "422", "429", "503", "default"]
    );
    let new = &document["components"]["schemas"]["NewItem"];
    assert_eq!(new["additionalProperties"], false);
    assert_eq!(new["properties"]["name"]["maxLength"], 40);
    assert_eq!(new["properties"]["price"]["minimum"], json!(0.0));

    let replace = &document["paths"]["/items/{id}"]["put"];
    let body = &replace["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    let answer = &replace["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(body, "#/components/schemas/ItemInput", "a field with a default may be left out");
    assert_eq!(answer, "#/components/schemas/Item", "and always comes back");
    assert_eq!(document["paths"]["/health"]["get"]["operationId"], "health");
}

fn visit(value: &Value, document: &Value, seen: &mut usize) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get("$ref") {
                assert!(document.pointer(&target[1..]).is_some(), "{target}");
                *seen += 1;
            }
            fields.values().for_each(|field| visit(field, document, seen));
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, document, seen)),
        _ => {}
    }
}

#[test]
fn every_schema_compiles_and_every_reference_leads_somewhere() {
    let document = finished().openapi.to_value();
    let mut seen = 0;
    visit(&document, &document, &mut seen);
    assert!(seen > 20, "{seen}");
    for schema in document["components"]["schemas"].as_object().unwrap().values() {
        let mut schema = schema.clone();
        schema["components"] = document["components"].clone();
        let built = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(&schema);
        assert!(built.is_ok(), "{schema}");
    }
}

#[test]
fn what_a_problem_sends_fits_its_schema() {
    let document = finished().openapi.to_value();
    let mut schema = document["components"]["schemas"]["Problem"].clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::options().build(&schema).unwrap();
    let problem = Problem::new(crate::problem::ProblemKind::NotFound);
    let body = futures_util::FutureExt::now_or_never(problem.into_response().into_body().collect());
    let body: Value = serde_json::from_slice(&body.unwrap().unwrap().to_bytes()).unwrap();
    assert!(validator.is_valid(&body), "{body}");
}
