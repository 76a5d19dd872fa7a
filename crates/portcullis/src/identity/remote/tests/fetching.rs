//! When keys are fetched, and what becomes of requests meanwhile.

use super::*;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// A token of that key, good for a week.
fn lasting(issuer: &Issuer, key: &Key, clock: &FixedClock) -> String {
    let mut claims = issuer.claims(clock);
    claims["exp"] = (clock.now().as_second() + 7 * 24 * HOUR).into();
    key.sign("at+jwt", &claims)
}

#[tokio::test]
async fn keys_are_fetched_once_and_kept() {
    let (issuer, clock, key) = (Issuer::start().await, clock(), Key::new("one"));
    issuer.publish(&[&key]);
    let tokens = tokens(issuer.trusted(), &clock);
    assert_eq!(issuer.fetches(), 0);
    let token = lasting(&issuer, &key, &clock);
    let all = (0..50).map(|_| seen(&tokens, &token));
    for one in futures_util::future::join_all(all).await {
        assert_eq!(one, Seen::Accepted);
    }
    clock.advance(HOUR);
    assert_eq!(seen(&tokens, &token).await, Seen::Accepted);
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn metadata_is_found_in_either_place() {
    for (home, looks) in [(OPENID, 1), (OAUTH, 1)] {
        let (issuer, clock, key) = (Issuer::start().await, clock(), Key::new("one"));
        issuer.publish(&[&key]);
        issuer.inner.home.lock().unwrap().0 = home;
        let tokens = tokens(issuer.found(), &clock);
        assert_eq!(seen(&tokens, &lasting(&issuer, &key, &clock)).await, Seen::Accepted, "{home}");
        assert_eq!((issuer.looks(), issuer.fetches()), (looks, 1));
    }
}

#[tokio::test]
async fn metadata_of_another_or_with_a_forbidden_address_is_not_followed() {
    for otherwise in [
        json!({"issuer": "https://login.example"}),
        json!({"issuer": null}),
        json!({"jwks_uri": "http://10.0.0.1/jwks"}),
        json!({"jwks_uri": "file:///etc/passwd"}),
        json!({"jwks_uri": 7}),
    ] {
        let (issuer, clock, key) = (Issuer::start().await, clock(), Key::new("one"));
        issuer.publish(&[&key]);
        issuer.inner.home.lock().unwrap().1 = otherwise.clone();
        let tokens = tokens(issuer.found(), &clock);
        let token = lasting(&issuer, &key, &clock);
        assert_eq!(seen(&tokens, &token).await, Seen::Unavailable, "{otherwise}");
        assert_eq!(issuer.fetches(), 0, "{otherwise}");
        assert!(tokens.fetch_keys().await.is_err());
    }
    // A slash more is another issuer.
    let (issuer, clock, key) = (Issuer::start().await, clock(), Key::new("one"));
    issuer.publish(&[&key]);
    issuer.inner.home.lock().unwrap().1 = json!({"issuer": format!("{}/", issuer.url)});
    let tokens = tokens(issuer.found(), &clock);
    assert!(matches!(
        tokens.fetch_keys().await,
        Err(RemoteFault::KeysUnknown { source: Some(fault), .. })
            if matches!(*fault, RemoteFault::WrongIssuer { .. })
    ));
}

#[tokio::test]
async fn a_new_key_is_found_by_its_name_and_an_old_one_ends() {
    let (issuer, clock) = (Issuer::start().await, clock());
    let (old, new) = (Key::new("old"), Key::new("new"));
    issuer.publish(&[&old]);
    let tokens = tokens(issuer.trusted(), &clock);
    let olds = lasting(&issuer, &old, &clock);
    let news = lasting(&issuer, &new, &clock);
    assert_eq!(seen(&tokens, &olds).await, Seen::Accepted);

    clock.advance(2 * MINUTE);
    issuer.publish(&[&old, &new]);
    assert_eq!(seen(&tokens, &news).await, Seen::Accepted);
    assert_eq!(seen(&tokens, &olds).await, Seen::Accepted);
    assert_eq!(issuer.fetches(), 2);

    // Withdrawn: what was verified under it is forgotten once the keys are fetched anew.
    issuer.publish(&[&new]);
    clock.advance(HOUR + 1);
    assert_eq!(seen(&tokens, &news).await, Seen::Accepted);
    until(|| issuer.fetches() == 3).await;
    for _ in 0..500 {
        if seen(&tokens, &olds).await == Seen::Refused {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(seen(&tokens, &olds).await, Seen::Refused);
    assert_eq!(seen(&tokens, &news).await, Seen::Accepted);
    assert_eq!(issuer.fetches(), 3, "an unknown name within the minute asks nobody");
}

#[tokio::test]
async fn after_a_long_silence_the_issuer_is_asked_before_a_key_counts() {
    let (issuer, clock) = (Issuer::start().await, clock());
    let (old, new) = (Key::new("old"), Key::new("new"));
    issuer.publish(&[&old]);
    let tokens = tokens(issuer.trusted(), &clock);
    let token = lasting(&issuer, &old, &clock);
    assert_eq!(seen(&tokens, &token).await, Seen::Accepted);
    issuer.publish(&[&new]);
    clock.advance(3 * HOUR);
    assert_eq!(seen(&tokens, &token).await, Seen::Refused);
}

#[tokio::test]
async fn names_nobody_knows_do_not_make_us_ask_more_than_once_a_minute() {
    let (issuer, clock, key) = (Issuer::start().await, clock(), Key::new("one"));
    issuer.publish(&[&key]);
    let tokens = tokens(issuer.found(), &clock);
    assert_eq!(seen(&tokens, &lasting(&issuer, &key, &clock)).await, Seen::Accepted);
    let forged: Vec<String> = (0..100)
        .map(|number| {
            let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": format!("k{number}")});
            key.sign_as(&header, &issuer.claims(&clock))
        })
        .collect();
    for minute in 2..5 {
        clock.advance(MINUTE);
        let all = forged.iter().map(|token| seen(&tokens, token));
        for one in futures_util::future::join_all(all).await {
            assert_eq!(one, Seen::Refused);
        }
        assert_eq!((issuer.looks(), issuer.fetches()), (minute, minute));
    }
}

#[tokio::test]
async fn what_can_be_refused_without_keys_asks_nobody() {
    let (issuer, clock, key) = (Issuer::start().await, clock(), Key::new("one"));
    let tokens = tokens(issuer.trusted(), &clock);
    let claims = issuer.claims(&clock);
    let foreign = json!({"iss": "https://login.example", "aud": AUDIENCE, "sub": "ada"});
    for token in [
        key.sign("at+jwt", &foreign),
        key.sign("JWT", &claims),
        key.sign_as(&json!({"alg": "none", "typ": "at+jwt"}), &claims),
        key.sign_as(&json!({"alg": "HS256", "typ": "at+jwt"}), &claims),
        key.sign_as(&json!({"alg": "EdDSA", "typ": "at+jwt", "jku": issuer.url}), &claims),
        "not.a.token".to_owned(),
        "x".repeat(100_000),
    ] {
        assert_eq!(seen(&tokens, &token).await, Seen::Refused, "{token:.80}");
    }
    assert_eq!(issuer.fetches(), 0);
}

#[tokio::test]
async fn an_outage_is_bridged_for_a_day_and_then_said() {
    let (issuer, clock) = (Issuer::start().await, clock());
    let (old, new) = (Key::new("old"), Key::new("new"));
    issuer.publish(&[&old]);
    let tokens = tokens(issuer.trusted(), &clock);
    let olds = lasting(&issuer, &old, &clock);
    let news = lasting(&issuer, &new, &clock);
    assert_eq!(seen(&tokens, &olds).await, Seen::Accepted);

    issuer.is(Mood::Away);
    clock.advance(3 * HOUR);
    assert_eq!(seen(&tokens, &olds).await, Seen::Accepted);
    clock.advance(20 * HOUR);
    assert_eq!(seen(&tokens, &olds).await, Seen::Accepted);
    assert_eq!(seen(&tokens, &news).await, Seen::Unavailable, "its key may well be good");

    clock.advance(2 * HOUR);
    assert_eq!(seen(&tokens, &olds).await, Seen::Unavailable, "verified before, and all the same");
    // Nothing is known: it is asked again after 10 seconds, however many requests come.
    let before = issuer.fetches();
    for _ in 0..20 {
        assert_eq!(seen(&tokens, &olds).await, Seen::Unavailable);
    }
    assert_eq!(issuer.fetches(), before);

    issuer.is(Mood::Well);
    clock.advance(10);
    assert_eq!(seen(&tokens, &olds).await, Seen::Accepted);
}

#[tokio::test]
async fn a_clock_set_back_does_not_make_old_keys_young() {
    let (issuer, clock, key) = (Issuer::start().await, clock(), Key::new("one"));
    issuer.publish(&[&key]);
    let tokens = tokens(issuer.trusted(), &clock);
    let token = lasting(&issuer, &key, &clock);
    assert_eq!(seen(&tokens, &token).await, Seen::Accepted);
    issuer.is(Mood::Away);
    clock.advance(-25 * HOUR);
    assert_eq!(seen(&tokens, &token).await, Seen::Unavailable);
}

#[tokio::test]
async fn a_bad_answer_does_not_take_the_place_of_good_keys() {
    let bad = [
        Mood::Away,
        Mood::Slow,
        Mood::Huge,
        Mood::HugeInChunks,
        Mood::Redirecting,
        Mood::Saying("<html>"),
        Mood::Saying("{}"),
        Mood::Saying(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0","alg":"HS256"}]}"#),
        Mood::Saying(r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#),
    ];
    for mood in bad {
        let (issuer, clock, key) = (Issuer::start().await, clock(), Key::new("one"));
        issuer.publish(&[&key]);
        let tokens = tokens(issuer.trusted(), &clock);
        let token = lasting(&issuer, &key, &clock);
        issuer.is(mood.clone());
        assert_eq!(seen(&tokens, &token).await, Seen::Unavailable, "{mood:?}, at first");
        issuer.is(Mood::Well);
        clock.advance(10);
        assert_eq!(seen(&tokens, &token).await, Seen::Accepted, "{mood:?}, then well");
        issuer.is(mood.clone());
        clock.advance(3 * HOUR);
        assert_eq!(seen(&tokens, &token).await, Seen::Accepted, "{mood:?}, after good keys");
        assert_eq!(issuer.fetches(), 3, "{mood:?}: a redirect is not followed");
    }
}

#[tokio::test]
async fn a_key_set_emptied_by_its_issuer_counts() {
    let (issuer, clock, key) = (Issuer::start().await, clock(), Key::new("one"));
    issuer.publish(&[&key]);
    let tokens = tokens(issuer.trusted(), &clock);
    let token = lasting(&issuer, &key, &clock);
    assert_eq!(seen(&tokens, &token).await, Seen::Accepted);
    issuer.publish(&[]);
    clock.advance(3 * HOUR);
    assert_eq!(seen(&tokens, &token).await, Seen::Refused);
}

#[tokio::test]
async fn keys_are_kept_as_long_as_the_issuer_says() {
    let (issuer, clock, key) = (Issuer::start().await, clock(), Key::new("one"));
    issuer.publish(&[&key]);
    *issuer.inner.cache.lock().unwrap() = Some("public, max-age=600");
    let tokens = tokens(issuer.trusted(), &clock);
    let token = lasting(&issuer, &key, &clock);
    assert_eq!(seen(&tokens, &token).await, Seen::Accepted);
    clock.advance(10 * MINUTE);
    assert_eq!(seen(&tokens, &token).await, Seen::Accepted);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(issuer.fetches(), 1);
    clock.advance(1);
    assert_eq!(seen(&tokens, &token).await, Seen::Accepted);
    until(|| issuer.fetches() == 2).await;
}

#[tokio::test]
async fn a_caller_who_hangs_up_makes_nobody_ask_again() {
    let (issuer, clock, key) = (Issuer::start().await, clock(), Key::new("one"));
    issuer.publish(&[&key]);
    issuer.is(Mood::Slow);
    let tokens = tokens(issuer.trusted(), &clock);
    let token = lasting(&issuer, &key, &clock);
    for _ in 0..5 {
        let asked = tokio::time::timeout(Duration::from_millis(30), seen(&tokens, &token));
        assert!(asked.await.is_err(), "still waiting");
    }
    assert_eq!(seen(&tokens, &token).await, Seen::Unavailable);
    assert_eq!(issuer.fetches(), 1);
}
