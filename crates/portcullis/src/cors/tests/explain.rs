//! What is said of a request, case by case.

use super::with_credentials;
use crate::cors::{Cors, Headers, Origins, Question, RequestClass};

#[test]
fn an_explanation_says_what_happens_and_what_to_change() {
    let layer = with_credentials();
    let ask = |origin: &str, method: &str| Question::new(origin, method, "/items?x");
    for (question, class, allowed, sent, setting, says) in [
        (ask("https://app.example", "GET"), RequestClass::Simple, true, true, "origins", "reads"),
        (
            ask("https://evil.example", "POST"),
            RequestClass::Simple,
            false,
            true,
            "origins",
            "has executed the request",
        ),
        (
            ask("https://evil.example", "PUT"),
            RequestClass::Preflighted,
            false,
            false,
            "origins",
            "never sent",
        ),
        (
            ask("https://app.example", "DELETE"),
            RequestClass::Preflighted,
            false,
            false,
            "methods",
            "DELETE is not allowed",
        ),
        (
            ask("https://app.example", "put").header("Content-Type").credentials(true),
            RequestClass::Preflighted,
            true,
            true,
            "origins",
            "the header content-type",
        ),
        (
            ask("https://app.example", "POST").header("Content-Type: text/plain"),
            RequestClass::Simple,
            true,
            true,
            "origins",
            "at once",
        ),
        (
            ask("https://app.example", "GET").header("x-own: 1"),
            RequestClass::Preflighted,
            false,
            false,
            "headers",
            "x-own is not allowed",
        ),
        (
            ask("https://a.b.shops.example", "GET"),
            RequestClass::Simple,
            false,
            true,
            "origins",
            "exactly one more label",
        ),
        (
            ask("https://shops.example", "GET"),
            RequestClass::Simple,
            false,
            true,
            "origins",
            "exactly one more label",
        ),
        (
            ask("http://app.example", "GET"),
            RequestClass::Simple,
            false,
            true,
            "origins",
            "scheme differs",
        ),
        (
            ask("https://app.example/", "GET"),
            RequestClass::Simple,
            false,
            true,
            "origins",
            "trailing slash",
        ),
        (ask("null", "GET"), RequestClass::Simple, false, true, "origins", "sandboxed"),
    ] {
        let answer = layer.explain(&question);
        assert_eq!(
            (answer.class, answer.allowed, answer.reaches_the_route),
            (class, allowed, sent)
        );
        assert_eq!(answer.setting.as_deref(), Some(&*format!("cors.{setting}")), "{answer}");
        assert!(answer.to_string().contains(says), "{answer}");
        assert_eq!(answer.fix.is_none(), allowed);
    }
}

#[test]
fn an_explanation_knows_what_rules_cannot_change() {
    let layer = with_credentials();
    let ask = |origin: &str, method: &str| Question::new(origin, method, "/items");
    let never = [
        ask("https://app.example", "TRACE"),
        ask("https://app.example", "GET").header("Cookie: a=b"),
    ];
    for question in never {
        assert_eq!(layer.explain(&question).class, RequestClass::Never);
    }
    let own = ask("https://api.example", "PUT").server("https://api.example".parse().unwrap());
    assert_eq!(layer.explain(&own).class, RequestClass::SameOrigin);
    let open = Cors::closed().origins(Origins::any()).headers(Headers::any()).build().unwrap();
    let with_cookies = open.explain(&ask("https://a.example", "GET").credentials(true));
    assert_eq!(with_cookies.setting.as_deref(), Some("cors.credentials"));
    let with_token = open.explain(&ask("https://a.example", "GET").header("Authorization: x"));
    assert!(with_token.sentence.contains("`*` does not cover it"), "{with_token}");
}
