//! `/auth/register` and `/users/me`: what an account tells strangers, and what it asks of its owner.

use portcullis::auth::{Actor, GrantRequest};
use portcullis::clock::Sources;
use portcullis::testing::{Answer, TestApp, TestClient};
use portcullis::types::{Effect, UserId};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::server;

const PASSWORD: &str = "seventeen-quiet-owls";

/// An application, and the folder its database lives in as long as this does.
async fn app() -> (TestApp, TempDir) {
    let server = server(Sources::system()).await;
    (TestApp::new(server.finished, server.auth), server.folder)
}

async fn sign_in(who: &TestClient, username: &str, password: &str) -> Answer {
    let form = [("grant_type", "password"), ("username", username), ("password", password)];
    who.post("/token").form(form).await
}

#[tokio::test]
async fn registration_tells_nobody_whether_a_name_or_an_address_was_free() {
    let (app, _folder) = app().await;
    let register = |name: &str, email: &str| {
        let body = json!({"username": name, "password": PASSWORD, "email": email});
        app.anon().post("/auth/register").json(body)
    };
    let said = |answer: Answer| answer.expect(202).text();
    let first = said(register("ann", "ann@example.org").await);
    assert_eq!(said(register("ann", "other@example.org").await), first, "the name is taken");
    assert_eq!(said(register("bob", "ann@example.org").await), first, "the address is taken");

    sign_in(&app.anon(), "ann", PASSWORD).await.expect(200);
    // Faults §3, row 6: the account is made without the address, so that a sign-in tells nothing.
    let bob = sign_in(&app.anon(), "bob", PASSWORD).await.expect(200).json::<Value>();
    let bearer = format!("Bearer {}", bob["access_token"].as_str().unwrap());
    let me = app.anon().header("authorization", &bearer).get("/users/me").await.expect(200);
    assert_eq!(me.json::<Value>()["email"], Value::Null);
}

#[tokio::test]
async fn an_account_is_changed_and_deleted_with_the_current_password_only() {
    let (app, _folder) = app().await;
    let ann = app.user("ann").with_password(PASSWORD);
    let new = "eighteen-louder-owls";
    for change in [json!({"password": new}), json!({"email": "a@example.org"})] {
        let refused = ann.patch("/users/me").json(&change).await.expect(422);
        assert_eq!(refused.json::<Value>()["errors"][0]["pointer"], "/current_password");
        let mut guessed = change;
        guessed["current_password"] = json!("not-the-right-password");
        ann.patch("/users/me").json(guessed).await.expect(422);
    }
    ann.delete("/users/me").json(json!({})).await.expect(422);
    ann.delete("/users/me").json(json!({"current_password": "a wrong one"})).await.expect(422);

    let other = sign_in(&app.anon(), "ann", PASSWORD).await.expect(200).json::<Value>();
    let change = json!({"password": new, "current_password": PASSWORD});
    ann.patch("/users/me").json(change).await.expect(200);
    ann.get("/users/me").await.expect(200);
    let bearer = format!("Bearer {}", other["access_token"].as_str().unwrap());
    let elsewhere = app.anon().header("authorization", &bearer);
    elsewhere.get("/users/me").await.expect(401);
    sign_in(&app.anon(), "ann", PASSWORD).await.expect(400);

    ann.delete("/users/me").json(json!({"current_password": new})).await.expect(204);
    ann.get("/users/me").await.expect(401);
}

#[tokio::test]
async fn an_account_goes_by_no_safe_method() {
    let (app, _folder) = app().await;
    let ann = app.user("ann").cookie();
    let image = ann.get("/users/me?_method=DELETE").header("sec-fetch-site", "cross-site");
    image.await.expect(200);
    let forged = ann.delete("/users/me").header("sec-fetch-site", "cross-site");
    forged.json(json!({"current_password": PASSWORD})).await.expect(403);
    ann.get("/users/me").await.expect(200);
}

#[tokio::test]
async fn ids_cannot_be_counted_up() {
    let (app, _folder) = app().await;
    let mut ids: Vec<UserId> = Vec::new();
    for name in ["ann", "bob", "cid"] {
        ids.push(app.user(name).id().await);
    }
    for id in &ids {
        assert_eq!(id.0.get_version_num(), 7, "{id}: 74 bits of chance (RFC 9562 §5.7)");
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_password_is_taken_from_the_form_and_never_from_the_query() {
    let (app, _folder) = app().await;
    let _ = app.user("ann").with_password(PASSWORD).id().await;
    let query = format!("/token?grant_type=password&username=ann&password={PASSWORD}");
    let refused = app.anon().post(query).form([("grant_type", "password")]).await.expect(400);
    assert!(!refused.text().contains(PASSWORD));
    sign_in(&app.anon(), "ann", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_right_password_is_never_throttled_and_a_new_one_counts_at_once() {
    let (app, _folder) = app().await;
    let ann = app.user("ann").with_password(PASSWORD).basic();
    for _ in 0..50 {
        // More often than guesses would be let through.
        ann.get("/users/me").await.expect(200);
    }
    let change = json!({"password": "eighteen-louder-owls", "current_password": PASSWORD});
    ann.patch("/users/me").json(change).await.expect(200);
    ann.get("/users/me").await.expect(401);
}

#[tokio::test]
async fn a_password_that_is_remembered_is_throttled_with_the_guesses_at_it() {
    let (app, _folder) = app().await;
    let ann = app.user("ann").with_password(PASSWORD).basic();
    ann.get("/users/me").await.expect(200);
    let guess = app.user("ann").with_password("seventeen-louder-owl").basic();
    for _ in 0..20 {
        guess.get("/users/me").await.expect(401);
    }
    for client in [&guess, &ann] {
        let answer = client.get("/users/me").await.expect(429);
        assert!(answer.header("retry-after").is_some());
    }
    ann.get("/users/me").from("127.0.0.2").await.expect(200);
}

#[tokio::test]
async fn a_token_that_was_narrowed_does_not_change_the_account() {
    let (app, _folder) = app().await;
    let narrow = app.user("ann").with_password(PASSWORD).with_scope("items:read");
    narrow.get("/users/me").await.expect(200);
    let change = json!({"password": "eighteen-louder-owls", "current_password": PASSWORD});
    for answer in [
        narrow.patch("/users/me").json(json!({"name": "Ann"})).await,
        narrow.patch("/users/me").json(change).await,
        narrow.delete("/users/me").json(json!({"current_password": PASSWORD})).await,
        narrow.delete("/users/me/sessions").await,
    ] {
        let refused: Value = answer.expect(403).json();
        assert_eq!(refused["missing"], json!(["a credential that is not limited to scopes"]));
    }
    let whole = app.user("ann").with_password(PASSWORD);
    whole.patch("/users/me").json(json!({"name": "Ann"})).await.expect(200);
}

#[tokio::test]
async fn registrations_from_one_address_are_counted() {
    let (app, _folder) = app().await;
    let register = |name: String| {
        app.anon().post("/auth/register").json(json!({
            "username": name, "password": PASSWORD
        }))
    };
    for number in 0..100 {
        register(format!("user-{number}")).await.expect(202);
    }
    let refused = register("one-too-many".to_owned()).await.expect(429);
    assert!(refused.header("retry-after").is_some());
    register("from-elsewhere".to_owned()).from("127.0.0.2").await.expect(202);
    // Who has an account signs in all the same.
    sign_in(&app.anon(), "user-0", PASSWORD).await.expect(200);
    sign_in(&app.anon(), "one-too-many", PASSWORD).await.expect(400);
}

#[tokio::test]
async fn a_name_is_taken_however_it_is_written_and_is_no_address() {
    let (app, _folder) = app().await;
    let root = app.user("root").with_permission("users:manage").with_password(PASSWORD);
    let add = |name: &str| {
        root.post("/users").json(json!({"username": name, "password": "eighteen-louder-owls"}))
    };
    add("ïvan").await.expect(201);
    for same in ["ÏVAN", "i\u{308}van", "ïｖａｎ"] {
        add(same).await.expect(409);
        sign_in(&app.anon(), same, "eighteen-louder-owls").await.expect(200);
    }
    for address in ["ann@example.org", "ann＠example.org"] {
        let refused: Value = add(address).await.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], "/username");
    }
}

#[tokio::test]
async fn who_names_scopes_is_limited_to_them_also_where_they_name_every_one() {
    let (app, _folder) = app().await;
    let root = app.user("root").with_permission("users:manage").with_permission("read");
    let _ = root.with_password(PASSWORD).id().await;
    let ask = |scope: &str| {
        let mut form =
            vec![("grant_type", "password"), ("username", "root"), ("password", PASSWORD)];
        form.push(("scope", scope));
        app.anon().post("/token").form(form)
    };
    let get = async |tokens: &Value| {
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        app.anon().get("/users").header("authorization", &bearer).await.status.as_u16()
    };
    let named: Value = ask("items:read items:write").await.expect(200).json();
    assert_eq!((&named["scope"], get(&named).await), (&json!("items:read"), 403));
    let whole: Value = ask("").await.expect(200).json();
    assert_eq!(get(&whole).await, 200);

    // What they are given later does not widen what was asked for.
    let id = app.user("root").id().await;
    let write = GrantRequest::new(Effect::Allow, "write");
    app.auth().grant(&Actor::system(), id.into(), write).await.unwrap();
    let refresh = |tokens: &Value| {
        let token = tokens["refresh_token"].as_str().unwrap().to_owned();
        let form = vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", token)];
        app.anon().post("/token").form(form)
    };
    let named: Value = refresh(&named).await.expect(200).json();
    assert_eq!((&named["scope"], get(&named).await), (&json!("items:read"), 403));
    let whole: Value = refresh(&whole).await.expect(200).json();
    assert_eq!(whole["scope"], "items:read items:write");
    // Where nothing of what was named is left, there is nothing to give.
    let bob = app.user("bob").with_password(PASSWORD);
    let _ = bob.id().await;
    let form = [
        ("grant_type", "password"),
        ("username", "bob"),
        ("password", PASSWORD),
        ("scope", "items:read items:write"),
    ];
    let refused: Value = app.anon().post("/token").form(form).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_scope");
}

/// Faults §12: `null` where the schema allows it was a 200 that did nothing.
#[tokio::test]
async fn null_empties_a_field_and_what_cannot_be_empty_takes_none() {
    let (app, _folder) = app().await;
    let root = app.user("root").with_permission("users:manage");
    let ann = app.user("ann");
    let me: Value = ann.patch("/users/me").json(json!({"name": "Ann"})).await.expect(200).json();
    assert_eq!(me["name"], "Ann");
    let me: Value = ann.patch("/users/me").json(json!({})).await.expect(200).json();
    assert_eq!(me["name"], "Ann", "what is left out stays");
    let me: Value = ann.patch("/users/me").json(json!({"name": null})).await.expect(200).json();
    assert_eq!(me.get("name").cloned().unwrap_or_default(), Value::Null);
    let path = format!("/users/{}", me["id"].as_str().unwrap());
    for change in [json!({"username": null}), json!({"is_active": null}), json!({"password": null})]
    {
        let refused = root.patch(&path).json(change).await.expect(422);
        assert!(refused.text().contains("/errors") || refused.text().contains("pointer"));
    }
    let filtered = root.get("/users?email=ann@example.com").await.expect(422);
    assert!(filtered.text().contains("\"/email\""), "an unknown parameter is named");
}

/// Faults §14, row 4.
#[tokio::test]
async fn a_login_refuses_another_grant_as_the_token_endpoint_does() {
    let (app, _folder) = app().await;
    app.user("ann").with_password(PASSWORD).get("/users/me").await.expect(200);
    let form = [("username", "ann"), ("password", PASSWORD)];
    for path in ["/auth/jwt/login", "/auth/opaque/login"] {
        app.anon().post(path).form(form).await.expect(200);
        let bogus = [("grant_type", "bogus")].into_iter().chain(form).collect::<Vec<_>>();
        let refused: Value = app.anon().post(path).form(bogus).await.expect(400).json();
        assert_eq!(refused["error"], "unsupported_grant_type", "{path}");
    }
}
