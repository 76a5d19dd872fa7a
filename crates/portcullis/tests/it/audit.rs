//! `/audit`: what happened is in it, whoever did it; no secret is; whoever may not see it does not.

use std::collections::BTreeSet;

use portcullis::auth::Action;
use portcullis::testing::{TestApp, TestClient};
use serde_json::{Value, json};

use crate::stand::{Credential, Kind, Place, Stand, ada};

async fn stand() -> Stand {
    Stand::new(Place::File, Kind::Jwt.format()).await
}

fn auditor(app: &TestApp) -> TestClient {
    app.user("olga").with_permission("audit:read").basic()
}

fn administrator(app: &TestApp) -> TestClient {
    let root = app.user("root").with_permission("users:manage").with_permission("clients:manage");
    root.with_permission("roles:manage").basic().from("192.0.2.7").over_tls()
}

/// The rows that these filters leave, the newest first.
async fn rows(app: &TestApp, filter: &str) -> Vec<Value> {
    app.auth().flush().await;
    let list: Value =
        auditor(app).get(format!("/audit?limit=200&{filter}")).await.expect(200).json();
    list["items"].as_array().unwrap().clone()
}

/// The newest row of an action.
async fn newest(app: &TestApp, action: &str) -> Value {
    rows(app, &format!("action={action}")).await.first().unwrap().clone()
}

/// Does a bit of everything, and answers every secret that was in it.
async fn live(stand: &Stand) -> Vec<String> {
    let app = &stand.app;
    let root = administrator(app);
    let mut secrets = Vec::new();
    for kind in [Kind::Jwt, Kind::Opaque, Kind::Cookie, Kind::ApiKey] {
        secrets.push(Credential::of(app, kind).await.text);
    }
    let id = ada(app).id().await;
    let role = json!({"name": "editor", "permissions": ["write"]});
    root.post("/roles").json(&role).await.expect(201);
    root.post("/roles").json(&role).await.expect(409);
    root.patch("/roles/editor").json(json!({"description": "May edit."})).await.expect(200);
    root.put(format!("/users/{id}/roles/editor")).await.expect(204);
    root.delete(format!("/users/{id}/roles/editor")).await.expect(204);
    let grant = json!({"permission": "write", "effect": "deny"});
    let grant: Value = root.post(format!("/users/{id}/grants")).json(grant).await.json();
    let grant = grant["id"].as_str().unwrap();
    root.delete(format!("/users/{id}/grants/{grant}")).await.expect(204);
    root.delete("/roles/editor").await.expect(204);

    let form = [("grant_type", "password"), ("username", "ada")];
    let wrong = form.into_iter().chain([("password", "never-the-right-phrase")]);
    app.anon()
        .over_tls()
        .from("198.51.100.9")
        .post("/token")
        .form(wrong.collect::<Vec<_>>())
        .await
        .expect(400);
    secrets.push("never-the-right-phrase".to_owned());
    let right = form.into_iter().chain([("password", "orchids grow on tall trees")]);
    let issued: Value =
        app.anon().post("/token").form(right.collect::<Vec<_>>()).await.expect(200).json();
    secrets.push("orchids grow on tall trees".to_owned());
    let [access, refresh] =
        ["access_token", "refresh_token"].map(|name| issued[name].as_str().unwrap().to_owned());
    app.anon().post("/revoke").form([("token", &access)]).await.expect(200);
    // A refresh token that was used is shown again at once, and when its window is over.
    let again = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    let next: Value = app.anon().post("/token").form(again).await.expect(200).json();
    secrets.push(next["refresh_token"].as_str().unwrap().to_owned());
    app.anon().post("/token").form(again).await.expect(200);
    stand.clock.advance(3600);
    app.anon().post("/token").form(again).await.expect(400);
    secrets.extend([access, refresh]);

    ada(app).delete("/users/me/sessions").await.expect(204);
    let body = json!({"password": "another phrase of words",
        "current_password": "orchids grow on tall trees"});
    ada(app).patch("/users/me").json(body).await.expect(200);
    secrets.push("another phrase of words".to_owned());
    let ada_path = format!("/users/{id}");
    for change in [
        json!({"name": "Ada L."}),
        json!({"password": "a third phrase of words"}),
        json!({"is_active": false}),
        json!({"is_active": true}),
    ] {
        root.patch(&ada_path).json(change).await.expect(200);
    }
    secrets.push("a third phrase of words".to_owned());
    root.delete(&ada_path).await.expect(204);

    root.post("/clients").json(json!({"id": "shop", "name": "The shop"})).await.expect(201);
    let key: Value =
        root.post("/clients/shop/api-keys").json(json!({"name": "x"})).await.expect(201).json();
    secrets.push(key["key"].as_str().unwrap().to_owned());
    let shop = app.anon().header("x-api-key", key["key"].as_str().unwrap());
    shop.get("/users").await.expect(403);
    root.patch("/clients/shop").json(json!({"name": "Shop"})).await.expect(200);
    root.delete("/clients/shop/api-keys").await.expect(204);
    shop.get("/users").await.expect(401);
    root.delete("/clients/shop").await.expect(204);
    let machine = json!({"id": "machine", "name": "A program", "is_confidential": true,
        "grant_types": ["client_credentials"]});
    root.post("/clients").json(machine).await.expect(201);
    let made: Value = root.post("/clients/machine/secrets").await.expect(201).json();
    let secret = made["client_secret"].as_str().unwrap();
    for (secret, status) in [(secret, 200), ("not-its-secret", 401)] {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "machine"),
            ("client_secret", secret),
        ];
        app.anon().post("/token").form(form).await.expect(status);
        secrets.push(secret.to_owned());
    }
    let path = format!("/clients/machine/secrets/{}", made["id"].as_str().unwrap());
    root.delete(path).await.expect(204);
    let invited: Value = root.post("/invitations").json(json!({})).await.expect(201).json();
    secrets.push(invited["token"].as_str().unwrap().to_owned());
    root.delete(format!("/invitations/{}", invited["id"].as_str().unwrap())).await.expect(204);
    let by = portcullis::auth::Actor::command_line();
    let key = app.auth().rotate_key(&by).await.unwrap();
    app.auth().retire_key(&by, &key.id).await.unwrap();
    let bob = app.user("bob").jwt();
    bob.post("/auth/jwt/logout").await.expect(204);
    secrets
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_is_noted_by_something_and_no_secret_is() {
    let stand = stand().await;
    let app = &stand.app;
    let secrets = live(&stand).await;
    app.auth().flush().await;
    let export = auditor(app).get("/audit/export").await.expect(200);
    assert_eq!(export.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(export.header("cache-control"), Some("no-store"));
    let text = export.text();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let places: Vec<u64> = rows.iter().map(|row| row["seq"].as_u64().unwrap()).collect();
    assert_eq!(places, (1..=rows.len() as u64).collect::<Vec<_>>());
    let noted: BTreeSet<&str> = rows.iter().map(|row| row["action"].as_str().unwrap()).collect();
    // These speak of the log itself: the tests of archives and of a harmed log have one each.
    let of_the_log =
        [Action::AuditArchived, Action::AuditBroken, Action::AuditDropped, Action::AuditResealed];
    // These need the pages of a server.
    let of_pages = [Action::ConsentGiven, Action::CodeReused];
    let elsewhere = [&of_the_log[..], &of_pages].concat();
    for action in Action::ALL.iter().filter(|action| !elsewhere.contains(action)) {
        assert!(noted.contains(action.as_str()), "nothing notes {}: {noted:?}", action.as_str());
    }
    for secret in secrets {
        assert!(!text.contains(&secret), "a secret is in the log");
        let tail = &secret[secret.len() - 12..];
        assert!(!text.contains(tail), "a piece of a secret is in the log");
    }
    assert!(!text.contains("$argon2"));
    let verdict = app.auth().verify_audit(None).await.unwrap();
    assert_eq!((verdict.rows, verdict.fault), (rows.len() as u64, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_says_who_did_what_to_whom_from_where_and_when() {
    let stand = stand().await;
    let app = &stand.app;
    let id = ada(app).id().await.to_string();
    let root = administrator(app);
    let role = json!({"name": "editor", "permissions": ["write"]});
    root.post("/roles").json(role).await.expect(201);
    let answer = root.put(format!("/users/{id}/roles/editor")).await.expect(204);
    let row = newest(app, "role.assigned").await;
    assert_eq!((&row["actor"]["kind"], &row["actor"]["name"]), (&json!("user"), &json!("root")));
    assert_eq!((&row["subject"]["id"], &row["subject"]["name"]), (&json!(id), &json!("ada")));
    assert_eq!(row["details"], json!({"role": "editor"}));
    assert_eq!((&row["address"], &row["outcome"]), (&json!("192.0.2.7"), &json!("success")));
    assert_eq!(row["at"], "2026-03-02T12:00:00Z");
    assert_eq!(row["request_id"].as_str(), answer.header("x-request-id"));
    assert_eq!(row["hash"].as_str().unwrap().len(), 64);

    // Nobody signed in: the name that was typed is not kept, it may be a password.
    let pair = [("grant_type", "password"), ("username", "hunter2hunter2"), ("password", "x")];
    stand.clock.advance(60);
    app.anon().from("198.51.100.9").over_tls().post("/token").form(pair).await.expect(400);
    let row = newest(app, "login.failed").await;
    assert_eq!((&row["actor"]["kind"], &row["outcome"]), (&json!("nobody"), &json!("failure")));
    assert_eq!(
        (&row["address"], &row["at"]),
        (&json!("198.51.100.9"), &json!("2026-03-02T12:01:00Z"))
    );
    assert!(!row.to_string().contains("hunter2"), "{row}");

    app.user("bob").from("203.0.113.5").over_tls().get("/users").await.expect(403);
    let row = newest(app, "access.refused").await;
    assert_eq!(row["actor"]["name"], "bob");
    assert_eq!(
        (&row["subject"]["kind"], &row["subject"]["id"]),
        (&json!("route"), &json!("GET /users"))
    );
    assert_eq!(row["details"]["missing"], json!(["permission users:manage"]));
    assert_eq!(row["address"], "203.0.113.5");
    let before = rows(app, "action=access.refused").await.len();
    app.anon().get("/users").await.expect(401);
    app.anon().get("/users").header("authorization", "Bearer pc_at_x").await.expect(401);
    let refused = rows(app, "action=access.refused").await;
    assert_eq!(refused.len(), before + 1, "who brings nothing is no news, a bad token is");
    assert_eq!(refused[0]["actor"]["kind"], "nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_paged_and_filtered() {
    let stand = stand().await;
    let app = &stand.app;
    live(&stand).await;
    auditor(app).id().await;
    let all = rows(app, "").await;
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: Value =
            auditor(app).get(format!("/audit?limit=7{cursor}")).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        paged.extend(items.clone());
        let Some(next) = page["next"].as_str() else { break };
        assert_eq!(items.len(), 7);
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, all);
    let holds = |filter: &'static str, holds: fn(&Value) -> bool| {
        let expected: Vec<Value> = all.iter().filter(|row| holds(row)).cloned().collect();
        async move {
            assert!(!expected.is_empty(), "{filter} tries nothing");
            assert_eq!(rows(app, filter).await, expected, "{filter}");
        }
    };
    holds("action=login", |row| row["action"] == "login").await;
    holds("action=role.*", |row| row["action"].as_str().unwrap().starts_with("role.")).await;
    holds("outcome=failure", |row| row["outcome"] == "failure").await;
    holds("actor=root", |row| row["actor"]["name"] == "root").await;
    holds("subject=ada", |row| row["subject"]["name"] == "ada").await;
    holds("subject=shop&outcome=success", |row| {
        row["subject"]["id"] == "shop" && row["outcome"] == "success"
    })
    .await;
    holds("from=2026-03-02T12:00:01Z", |row| row["at"] != "2026-03-02T12:00:00Z").await;
    holds("until=2026-03-02T12:00:01Z", |row| row["at"] == "2026-03-02T12:00:00Z").await;
    assert_eq!(rows(app, "actor=nobody-of-that-name").await, [] as [Value; 0]);
    for wrong in ["outcome=maybe", "from=yesterday", "limit=0", "limit=201", "cursor=x"] {
        auditor(app).get(format!("/audit?{wrong}")).await.expect(422);
    }
    let last = all.first().unwrap()["seq"].as_u64().unwrap();
    let text = auditor(app).get(format!("/audit/export?after={}", last - 2)).await.text();
    assert_eq!(text.lines().count(), 2);
    assert_eq!(auditor(app).get(format!("/audit/export?after={last}")).await.text(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_read_it_does() {
    let stand = stand().await;
    let app = &stand.app;
    for path in ["/audit", "/audit/export"] {
        app.anon().get(path).await.expect(401);
        let refused: Value = administrator(app).get(path).await.expect(403).json();
        assert_eq!(refused["missing"], json!(["permission audit:read"]));
        auditor(app).get(path).await.expect(200);
        // It only grows.
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let method = method.parse().unwrap();
            assert_eq!(auditor(app).request(method, path).await.status.as_u16(), 405);
        }
    }
}
