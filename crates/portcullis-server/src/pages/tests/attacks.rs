//! The attacks that are known by name.

use serde_json::Value;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_replayed_ends_what_it_gave_and_nothing_else() {
    let demo = demo().await;
    let mut browser = Browser::new(&demo);
    let (first, other) = (browser.follow(&query(&[])).await, browser.follow(&query(&[])).await);
    let tokens: Value = exchange(&demo, &first["code"], &[]).await.expect(200).json();
    let others: Value = exchange(&demo, &other["code"], &[]).await.expect(200).json();
    let access = text(&tokens, "access_token");
    assert_eq!(status(&demo, &access, "/items").await, 200);
    // Another client that shows it ends nothing.
    let foreign = exchange(
        &demo,
        &first["code"],
        &[("client_id", Some("demo-web")), ("client_secret", Some(WEB_SECRET))],
    );
    assert_eq!(error(&foreign.await), "400 invalid_grant");
    assert_eq!(status(&demo, &access, "/items").await, 200);
    assert_eq!(error(&exchange(&demo, &first["code"], &[]).await), "400 invalid_grant");
    assert_eq!(status(&demo, &access, "/items").await, 401);
    let refresh = text(&tokens, "refresh_token");
    let form =
        [("grant_type", "refresh_token"), ("refresh_token", &*refresh), ("client_id", "demo-spa")];
    assert_eq!(error(&demo.app.anon().post("/token").form(form).await), "400 invalid_grant");
    assert_eq!(status(&demo, &text(&others, "access_token"), "/items").await, 200);
    assert!(browser.follow(&query(&[("prompt", Some("none"))])).await.contains_key("code"));
    demo.app.auth().flush().await;
    let auditor = demo.app.user("auditor").with_permission("audit:read");
    assert!(auditor.get("/audit/export").await.expect(200).text().contains("code.reused"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_injected_code_is_worth_nothing_without_what_it_was_made_for() {
    let demo = demo().await;
    let mut browser = Browser::new(&demo);
    let code = browser.follow(&query(&[])).await.remove("code").unwrap();
    let other = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    for wrong in [
        ("code_verifier", Some(other)),
        ("code_verifier", Some("short")),
        ("redirect_uri", Some("http://localhost:9777/cb")),
        ("redirect_uri", Some("http://127.0.0.1:9778/cb")),
    ] {
        assert_eq!(
            error(&exchange(&demo, &code, &[wrong]).await),
            "400 invalid_grant",
            "{wrong:?}"
        );
    }
    for missing in ["code_verifier", "redirect_uri", "code"] {
        let answer = exchange(&demo, &code, &[(missing, None)]).await;
        assert_eq!(error(&answer), "400 invalid_request", "{missing}");
    }
    let nobody = exchange(&demo, &code, &[("client_id", None)]).await;
    assert_eq!(error(&nobody), "401 invalid_client");
    // Client confusion: another client's code, shown with one's own good secret.
    let confused = [("client_id", Some("demo-web")), ("client_secret", Some(WEB_SECRET))];
    assert_eq!(error(&exchange(&demo, &code, &confused).await), "400 invalid_grant");
    for text in ["pc_ac_x", "", &code[..code.len() - 1]] {
        assert!(error(&exchange(&demo, text, &[]).await).starts_with("400 invalid_"));
    }
    exchange(&demo, &code, &[]).await.expect(200);

    let late = browser.follow(&query(&[])).await.remove("code").unwrap();
    demo.clock.advance(60);
    assert_eq!(error(&exchange(&demo, &late, &[]).await), "400 invalid_grant");
    // A code hangs on the sign-in that it was made by.
    let ended = browser.follow(&query(&[])).await.remove("code").unwrap();
    browser.post("/auth/cookie/logout", &[]).await.expect(204);
    assert_eq!(error(&exchange(&demo, &ended, &[]).await), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn pkce_cannot_be_left_out_or_weakened() {
    let demo = demo().await;
    for client in ["demo-spa", "demo-web"] {
        for change in [
            ("code_challenge", None),
            ("code_challenge_method", None),
            ("code_challenge_method", Some("plain")),
            ("code_challenge", Some(VERIFIER.strip_suffix('k').unwrap())),
            ("code_challenge", Some("")),
        ] {
            let asked = query(&[("client_id", Some(client)), change]);
            let told = Browser::new(&demo).follow(&asked).await;
            assert_eq!(told["error"], "invalid_request", "{client} {change:?}");
            assert_eq!(told["state"], "a b&c");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_that_is_not_registered_leads_nowhere() {
    let demo = demo().await;
    let mut signed_in = Browser::new(&demo);
    signed_in.follow(&query(&[])).await;
    for browser in [Browser::new(&demo), signed_in] {
        for uri in [
            "http://127.0.0.1:9777@evil.example/cb",
            "http://evil.example:9777/cb",
            "http://127.0.0.1.evil.example:9777/cb",
            "http://127.0.0.1:9777/cb/../steal",
            "http://127.0.0.1:9777/cb%2f..%2fsteal",
            "http://127.0.0.1:9777/CB",
            "http://127.0.0.1:9777/cb#x",
            "http://127.0.0.1:9777/cb?x=1",
            "http://127.0.0.1:9777//cb",
            "http://localhost:9778/cb",
            "https://127.0.0.1:9777/cb",
            "//127.0.0.1:9777/cb",
            "javascript:alert(1)",
            "",
        ] {
            let asked = format!("/authorize?{}", query(&[("redirect_uri", Some(uri))]));
            let answer = browser.get(&asked).await.expect(400);
            assert_eq!(answer.header("location"), None, "{uri}");
            assert!(answer.header("content-type").unwrap().starts_with("text/html"), "{uri}");
        }
        for (client, twice) in
            [(Some("nobody"), ""), (None, ""), (Some("demo-spa"), "&client_id=x")]
        {
            let asked = format!("/authorize?{}{twice}", query(&[("client_id", client)]));
            assert_eq!(browser.get(&asked).await.expect(400).header("location"), None);
        }
        let twice = format!("/authorize?{}&redirect_uri=https%3A%2F%2Fevil.example", query(&[]));
        assert_eq!(browser.get(&twice).await.expect(400).header("location"), None);
        let long = "a".repeat(4096);
        let long = format!("/authorize?{}", query(&[("state", Some(&long))]));
        assert_eq!(browser.get(&long).await.expect(400).header("location"), None);
        for forged in ["/authorize?ticket=x", "/consent?ticket=x.y", "/login?ticket=e30.e30"] {
            assert_eq!(browser.get(forged).await.expect(400).header("location"), None, "{forged}");
        }
    }
    // The port of loopback alone may be another: a program takes whichever is free.
    let asked = query(&[("redirect_uri", Some("http://127.0.0.1:50123/cb"))]);
    let answer = Browser::new(&demo).get(&format!("/authorize?{asked}")).await;
    assert!(location(&answer).starts_with("/login?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_else_is_wrong_is_told_to_the_client_with_state_and_issuer() {
    let demo = demo().await;
    for (change, code) in [
        (("response_type", Some("token")), "unsupported_response_type"),
        (("response_type", None), "invalid_request"),
        (("response_mode", Some("fragment")), "invalid_request"),
        (("scope", Some("items:burn")), "invalid_scope"),
        (("max_age", Some("soon")), "invalid_request"),
        (("prompt", Some("none login")), "invalid_request"),
        (("prompt", Some("none")), "login_required"),
        (("request", Some("e30.e30.")), "request_not_supported"),
        (("request_uri", Some("https://evil.example")), "request_uri_not_supported"),
        (("resource", Some("https://other.example")), "invalid_target"),
    ] {
        let told = Browser::new(&demo).follow(&query(&[change])).await;
        assert_eq!((&*told["error"], &*told["state"]), (code, "a b&c"), "{change:?}");
    }
    let twice = format!("{}&nonce=x", query(&[]));
    assert_eq!(Browser::new(&demo).follow(&twice).await["error"], "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_site_signs_anybody_in_or_consents_for_them() {
    let demo = demo().await;
    for site in [Some("cross-site"), Some("same-site"), None] {
        let mut other = Browser { site, ..Browser::new(&demo) };
        let refused = other.sign_in("alice", "down-the-rabbit-hole", "").await.expect(403);
        assert_eq!(refused.header("set-cookie"), None, "{site:?}");
    }
    let mut browser = Browser::new(&demo);
    let asked = query(&[("client_id", Some("demo-web"))]);
    let login = location(&browser.get(&format!("/authorize?{asked}")).await);
    let back = browser.sign_in("alice", "down-the-rabbit-hole", &ticket(&login)).await;
    let consent = location(&browser.get(&location(&back)).await);
    let page = browser.get(&consent).await;
    let (at, word) = (ticket(&consent), hidden(&page, "word"));
    for site in [Some("cross-site"), None] {
        let mut other = Browser { site, ..browser.clone() };
        let yes = [("ticket", &*at), ("word", &*word), ("decision", "allow")];
        assert_eq!(other.post("/consent", &yes).await.expect(403).header("location"), None);
    }
    // The word is of this sign-in and this request.
    let mut mallory = Browser::new(&demo);
    mallory.sign_in("mona", "moderate-every-thread", "").await;
    let her_page = mallory.get(&consent).await.expect(200);
    for word in [hidden(&her_page, "word"), "x".to_owned(), String::new()] {
        let yes = [("ticket", &*at), ("word", &*word), ("decision", "allow")];
        browser.post("/consent", &yes).await.expect(403);
    }
    let none = query(&[("client_id", Some("demo-web")), ("prompt", Some("none"))]);
    assert_eq!(browser.follow(&none).await["error"], "consent_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_stand_in_no_frame_run_no_script_and_are_read_by_no_other_origin() {
    let demo = demo().await;
    let mut browser = Browser::new(&demo);
    let asked = query(&[("client_id", Some("demo-web"))]);
    let login = location(&browser.get(&format!("/authorize?{asked}")).await);
    let mut pages = vec![login.clone(), "/login".to_owned(), "/logout".to_owned()];
    let back = browser.sign_in("alice", "down-the-rabbit-hole", &ticket(&login)).await;
    pages.push(location(&browser.get(&location(&back)).await));
    for path in pages {
        let request = demo.app.anon().get(&path).header("cookie", browser.cookie.as_ref().unwrap());
        let page = request.header("origin", "https://evil.example").await.expect(200);
        let policy = page.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert_eq!(page.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(page.header("access-control-allow-origin"), None, "{path}");
        let text = page.text();
        assert!(!text.contains("<script") && !text.contains("style="), "{text}");
    }
    let german = demo.app.anon().get("/login").header("accept-language", "de").await;
    assert!(german.text().contains("<html lang=\"de\">") && german.text().contains("Anmelden"));
    // What a stranger typed stands there as text.
    let form = [("username", "<script>x</script>"), ("password", "x")];
    let wrong = Browser::new(&demo).post("/login", &form).await.expect(422);
    assert!(!wrong.text().contains("<script>") && wrong.text().contains("&lt;script"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_refresh_token_of_a_public_client_ends_with_its_second_use() {
    let demo = demo().await;
    let mut browser = Browser::new(&demo);
    let told = browser.follow(&query(&[])).await;
    let tokens: Value = exchange(&demo, &told["code"], &[]).await.expect(200).json();
    let refresh = async |token: &str, client: Option<&str>| {
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
        form.extend(client.map(|client| ("client_id", client)));
        demo.app.anon().post("/token").form(form).await
    };
    let first = text(&tokens, "refresh_token");
    assert_eq!(error(&refresh(&first, None).await), "400 invalid_grant");
    let second: Value = refresh(&first, Some("demo-spa")).await.expect(200).json();
    let third: Value =
        refresh(&text(&second, "refresh_token"), Some("demo-spa")).await.expect(200).json();
    assert_eq!(status(&demo, &text(&third, "access_token"), "/items").await, 200);
    assert_eq!(error(&refresh(&first, Some("demo-spa")).await), "400 invalid_grant");
    assert_eq!(status(&demo, &text(&third, "access_token"), "/items").await, 401);
}
