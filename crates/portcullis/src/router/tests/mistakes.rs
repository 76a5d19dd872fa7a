//! Tables that cannot be: every mistake is said by `finish()`, and nothing panics.

use super::*;

#[track_caller]
pub(super) fn wrong<const N: usize>(routes: Routes, settings: [&str; N]) {
    let error = routes.finish().expect_err("it is accepted");
    let found: Vec<_> = error.faults.iter().map(|fault| fault.setting.as_str()).collect();
    assert_eq!(found, settings, "{error}");
}

pub(super) async fn ok() -> NoContent {
    NoContent
}

pub(super) fn test() -> Requirement {
    public("a test")
}

#[test]
fn routes_in_each_others_way_are_errors_and_no_panics() {
    let empty = || gate().routes::<()>();
    wrong(empty().get("/a", test(), ok).get("/a", test(), ok), ["routes.GET /a"]);
    wrong(empty().get("/a", test(), ok).merge(empty().get("/a", test(), ok)), ["routes.GET /a"]);
    wrong(
        empty().get("/a/{id}", test(), ok).post("/a/{name}", test(), ok),
        ["routes.POST /a/{name}"],
    );
    wrong(
        empty()
            .get("", test(), ok)
            .get("a", test(), ok)
            .get("/:id", test(), ok)
            .get("/*rest", test(), ok)
            .get("/{", test(), ok)
            .get("/a{}", test(), ok)
            .get("/{*rest}/a", test(), ok)
            .get("/{x}/{x}", test(), ok)
            .get("/a?b", test(), ok)
            .get("/{{a}}", test(), ok),
        [
            "routes.GET ",
            "routes.GET a",
            "routes.GET /:id",
            "routes.GET /*rest",
            "routes.GET /{",
            "routes.GET /a{}",
            "routes.GET /{*rest}/a",
            "routes.GET /{x}/{x}",
            "routes.GET /a?b",
            "routes.GET /{{a}}",
        ],
    );
    let fine = empty().get("/a", test(), ok).post("/a", test(), ok).get("/{x}", test(), ok);
    assert!(fine.get("/a/b", test(), ok).get("/a/{*rest}", test(), ok).finish().is_ok());
}

#[test]
fn names_that_nobody_registered_are_errors() {
    let empty = || gate().routes::<()>();
    wrong(empty().accepts(&["basci"]).get("/", authenticated(), ok), ["routes.GET /"]);
    wrong(empty().get("/", scope("items:raed"), ok), ["routes.GET /"]);
    // A further name documents a scheme, it is none.
    let alias = Gate::builder()
        .scheme("bearer", crate::credential::bearer().verified_by(Believed))
        .documented_also("oauth2", "bearer", SecurityScheme(json!({"type": "oauth2"})))
        .build()
        .unwrap();
    wrong(alias.routes().accepts(&["oauth2"]).get("/", authenticated(), ok), ["routes.GET /"]);
    let routes = alias.routes::<()>().accepts(&["bearer"]).get("/", authenticated(), ok);
    let document = routes.finish().unwrap().openapi.to_value();
    let security = &document["paths"]["/"]["get"]["security"];
    assert_eq!(*security, json!([{"bearer": []}, {"oauth2": []}]));
    wrong(empty().get("/", test(), ok).summary("too late"), ["routes"]);
    wrong(empty().get("/", test(), ok).cors("/b", Cors::closed()), ["routes.cors"]);
    let closed = Gate::of(Vec::new(), ScopeBook::new());
    wrong(closed.routes().get("/", authenticated(), ok), ["routes.GET /"]);
    assert!(closed.routes::<()>().get("/", test(), ok).finish().is_ok());
}

#[test]
fn handlers_that_ask_for_what_the_path_lacks_are_errors() {
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only described")]
    struct Named {
        number: u8,
    }
    #[derive(Deserialize, JsonSchema, Validate)]
    #[expect(dead_code, reason = "only described")]
    struct Leaky {
        #[garde(skip)]
        password: String,
    }
    let empty = || gate().routes::<()>();
    wrong(empty().get("/", test(), async |_: Path<u8>| NoContent), ["routes.GET /"]);
    wrong(empty().get("/{a}/{b}", test(), async |_: Path<u8>| NoContent), ["routes.GET /{a}/{b}"]);
    wrong(empty().get("/{a}", test(), async |_: Path<(u8, u8)>| NoContent), ["routes.GET /{a}"]);
    wrong(empty().get("/{nr}", test(), async |_: Path<Named>| NoContent), ["routes.GET /{nr}"]);
    wrong(empty().get("/", test(), async |_: Query<Leaky>| NoContent), ["routes.GET /"]);
}
