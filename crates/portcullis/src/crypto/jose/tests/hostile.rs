//! Tokens of attackers.

use proptest::prelude::*;

use super::*;

#[test]
fn no_signature_is_no_token() {
    let key = key(Algorithm::EdDsa);
    let claims = strict::encode(payload(|_| {}).as_bytes());
    for alg in ["none", "None", "NONE", "nOnE", "", "ES512", "eddsa", "HS1"] {
        let header = format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"{}"}}"#, key.id());
        for signature in ["", "AA", "e30"] {
            let token = format!("{}.{claims}.{signature}", strict::encode(header.as_bytes()));
            assert_eq!(
                verify(&token, key),
                Err(TokenFault::Jws(JwsFault::UnknownAlgorithm)),
                "{alg}"
            );
        }
    }
    for header in [r#"{"typ":"at+jwt"}"#, r#"{"alg":null}"#, r#"{"alg":["EdDSA"]}"#] {
        let token = forge(key, header, &payload(|_| {}));
        assert_eq!(verify(&token, key), Err(TokenFault::Jws(JwsFault::UnknownAlgorithm)));
    }
    let good = access().sign(key).unwrap();
    let stripped = format!("{}.", good.rsplit_once('.').unwrap().0);
    assert_eq!(verify(&stripped, key), Err(TokenFault::Jws(JwsFault::BadSignature)));
}

#[test]
fn a_public_key_is_not_a_shared_secret() {
    for victim in KEYS.iter().filter(|key| !key.algorithm().is_symmetric()) {
        let jwk = serde_json::to_string(&victim.verifying_key().jwk().unwrap()).unwrap();
        for stolen in [jwk.as_bytes(), jwk.trim().as_bytes(), RSA_PEM.as_bytes()] {
            let mac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, stolen);
            let header = format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{}"}}"#, victim.id());
            let claims = payload(|_| {});
            let signed =
                [header.as_str(), &claims].map(|part| strict::encode(part.as_bytes())).join(".");
            let tag = aws_lc_rs::hmac::sign(&mac, signed.as_bytes());
            let token = format!("{signed}.{}", strict::encode(tag.as_ref()));
            assert_eq!(verify(&token, victim), Err(TokenFault::AlgorithmNotAllowed));
            // Even where the operator allows too much, the key decides.
            let jws = Jws::parse(&token, 8192).unwrap();
            assert_eq!(jws.verify(victim.verifying_key()), Err(JwsFault::WrongAlgorithm));
        }
    }
}

#[test]
fn a_key_serves_one_algorithm_only() {
    for signer in KEYS.iter() {
        for claimed in Algorithm::ALL.into_iter().filter(|other| *other != signer.algorithm()) {
            let header = format!(r#"{{"alg":"{claimed}","typ":"at+jwt","kid":"{}"}}"#, signer.id());
            let token = forge(signer, &header, &payload(|_| {}));
            let keys = vec![signer.verifying_key().clone()];
            let verifier = JwtVerifier::new(settings(&[claimed]));
            assert_eq!(
                verifier.verify(&token, &keys, at(THEN)),
                Err(TokenFault::Jws(JwsFault::WrongAlgorithm))
            );
        }
    }
}

#[test]
fn the_token_brings_no_key_and_changes_no_rules() {
    let key = key(Algorithm::EdDsa);
    let attacker = SigningKey::generate(Algorithm::EdDsa, &Sources::system()).unwrap();
    let jwk = serde_json::to_string(&attacker.verifying_key().jwk().unwrap()).unwrap();
    for (member, fault) in [
        (format!(r#""jwk":{jwk}"#), JwsFault::Forbidden("jwk")),
        (r#""jku":"https://evil.example/keys""#.into(), JwsFault::Forbidden("jku")),
        (r#""x5u":"https://evil.example/cert""#.into(), JwsFault::Forbidden("x5u")),
        (r#""x5c":["MIIB"]"#.into(), JwsFault::Forbidden("x5c")),
        (r#""b64":false"#.into(), JwsFault::Forbidden("b64")),
        (r#""zip":"DEF""#.into(), JwsFault::Forbidden("zip")),
        (r#""crit":["b64"],"b64":false"#.into(), JwsFault::Critical),
        (r#""crit":[]"#.into(), JwsFault::Critical),
        (r#""crit":["exp"]"#.into(), JwsFault::Critical),
        (r#""alg":"EdDSA""#.into(), JwsFault::BadHeader),
        (r#""\u0061lg":"none""#.into(), JwsFault::BadHeader),
        (r#""kid":7"#.into(), JwsFault::BadHeader),
    ] {
        for signer in [key, &attacker] {
            let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt",{member}}}"#);
            let token = forge(signer, &header, &payload(|_| {}));
            assert_eq!(verify(&token, key), Err(TokenFault::Jws(fault)), "{member}");
        }
    }
}

#[test]
fn kid_only_chooses() {
    let key = key(Algorithm::EdDsa);
    for kid in ["../../dev/null", "' OR 1=1 --", "", "\\u0000", "https://evil.example/k"] {
        let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#);
        let token = forge(key, &header, &payload(|_| {}));
        assert_eq!(verify(&token, key), Err(TokenFault::UnknownKey), "{kid}");
    }
    let long = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{}"}}"#, "k".repeat(257));
    let token = forge(key, &long, &payload(|_| {}));
    assert_eq!(verify(&token, key), Err(TokenFault::Jws(JwsFault::BadHeader)));

    // Without a name, a key is meant only where there is one for the algorithm.
    let nameless = forge(key, r#"{"alg":"EdDSA","typ":"at+jwt"}"#, &payload(|_| {}));
    assert!(verify(&nameless, key).is_ok());
    let second = SigningKey::generate(Algorithm::EdDsa, &Sources::system()).unwrap();
    let keys = vec![key.verifying_key().clone(), second.verifying_key().clone()];
    let verifier = JwtVerifier::new(settings(&[Algorithm::EdDsa]));
    assert_eq!(verifier.verify(&nameless, &keys, at(THEN)), Err(TokenFault::UnknownKey));
}

#[test]
fn odd_shapes_are_refused() {
    let key = key(Algorithm::EdDsa);
    let good = access().sign(key).unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    let [head, claims, signature] = parts[..] else { panic!("three parts") };
    for token in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        head.into(),
        format!("{head}.{claims}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}="),
        format!("{head}=.{claims}.{signature}"),
        format!("{head}.{claims}=.{signature}"),
        format!("{head}.{claims}.{signature}=="),
        format!("{head}.{claims}\u{0}.{signature}"),
        format!("{head}.\u{ff41}{claims}.{signature}"),
        format!(r#"{{"payload":"{claims}","protected":"{head}","signature":"{signature}"}}"#),
        // A token in a token.
        forge(key, &header(key), &good),
        forge(key, &header(key), &format!("\"{good}\"")),
        forge(key, &header(key), "null"),
        forge(key, &header(key), "[]"),
        forge(key, "[]", &payload(|_| {})),
        forge(key, "\"EdDSA\"", &payload(|_| {})),
        forge(key, "", &payload(|_| {})),
    ] {
        assert!(verify(&token, key).is_err(), "{token}");
    }
}

#[test]
fn size_and_depth_are_bounded() {
    let key = key(Algorithm::EdDsa);
    let huge = forge(
        key,
        &header(key),
        &payload(|c| {
            c.insert("pad".into(), "x".repeat(10_000).into());
        }),
    );
    assert_eq!(verify(&huge, key), Err(TokenFault::Jws(JwsFault::TooLarge)));
    let roomy = JwtVerifier::new(settings(&[Algorithm::EdDsa]).longest(100_000));
    assert!(roomy.verify(&huge, &vec![key.verifying_key().clone()], at(THEN)).is_ok());

    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let claims = payload(|_| {});
    let nested = format!(r#"{},"deep":{}}}"#, claims.strip_suffix('}').unwrap(), deep(2000));
    assert_eq!(verify(&forge(key, &header(key), &nested), key), Err(TokenFault::NotClaims));
    let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","x":{}}}"#, deep(2000));
    let token = forge(key, &header, &claims);
    assert_eq!(verify(&token, key), Err(TokenFault::Jws(JwsFault::BadHeader)));
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let key = key(Algorithm::EdDsa);
    let mut claims = payload(|_| {}).into_bytes();
    let at = claims.windows(6).position(|w| w == b"portcu").unwrap();
    claims[at] = 0xFF;
    let signed = format!("{}.{}", strict::encode(header(key).as_bytes()), strict::encode(&claims));
    let token = format!("{signed}.{}", strict::encode(&key.sign(signed.as_bytes()).unwrap()));
    assert_eq!(verify(&token, key), Err(TokenFault::NotClaims));
}

/// A character a compact token is made of.
fn token_character() -> impl Strategy<Value = char> {
    prop::char::ranges(vec!['A'..='Z', 'a'..='z', '0'..='9', '-'..='.', '_'..='_'].into())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn one_changed_bit_is_seen(
        which in 0..Algorithm::ALL.len(), at in any::<prop::sample::Index>(), bit in 0_u8..7,
    ) {
        let key = &KEYS[which];
        let mut token = access().sign(key).unwrap().into_bytes();
        let at = at.index(token.len());
        token[at] ^= 1 << bit;
        let token = String::from_utf8(token).unwrap();
        prop_assert!(verify(&token, key).is_err(), "{}", token);
    }

    #[test]
    fn one_changed_added_or_lost_character_is_seen(
        which in 0..Algorithm::ALL.len(), at in any::<prop::sample::Index>(), to in token_character(),
    ) {
        let key = &KEYS[which];
        let good = access().sign(key).unwrap();
        let at = at.index(good.len());
        let changed = format!("{}{to}{}", &good[..at], &good[at + 1..]);
        let longer = format!("{}{to}{}", &good[..at], &good[at..]);
        let shorter = format!("{}{}", &good[..at], &good[at + 1..]);
        prop_assert!(changed == good || verify(&changed, key).is_err());
        prop_assert!(verify(&longer, key).is_err());
        prop_assert!(verify(&shorter, key).is_err());
        prop_assert!(verify(&good, key).is_ok());
    }

    #[test]
    fn no_text_makes_the_parser_stumble(text in any::<String>()) {
        prop_assert!(verify(&text, key(Algorithm::EdDsa)).is_err());
    }

    #[test]
    fn no_header_makes_the_parser_stumble(head in any::<Vec<u8>>(), claims in any::<Vec<u8>>()) {
        let token = format!("{}.{}.AA", strict::encode(&head), strict::encode(&claims));
        prop_assert!(verify(&token, key(Algorithm::EdDsa)).is_err());
    }
}
