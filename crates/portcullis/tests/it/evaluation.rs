//! `/access/v1/evaluation`: may they, and why, without doing it.

use portcullis::auth::{Actor, Auth, routes};
use portcullis::clock::Sources;
use portcullis::policy::conditions::OpenHours;
use portcullis::policy::{owner, permission, when};
use portcullis::testing::{FixedClock, TestApp, TestClient, auth};
use portcullis::types::{ConditionSpec, Hours, RoleRecord, Weekday};
use serde_json::{Value, json};

use crate::app::gate;

/// The ready-made routes and three of the application's own, on a Wednesday at noon.
async fn app() -> (TestApp, Auth, TestClient) {
    let clock = FixedClock::at("2026-03-04T12:00:00Z");
    let auth = auth(&clock).scopes(crate::app::scopes()).start().await.unwrap();
    let sources: Sources = clock.sources();
    let gate = gate(&auth, sources);
    let hours = OpenHours::working("09:00", "17:00", "UTC").unwrap();
    let finished = gate
        .routes()
        .merge(routes::evaluation::table(&gate))
        .merge(routes::users::table(&gate))
        .get("/read", permission("read"), async || "read")
        .get("/desk", permission("read") & when(hours), async || "desk")
        .delete("/items/{id}", permission("items:delete") | owner("item"), async || "never asked")
        .with_state(auth.clone())
        .finish()
        .unwrap();
    let app = TestApp::new(finished, auth.clone());
    let mut reader = RoleRecord::new("reader");
    reader.permissions = ["read".into()].into();
    auth.add_role(&Actor::system(), reader).await.unwrap();
    let mut chief = RoleRecord::new("chief");
    chief.includes = ["reader".into()].into();
    auth.add_role(&Actor::system(), chief).await.unwrap();
    let asker = app.user("ada").with_permission("access:evaluate");
    (app, auth, asker)
}

async fn ask(asker: &TestClient, question: Value) -> Value {
    asker.post("/access/v1/evaluation").json(question).await.expect(200).json()
}

fn route(user: &str, method: &str, path: &str, context: Value) -> Value {
    json!({
        "subject": {"type": "user", "id": user},
        "action": {"name": method},
        "resource": {"type": "route", "id": path},
        "context": context,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_the_gates_own_and_names_what_decided() {
    let (app, _, asker) = app().await;
    let cleo = app.user("cleo").with_role("chief");
    cleo.get("/read").await.expect(200);
    let answer = ask(&asker, route("cleo", "GET", "/read?page=2", json!({}))).await;
    assert_eq!(answer["decision"], true);
    assert_eq!(answer["context"]["route"], "GET /read");
    let by = &answer["context"]["reasons"]["because"]["by"][0];
    assert_eq!(by["kind"], "role_permission");
    assert_eq!(by["path"], json!(["chief", "reader"]));

    app.user("gus").get("/read").await.expect(403);
    let answer = ask(&asker, route("gus", "GET", "/read", json!({}))).await;
    assert_eq!(answer["decision"], false);
    assert_eq!(answer["context"]["reasons"]["outcome"], "forbid");
    let helps = &answer["context"]["reasons"]["because"]["helps"];
    assert_eq!(helps[0], json!({"kind": "role", "role": "reader"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_circumstances_are_those_of_the_question() {
    let (app, _, asker) = app().await;
    let hours = ConditionSpec::Hours(Hours {
        weekdays: Weekday::WORKING.to_vec(),
        from: "09:00".parse().unwrap(),
        to: "17:00".parse().unwrap(),
        time_zone: "Europe/Berlin".to_owned(),
    });
    let near = ConditionSpec::Networks(vec!["10.0.0.0/8".parse().unwrap()]);
    app.user("nick")
        .with_permission_when("read", ConditionSpec::All(vec![hours, near]))
        .get("/read")
        .await
        .expect(403);
    let decision = async |context: Value| {
        ask(&asker, route("nick", "GET", "/read", context)).await["decision"].clone()
    };
    assert_eq!(decision(json!({"ip_address": "10.1.2.3"})).await, true);
    assert_eq!(decision(json!({"address": "::ffff:10.1.2.3"})).await, true);
    assert_eq!(decision(json!({"ip_address": "11.1.2.3"})).await, false);
    assert_eq!(decision(json!({})).await, false, "an address nobody named is in no network");
    let night = json!({"ip_address": "10.1.2.3", "time": "2026-03-04T23:00:00Z"});
    assert_eq!(decision(night).await, false);
    let scope = json!({"ip_address": "10.1.2.3", "scope": "items:read"});
    assert_eq!(decision(scope).await, true, "a scope limits only what asks for one");
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_owners_and_those_who_are_not_there() {
    let (app, auth, asker) = app().await;
    app.user("olga").get("/read").await.expect(403);
    let question = |id: &str, kind: &str, action: &str, resource: Value| {
        json!({
            "subject": {"type": kind, "id": id},
            "action": {"name": action},
            "resource": resource,
        })
    };
    let mine = json!({"type": "route", "id": "/items/7", "properties": {"owner": "olga"}});
    let answer = ask(&asker, question("olga", "user", "DELETE", mine.clone())).await;
    assert_eq!(answer["decision"], true, "{answer}");
    let answer = ask(&asker, question("ada", "user", "DELETE", mine)).await;
    assert_eq!(answer["decision"], false);
    let whose = json!({"type": "route", "id": "/items/7"});
    let answer = ask(&asker, question("olga", "user", "DELETE", whose)).await;
    assert_eq!(answer["decision"], false, "who the owner is was not said");
    assert_eq!(answer["context"]["reasons"]["outcome"], "ask_owner");

    let permission = json!({"type": "access", "id": "*"});
    let answer = ask(&asker, question("ada", "user", "evaluate", permission)).await;
    assert_eq!(answer["decision"], true);
    let plain = json!({"type": "permission", "id": "read"});
    let answer = ask(&asker, question("ada", "user", "read", plain.clone())).await;
    assert_eq!(answer["decision"], false);

    // A client by its id, as one of ours.
    let shop = portcullis::types::ClientId::from("shop");
    auth.add_client(&Actor::system(), shop, "The shop".into(), &["reader".into()]).await.unwrap();
    let answer = ask(&asker, question("shop", "client", "read", plain.clone())).await;
    assert_eq!(answer["decision"], true, "{answer}");
    let answer = ask(&asker, question("shop", "user", "read", plain.clone())).await;
    assert_eq!(answer["decision"], false);

    for (id, kind) in [("nobody", "user"), ("nobody", "client"), ("ada", "robot")] {
        let answer = ask(&asker, question(id, kind, "read", plain.clone())).await;
        assert_eq!(answer["decision"], false);
        let reason = answer["context"]["reason"].as_str().unwrap();
        assert_eq!(reason, format!("There is no such {kind}."));
    }
    let answer = ask(&asker, route("ada", "GET", "/nowhere", json!({}))).await;
    assert_eq!(answer["context"]["reason"], "No route answers GET /nowhere.");

    let olga = auth.user_named("olga").await.unwrap().unwrap();
    let portcullis::types::Subject::User(id) = olga else { panic!("{olga}") };
    let request = portcullis::auth::UserRequest { active: Some(false), ..Default::default() };
    auth.change_user(&Actor::system(), id, request).await.unwrap();
    let answer = ask(&asker, route("olga", "GET", "/users", json!({}))).await;
    assert_eq!(answer["decision"], false);
    assert_eq!(answer["context"]["active"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_questions_share_what_they_leave_out_and_stop_where_told() {
    let (app, _, asker) = app().await;
    app.user("cleo").with_role("chief").get("/read").await.expect(200);
    let batch = |semantic: &str| {
        json!({
            "subject": {"type": "user", "id": "cleo"},
            "action": {"name": "GET"},
            "evaluations": [
                {"resource": {"type": "route", "id": "/read"}},
                {"resource": {"type": "route", "id": "/users"}},
                {"resource": {"type": "route", "id": "/read"}, "context": {"time": "noon"}},
                {"subject": {"type": "user", "id": "ada"}, "action": {"name": "evaluate"},
                 "resource": {"type": "access", "id": "1"}},
                {"action": {"name": "GET"}},
            ],
            "options": {"evaluations_semantic": semantic},
        })
    };
    let decisions = async |semantic: &str| -> Vec<bool> {
        let answer = asker.post("/access/v1/evaluations").json(batch(semantic)).await;
        let answer: Value = answer.expect(200).json();
        let all = answer["evaluations"].as_array().unwrap();
        all.iter().map(|one| one["decision"].as_bool().unwrap()).collect()
    };
    assert_eq!(decisions("execute_all").await, [true, false, false, true, false]);
    assert_eq!(decisions("deny_on_first_deny").await, [true, false]);
    assert_eq!(decisions("permit_on_first_permit").await, [true]);
    let answer: Value =
        asker.post("/access/v1/evaluations").json(batch("execute_all")).await.json();
    assert_eq!(answer["evaluations"][2]["context"]["error"]["status"], 400);
    assert!(answer["evaluations"][4]["context"]["error"]["message"].is_string());

    let single = route("cleo", "GET", "/read", json!({}));
    let answer: Value = asker.post("/access/v1/evaluations").json(single).await.expect(200).json();
    assert_eq!(answer["decision"], true, "without a list it is a single question");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whoever_may_evaluate_asks_and_what_cannot_be_read_is_refused() {
    let (app, _, asker) = app().await;
    let question = route("ada", "GET", "/read", json!({}));
    app.anon().post("/access/v1/evaluation").json(question.clone()).await.expect(401);
    app.user("gus").post("/access/v1/evaluation").json(question).await.expect(403);
    asker.post("/access/v1/evaluation").json(json!({"subject": {}})).await.expect(422);
    for context in [
        json!({"time": "noon"}),
        json!({"ip_address": "here"}),
        json!({"country": "Germany"}),
        json!({"since": "1"}),
        json!({"scope": "a\"b"}),
    ] {
        let question = route("ada", "GET", "/read", context);
        let problem: Value =
            asker.post("/access/v1/evaluation").json(question).await.expect(422).json();
        let pointer = problem["errors"][0]["pointer"].as_str().unwrap();
        assert!(pointer.starts_with("/context/"), "{problem}");
    }
    let metadata: Value =
        app.anon().get("/.well-known/authzen-configuration").await.expect(200).json();
    let endpoint = metadata["access_evaluation_endpoint"].as_str().unwrap();
    assert!(endpoint.ends_with("/access/v1/evaluation"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_says_what_was_assumed_and_takes_nothing_from_who_asks() {
    let (app, _, asker) = app().await;
    app.user("cleo").with_role("chief").id().await;
    let answer = ask(&asker, route("cleo", "GET", "/desk", json!({}))).await;
    let unknown = json!({
        "time": "2026-03-04T12:00:00Z", "ip_address": null, "country": null, "since": null,
        "second_factor": false, "scope": null,
    });
    assert_eq!(answer["context"]["assumed"], unknown, "{answer}");
    let supposed = json!({
        "time": "2026-03-04T08:00:00+01:00", "ip_address": "192.0.2.7", "country": "at",
        "since": "2026-03-04T06:00:00Z", "second_factor": true, "scope": "items:write items:read",
    });
    let answer = ask(&asker, route("cleo", "GET", "/desk", supposed)).await;
    assert_eq!(answer["decision"], false);
    let assumed = json!({
        "time": "2026-03-04T07:00:00Z", "ip_address": "192.0.2.7", "country": "AT",
        "since": "2026-03-04T06:00:00Z", "second_factor": true, "scope": "items:read items:write",
    });
    assert_eq!(answer["context"]["assumed"], assumed, "{answer}");
}
