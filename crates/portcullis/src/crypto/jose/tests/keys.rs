//! Keys: made, read, refused, kept, turned over and published.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::crypto::{MasterSecret, SealError, Secret};
use crate::types::KeyRecord;

#[test]
fn keys_come_from_pem_in_every_common_form() {
    for (pem, algorithm) in [
        (include_str!("ed25519.pem"), Algorithm::EdDsa),
        (RSA_PEM, Algorithm::Rs256),
        (RSA_PEM, Algorithm::Ps512),
        (include_str!("rsa_traditional.pem"), Algorithm::Rs384),
        (include_str!("ec_traditional.pem"), Algorithm::Es256),
        (include_str!("ec_p256.pem"), Algorithm::Es256),
        (include_str!("ec_p384.pem"), Algorithm::Es384),
    ] {
        let key = SigningKey::from_pem(pem, algorithm).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert!(verify(&access().sign(&key).unwrap(), &key).is_ok(), "{algorithm}");
    }
    let ids = [include_str!("ec_traditional.pem"), include_str!("ec_p256.pem")]
        .map(|pem| SigningKey::from_pem(pem, Algorithm::Es256).unwrap().id().to_owned());
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn unfit_keys_are_refused_with_the_fix() {
    for (pem, algorithm, why) in [
        (RSA_PEM, Algorithm::EdDsa, "no key for EdDSA"),
        (RSA_PEM, Algorithm::Es256, "no key for ES256"),
        (RSA_PEM, Algorithm::Hs256, "cannot be used for HMAC"),
        (include_str!("ed25519.pem"), Algorithm::Rs256, "no key for RS256"),
        (include_str!("ec_p384.pem"), Algorithm::Es256, "no key for ES256"),
        (include_str!("ec_traditional.pem"), Algorithm::Es384, "no key for ES384"),
        (include_str!("rsa_1024.pem"), Algorithm::Rs256, "too short"),
        (include_str!("encrypted.pem"), Algorithm::EdDsa, "passphrase"),
        ("", Algorithm::EdDsa, "no private key"),
        ("-----BEGIN PRIVATE KEY-----", Algorithm::EdDsa, "no private key"),
        ("-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----", Algorithm::EdDsa, "broken"),
        (
            "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----",
            Algorithm::EdDsa,
            "no private",
        ),
    ] {
        let error = SigningKey::from_pem(pem, algorithm).unwrap_err().to_string();
        assert!(error.contains(why) && error.contains("openssl"), "{error}");
    }
}

#[test]
fn secrets_that_are_short_or_known_are_refused() {
    let refused = |secret: &[u8], algorithm| {
        SigningKey::from_hmac_bytes(&Secret::new(secret.to_vec()), algorithm).unwrap_err()
    };
    for secret in
        ["secret", "changeme", "your-256-bit-secret", "your-256-bit-secret-but-longer-now"]
    {
        let error = refused(secret.as_bytes(), Algorithm::Hs256).to_string();
        assert!(error.contains("openssl rand") && !error.contains(secret), "{error}");
    }
    let random: [u8; 64] = Sources::system().bytes().unwrap();
    for (length, algorithm) in
        [(31, Algorithm::Hs256), (47, Algorithm::Hs384), (63, Algorithm::Hs512)]
    {
        let error = refused(&random[..length], algorithm).to_string();
        assert!(error.contains(&format!("{length} bytes")), "{error}");
        let enough = Secret::new(random[..=length].to_vec());
        assert!(SigningKey::from_hmac_bytes(&enough, algorithm).is_ok());
    }
    assert!(refused(&[0; 64], Algorithm::Hs256).to_string().contains("over and over"));
    assert!(refused(&random, Algorithm::EdDsa).to_string().contains("EdDSA"));
}

#[test]
fn no_private_part_prints() {
    for key in KEYS.iter() {
        let printed = format!("{key:?} {:?}", key.verifying_key());
        assert!(printed.len() < 250, "{printed}");
    }
    // The name of a shared secret tells nothing of it, and hangs on all of it.
    let bytes: [u8; 64] = Sources::system().bytes().unwrap();
    let id = |bytes: [u8; 64]| {
        let key = SigningKey::from_hmac_bytes(&Secret::new(bytes.to_vec()), Algorithm::Hs256);
        key.unwrap().id().to_owned()
    };
    let mut other = bytes;
    other[63] ^= 1;
    assert_ne!(id(bytes), id(other));
    assert_eq!(id(bytes).len(), 22);
}

fn kept(key: &SigningKey, master: &MasterSecret, signs_from: i64) -> KeyRecord {
    key.record(master, &still(THEN), at(THEN), at(signs_from)).unwrap()
}

#[test]
fn keys_are_kept_encrypted_and_come_back() {
    let sources = Sources::system();
    let master = MasterSecret::generate(&sources).unwrap();
    let another = MasterSecret::generate(&sources).unwrap();
    for key in KEYS.iter() {
        let record = kept(key, &master, THEN);
        let back = SigningKey::open(&record, &master).unwrap();
        assert_eq!((back.id(), back.algorithm()), (key.id(), key.algorithm()));
        assert!(verify(&access().sign(&back).unwrap(), key).is_ok());

        let foreign = SigningKey::open(&record, &another).unwrap_err();
        let wrong = KeyError::Seal { id: record.id.clone(), source: SealError::Foreign };
        assert_eq!(foreign, wrong);
        // A record that says otherwise does not open: name and algorithm are sealed in.
        for changed in [
            KeyRecord { id: "other".into(), ..record.clone() },
            KeyRecord { algorithm: "PS256".into(), ..record.clone() },
            KeyRecord { algorithm: "none".into(), ..record.clone() },
        ] {
            assert!(changed == record || SigningKey::open(&changed, &master).is_err());
        }
    }
}

#[test]
fn a_key_is_published_before_it_signs_and_verifies_after() {
    let master = MasterSecret::generate(&Sources::system()).unwrap();
    let make = || SigningKey::generate(Algorithm::EdDsa, &Sources::system()).unwrap();
    let (old, new) = (make(), make());
    let records = [
        KeyRecord {
            signs_until: Some(at(THEN + 200)),
            retired_at: Some(at(THEN + 300)),
            ..kept(&old, &master, THEN)
        },
        kept(&new, &master, THEN + 100),
    ];
    let ring = KeyRing::open(&records, &master, at(THEN)).unwrap();
    let verifier = JwtVerifier::new(settings(&[Algorithm::EdDsa]));
    let token = access().sign(&old).unwrap();
    for (second, signer, published, old_verifies) in [
        (0, &old, 2, true),
        (99, &old, 2, true),
        (100, &new, 2, true),
        (299, &new, 2, true),
        (300, &new, 1, false),
    ] {
        let now = at(THEN + second);
        assert_eq!(ring.signing(now).unwrap().id(), signer.id(), "{second}");
        assert_eq!(ring.jwks(now).keys.len(), published, "{second}");
        let verified = verifier.verify(&token, &ring, now).map(drop);
        assert_eq!(verified.is_ok(), old_verifies, "{second}: {verified:?}");
    }
    assert_eq!(ring.next_change(at(THEN)), Some(at(THEN + 100)));
    assert_eq!(ring.next_change(at(THEN + 300)), None);

    // Retired keys need not even open.
    let another = MasterSecret::generate(&Sources::system()).unwrap();
    assert!(KeyRing::open(&records[..1], &another, at(THEN)).is_err());
    assert!(
        KeyRing::open(&records[..1], &another, at(THEN + 300))
            .unwrap()
            .signing(at(THEN + 300))
            .is_none()
    );
}

#[test]
fn a_key_retired_now_ends_its_tokens_now() {
    let master = MasterSecret::generate(&Sources::system()).unwrap();
    let key = SigningKey::generate(Algorithm::EdDsa, &Sources::system()).unwrap();
    let token = access().sign(&key).unwrap();
    let verifier = JwtVerifier::new(settings(&[Algorithm::EdDsa]));
    let mut record = kept(&key, &master, THEN);
    let now = at(THEN + 10);
    let ring =
        |record: &KeyRecord| KeyRing::open(std::slice::from_ref(record), &master, now).unwrap();
    assert!(verifier.verify(&token, &ring(&record), now).is_ok());
    record.retired_at = Some(now);
    assert_eq!(verifier.verify(&token, &ring(&record), now), Err(TokenFault::UnknownKey));
}

#[test]
fn nothing_private_is_published() {
    let allowed = ["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg"];
    let master = MasterSecret::generate(&Sources::system()).unwrap();
    let records: Vec<_> = KEYS.iter().map(|key| kept(key, &master, THEN)).collect();
    let ring = KeyRing::open(&records, &master, at(THEN)).unwrap();
    let set = serde_json::to_value(ring.jwks(at(THEN))).unwrap();
    let keys = set["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 9);
    for key in keys {
        let names: Vec<_> = key.as_object().unwrap().keys().collect();
        assert!(names.iter().all(|name| allowed.contains(&name.as_str())), "{names:?}");
        assert_eq!(key["use"], "sig");
    }
}

fn parse(keys: &Value) -> Result<usize, BadJwks> {
    let text = json!({ "keys": keys }).to_string();
    let read = VerifyingKey::from_jwks(text.as_bytes()).map(|keys| keys.len());
    // What is read to be published again is the same.
    let published = Jwks::parse(text.as_bytes()).map(|set| set.keys.len());
    assert_eq!(published, read);
    read
}

#[test]
fn unknown_keys_are_passed_over() {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    assert_eq!(
        parse(&json!([
            {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
            {"kty": "OKP", "crv": "X25519", "x": x},
            {"kty": "OKP", "crv": "Ed448", "x": x},
            {"kty": "EC", "crv": "secp256k1", "x": x, "y": x},
            {"kty": "OKP", "crv": "Ed25519", "x": x, "use": "enc"},
            {"kty": "OKP", "crv": "Ed25519", "x": x, "key_ops": ["sign"]},
            {"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "Ed25519ph"},
            {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "good", "x5t": "AA", "new": {"a": 1}},
        ])),
        Ok(1)
    );
}

#[test]
fn wrong_keys_spoil_the_set() {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let good = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "a"});
    let with = |name: &str, value: Value| {
        let mut key = good.clone();
        key[name] = value;
        parse(&json!([good.clone(), key]))
    };
    let bad = |why| Err(BadJwks::Key { position: 1, why });
    assert_eq!(with("kid", json!("b")), Ok(2));
    assert_eq!(with("kid", json!("a")), Err(BadJwks::DuplicateId));
    assert_eq!(with("kid", json!(7)), bad(BadKey::NotAKey));
    assert_eq!(with("kid", json!("")), bad(BadKey::BadId));
    assert_eq!(with("kid", json!("k".repeat(257))), bad(BadKey::BadId));
    assert_eq!(with("d", json!(x)), bad(BadKey::Private));
    assert_eq!(with("alg", json!("ES256")), bad(BadKey::WrongAlgorithm));
    assert_eq!(with("x", json!("AA")), bad(BadKey::NotAKey));
    assert_eq!(with("x", json!(format!("{x}="))), bad(BadKey::NotBase64Url));
    assert_eq!(with("x", json!(null)), bad(BadKey::NotAKey));
    assert_eq!(with("kty", json!("oct")), bad(BadKey::Private));

    for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[7]}"#, r#"{"keys":[],"keys":[]}"#] {
        assert_eq!(
            VerifyingKey::from_jwks(text.as_bytes()).unwrap_err(),
            BadJwks::NotASet,
            "{text}"
        );
        assert!(Jwks::parse(text.as_bytes()).is_err());
    }
    assert_eq!(parse(&json!(vec![json!({"kty": "x"}); 101])), Err(BadJwks::TooLarge));
    let large = format!(r#"{{"keys":[],"pad":"{}"}}"#, "x".repeat(256 * 1024));
    assert_eq!(VerifyingKey::from_jwks(large.as_bytes()).unwrap_err(), BadJwks::TooLarge);
}

#[test]
fn periods_of_keys_are_in_order() {
    let ring = KeyRing::single(SigningKey::generate(Algorithm::Es256, &Sources::system()).unwrap());
    let far = at(THEN) + SignedDuration::from_hours(24 * 365);
    assert!(ring.signing(far).is_some() && ring.next_change(far).is_none());
}

#[test]
fn a_key_of_a_standard_is_refused() {
    // RFC 8037 appendix A.1.
    let pem = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";
    let refused = SigningKey::from_pem(pem, Algorithm::EdDsa).unwrap_err();
    assert!(refused.to_string().contains("everybody can read it"), "{refused}");
}
