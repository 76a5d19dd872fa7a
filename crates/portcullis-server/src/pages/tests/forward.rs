//! What a proxy is told.

use super::*;

/// What a proxy asks: as somebody, about a request.
async fn forward(demo: &Demo, peer: &str, question: &str, headers: &[(&str, &str)]) -> Answer {
    let request = demo.app.anon().over_tls().from(peer).get(format!("/forward-auth{question}"));
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_told_who_may() {
    let demo = demo().await;
    let mut browser = Browser::new(&demo);
    browser.sign_in("alice", "down-the-rabbit-hole", "").await;
    let cookie = browser.cookie.clone().unwrap();
    let proxy = "10.0.0.1";
    let get = ("x-forwarded-method", "GET");
    let yes =
        forward(&demo, proxy, "?permission=read&role=user", &[("cookie", &cookie), get]).await;
    let yes = yes.expect(200);
    assert_eq!(yes.header("x-auth-user"), Some("alice"));
    assert_eq!(yes.header("x-auth-roles"), Some("guest,user"));
    assert_eq!(yes.header("x-auth-permissions"), Some("read"));
    assert_eq!(yes.header("x-auth-subject").unwrap().len(), 36);
    for lacks in ["?permission=write", "?role=admin", "?permission=read&permission=write"] {
        let no = forward(&demo, proxy, lacks, &[("cookie", &cookie), get]).await.expect(403);
        assert_eq!(no.challenges().len(), 1, "{lacks}");
        assert_eq!(no.header("x-auth-user"), None);
    }
    forward(&demo, proxy, "?permisson=read", &[("cookie", &cookie), get]).await.expect(422);
    // The rule on other sites goes by the method that the proxy holds back.
    let other = ("sec-fetch-site", "cross-site");
    let post = ("x-forwarded-method", "POST");
    forward(&demo, proxy, "", &[("cookie", &cookie), get, other]).await.expect(200);
    forward(&demo, proxy, "", &[("cookie", &cookie), post, other]).await.expect(403);
    forward(&demo, proxy, "", &[("cookie", &cookie), other]).await.expect(403);
    // Nobody but a declared proxy says what the method was.
    forward(&demo, "203.0.113.9", "", &[("cookie", &cookie), get, other]).await.expect(403);
    let programs = forward(&demo, proxy, "", &[get]).await.expect(401);
    assert_eq!(programs.challenges(), ["Bearer realm=\"portcullis\""]);
    let bad = forward(&demo, proxy, "", &[("authorization", "Bearer x"), get]).await.expect(401);
    assert_eq!(bad.challenges().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_sent_to_sign_in_once_and_never_in_a_circle() {
    let demo = demo().await;
    let person = [
        ("accept", "text/html,*/*;q=0.8"),
        ("x-forwarded-method", "GET"),
        ("x-forwarded-host", "127.0.0.1:8000"),
        ("x-forwarded-uri", "/notes?page=2"),
    ];
    let with = |changes: &[(&'static str, &'static str)]| -> Vec<(&str, &str)> {
        let kept = person.iter().filter(|(name, _)| changes.iter().all(|(one, _)| one != name));
        kept.chain(changes).copied().filter(|(_, value)| !value.is_empty()).collect()
    };
    let proxy = "10.0.0.1";
    let sent = forward(&demo, proxy, "", &with(&[])).await.expect(302);
    assert_eq!(sent.header("location"), Some("/login?return_to=%2Fnotes%3Fpage%3D2"));
    for program in [
        with(&[("accept", "application/json")]),
        with(&[("sec-fetch-mode", "cors")]),
        with(&[("x-forwarded-method", "POST")]),
        with(&[("x-forwarded-uri", "")]),
        // Where its cookie would not count, a sign-in would lead back here for ever.
        with(&[("x-forwarded-host", "evil.example")]),
        with(&[("x-forwarded-uri", "/login?return_to=%2F")]),
        with(&[("x-forwarded-uri", "//evil.example/")]),
    ] {
        let answer = forward(&demo, proxy, "", &program).await.expect(401);
        assert_eq!(answer.header("location"), None, "{program:?}");
    }
    // Of a stranger these headers count for nothing.
    forward(&demo, "203.0.113.9", "", &with(&[])).await.expect(401);
}
