//! Routers as they are, under one requirement.

use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{any, get};

use super::*;

fn gate() -> Gate {
    Gate::builder()
        .scheme("bearer", crate::credential::bearer().verified_by(Believed))
        .cleartext(crate::gate::Cleartext::InProcess)
        .build()
        .unwrap()
}

/// What a grown service has: a state, typed paths, a layer that asks who it is, a fallback.
#[expect(clippy::disallowed_methods, reason = "the router is no table of routes")]
fn old() -> axum::Router {
    async fn note(
        State(names): State<Vec<&'static str>>,
        path: axum::extract::Path<usize>,
    ) -> String {
        names.get(path.0).unwrap_or(&"none").to_string()
    }
    async fn signed(principal: Principal, request: Request, next: Next) -> Response {
        let mut response = next.run(request).await;
        response.headers_mut().insert("x-for", principal.name.parse().unwrap());
        response
    }
    axum::Router::new()
        .route("/", any(async || "the old start page"))
        .route("/notes/{id}", get(note))
        .route("/taken", get(async || "old"))
        .fallback(async || (StatusCode::NOT_FOUND, "the old fallback"))
        .layer(from_fn(signed))
        .with_state(vec!["zero", "one"])
}

fn app() -> App {
    gate()
        .routes::<()>()
        .mount("/legacy", authenticated(), old())
        .get("/legacy/taken", public("taken over"), async || "new")
        .finish()
        .unwrap()
}

async fn ask(router: axum::Router, method: &str, path: &str, signed_in: bool) -> (u16, String) {
    let request = Request::builder().method(method).uri(path);
    let request = if signed_in { request.header("authorization", "Bearer x") } else { request };
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    if status == 200 && signed_in {
        assert_eq!(response.headers().get("x-for").map(|name| name == "anyone"), Some(true));
    }
    let text = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(text.to_vec()).unwrap())
}

#[tokio::test]
async fn a_mounted_router_stays_as_it_was_behind_its_requirement() {
    for (method, path, status, text) in [
        ("GET", "/legacy/notes/1", 200, "one"),
        ("GET", "/legacy", 200, "the old start page"),
        ("DELETE", "/legacy", 200, "the old start page"),
        ("GET", "/legacy/unknown", 404, "the old fallback"),
        ("GET", "/legacy/notes/seven", 400, "Invalid URL"),
    ] {
        let (found, said) = ask(app().router, method, path, true).await;
        assert_eq!(found, status, "{method} {path}: {said}");
        assert!(said.contains(text), "{method} {path}: {said}");
    }
    for path in ["/legacy", "/legacy/", "/legacy/notes/1", "/legacy/unknown", "/legacy/a/b/c"] {
        assert_eq!(ask(app().router, "GET", path, false).await.0, 401, "{path}");
        assert_eq!(ask(app().router, "PROPFIND", path, false).await.0, 401, "{path}");
    }
    assert_eq!(ask(app().router, "GET", "/elsewhere", false).await.0, 404);
}

#[tokio::test]
async fn a_route_of_the_table_comes_before_a_mounted_router() {
    assert_eq!(ask(app().router, "GET", "/legacy/taken", false).await, (200, "new".to_owned()));
    let access = app().access;
    let found =
        |method: Method, path: &str| access.find(&method, path).map(|row| row.path.to_string());
    assert_eq!(found(Method::GET, "/legacy/taken").as_deref(), Some("/legacy/taken"));
    assert_eq!(found(Method::PUT, "/legacy/a/b?c").as_deref(), Some("/legacy/*"));
    assert_eq!(found(Method::PUT, "/legacy").as_deref(), Some("/legacy/*"));
    assert_eq!(found(Method::GET, "/"), None);
    assert_eq!(
        access.to_string(),
        "ANY   /legacy/*        signed in\nGET   /legacy/taken    anyone: taken over\n"
    );
}

#[test]
fn what_stands_in_the_way_of_a_mounted_router_is_an_error() {
    let routes = || gate().routes::<()>().mount("/legacy", test(), old());
    wrong(routes().mount("/legacy", test(), old()), ["routes.ANY /legacy/*"]);
    let [path] = ["routes.GET /legacy/{*rest}"];
    wrong(routes().get("/legacy/{*rest}", test(), ok), [path]);
    wrong(routes().get("/legacy", test(), ok), ["routes.GET /legacy"]);
    for prefix in ["", "/", "/legacy/"] {
        let setting = format!("routes.ANY {prefix}");
        wrong(gate().routes().mount(prefix, test(), old()), [&setting]);
    }
    let described =
        gate().routes().mount_described("/old", test(), old(), json!({"swagger": "2.0"}));
    wrong(described, ["routes.ANY /old/*"]);
}

#[test]
fn the_document_of_a_mounted_router_is_put_into_ours() {
    let theirs = json!({
        "openapi": "3.1.0",
        "info": {"title": "Old", "version": "1"},
        "paths": {
            "/notes/{id}": {"get": {
                "operationId": "read_item",
                "tags": ["notes"],
                "parameters": [
                    {"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}
                ],
                "security": [],
                "responses": {"200": {
                    "description": "OK",
                    "content": {"application/json": {
                        "schema": {"$ref": "#/components/schemas/Item"}
                    }},
                }},
            }},
            "/taken": {"get": {"responses": {}}},
        },
        "components": {
            "schemas": {"Item": {"type": "string"}, "Note": {"$ref": "#/components/schemas/Item"}},
            "securitySchemes": {"theirs": {"type": "http", "scheme": "basic"}},
        },
    });
    let document = gate()
        .routes::<()>()
        .get("/items/{id}", authenticated(), read_item)
        .get("/legacy/taken", public("taken over"), ok)
        .mount_described("/legacy", role("clerk"), old(), theirs)
        .finish()
        .unwrap()
        .openapi
        .to_value();
    let operation = &document["paths"]["/legacy/notes/{id}"]["get"];
    assert_eq!(operation["operationId"], "legacy_read_item", "names stay different");
    assert_eq!(operation["security"], json!([{"bearer": ["clerk"]}]));
    assert_eq!(operation["x-requires"], "role clerk");
    for status in ["200", "400", "401", "403", "429", "503"] {
        assert!(operation["responses"][status].is_object(), "{status}");
    }
    let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(*schema, json!({"$ref": "#/components/schemas/LegacyItem"}));
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["LegacyItem"], json!({"type": "string"}));
    assert_eq!(schemas["Note"], json!({"$ref": "#/components/schemas/LegacyItem"}));
    assert_eq!(schemas["Item"]["type"], "object", "ours is as it was");
    assert!(document["components"]["securitySchemes"]["theirs"].is_null());
    let taken = &document["paths"]["/legacy/taken"]["get"];
    assert_eq!(taken["x-requires"], "anyone: taken over", "what answers is what is described");
    let mut seen = 0;
    visit(&document, &document, &mut seen);
    assert_eq!(document["tags"], json!([{"name": "notes"}]));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the router is no table of routes")]
async fn a_requirement_is_a_layer_of_any_router() {
    let inner = |who| {
        axum::Router::new()
            .route("/notes/{id}", get(async |who: Principal| who.name.to_string()))
            .layer(gate().layer(who))
    };
    assert_eq!(ask(inner(authenticated()), "GET", "/notes/1", false).await.0, 401);
    assert_eq!(ask(inner(role("clerk")), "GET", "/notes/1", true).await.0, 403);
    let request = Request::get("/notes/1").header("authorization", "Bearer x");
    let response = inner(authenticated()).oneshot(request.body(Body::empty()).unwrap());
    let text = response.await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(text, "anyone");
}
