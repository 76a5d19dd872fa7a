//! Arguments and answers of axum's own, and those of which nothing is said.

use std::collections::HashMap;
use std::convert::Infallible;

use axum::body::Bytes;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Redirect};
use http_body_util::BodyExt as _;

use super::*;
use crate::extract::Undescribed;

#[derive(Deserialize, Serialize, JsonSchema)]
struct Plain {
    name: String,
}

/// Knows nothing of schemas.
#[derive(Deserialize)]
struct Old {
    name: String,
}

fn gate() -> Gate {
    Gate::of(Vec::new(), ScopeBook::new())
}

fn operation(routes: Routes, path: &str, method: &str) -> Value {
    routes.finish().unwrap().openapi.to_value()["paths"][path][method].clone()
}

async fn ask(routes: Routes, request: http::request::Builder, body: &str) -> (u16, String) {
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = routes.finish().unwrap().router.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(text.to_vec()).unwrap())
}

#[tokio::test]
async fn axums_own_extractors_are_described_and_need_no_validation() {
    async fn handler(
        path: axum::extract::Path<u8>,
        query: axum::extract::Query<Plain>,
        body: axum::Json<Plain>,
    ) -> axum::Json<Plain> {
        axum::Json(Plain { name: format!("{}{}{}", path.0, query.0.name, body.0.name) })
    }
    let routes = || gate().routes::<()>().post("/{id}", test(), handler);
    let post = |uri: &str| Request::post(uri).header("content-type", "application/json");
    let (status, said) = ask(routes(), post("/7?name=a"), r#"{"name": "b"}"#).await;
    assert_eq!((status, &*said), (200, r#"{"name":"7ab"}"#));
    let described = operation(routes(), "/{id}", "post");
    assert_eq!(described["parameters"][0]["name"], "id");
    assert_eq!(described["parameters"][1]["name"], "name");
    let reference = json!({"$ref": "#/components/schemas/Plain"});
    assert_eq!(described["requestBody"]["content"]["application/json"]["schema"], reference);
    let answer = &described["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(*answer, reference);
    let (status, said) = ask(routes(), post("/7?name=a"), r#"{"name": 1}"#).await;
    assert_eq!(status, 422, "{said}");
    let refusals = &described["responses"]["422"]["content"];
    assert!(refusals["text/plain; charset=utf-8"].is_object(), "as it is: {refusals}");
}

#[tokio::test]
async fn what_may_be_left_out_is_described_as_such() {
    async fn handler(query: Option<Query<List>>, body: Option<Json<NewItem>>) -> String {
        format!("{} {}", query.is_some(), body.map_or(0.0, |body| body.0.price))
    }
    let routes = || gate().routes::<()>().post("/", test(), handler);
    let post = |uri: &str| Request::post(uri).header("content-type", "application/json");
    assert_eq!(ask(routes(), Request::post("/"), "").await, (200, "false 0".to_owned()));
    let (status, said) = ask(routes(), post("/?limit=3"), r#"{"name": "a", "price": 2}"#).await;
    assert_eq!((status, &*said), (200, "true 2"));
    assert_eq!(ask(routes(), post("/"), "{}").await.0, 422, "what is there must fit");
    assert_eq!(ask(routes(), post("/?limit=x"), "null").await.0, 422);
    let described = operation(routes(), "/", "post");
    assert_eq!(described["parameters"][0]["required"], false);
    assert_eq!(described["requestBody"]["required"], false);
}

#[tokio::test]
async fn any_json_and_any_query_are_described() {
    async fn handler(
        query: axum::extract::Query<HashMap<String, String>>,
        body: axum::Json<Value>,
    ) -> axum::Json<Value> {
        axum::Json(json!([query.0, body.0]))
    }
    let routes = || gate().routes::<()>().post("/", test(), handler);
    let post = Request::post("/?a=1").header("content-type", "application/json");
    assert_eq!(ask(routes(), post, "[null]").await.1, r#"[{"a":"1"},[null]]"#);
    let described = operation(routes(), "/", "post");
    assert_eq!(described["parameters"][0]["schema"]["type"], "object");
    assert_eq!(described["parameters"][0]["required"], false);
    assert!(described["requestBody"]["content"]["application/json"].is_object());
}

#[tokio::test]
async fn answers_of_axums_own_are_described() {
    async fn events() -> Sse<impl futures_util::Stream<Item = Result<Event, Infallible>>> {
        Sse::new(futures_util::stream::iter([Ok(Event::default().data("x"))]))
    }
    let routes = || {
        gate()
            .routes::<()>()
            .get("/status", test(), async || StatusCode::ACCEPTED)
            .get("/both", test(), async || (StatusCode::IM_A_TEAPOT, Json(1_u8)))
            .get("/away", test(), async || Redirect::to("/there"))
            .get("/bytes", test(), async || Bytes::from_static(b"x"))
            .get("/events", test(), events)
            .post("/body", test(), async |body: Body| body)
            .post("/request", test(), async |request: Request| request.into_body())
    };
    for (path, status) in
        [("/status", 202), ("/both", 418), ("/away", 303), ("/bytes", 200), ("/events", 200)]
    {
        assert_eq!(ask(routes(), Request::get(path), "").await.0, status, "{path}");
    }
    assert_eq!(ask(routes(), Request::post("/body"), "abc").await.1, "abc");
    assert_eq!(ask(routes(), Request::post("/request"), "abc").await.1, "abc");
    let answers = |path: &str| operation(routes(), path, "get")["responses"].clone();
    assert!(answers("/status")["default"].is_object());
    assert!(answers("/both")["default"]["content"]["application/json"].is_object());
    assert!(answers("/both")["200"].is_null(), "nobody answers 200");
    assert!(answers("/away")["3XX"]["headers"]["Location"].is_object());
    assert!(answers("/bytes")["200"]["content"]["application/octet-stream"].is_object());
    assert!(answers("/events")["200"]["content"]["text/event-stream"].is_object());
    assert_eq!(operation(routes(), "/body", "post")["requestBody"]["required"], false);
}

#[tokio::test]
async fn what_is_undescribed_needs_neither_schema_nor_validation() {
    async fn handler(
        Undescribed(body): Undescribed<axum::Json<Old>>,
    ) -> Undescribed<impl IntoResponse> {
        Undescribed((StatusCode::CREATED, body.0.name))
    }
    let routes = || gate().routes::<()>().post("/", test(), handler);
    let post = Request::post("/").header("content-type", "application/json");
    let made = ask(routes(), post, r#"{"name": "a"}"#).await;
    assert_eq!(made, (201, "a".to_owned()));
    let described = operation(routes(), "/", "post");
    assert_eq!(described["x-requires"], "anyone: a test", "the route itself is described");
    assert!(described["requestBody"].is_null());
}

#[cfg(all(feature = "ws", feature = "multipart"))]
#[test]
fn sockets_and_uploads_are_described() {
    use axum::extract::{Multipart, WebSocketUpgrade};

    async fn socket(socket: WebSocketUpgrade) -> http::Response<Body> {
        socket.on_upgrade(async |_| ())
    }
    let routes = gate().routes::<()>().get("/socket", test(), socket).post(
        "/upload",
        test(),
        async |_: Multipart| NoContent,
    );
    let document = routes.finish().unwrap().openapi.to_value();
    assert!(document["paths"]["/socket"]["get"]["responses"]["101"].is_object());
    let upload = &document["paths"]["/upload"]["post"]["requestBody"]["content"];
    assert!(upload["multipart/form-data"].is_object());
}

#[tokio::test]
async fn an_unknown_parameter_is_named_where_the_type_denies_it() {
    #[derive(Deserialize, JsonSchema, Validate)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        #[garde(skip)]
        #[serde(default)]
        name: Option<String>,
    }
    let handler = async |Query(wanted): Query<Wanted>| wanted.name.unwrap_or_default();
    let routes = || gate().routes::<()>().get("/", test(), handler);
    assert_eq!(ask(routes(), Request::get("/?name=a"), "").await, (200, "a".to_owned()));
    let (status, said) = ask(routes(), Request::get("/?email=a"), "").await;
    assert_eq!(status, 422);
    assert!(said.contains(r#""pointer":"/email""#), "{said}");
}

#[tokio::test]
async fn a_patch_tells_null_from_absent() {
    use crate::extract::Patch;

    #[derive(Deserialize, JsonSchema, Validate)]
    #[serde(deny_unknown_fields)]
    struct Change {
        #[garde(length(chars, max = 3))]
        #[serde(default)]
        name: Patch<String>,
        #[garde(skip)]
        #[serde(default)]
        number: Patch<u8>,
        #[garde(skip)]
        #[serde(default)]
        tags: Patch<Vec<String>>,
    }
    #[derive(Deserialize, JsonSchema, Validate)]
    struct Forgotten {
        #[garde(skip)]
        #[expect(dead_code, reason = "only read")]
        name: Patch<String>,
    }
    let handler = async |Json(change): Json<Change>| {
        format!("{:?} {:?} {:?}", change.name, change.number, change.tags)
    };
    let forgotten = async |_: Json<Forgotten>| NoContent;
    let routes =
        || gate().routes::<()>().patch("/", test(), handler).patch("/b", test(), forgotten);
    let patch = |path: &str| Request::patch(path).header("content-type", "application/json");
    for (body, said) in [
        ("{}", "Absent Absent Absent"),
        (r#"{"name": null, "tags": null}"#, "Null Absent Null"),
        (r#"{"name": "a", "number": 7}"#, r#"Value("a") Value(7) Absent"#),
        (r#"{"tags": ["x"]}"#, r#"Absent Absent Value(["x"])"#),
    ] {
        assert_eq!(ask(routes(), patch("/"), body).await, (200, said.to_owned()), "{body}");
    }
    for body in [r#"{"name": "long"}"#, r#"{"name": 1}"#, r#"{"number": 256}"#, r#"{"tags": [1]}"#]
    {
        assert_eq!(ask(routes(), patch("/"), body).await.0, 422, "{body}");
    }
    assert_eq!(ask(routes(), patch("/b"), "{}").await.0, 422, "absent is not null");
    assert_eq!(ask(routes(), patch("/b"), r#"{"name": null}"#).await.0, 204);
}
