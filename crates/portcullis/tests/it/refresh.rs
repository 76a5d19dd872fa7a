//! `POST /token` with a refresh token: never logs a real user out, nor lets a thief in.

use portcullis::testing::{Answer, TestApp};
use serde_json::Value;

use crate::stand::{Kind, Place, Stand, ada};

const WINDOW: i64 = 60;

async fn log_in(app: &TestApp) -> Value {
    ada(app).id().await;
    let form = [
        ("grant_type", "password"),
        ("username", "ada"),
        ("password", "orchids grow on tall trees"),
    ];
    app.anon().post("/token").form(form).await.expect(200).json()
}

fn text<'a>(answer: &'a Value, member: &str) -> &'a str {
    answer[member].as_str().unwrap()
}

async fn refresh(app: &TestApp, token: &str, scope: Option<&str>) -> Answer {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    form.extend(scope.map(|scope| ("scope", scope)));
    app.anon().post("/token").form(form).await
}

async fn refused(app: &TestApp, token: &str) {
    let answer: Value = refresh(app, token, None).await.expect(400).json();
    assert_eq!(answer["error"], "invalid_grant");
}

async fn status(app: &TestApp, pair: &Value) -> u16 {
    let bearer = format!("Bearer {}", text(pair, "access_token"));
    app.anon().get("/users/me").header("authorization", &bearer).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_gets_the_very_same_token_until_the_window_has_passed() {
    for place in [Place::Memory, Place::File] {
        let mut stand = Stand::new(place, Kind::Jwt.format()).await;
        let first = log_in(&stand.app).await;
        let parent = text(&first, "refresh_token");
        let second: Value = refresh(&stand.app, parent, None).await.expect(200).json();
        stand.clock.advance(WINDOW);
        // The answer was lost, or the server died behind the commit.
        stand.restart().await;
        let again: Value = refresh(&stand.app, parent, None).await.expect(200).json();
        assert_eq!(second["refresh_token"], again["refresh_token"]);
        assert_ne!(second["access_token"], again["access_token"]);
        stand.clock.advance(1);
        // Whoever comes later shows a stolen one: the whole family ends.
        refused(&stand.app, parent).await;
        refused(&stand.app, text(&second, "refresh_token")).await;
        for pair in [&first, &second, &again] {
            assert_eq!(status(&stand.app, pair).await, 401);
        }
        stand.restart().await;
        refused(&stand.app, text(&second, "refresh_token")).await;
        assert_eq!(status(&stand.app, &again).await, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn once_the_successor_was_used_the_parent_ends_the_family() {
    let stand = Stand::new(Place::File, Kind::Jwt.format()).await;
    let first = log_in(&stand.app).await;
    let second: Value =
        refresh(&stand.app, text(&first, "refresh_token"), None).await.expect(200).json();
    let third: Value =
        refresh(&stand.app, text(&second, "refresh_token"), None).await.expect(200).json();
    refused(&stand.app, text(&first, "refresh_token")).await;
    refused(&stand.app, text(&third, "refresh_token")).await;
    assert_eq!(status(&stand.app, &third).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_leave_one_lineage() {
    for place in [Place::Memory, Place::File] {
        let stand = Stand::new(place, Kind::Jwt.format()).await;
        // Two processes on one database.
        let other = stand.another().await;
        let first = log_in(&stand.app).await;
        let parent = text(&first, "refresh_token").to_owned();
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..50 {
            let app = if n % 2 == 0 { stand.app.clone() } else { other.clone() };
            let parent = parent.clone();
            tasks.spawn(async move { refresh(&app, &parent, None).await.expect(200).json() });
        }
        let pairs: Vec<Value> = tasks.join_all().await;
        for pair in &pairs {
            assert_eq!(pair["refresh_token"], pairs[0]["refresh_token"]);
            assert_eq!(status(&stand.app, pair).await, 200);
        }
        let sessions: Value = ada(&stand.app).get("/users/me/sessions").await.json();
        assert_eq!(sessions["items"].as_array().unwrap().len(), 1);
        refresh(&other, text(&pairs[0], "refresh_token"), None).await.expect(200);
        refused(&stand.app, &parent).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_only_narrows_and_asking_for_more_uses_nothing_up() {
    let stand = Stand::new(Place::File, Kind::Jwt.format()).await;
    let first = log_in(&stand.app).await;
    assert_eq!(first["scope"], "items:read items:write");
    let parent = text(&first, "refresh_token");
    for wider in ["items:delete", "items:read items:delete"] {
        let answer: Value = refresh(&stand.app, parent, Some(wider)).await.expect(400).json();
        assert_eq!(answer["error"], "invalid_scope");
    }
    stand.clock.advance(WINDOW + 1);
    let narrow: Value = refresh(&stand.app, parent, Some("items:read")).await.expect(200).json();
    assert_eq!(narrow["scope"], "items:read");
    // The lineage keeps what it had; each access token is narrowed for itself (RFC 6749 §6).
    let next = refresh(&stand.app, text(&narrow, "refresh_token"), None).await.expect(200);
    assert_eq!(next.json::<Value>()["scope"], "items:read items:write");
    // What its owner lost in between is gone.
    let id = ada(&stand.app).id().await;
    stand.root().delete(format!("/users/{id}/grants")).await.expect(204);
    let parent: Value = next.json();
    let bare = refresh(&stand.app, text(&parent, "refresh_token"), None).await.expect(200);
    assert_eq!(bare.json::<Value>()["scope"], "");
    // Of a session that is over, a wider scope says no more than any other.
    stand.root().delete(format!("/users/{id}/sessions")).await.expect(204);
    let token: Value = bare.json();
    let answer: Value =
        refresh(&stand.app, text(&token, "refresh_token"), Some("x")).await.expect(400).json();
    assert_eq!(answer["error"], "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_refresh_token_refreshes_and_it_does_nothing_else() {
    let stand = Stand::new(Place::Memory, Kind::Jwt.format()).await;
    let pair = log_in(&stand.app).await;
    refresh(&stand.app, text(&pair, "access_token"), None).await.expect(400);
    let opaque = crate::stand::Credential::of(&stand.app, Kind::Opaque).await;
    refused(&stand.app, &opaque.text).await;
    for header in ["authorization", "x-api-key"] {
        let value = match header {
            "authorization" => format!("Bearer {}", text(&pair, "refresh_token")),
            _ => text(&pair, "refresh_token").to_owned(),
        };
        stand.app.anon().get("/users/me").header(header, &value).await.expect(401);
    }
    refresh(&stand.app, text(&pair, "refresh_token"), None).await.expect(200);
}
