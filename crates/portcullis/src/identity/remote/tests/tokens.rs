//! Which tokens are taken, and what is made of them.

use aws_lc_rs::hmac;

use super::*;
use crate::types::{External, Scopes, Subject};

/// An issuer with one key, and a verifier that knows it.
async fn set(
    change: impl FnOnce(RemoteIssuer) -> RemoteIssuer,
) -> (Issuer, FixedClock, Key, RemoteTokens) {
    let (issuer, clock, key) = (Issuer::start().await, clock(), Key::new("one"));
    issuer.publish(&[&key]);
    let tokens = tokens(change(issuer.trusted()), &clock);
    (issuer, clock, key, tokens)
}

/// The issuer's usual claims, with these as well or instead; `null` leaves one out.
fn with(issuer: &Issuer, clock: &FixedClock, other: &Value) -> Value {
    let mut claims = issuer.claims(clock);
    for (name, value) in other.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims
}

#[tokio::test]
async fn a_good_token_says_who_it_is() {
    let (issuer, clock, key, tokens) = set(|issuer| {
        issuer
            .roles_from("/realm_access/roles")
            .permissions_from("/https:~1~1api.example~1permissions")
            .name_from("/preferred_username")
    })
    .await;
    let token = key.sign(
        "at+jwt",
        &with(
            &issuer,
            &clock,
            &json!({
                "client_id": "web", "auth_time": THEN - 30, "amr": ["pwd", "mfa"],
                "preferred_username": "Ada L.",
                "realm_access": {"roles": ["admin", "no name", ""]},
                "https://api.example/permissions": "items:* audit:read",
            }),
        ),
    );
    let who = tokens.principal(&token).await.unwrap();
    let external = External::new(&*issuer.url, "ada");
    assert_eq!(who.subject, Subject::from(external.clone()));
    assert_eq!(who.external(), Some(&external));
    assert_eq!(who.user(), None);
    assert_eq!(&*who.name, "Ada L.");
    assert_eq!(who.client, Some("web".into()));
    assert_eq!(who.authenticated_at.unwrap().as_second(), THEN - 30);
    assert!(who.second_factor);
    assert_eq!(who.access.roles, ["admin".into()].into());
    assert_eq!(who.access.allowed, ["items:*".into(), "audit:read".into()].into());
    let scopes = ["items:read".into(), "items:write".into()];
    assert_eq!(who.scopes, Scopes::Only(Arc::new(scopes.into())));
    let reader = || crate::policy::scope("items:read");
    assert!(who.must(reader() & crate::policy::is(external)).is_ok());
    let other = External::new("https://login.example", "ada");
    assert!(who.must(reader() & crate::policy::is(other)).is_err());
    assert_eq!(who.subject.to_string(), format!("\"ada\" of {}", issuer.url));
}

#[tokio::test]
async fn roles_are_taken_only_where_the_application_says_so() {
    let (issuer, clock, key, tokens) = set(|issuer| issuer).await;
    let more = json!({"roles": ["admin"], "permissions": ["*"], "scope": null});
    let who = tokens.principal(&key.sign("at+jwt", &with(&issuer, &clock, &more))).await.unwrap();
    assert!(who.access.roles.is_empty() && who.access.allowed.is_empty());
    assert_eq!(who.scopes, Scopes::Only(Arc::default()), "no scope said is no scope held");
    assert_eq!((&*who.name, who.client, who.authenticated_at), ("ada", None, None));
    assert!(!who.second_factor);
}

#[tokio::test]
async fn scopes_are_read_as_issuers_write_them() {
    let (issuer, clock, key, tokens) = set(|issuer| issuer).await;
    let silent = json!({"scope": null});
    let who = tokens.principal(&key.sign("at+jwt", &with(&issuer, &clock, &silent))).await.unwrap();
    assert_eq!(who.limit(), None, "a token that has no word for scopes is not limited");
    for (more, held) in [
        (json!({"scope": null, "scp": "a b"}), &["a", "b"][..]),
        (json!({"scope": null, "scp": ["a", "b"]}), &["a", "b"]),
        (json!({"scope": "c", "scp": ["a"]}), &["c"]),
        (json!({"scope": "", "scp": ["a"]}), &[]),
    ] {
        let token = key.sign("at+jwt", &with(&issuer, &clock, &more));
        let who = tokens.principal(&token).await.unwrap();
        let held = held.iter().map(|name| (*name).into()).collect();
        assert_eq!(who.limit(), Some(&held), "{more}");
        assert_eq!(who.scopes, Scopes::Only(Arc::new(held)), "{more}");
    }
}

#[tokio::test]
async fn scopes_that_say_nothing_of_this_api_limit_nothing_and_open_nothing() {
    use crate::policy::{role, scope};
    let settings =
        |issuer: RemoteIssuer| issuer.roles_from("/roles").ignore_scopes(&["openid", "profile"]);
    let (issuer, clock, key, tokens) = set(settings).await;
    let who = async |scope: &str| {
        let more = json!({"scope": scope, "roles": ["admin"]});
        tokens.principal(&key.sign("at+jwt", &with(&issuer, &clock, &more))).await.unwrap()
    };
    let plain = who("openid profile").await;
    assert!(plain.must(role("admin")).is_ok());
    assert!(plain.must(scope("openid")).is_err());
    let limited = who("openid items:read").await;
    assert!(limited.must(role("admin")).is_err());
    assert!(limited.must(scope("items:read")).is_ok());
    assert!(who("").await.must(role("admin")).is_err(), "a scope that names nothing");
}

#[tokio::test]
async fn what_is_wrong_is_refused() {
    let (issuer, clock, key, tokens) = set(|issuer| issuer.roles_from("/roles")).await;
    for more in [
        json!({"aud": "https://other.example"}),
        json!({"aud": null}),
        json!({"aud": []}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": 7}),
        json!({"exp": null}),
        json!({"exp": THEN}),
        json!({"exp": "1900000000"}),
        json!({"nbf": THEN + 1}),
        json!({"iat": THEN + 3600}),
        json!({"iss": format!("{}/", issuer.url)}),
        json!({"iss": [issuer.url]}),
        json!({"scope": 7}),
        json!({"scope": null, "scp": 7}),
        json!({"scope": null, "scp": ["a b"]}),
        json!({"roles": {"admin": true}}),
        json!({"roles": [7]}),
    ] {
        let token = key.sign("at+jwt", &with(&issuer, &clock, &more));
        assert_eq!(seen(&tokens, &token).await, Seen::Refused, "{more}");
    }
    // The same claims under a stranger's key of the same name.
    let stranger = Key::new("one");
    let token = stranger.sign("at+jwt", &issuer.claims(&clock));
    assert_eq!(seen(&tokens, &token).await, Seen::Refused);
    assert_eq!(seen(&tokens, &key.sign("at+jwt", &issuer.claims(&clock))).await, Seen::Accepted);
}

#[tokio::test]
async fn a_token_ends_though_it_is_remembered() {
    let (issuer, clock, key, tokens) = set(|issuer| issuer.leeway(Duration::from_secs(30))).await;
    let token = key.sign("at+jwt", &issuer.claims(&clock));
    for (pass, expected) in [
        (0, Seen::Accepted),
        (599, Seen::Accepted),
        (1, Seen::Accepted),
        (29, Seen::Accepted),
        (1, Seen::Refused),
    ] {
        clock.advance(pass);
        assert_eq!(seen(&tokens, &token).await, expected, "{pass}");
    }
}

#[tokio::test]
async fn an_id_token_is_no_access_token() {
    let (issuer, clock, key, strict) = set(|issuer| issuer).await;
    let lax = tokens(issuer.trusted().kinds(&["JWT", "at+jwt"]), &clock);
    let plain = issuer.claims(&clock);
    assert_eq!(seen(&strict, &key.sign("JWT", &plain)).await, Seen::Refused);
    assert_eq!(seen(&lax, &key.sign("JWT", &plain)).await, Seen::Accepted);
    for marks in [
        json!({"nonce": "n-0S6"}),
        json!({"at_hash": "x"}),
        json!({"c_hash": "x"}),
        json!({"events": {}}),
        json!({"token_use": "id"}),
        json!({"typ": "ID"}),
        json!({"typ": "Refresh"}),
    ] {
        let token = key.sign("JWT", &with(&issuer, &clock, &marks));
        assert_eq!(seen(&strict, &token).await, Seen::Refused, "{marks}");
        assert_eq!(seen(&lax, &token).await, Seen::Refused, "{marks}");
    }
    for kind in ["id+jwt", "rt+jwt", "logout+jwt"] {
        assert_eq!(seen(&lax, &key.sign(kind, &plain)).await, Seen::Refused, "{kind}");
    }
    let named = with(&issuer, &clock, &json!({"typ": "Bearer", "token_use": "access"}));
    assert_eq!(seen(&lax, &key.sign("JWT", &named)).await, Seen::Accepted);
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    let (issuer, clock, key, tokens) = set(|issuer| issuer).await;
    let published = key.published();
    let x = URL_SAFE_NO_PAD.decode(published["x"].as_str().unwrap()).unwrap();
    for secret in [x, published.to_string().into_bytes()] {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": "one"});
        let signed = format!("{}.{}", part(&header), part(&issuer.claims(&clock)));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert_eq!(seen(&tokens, &token).await, Seen::Refused);
    }
}

#[tokio::test]
async fn issuers_with_keys_of_the_same_name_stay_apart() {
    let clock = clock();
    let (ours, theirs) = (Issuer::start().await, Issuer::start().await);
    let (our, their) = (Key::new("1"), Key::new("1"));
    ours.publish(&[&our]);
    theirs.publish(&[&their]);
    let issuers = [ours.trusted().roles_from("/roles"), theirs.trusted()];
    let tokens = RemoteTokens::new(issuers, clock.sources()).unwrap();
    let claims = |issuer: &Issuer| with(issuer, &clock, &json!({"roles": ["admin"]}));

    let one = tokens.principal(&our.sign("at+jwt", &claims(&ours))).await.unwrap();
    let other = tokens.principal(&their.sign("at+jwt", &claims(&theirs))).await.unwrap();
    assert_ne!(one.subject, other.subject, "the same name in the mouth of two issuers");
    assert!(one.access.roles.contains("admin"));
    assert!(!other.access.roles.contains("admin"));
    for token in [our.sign("at+jwt", &claims(&theirs)), their.sign("at+jwt", &claims(&ours))] {
        assert_eq!(seen(&tokens, &token).await, Seen::Refused);
    }
    // An outage of one is none of the other.
    theirs.is(Mood::Away);
    clock.advance(26 * 3600);
    assert_eq!(seen(&tokens, &our.sign("at+jwt", &claims(&ours))).await, Seen::Accepted);
    assert_eq!(seen(&tokens, &their.sign("at+jwt", &claims(&theirs))).await, Seen::Unavailable);
}

#[test]
fn it_cannot_be_built_without_issuer_audience_and_algorithms() {
    let faults = |issuers: Vec<RemoteIssuer>| {
        let built = RemoteTokens::new(issuers, Sources::system());
        let faults = built.map(|_| ()).unwrap_err().faults;
        faults.into_iter().map(|fault| fault.setting).collect::<Vec<_>>()
    };
    let good = || {
        RemoteIssuer::with_jwks("urn:example", "http://127.0.0.1:9/jwks")
            .audience(AUDIENCE)
            .algorithms(&[Algorithm::EdDsa])
    };
    assert!(RemoteTokens::new([good()], Sources::system()).is_ok());
    assert_eq!(faults(vec![]), ["remote"]);
    assert_eq!(faults(vec![good(), good()]), ["remote[urn:example].issuer"]);
    let bare = RemoteIssuer::with_jwks("", "http://login.example/jwks");
    assert_eq!(
        faults(vec![bare]),
        ["jwks_url", "issuer", "audience", "algorithms"].map(|name| format!("remote[].{name}"))
    );
    for (wrong, setting) in [
        (good().algorithms(&[Algorithm::Hs256]), "algorithms"),
        (good().leeway(Duration::from_secs(61)), "leeway"),
        (good().timeout(Duration::from_mins(1)), "timeout"),
        (good().stale_for(Duration::from_hours(169)), "stale_for"),
        (good().kinds(&[]), "kinds"),
        (good().roles_from("roles"), "roles"),
    ] {
        assert_eq!(faults(vec![wrong]), [format!("remote[urn:example].{setting}")]);
    }
    let plain = RemoteIssuer::discover("http://login.example");
    let plain = plain.audience(AUDIENCE).algorithms(&[Algorithm::EdDsa]);
    assert_eq!(faults(vec![plain]), ["remote[http://login.example].issuer"]);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_fall_or_ask(text in "\\PC*|[A-Za-z0-9_-]*[.][A-Za-z0-9_-]*[.][A-Za-z0-9_-]*") {
        let issuer = RemoteIssuer::with_jwks("https://login.example", "http://127.0.0.1:1/jwks")
            .audience(AUDIENCE)
            .algorithms(&[Algorithm::EdDsa]);
        let tokens = RemoteTokens::new([issuer], clock().sources()).unwrap();
        let asked = futures_util::FutureExt::now_or_never(tokens.principal(&text));
        proptest::prop_assert!(matches!(asked, Some(Err(Rejection::Invalid))));
    }
}

#[tokio::test]
async fn a_function_makes_more_of_the_claims() {
    #[derive(Debug, PartialEq)]
    struct Tenant(String);
    let settings = |issuer: RemoteIssuer| {
        issuer.map_claims(|who, claims| {
            let tenant = claims.extra.get("tenant").and_then(Value::as_str).ok_or("no tenant")?;
            Ok(who.with_roles([format!("of-{tenant}")]).with(Tenant(tenant.to_owned())))
        })
    };
    let (issuer, clock, key, tokens) = set(settings).await;
    let told = key.sign("at+jwt", &with(&issuer, &clock, &json!({"tenant": "acme"})));
    for _ in 0..2 {
        let who = tokens.principal(&told).await.unwrap();
        assert_eq!(who.get::<Tenant>(), Some(&Tenant("acme".to_owned())));
        assert!(who.access.roles.contains("of-acme"));
    }
    let untold = key.sign("at+jwt", &with(&issuer, &clock, &json!({})));
    assert!(matches!(tokens.principal(&untold).await, Err(Rejection::Invalid)));
}

#[tokio::test]
async fn an_api_may_have_several_names() {
    let names = ["https://api.example", "https://old.example"];
    let (issuer, clock, key, tokens) = set(|issuer| issuer.audiences(&names)).await;
    for (audience, taken) in [
        (json!("https://api.example"), true),
        (json!(["https://other.example", "https://old.example"]), true),
        (json!("https://other.example"), false),
    ] {
        let token = key.sign("at+jwt", &with(&issuer, &clock, &json!({"aud": audience})));
        assert_eq!(tokens.principal(&token).await.is_ok(), taken, "{audience}");
    }
    let empty = RemoteIssuer::with_jwks("https://login.example", "http://127.0.0.1:1/jwks")
        .audiences(&["https://api.example", ""])
        .algorithms(&[Algorithm::EdDsa]);
    let faults = RemoteTokens::new([empty], clock.sources()).unwrap_err().to_string();
    assert!(faults.contains("audience"), "{faults}");
}
