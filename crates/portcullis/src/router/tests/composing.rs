//! Tables put together.

use axum::middleware::{Next, from_fn};
use axum::response::Response;

use super::*;
use crate::types::Principal;

fn gate() -> Gate {
    Gate::builder()
        .scheme("bearer", crate::credential::bearer().verified_by(Believed))
        .cleartext(crate::gate::Cleartext::InProcess)
        .build()
        .unwrap()
}

async fn ask(app: App, method: &str, path: &str, signed_in: bool) -> (u16, String) {
    let request = Request::builder().method(method).uri(path);
    let request = if signed_in { request.header("authorization", "Bearer x") } else { request };
    let response = app.router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(text.to_vec()).unwrap())
}

#[tokio::test]
async fn nested_routes_have_their_prefix_everywhere() {
    let items = || {
        gate()
            .routes::<()>()
            .get("/", authenticated(), async || "start")
            .get("/items/{id}", authenticated(), read_item)
            .mount("/old", authenticated(), axum::Router::new().fallback(async || "old"))
    };
    let app = || gate().routes().nest("/v1", items()).nest("/v2", items()).finish().unwrap();
    assert_eq!(
        app().access.to_string(),
        "GET   /v1               signed in\n\
         GET   /v1/items/{id}    signed in\n\
         ANY   /v1/old/*         signed in\n\
         GET   /v2               signed in\n\
         GET   /v2/items/{id}    signed in\n\
         ANY   /v2/old/*         signed in\n"
    );
    for path in ["/v1", "/v2/items/7", "/v2/old/anything"] {
        assert_eq!(ask(app(), "GET", path, true).await.0, 200, "{path}");
        assert_eq!(ask(app(), "GET", path, false).await.0, 401, "{path}");
    }
    assert_eq!(ask(app(), "GET", "/items/7", true).await.0, 404);
    let document = app().openapi.to_value();
    let schema = |path: &str| {
        document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            .clone()
    };
    assert_eq!(schema("/v1/items/{id}"), json!({"$ref": "#/components/schemas/Item"}));
    assert_eq!(schema("/v1/items/{id}"), schema("/v2/items/{id}"), "one type, one name");
    wrong(gate().routes().nest("v1", items()), ["routes.nest v1"]);
    wrong(gate().routes().nest("/v1/", items()), ["routes.nest /v1/"]);
    let fallback = gate().routes().fallback(test(), ok);
    wrong(gate().routes().nest("/v1", fallback), ["routes.nest /v1"]);
}

#[tokio::test]
async fn a_group_says_its_requirement_once_and_may_ask_for_more() {
    let app = || {
        gate()
            .routes::<()>()
            .all(authenticated(), |routes| {
                routes.get("/a", async || "a").also(role("clerk")).post("/a", async || "b").on(
                    Method::OPTIONS,
                    "/a",
                    async || "c",
                )
            })
            .finish()
            .unwrap()
    };
    assert_eq!(
        app().access.to_string(),
        "GET       /a    signed in\n\
         POST      /a    signed in and role clerk\n\
         OPTIONS   /a    signed in\n"
    );
    assert_eq!(ask(app(), "GET", "/a", false).await.0, 401);
    assert_eq!(ask(app(), "POST", "/a", true).await.0, 403);
    assert_eq!(ask(app(), "OPTIONS", "/a", true).await, (200, "c".to_owned()));
    wrong(gate().routes().all(test(), |group| group.also(test())), ["routes"]);
}

#[tokio::test]
async fn a_layer_stands_inside_the_guard() {
    async fn greet(principal: Principal, request: Request, next: Next) -> Response {
        let mut response = next.run(request).await;
        response.headers_mut().insert("x-for", principal.name.parse().unwrap());
        response
    }
    let app = || {
        gate()
            .routes::<u8>()
            .get("/state", authenticated(), async |State(n): State<u8>| n.to_string())
            .mount("/old", authenticated(), axum::Router::new().fallback(async || "old"))
            .openapi("/openapi.json", authenticated())
            .layer(from_fn(greet))
            .get("/plain", authenticated(), async || "plain")
            .with_state::<()>(7)
            .finish()
            .unwrap()
    };
    for (path, layered) in
        [("/state", true), ("/old/x", true), ("/openapi.json", true), ("/plain", false)]
    {
        assert_eq!(ask(app(), "GET", path, false).await.0, 401, "{path}");
        let request = Request::get(path).header("authorization", "Bearer x");
        let response = app().router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers().contains_key("x-for"), layered, "{path}");
    }
    assert_eq!(ask(app(), "GET", "/state", true).await.1, "7");
}

#[tokio::test]
async fn a_fallback_is_guarded_and_a_line_of_the_table() {
    let app = || {
        gate()
            .routes::<()>()
            .get("/a", public("a test"), ok)
            .fallback(authenticated(), async |uri: http::Uri| uri.path().to_owned())
            .finish()
            .unwrap()
    };
    assert_eq!(ask(app(), "GET", "/x/y", true).await, (200, "/x/y".to_owned()));
    assert_eq!(ask(app(), "PUT", "/x/y", false).await.0, 401);
    assert_eq!(ask(app(), "PUT", "/a", true).await.0, 405);
    let access = app().access;
    assert!(access.to_string().contains("ANY   /*    signed in\n"), "{access}");
    assert_eq!(&*access.find(&Method::PUT, "/x/y").unwrap().path, "/*");
    let two = gate().routes().fallback(test(), ok).fallback(test(), ok);
    wrong(two, ["routes.ANY /*"]);
}

#[tokio::test]
async fn a_table_is_cloned_whole() {
    let routes = gate().routes::<()>().get("/a", authenticated(), async || "a");
    let more = routes.clone().get("/b", authenticated(), async || "b");
    assert_eq!(ask(routes.finish().unwrap(), "GET", "/b", true).await.0, 404);
    assert_eq!(ask(more.finish().unwrap(), "GET", "/b", true).await.1, "b");
}

#[test]
fn a_method_without_a_name_is_an_error() {
    let method = Method::from_bytes(b"PROPFIND").unwrap();
    wrong(gate().routes().on(method, "/", test(), ok), ["routes.PROPFIND /"]);
}
