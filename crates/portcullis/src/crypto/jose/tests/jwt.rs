//! Claims: which are demanded, of which type, and when.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::types::Scope;

/// Signs claims that are right but for `change`, and verifies them.
fn with(change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Result<Claims, TokenFault> {
    let key = key(Algorithm::EdDsa);
    verify(&forge(key, &header(key), &payload(change)), key)
}

fn set(name: &str, value: Value) -> Result<Claims, TokenFault> {
    with(|claims| drop(claims.insert(name.into(), value)))
}

#[test]
fn what_is_signed_comes_back() {
    let made = access();
    for key in KEYS.iter() {
        let read = verify(&made.sign(key).unwrap(), key).unwrap();
        assert_eq!((&read.issuer, &read.audience), (&made.issuer, &made.audience));
        assert_eq!(read.user_id().unwrap().to_string(), made.subject);
        assert_eq!((read.token_id(), read.session_id()), (Some(made.id), made.session));
        assert_eq!(read.client.as_ref(), Some(&made.client));
        assert_eq!(read.scopes.as_ref(), Some(&made.scopes));
        assert_eq!((read.issued_at, read.not_before), (Some(at(THEN)), Some(at(THEN))));
        assert_eq!(read.expires_at, made.expires_at);
        assert_eq!((read.authenticated_at, &read.methods), (made.authenticated_at, &made.methods));
        assert!(read.extra.is_empty());
    }
}

#[test]
fn a_token_without_scopes_says_so() {
    let key = key(Algorithm::EdDsa);
    let token = AccessClaims { scopes: [].into(), session: None, ..access() }.sign(key).unwrap();
    let read = verify(&token, key).unwrap();
    assert_eq!((read.scopes, read.session), (Some([].into()), None));
}

#[test]
fn a_normal_token_has_under_600_bytes() {
    let token = access().sign(key(Algorithm::EdDsa)).unwrap();
    assert!(token.len() < 600, "{} bytes", token.len());
    assert!(access().sign(key(Algorithm::Hs256)).unwrap().len() < 600);
}

#[test]
fn every_claim_that_is_demanded_is() {
    for name in ["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "client_id"] {
        let fault = with(|claims| drop(claims.remove(name))).unwrap_err();
        assert_eq!(fault, TokenFault::Missing(name));
    }
    for name in ["scope", "sid", "auth_time", "amr"] {
        assert!(with(|claims| drop(claims.remove(name))).is_ok(), "{name}");
    }
}

#[test]
fn another_issuer_may_say_less_but_nothing_wrong() {
    let key = key(Algorithm::EdDsa);
    let keys = vec![key.verifying_key().clone()];
    let remote = JwtVerifier::new(settings(&[Algorithm::EdDsa]).of_another_issuer());
    let check = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let token = forge(key, &header(key), &payload(change));
        remote.verify(&token, &keys, at(THEN))
    };
    for name in ["nbf", "iat", "jti", "client_id"] {
        assert!(check(&|claims| drop(claims.remove(name))).is_ok(), "{name}");
    }
    for name in ["iss", "aud", "sub", "exp"] {
        let fault = check(&|claims| drop(claims.remove(name))).unwrap_err();
        assert_eq!(fault, TokenFault::Missing(name));
    }
    let early = check(&|claims| drop(claims.insert("nbf".into(), json!(THEN + 1))));
    assert_eq!(early, Err(TokenFault::NotYet));
    let extra = check(&|claims| drop(claims.insert("groups".into(), json!(["a"])))).unwrap();
    assert_eq!(extra.extra["groups"], json!(["a"]));
}

#[test]
fn claims_of_the_wrong_type_are_refused() {
    let dates = [
        json!("1800000900"),
        json!(null),
        json!(true),
        json!([THEN]),
        json!(-1),
        json!(-0.5),
        json!(1e300),
        json!(u64::MAX),
        json!(253_402_300_800_i64),
        json!({}),
    ];
    for name in ["exp", "nbf", "iat", "auth_time"] {
        for value in &dates {
            let fault = set(name, value.clone()).unwrap_err();
            assert_eq!(fault, TokenFault::WrongClaim(name), "{value}");
        }
    }
    for name in ["iss", "sub", "jti", "client_id", "sid"] {
        for value in [json!(""), json!(7), json!(null), json!(["a"]), json!({"a": 1})] {
            let fault = set(name, value.clone()).unwrap_err();
            assert_eq!(fault, TokenFault::WrongClaim(name), "{value}");
        }
    }
    for value in [json!(7), json!(null), json!([AUDIENCE, 7]), json!([[AUDIENCE]]), json!({})] {
        assert_eq!(set("aud", value), Err(TokenFault::WrongClaim("aud")));
    }
    for value in [json!(["a"]), json!("a  b"), json!(" a"), json!("a\tb"), json!("a\"b"), json!(7)]
    {
        assert_eq!(set("scope", value), Err(TokenFault::WrongClaim("scope")));
    }
    assert_eq!(set("amr", json!("pwd")), Err(TokenFault::WrongClaim("amr")));
}

#[test]
fn issuer_and_audience_are_compared_exactly() {
    for issuer in
        ["https://auth.example.com/", "https://AUTH.example.com", "x", "https://auth.example.co"]
    {
        assert_eq!(set("iss", json!(issuer)), Err(TokenFault::WrongIssuer));
    }
    for audience in [json!("https://api.example.com/"), json!([]), json!(["x", "y"]), json!("")] {
        assert_eq!(set("aud", audience), Err(TokenFault::WrongAudience));
    }
    assert_eq!(set("aud", json!(["x", AUDIENCE])).unwrap().audience, ["x", AUDIENCE]);
}

#[test]
fn a_token_counts_from_its_beginning_to_its_end() {
    let key = key(Algorithm::EdDsa);
    let keys = vec![key.verifying_key().clone()];
    let token = access().sign(key).unwrap();
    let strict = JwtVerifier::new(settings(&[Algorithm::EdDsa]));
    let lenient =
        JwtVerifier::new(settings(&[Algorithm::EdDsa]).leeway(Duration::from_mins(1)).unwrap());
    for (second, strictly, leniently) in [
        (-61, Err(TokenFault::NotYet), Err(TokenFault::NotYet)),
        (-60, Err(TokenFault::NotYet), Ok(())),
        (-1, Err(TokenFault::NotYet), Ok(())),
        (0, Ok(()), Ok(())),
        (899, Ok(()), Ok(())),
        (900, Err(TokenFault::Expired), Ok(())),
        (959, Err(TokenFault::Expired), Ok(())),
        (960, Err(TokenFault::Expired), Err(TokenFault::Expired)),
    ] {
        let now = at(THEN + second);
        assert_eq!(strict.verify(&token, &keys, now).map(drop), strictly, "{second}");
        assert_eq!(lenient.verify(&token, &keys, now).map(drop), leniently, "{second}");
    }
    let half = |name| set(name, json!(1_800_000_001.5));
    assert!(half("exp").is_ok());
    assert_eq!(half("nbf"), Err(TokenFault::NotYet));
    assert_eq!(set("iat", json!(THEN + 62)), Err(TokenFault::NotYet));
}

#[test]
fn only_access_tokens_are_access_tokens() {
    let key = key(Algorithm::EdDsa);
    let named = |typ: &str| {
        let header = format!(r#"{{"alg":"EdDSA",{typ}"kid":"{}"}}"#, key.id());
        verify(&forge(key, &header, &payload(|_| {})), key)
    };
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert!(named(&format!(r#""typ":"{typ}","#)).is_ok(), "{typ}");
    }
    for typ in [
        "JWT",
        "jwt",
        "id+jwt",
        "logout+jwt",
        "dpop+jwt",
        "rt+jwt",
        "",
        "x/at+jwt",
        "application/application/at+jwt",
        "application/x/at+jwt",
        " at+jwt",
    ] {
        assert_eq!(named(&format!(r#""typ":"{typ}","#)), Err(TokenFault::WrongKind), "{typ}");
    }
    assert_eq!(named(""), Err(TokenFault::WrongKind));

    let loose = JwtVerifier::new(settings(&[Algorithm::EdDsa]).kinds(&["at+jwt", "JWT"]));
    let header = format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{}"}}"#, key.id());
    let token = forge(key, &header, &payload(|_| {}));
    assert!(loose.verify(&token, &vec![key.verifying_key().clone()], at(THEN)).is_ok());
}

#[test]
fn duplicate_claims_are_refused() {
    let key = key(Algorithm::EdDsa);
    let claims = payload(|_| {});
    let twice = format!(r#"{},"sub":"root"}}"#, claims.strip_suffix('}').unwrap());
    assert_eq!(verify(&forge(key, &header(key), &twice), key), Err(TokenFault::NotClaims));
}

#[test]
fn a_verifier_needs_issuer_audience_and_algorithms() {
    let error = VerifierSettings::new("", "", &[]).unwrap_err();
    assert_eq!(error.faults.len(), 3, "{error}");
    let mixed = [Algorithm::Rs256, Algorithm::Hs256];
    assert!(VerifierSettings::new(ISSUER, AUDIENCE, &mixed).is_err());
    assert!(settings(&[Algorithm::EdDsa]).leeway(Duration::from_secs(61)).is_err());
}

#[test]
fn ids_are_read_in_their_short_and_their_usual_form() {
    let usual = access().id;
    assert_eq!(set("jti", json!(usual.to_string())).unwrap().token_id(), Some(usual));
    assert_eq!(set("jti", json!("somebody else's")).unwrap().token_id(), None);
    let scopes = set("scope", json!("b a")).unwrap().scopes.unwrap();
    assert_eq!(scopes.into_iter().collect::<Vec<Scope>>(), ["a".into(), "b".into()]);
}
