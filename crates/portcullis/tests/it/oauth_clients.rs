//! Clients at `/token`, `/introspect` and `/revoke`: by secrets, or by name alone.

use base64::Engine as _;
use portcullis::testing::{Answer, TestApp, TestClient};
use serde_json::{Value, json};

use crate::stand::{Kind, Place, Stand};

async fn stand() -> Stand {
    Stand::new(Place::File, Kind::Jwt.format()).await
}

fn root(app: &TestApp) -> TestClient {
    app.user("root").with_permission("clients:manage").with_permission("roles:manage")
}

/// A confidential client that speaks for itself, and its secret.
async fn machine(app: &TestApp, id: &str) -> String {
    let body = json!({"id": id, "name": "A program", "is_confidential": true,
        "grant_types": ["client_credentials"]});
    root(app).post("/clients").json(body).await.expect(201);
    secret(app, id).await.0
}

async fn secret(app: &TestApp, id: &str) -> (String, String) {
    let made = root(app).post(format!("/clients/{id}/secrets")).await.expect(201);
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let made: Value = made.json();
    (made["client_secret"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
}

fn basic(id: &str, secret: &str) -> String {
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    format!("Basic {pair}")
}

async fn token(app: &TestApp, id: &str, secret: &str) -> Answer {
    let form = [("grant_type", "client_credentials")];
    app.anon().post("/token").header("authorization", &basic(id, secret)).form(form).await
}

fn bearer(app: &TestApp, token: &str) -> TestClient {
    app.anon().header("authorization", &format!("Bearer {token}"))
}

fn error(answer: &Answer) -> (u16, String) {
    let body: Value = answer.json();
    (answer.status.as_u16(), body["error"].as_str().unwrap_or_default().to_owned())
}

fn access(answer: Answer) -> String {
    let body: Value = answer.expect(200).json();
    assert!(body.get("refresh_token").is_none(), "a client needs none");
    body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_speaks_for_itself_with_the_roles_it_has_now() {
    let mut settings = portcullis::auth::Settings::new("http://127.0.0.1:8000");
    for format in [portcullis::auth::AccessFormat::Jwt, portcullis::auth::AccessFormat::Opaque] {
        settings.access_format = format;
        let stand = Stand::with(Place::File, settings.clone()).await;
        let (app, root) = (&stand.app, root(&stand.app));
        let role = json!({"name": "clerk", "permissions": ["clients:manage"]});
        root.post("/roles").json(role).await.expect(201);
        let secret = machine(app, "shop").await;
        let token = access(token(app, "shop", &secret).await);
        bearer(app, &token).get("/clients").await.expect(403);
        root.put("/clients/shop/roles/clerk").await.expect(204);
        bearer(app, &token).get("/clients").await.expect(200);
        // What it changes is judged by the token again.
        let other = json!({"id": "other", "name": "Other"});
        bearer(app, &token).post("/clients").json(other).await.expect(201);
        bearer(app, &token).post("/clients/shop/secrets").await.expect(403);
        bearer(app, &token).get("/users/me").await.expect(403);
        root.delete("/clients/shop/roles/clerk").await.expect(204);
        bearer(app, &token).get("/clients").await.expect(403);
        let another = stand.another().await;
        bearer(&another, &token).get("/clients").await.expect(403);
        stand.clock.advance(15 * 60);
        bearer(app, &token).get("/clients").await.expect(401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_says_that_a_client_speaks_for_itself() {
    let stand = stand().await;
    let app = &stand.app;
    let secret = machine(app, "shop").await;
    let token = access(token(app, "shop", &secret).await);
    let payload = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("shop"), &json!("shop")));
    assert!(claims.get("sid").is_none() && claims.get("auth_time").is_none(), "{claims}");
    let asks = json!({"permission": "tokens:introspect"});
    root(app).post("/clients/shop/grants").json(asks).await.expect(201);
    let ask = app.anon().post("/introspect").header("authorization", &basic("shop", &secret));
    let said: Value = ask.form([("token", &token)]).await.expect(200).json();
    assert_eq!(said["active"], true);
    for name in ["jti", "sub", "iss", "aud", "exp", "iat", "client_id", "scope"] {
        assert_eq!(said[name], claims[name], "{name}");
    }
    assert!(said.get("username").is_none() && said.get("sid").is_none(), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_by_header_or_body_and_never_by_both() {
    let stand = stand().await;
    let app = &stand.app;
    let secret = machine(app, "shop").await;
    let with = |fields: &[(&'static str, String)]| {
        let mut form = vec![("grant_type", "client_credentials".to_owned())];
        form.extend(fields.iter().cloned());
        app.anon().post("/token").form(form)
    };
    let (id, word) = (("client_id", "shop".to_owned()), ("client_secret", secret.clone()));
    with(&[id.clone(), word.clone()]).await.expect(200);
    let header = basic("shop", &secret);
    with(&[]).header("authorization", &header).await.expect(200);
    with(std::slice::from_ref(&id)).header("authorization", &header).await.expect(200);
    // RFC 6749 §2.3.1: encoded as in a form before they are joined.
    let encoded: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
    with(&[]).header("authorization", &basic("sh%6Fp", &encoded)).await.expect(200);

    let twice = with(std::slice::from_ref(&word)).header("authorization", &header).await;
    assert_eq!(error(&twice), (400, "invalid_request".to_owned()));
    let two = with(&[("client_id", "other".to_owned())]).header("authorization", &header).await;
    assert_eq!(error(&two), (400, "invalid_request".to_owned()));
    assert_eq!(error(&with(&[word]).await), (400, "invalid_request".to_owned()));
    let query = app.anon().post(format!("/token?client_secret={secret}"));
    let query = query.form([("grant_type", "client_credentials"), ("client_id", "shop")]).await;
    assert_eq!(error(&query), (400, "invalid_request".to_owned()));
    let wrong = [
        with(&[]).await,
        with(std::slice::from_ref(&id)).await,
        with(&[id, ("client_secret", "wrong".to_owned())]).await,
        with(&[]).header("authorization", &basic("shop", "wrong")).await,
        with(&[]).header("authorization", &basic("shop", &secret[..54])).await,
        with(&[]).header("authorization", &basic("nobody", &secret)).await,
        with(&[]).header("authorization", &basic("shop", "")).await,
    ];
    for answer in wrong {
        assert_eq!(error(&answer), (401, "invalid_client".to_owned()));
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_secrets_count_while_one_takes_over_from_the_other() {
    let stand = stand().await;
    let (app, root) = (&stand.app, root(&stand.app));
    let old = machine(app, "shop").await;
    let (new, id) = secret(app, "shop").await;
    token(app, "shop", &old).await.expect(200);
    token(app, "shop", &new).await.expect(200);
    root.post("/clients/shop/secrets").await.expect(409);
    let listed = root.get("/clients/shop/secrets").await.expect(200);
    assert!(!listed.text().contains(&old) && !listed.text().contains(&new));
    let file = std::fs::read(stand.database().unwrap()).unwrap();
    assert!(!file.windows(new.len()).any(|window| window == new.as_bytes()));
    root.delete(format!("/clients/shop/secrets/{id}")).await.expect(204);
    root.delete(format!("/clients/shop/secrets/{id}")).await.expect(404);
    assert_eq!(error(&token(app, "shop", &new).await).0, 401);
    token(app, "shop", &old).await.expect(200);

    // One that becomes public keeps none, and gets none.
    let public = json!({"is_confidential": false, "grant_types": []});
    root.patch("/clients/shop").json(public).await.expect(200);
    root.post("/clients/shop/secrets").await.expect(409);
    let back = json!({"is_confidential": true, "grant_types": ["client_credentials"]});
    root.patch("/clients/shop").json(back).await.expect(200);
    assert_eq!(error(&token(app, "shop", &old).await).0, 401);
    let other = app.user("other").with_permission("users:manage");
    other.post("/clients/shop/secrets").await.expect(403);
    app.anon().post("/clients/shop/secrets").await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_client_end_with_its_activity_and_never_come_back() {
    let stand = stand().await;
    let (app, root) = (&stand.app, root(&stand.app));
    let role = json!({"name": "clerk", "permissions": ["clients:manage"]});
    root.post("/roles").json(role).await.expect(201);
    let word = machine(app, "shop").await;
    root.put("/clients/shop/roles/clerk").await.expect(204);
    let first = access(token(app, "shop", &word).await);
    bearer(app, &first).get("/clients").await.expect(200);
    let patch = |active: bool| root.patch("/clients/shop").json(json!({"is_active": active}));
    patch(false).await.expect(200);
    bearer(app, &first).get("/clients").await.expect(401);
    assert_eq!(error(&token(app, "shop", &word).await), (401, "invalid_client".to_owned()));
    patch(true).await.expect(200);
    bearer(app, &first).get("/clients").await.expect(401);
    stand.clock.advance(2);
    let second = access(token(app, "shop", &word).await);
    bearer(app, &second).get("/clients").await.expect(200);
    bearer(app, &first).get("/clients").await.expect(401);

    // Whoever takes the id later is not spoken for by old tokens.
    stand.clock.advance(2);
    root.delete("/clients/shop").await.expect(204);
    machine(app, "shop").await;
    root.put("/clients/shop/roles/clerk").await.expect(204);
    bearer(app, &second).get("/clients").await.expect(401);
    assert_eq!(error(&token(app, "shop", &word).await).0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_asks_for_no_more_than_it_was_registered_for() {
    let stand = stand().await;
    let (app, root) = (&stand.app, root(&stand.app));
    for permission in ["read", "write"] {
        machine_grant(app, permission).await;
    }
    let body = json!({"id": "reader", "name": "Reader", "is_confidential": true,
        "grant_types": ["client_credentials"], "scopes": ["items:read"]});
    root.post("/clients").json(body).await.expect(201);
    let allow = json!({"permission": "read"});
    root.post("/clients/reader/grants").json(allow).await.expect(201);
    let (word, _) = secret(app, "reader").await;
    let ask = async |scope: &str| {
        let form = [("grant_type", "client_credentials"), ("scope", scope)];
        let header = basic("reader", &word);
        app.anon().post("/token").header("authorization", &header).form(form).await
    };
    assert_eq!(ask("").await.expect(200).json::<Value>()["scope"], "items:read");
    assert_eq!(ask("items:read").await.expect(200).json::<Value>()["scope"], "items:read");
    for scope in ["items:write", "items:burn", "\u{7f}"] {
        assert_eq!(error(&ask(scope).await), (400, "invalid_scope".to_owned()), "{scope:?}");
    }
    let form = [("grant_type", "password"), ("username", "a"), ("password", "b")];
    let header = basic("reader", &word);
    let password = app.anon().post("/token").header("authorization", &header).form(form).await;
    assert_eq!(error(&password), (400, "unauthorized_client".to_owned()));
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "pc_rt_x")];
    let refresh = app.anon().post("/token").header("authorization", &header).form(refresh).await;
    assert_eq!(error(&refresh), (400, "unauthorized_client".to_owned()));
}

async fn machine_grant(app: &TestApp, permission: &str) {
    let id = format!("with-{permission}");
    machine(app, &id).await;
    let allow = json!({"permission": permission});
    root(app).post(format!("/clients/{id}/grants")).json(allow).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_worth_something_to_its_own_client_alone() {
    let stand = stand().await;
    let (app, root) = (&stand.app, root(&stand.app));
    for id in ["one", "two"] {
        let body = json!({"id": id, "name": id, "is_first_party": true,
            "grant_types": ["password", "refresh_token"]});
        root.post("/clients").json(body).await.expect(201);
    }
    app.user("ada").with_password("orchids grow on tall trees").id().await;
    let login = [
        ("grant_type", "password"),
        ("username", "ada"),
        ("client_id", "one"),
        ("password", "orchids grow on tall trees"),
    ];
    let tokens: Value = app.anon().post("/token").form(login).await.expect(200).json();
    let refresh = async |client: Option<&str>| {
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ];
        form.extend(client.map(|client| ("client_id", client)));
        app.anon().post("/token").form(form).await
    };
    for other in [Some("two"), None] {
        assert_eq!(error(&refresh(other).await), (400, "invalid_grant".to_owned()));
    }
    assert_eq!(error(&refresh(Some("three")).await), (401, "invalid_client".to_owned()));
    // It was not used up by the others.
    refresh(Some("one")).await.expect(200);

    let revoke = [("token", tokens["access_token"].as_str().unwrap()), ("client_id", "two")];
    let foreign = app.anon().post("/revoke").form(revoke).await;
    assert_eq!(error(&foreign), (400, "invalid_grant".to_owned()));
    let token = tokens["access_token"].as_str().unwrap();
    bearer(app, token).get("/users/me").await.expect(200);
    let revoke = [("token", token), ("client_id", "one")];
    app.anon().post("/revoke").form(revoke).await.expect(200);
    bearer(app, token).get("/users/me").await.expect(401);

    // The end of the client is the end of every session at it.
    root.patch("/clients/one").json(json!({"is_active": false})).await.expect(200);
    root.patch("/clients/one").json(json!({"is_active": true})).await.expect(200);
    assert_eq!(error(&refresh(Some("one")).await), (400, "invalid_grant".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_cannot_be_is_refused_and_said() {
    let stand = stand().await;
    let root = root(&stand.app);
    let user = stand.app.user("ada").id().await.to_string();
    for (more, pointer) in [
        (json!({"grant_types": ["client_credentials"]}), "/grant_types"),
        (json!({"grant_types": ["password"]}), "/grant_types"),
        (json!({"grant_types": ["authorization_code"]}), "/grant_types"),
        (json!({"grant_types": ["implicit"]}), "/grant_types/0"),
        (json!({"redirect_uris": ["http://app.example/cb"]}), "/redirect_uris/0"),
        (json!({"redirect_uris": ["https://app.example/cb#x"]}), "/redirect_uris/0"),
        (json!({"post_logout_redirect_uris": ["/x"]}), "/post_logout_redirect_uris/0"),
        (json!({"scopes": ["a b"]}), "/scopes"),
    ] {
        let mut body = json!({"id": "x", "name": "x"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let refused: Value = root.post("/clients").json(&body).await.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}: {refused}");
    }
    // A `sub` that is a client's must never be read as a user's.
    root.post("/clients").json(json!({"id": user, "name": "x"})).await.expect(409);
}
