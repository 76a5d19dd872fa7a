//! The whole walk, by URL: an API without users and without a store.

use http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::credential::bearer;
use crate::gate::{Cleartext, Gate};
use crate::identity::VerifiedBy;
use crate::policy::{Roles, authenticated, permission, role, scope, unscoped};
use crate::types::ScopeBook;

const METADATA: &str = "https://api.example/.well-known/oauth-protected-resource";

fn api(tokens: RemoteTokens, clock: &FixedClock, roles: Option<Roles>) -> Router {
    let mut gate = Gate::builder()
        .scheme("bearer", bearer().resource_metadata(METADATA).verified_by(tokens))
        .scopes(
            ScopeBook::new()
                .register("items:read", "Read items.")
                .register("items:admin", "Do anything.")
                .register_for("items:write", "Write items.", "write"),
        )
        .cleartext(Cleartext::InProcess)
        .sources(clock.sources());
    if let Some(roles) = roles {
        gate = gate.roles(roles);
    }
    gate.build()
        .unwrap()
        .routes::<()>()
        .get("/me", authenticated(), async |who: Principal| who.name.to_string())
        .get("/read", scope("items:read"), async || "read")
        .get("/write", scope("items:write"), async || "written")
        .get("/all", scope("items:admin"), async || "all")
        .get("/admin", role("admin"), async || "admin")
        .get("/own", unscoped(), async || "own")
        .get("/do", permission("write"), async || "done")
        .finish()
        .unwrap()
        .router
}

async fn get(api: &Router, path: &str, token: Option<&str>) -> (Response<()>, String) {
    let mut request = Request::builder().uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Body::empty()).unwrap();
    let (parts, body) = api.clone().oneshot(request).await.unwrap().into_parts();
    let text = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, ()), String::from_utf8(text.to_vec()).unwrap())
}

async fn status(api: &Router, path: &str, token: &str) -> u16 {
    get(api, path, Some(token)).await.0.status().as_u16()
}

#[tokio::test]
async fn requirements_extractors_and_problems_are_the_same() {
    let (issuer, clock, key) = (Issuer::start().await, clock(), Key::new("one"));
    issuer.publish(&[&key]);
    let tokens = tokens(issuer.trusted().roles_from("/groups"), &clock);
    let roles = Roles::new().grant("editor", ["write"]).include("admin", "editor");
    let api = api(tokens, &clock, Some(roles));
    let mut claims = issuer.claims(&clock);
    let reader = key.sign("at+jwt", &claims);
    claims["groups"] = json!(["admin", "unheard-of"]);
    let admin = key.sign("at+jwt", &claims);
    claims.as_object_mut().unwrap().remove("scope");
    let whole = key.sign("at+jwt", &claims);

    assert_eq!(get(&api, "/me", Some(&reader)).await.1, "ada");
    // The role counts by a token that no scope limits; the permission where a scope stands for it.
    for (path, read, administer, unlimited) in [
        ("/me", 200, 200, 200),
        ("/read", 200, 200, 403),
        ("/write", 403, 200, 403),
        ("/all", 403, 403, 403),
        ("/admin", 403, 403, 200),
        ("/do", 403, 200, 200),
        ("/own", 403, 403, 200),
    ] {
        assert_eq!(status(&api, path, &reader).await, read, "{path}");
        assert_eq!(status(&api, path, &admin).await, administer, "{path}");
        assert_eq!(status(&api, path, &whole).await, unlimited, "{path}");
    }

    let challenge =
        |answer: &Response<()>| answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
    let (answer, _) = get(&api, "/me", None).await;
    assert_eq!(answer.status(), 401);
    let expected = format!("Bearer realm=\"portcullis\", resource_metadata=\"{METADATA}\"");
    assert_eq!(challenge(&answer), expected);
    let (answer, body) = get(&api, "/me", Some("not.a.token")).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(challenge(&answer), format!("{expected}, error=\"invalid_token\""));
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert!(!body.contains("not.a.token"));
    let (answer, body) = get(&api, "/all", Some(&admin)).await;
    assert!(challenge(&answer).contains(r#"error="insufficient_scope", scope="items:admin""#));
    assert!(body.contains("scope items:admin"), "{body}");
}

#[tokio::test]
async fn the_permission_behind_a_scope_counts_without_roles_too() {
    let (issuer, clock, key) = (Issuer::start().await, clock(), Key::new("one"));
    issuer.publish(&[&key]);
    let tokens = tokens(issuer.trusted().permissions_from("/permissions"), &clock);
    let api = api(tokens, &clock, None);
    let mut claims = issuer.claims(&clock);
    let without = key.sign("at+jwt", &claims);
    claims["permissions"] = json!(["write"]);
    let with = key.sign("at+jwt", &claims);
    assert_eq!(status(&api, "/read", &without).await, 200);
    assert_eq!(status(&api, "/write", &without).await, 403);
    assert_eq!(status(&api, "/write", &with).await, 200);
}

#[tokio::test]
async fn an_outage_is_a_503_that_says_when_to_try_again_and_not_why() {
    let (issuer, clock, key) = (Issuer::start().await, clock(), Key::new("one"));
    issuer.is(Mood::Away);
    let api = api(tokens(issuer.found(), &clock), &clock, None);
    let token = key.sign("at+jwt", &issuer.claims(&clock));
    let (answer, body) = get(&api, "/me", Some(&token)).await;
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    assert!(!answer.headers().contains_key("www-authenticate"));
    assert!(!body.contains("realm"), "{body}");
}
