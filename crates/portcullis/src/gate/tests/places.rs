//! Tenants, by URL: what is held in one place, everywhere, and nowhere.

use super::*;
use crate::extract::Json;
use crate::policy::{permission_in, role_in};
use crate::types::{Place, Tenants};

/// Knows people by what they hold in which tenant.
#[derive(Debug)]
struct Tenancy;

fn tenant(name: &str) -> Place {
    Place::new("tenant", name)
}

#[async_trait]
impl Verifier<TokenCredential> for Tenancy {
    async fn verify(&self, found: TokenCredential, _: &Parts) -> Result<Principal, Rejection> {
        let who = user(1, "ada");
        match found.0.expose().as_str() {
            "acme" => Ok(who.with_permissions_in(tenant("acme"), ["notes:read"])),
            "clerk" => Ok(who.with_roles_in(tenant("acme"), ["clerk"])),
            "all" => Ok(who.with_permissions(["notes:*"])),
            "limited" => {
                let who = who.with_permissions_in(tenant("acme"), ["notes:*"]);
                Ok(who.with_scopes(["notes:write"]))
            }
            _ => Err(Rejection::Invalid),
        }
    }
}

async fn names(who: Principal) -> Json<Vec<String>> {
    Json(match who.tenants_with(&"notes:read".into()) {
        Tenants::AllBut(names) => vec![format!("all but {}", names.len())],
        Tenants::Only(names) => names.iter().map(ToString::to_string).collect(),
    })
}

fn app() -> crate::router::App {
    let book = ScopeBook::new().register_for("notes:write", "Write notes.", "notes:write");
    Gate::builder()
        .cleartext(IN_PROCESS)
        .scheme("bearer", bearer().verified_by(Tenancy))
        .roles(Roles::new().grant("reader", ["notes:read"]).include("clerk", "reader"))
        .scopes(book)
        .build()
        .unwrap()
        .routes()
        .get("/notes", authenticated(), names)
        .get("/{tenant}/notes", permission_in("tenant", "notes:read"), async |_: Path<String>| "in")
        .get("/{tenant}/desk", role_in("tenant", "reader"), async |_: Path<String>| "in")
        .put(
            "/{tenant}/notes",
            permission_in("tenant", "notes:write"),
            async |_: Path<String>| "in",
        )
        .get("/{tenant}/own", authenticated(), async |who: Principal, Path(_): Path<String>| {
            who.must(permission_in("tenant", "notes:read")).map(|()| "in")
        })
        .finish()
        .unwrap()
}

#[tokio::test]
async fn what_is_held_in_one_tenant_counts_there_alone() {
    let router = app().router;
    let ask = async |method: &str, path: &str, token: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {token}"));
        let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.into_body().collect().await.unwrap().to_bytes())
    };
    for (method, path, [acme, clerk, all, limited]) in [
        ("GET", "/acme/notes", [200, 200, 200, 403]),
        ("GET", "/acm%65/notes", [200, 200, 200, 403]),
        ("GET", "/acme%2F/notes", [403, 403, 200, 403]),
        ("GET", "/ACME/notes", [403, 403, 200, 403]),
        ("GET", "/other/notes", [403, 403, 200, 403]),
        ("GET", "/acme/own", [200, 200, 200, 403]),
        ("GET", "/other/own", [403, 403, 200, 403]),
        ("GET", "/acme/desk", [403, 200, 403, 403]),
        ("GET", "/other/desk", [403, 403, 403, 403]),
        ("PUT", "/acme/notes", [403, 403, 200, 200]),
        ("PUT", "/other/notes", [403, 403, 200, 403]),
    ] {
        let tokens = [("acme", acme), ("clerk", clerk), ("all", all), ("limited", limited)];
        for (token, status) in tokens {
            let (answered, body) = ask(method, path, token).await;
            assert_eq!(answered, status, "{method} {path} by {token}: {body:?}");
        }
    }
    for (token, expected) in [
        ("acme", r#"["acme"]"#),
        ("clerk", r#"["acme"]"#),
        ("all", r#"["all but 0"]"#),
        ("limited", "[]"),
    ] {
        assert_eq!(ask("GET", "/notes", token).await.1, expected, "{token}");
    }
    let (_, body) = ask("GET", "/other/notes", "acme").await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["missing"], serde_json::json!(["permission notes:read in {tenant}"]));
}

#[test]
fn a_place_is_documented_printed_and_must_be_in_the_path() {
    let app = app();
    assert!(app.access.to_string().contains("permission notes:read in {tenant}"));
    let document = app.openapi.to_value();
    let requires = &document["paths"]["/{tenant}/notes"]["get"]["x-requires"];
    assert_eq!(requires, "permission notes:read in {tenant}");
    let gate = Gate::builder().scheme("bearer", bearer().verified_by(Tenancy)).build().unwrap();
    let routes = gate.routes::<()>().get(
        "/{org}/notes",
        permission_in("tenant", "a"),
        async |_: Path<String>| "in",
    );
    let fault = routes.finish().unwrap_err().to_string();
    assert!(fault.contains("`{tenant}`, which is no part of the path"), "{fault}");
}
