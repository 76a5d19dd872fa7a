//! The flow as its people and clients mean it.

use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_for_a_client_of_ours_and_is_not_asked_twice() {
    let demo = demo().await;
    let mut browser = Browser::new(&demo);
    let told = browser.follow(&query(&[])).await;
    assert_eq!(told["state"], "a b&c");
    let tokens: Value = exchange(&demo, &told["code"], &[]).await.expect(200).json();
    assert_eq!(tokens["scope"], "items:read openid");
    let access = text(&tokens, "access_token");
    assert_eq!(status(&demo, &access, "/items").await, 200);
    assert_eq!(status(&demo, &access, "/users/me/sessions").await, 403, "it is limited");
    let id = claims(&text(&tokens, "id_token"));
    let said = claims(&access);
    assert_eq!((&id["iss"], &id["aud"]), (&ISSUER.into(), &"demo-spa".into()));
    assert_eq!((&id["nonce"], &id["acr"]), (&"n-1".into(), &"1".into()));
    assert_eq!((&id["sub"], &id["auth_time"]), (&said["sub"], &said["auth_time"]));
    assert_ne!(id["sid"], said["sid"], "the browser's session, not the client's");
    assert!(id["exp"].as_i64() > id["iat"].as_i64() && id["at_hash"].is_string(), "{id}");
    // An ID token is no access token.
    assert_eq!(status(&demo, &text(&tokens, "id_token"), "/items").await, 401);

    let direct = location(&browser.get(&format!("/authorize?{}", query(&[]))).await);
    assert!(answered(&direct).contains_key("code"), "a session is enough for a first-party client");
    let none = query(&[("prompt", Some("none"))]);
    assert!(browser.follow(&none).await.contains_key("code"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_s_client_asks_once_a_scope_and_takes_no_for_an_answer() {
    let demo = demo().await;
    let mut browser = Browser::new(&demo);
    let web = |more: &[(&'static str, Option<&'static str>)]| {
        query(&[&[("client_id", Some("demo-web"))], more].concat())
    };
    // No: nothing is kept, and the client is told.
    let login = location(&browser.get(&format!("/authorize?{}", web(&[]))).await);
    let back = browser.sign_in("alice", "down-the-rabbit-hole", &ticket(&login)).await;
    let consent = location(&browser.get(&location(&back)).await);
    assert!(consent.starts_with("/consent?"), "{consent}");
    let page = browser.get(&consent).await.expect(200);
    assert!(page.text().contains("Read items.") && page.text().contains("A web application"));
    let (at, word) = (ticket(&consent), hidden(&page, "word"));
    let no = [("ticket", &*at), ("word", &*word), ("decision", "deny")];
    let told = answered(&location(&browser.post("/consent", &no).await));
    assert_eq!((told["error"].as_str(), told["state"].as_str()), ("access_denied", "a b&c"));
    let none = browser.follow(&web(&[("prompt", Some("none"))])).await;
    assert_eq!(none["error"], "consent_required");

    let told = browser.follow(&web(&[])).await;
    let header = format!("Basic {}", STANDARD.encode(format!("demo-web:{WEB_SECRET}")));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &*told["code"]),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let request = demo.app.anon().post("/token").form(form).header("authorization", &header);
    request.await.expect(200);
    // Remembered for these scopes, and asked again for another.
    assert!(browser.follow(&web(&[("prompt", Some("none"))])).await.contains_key("code"));
    let more = web(&[("prompt", Some("none")), ("scope", Some("openid items:read email"))]);
    assert_eq!(browser.follow(&more).await["error"], "consent_required");
    let again = browser.get(&format!("/authorize?{}", web(&[("prompt", Some("consent"))]))).await;
    assert!(location(&again).starts_with("/consent?"));
    // Without scopes it would have all that the person has.
    assert_eq!(browser.follow(&web(&[("scope", None)])).await["error"], "invalid_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_sign_in_is_a_fresh_one() {
    let demo = demo().await;
    let mut browser = Browser::new(&demo);
    let first = browser.follow(&query(&[])).await;
    let tokens: Value = exchange(&demo, &first["code"], &[]).await.expect(200).json();
    let old = browser.cookie.clone().unwrap();
    demo.clock.advance(100);
    for (change, asks) in [
        (("prompt", Some("login")), true),
        (("max_age", Some("99")), true),
        (("max_age", Some("0")), true),
        (("max_age", Some("100")), false),
    ] {
        let again = browser.clone();
        let next = location(&again.get(&format!("/authorize?{}", query(&[change]))).await);
        assert_eq!(next.starts_with("/login?"), asks, "{change:?}");
    }
    let none = query(&[("prompt", Some("none")), ("max_age", Some("10"))]);
    assert_eq!(browser.follow(&none).await["error"], "login_required");
    let told = browser.follow(&query(&[("prompt", Some("login"))])).await;
    let fresh: Value = exchange(&demo, &told["code"], &[]).await.expect(200).json();
    let times = [&tokens, &fresh].map(|one| claims(&text(one, "id_token"))["auth_time"].as_i64());
    assert_eq!(times[1].unwrap() - times[0].unwrap(), 100);
    // The cookie from before counts no more; what hangs on the sign-in lives on.
    let before = Browser { cookie: Some(old), ..Browser::new(&demo) };
    let next = location(&before.get(&format!("/authorize?{}", query(&[]))).await);
    assert!(next.starts_with("/login?"), "{next}");
    assert_eq!(status(&demo, &text(&tokens, "access_token"), "/items").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn userinfo_tells_what_the_scopes_reach() {
    let demo = demo().await;
    let mut browser = Browser::new(&demo);
    let ask = async |browser: &mut Browser<'_>, scope: &str| -> (u16, Value) {
        let told = browser.follow(&query(&[("scope", Some(scope))])).await;
        let tokens: Value = exchange(&demo, &told["code"], &[]).await.expect(200).json();
        let header = format!("Bearer {}", text(&tokens, "access_token"));
        let answer = demo.app.anon().get("/userinfo").header("authorization", &header).await;
        (answer.status.as_u16(), answer.json())
    };
    let (_, all) = ask(&mut browser, "openid profile email").await;
    assert_eq!(
        (&all["preferred_username"], &all["email"]),
        (&"alice".into(), &"alice@example.org".into())
    );
    assert_eq!(all["email_verified"], false);
    let (_, little) = ask(&mut browser, "openid").await;
    assert_eq!(little, serde_json::json!({"sub": all["sub"]}));
    assert_eq!(ask(&mut browser, "items:read").await.0, 403);
    demo.app.anon().get("/userinfo").await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_signs_its_person_out_and_sends_them_home() {
    let demo = demo().await;
    let mut browser = Browser::new(&demo);
    let tokens = async |browser: &mut Browser<'_>, scope: &str| -> Value {
        let told = browser.follow(&query(&[("scope", Some(scope))])).await;
        exchange(&demo, &told["code"], &[]).await.expect(200).json()
    };
    let here = tokens(&mut browser, "openid items:read").await;
    let away = tokens(&mut browser, "openid items:read offline_access").await;
    let hint = text(&here, "id_token");
    let ask = |fields: &[(&str, &str)]| {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        format!("/logout?{query}")
    };
    // Nobody but the client that has an ID token of this sign-in can do it without a question.
    let question = browser.get("/logout").await.expect(200);
    assert!(question.text().contains("alice"));
    let other = Browser::new(&demo)
        .get(&ask(&[
            ("id_token_hint", &hint),
            ("post_logout_redirect_uri", "https://evil.example/"),
        ]))
        .await
        .expect(200);
    assert_eq!(other.header("location"), None);
    assert_eq!(status(&demo, &text(&here, "access_token"), "/items").await, 200);
    let mut forged = Browser { site: Some("cross-site"), ..browser.clone() };
    forged.post("/logout", &[("word", &hidden(&question, "word"))]).await.expect(403);
    browser.post("/logout", &[("word", "x")]).await.expect(403);

    demo.clock.advance(3600);
    let home = [("id_token_hint", &*hint), ("post_logout_redirect_uri", REDIRECT), ("state", "s")];
    let gone = browser.get(&ask(&home)).await;
    assert_eq!(location(&gone), format!("{REDIRECT}?state=s"));
    assert!(gone.header("set-cookie").unwrap().contains("Max-Age=0"));
    let next = location(&browser.get(&format!("/authorize?{}", query(&[]))).await);
    assert!(next.starts_with("/login?"), "the session is over: {next}");
    let refresh = async |tokens: &Value| {
        let form = [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", "demo-spa".to_owned()),
            ("refresh_token", text(tokens, "refresh_token")),
        ];
        demo.app.anon().post("/token").form(form).await.status.as_u16()
    };
    assert_eq!(refresh(&here).await, 400, "it hung on the sign-in");
    assert_eq!(refresh(&away).await, 200, "it was to outlive it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_says_what_is_there() {
    let demo = demo().await;
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        let said: Value = demo.app.anon().get(path).await.expect(200).json();
        assert_eq!(said["issuer"], ISSUER);
        assert_eq!(said["authorization_endpoint"], format!("{ISSUER}/authorize"));
        assert_eq!(said["code_challenge_methods_supported"], serde_json::json!(["S256"]));
        assert_eq!(said["id_token_signing_alg_values_supported"], serde_json::json!(["EdDSA"]));
        assert_eq!(said["authorization_response_iss_parameter_supported"], true);
        assert_eq!(said["response_types_supported"], serde_json::json!(["code"]));
        for name in ["authorization_endpoint", "userinfo_endpoint", "end_session_endpoint"] {
            let path = said[name].as_str().unwrap().strip_prefix(ISSUER).unwrap().to_owned();
            assert!(demo.app.access().iter().any(|row| &*row.path == path.as_str()), "{path}");
        }
        let members = said.as_object().unwrap().values();
        assert!(
            members
                .into_iter()
                .all(|value| *value != Value::Null && *value != serde_json::json!([]))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_leads_to_this_site_alone() {
    let demo = demo().await;
    for (to, leads) in [
        ("/items?x=1", "/items?x=1"),
        ("https://evil.example/", "/login"),
        ("//evil.example/", "/login"),
        ("/\\evil.example/", "/login"),
        ("/\t/evil.example/", "/login"),
        ("items", "/login"),
    ] {
        let form = [("username", "alice"), ("password", "down-the-rabbit-hole"), ("return_to", to)];
        let answer = Browser::new(&demo).post("/login", &form).await;
        assert_eq!(location(&answer), leads, "{to:?}");
    }
}
