//! Published vectors: Wycheproof, RFC 7515, RFC 7520, RFC 7638, RFC 8037.

use serde_json::{Map, Value};

use super::super::jwks::{parse_key, parse_set};
use super::super::jwt::choose;
use super::*;

macro_rules! vector {
    ($path:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!("../../../../tests/vectors/", $path)))
            .unwrap()
    };
}

/// Room for every vector.
const ROOM: usize = 64 * 1024;

/// Valid vectors that are refused, and the rule.
const STRICTER: [(&[u64], &str); 4] = [
    (&[372], "NotBase64Url: a character that is not base64url is not passed over"),
    (&[373], "BadSignature: nor is it left out of what was signed"),
    (&[346, 350], "WrongAlgorithm: the key is for PS256 and the token says PS384"),
    (&[347, 351], "UnknownAlgorithm: ES512 is not among ours (and the key says `ES521`)"),
];

/// Takes the private members out of a key pair: what is left is what an issuer publishes.
fn public_half(key: &Value) -> Map<String, Value> {
    let mut key = key.as_object().unwrap().clone();
    if key["kty"] != "oct" {
        key.retain(|name, _| !["d", "p", "q", "dp", "dq", "qi"].contains(&name.as_str()));
    }
    key
}

/// The rule that refuses a text under these keys, if one does.
fn refusal(text: &str, keys: &[VerifyingKey]) -> Option<String> {
    let jws = match Jws::parse(text, ROOM) {
        Ok(jws) => jws,
        Err(fault) => return Some(format!("{fault:?}")),
    };
    let Some(key) = choose(keys.iter(), jws.header()) else { return Some("NoKey".into()) };
    jws.verify(key).err().map(|fault| format!("{fault:?}"))
}

#[test]
fn wycheproof_signatures() {
    let file = vector!("wycheproof/json_web_signature_test.json");
    let mut tried = 0;
    for group in file["testGroups"].as_array().unwrap() {
        let key = group.get("public").unwrap_or(&group["private"]);
        let key = parse_key(&public_half(key), true).unwrap();
        let keys: Vec<_> = key.into_iter().collect();
        for test in group["tests"].as_array().unwrap() {
            let (id, text) = (test["tcId"].as_u64().unwrap(), test["jws"].as_str().unwrap());
            let refused = refusal(text, &keys);
            let rule = STRICTER.iter().find(|(ids, _)| ids.contains(&id)).map(|(_, rule)| *rule);
            match (test["result"].as_str().unwrap(), rule, refused) {
                ("valid", None, None) | ("invalid", None, Some(_)) => {}
                ("valid", Some(rule), Some(refused)) if rule.starts_with(&refused) => {}
                // The same text under the same key is number 357, which is valid.
                ("invalid", None, None) if [367, 370].contains(&id) => {}
                other => panic!("{id} {}: {other:?}", test["comment"]),
            }
            tried += 1;
        }
    }
    assert_eq!(tried, file["numberOfTests"].as_u64().unwrap());
}

#[test]
fn wycheproof_key_sets() {
    let file = vector!("wycheproof/json_web_key_test.json");
    let mut tried = 0;
    for group in file["testGroups"].as_array().unwrap() {
        let set = group.get("public").unwrap_or(&group["private"]);
        let keys: Vec<_> = set["keys"].as_array().unwrap().iter().map(public_half).collect();
        let set = serde_json::json!({ "keys": keys }).to_string();
        let keys = parse_set(set.as_bytes(), true);
        for test in group["tests"].as_array().unwrap() {
            let text = test["jws"].as_str().unwrap();
            let refused = match &keys {
                Ok(keys) => refusal(text, keys),
                Err(bad) => Some(bad.to_string()),
            };
            let valid = test["result"] == "valid";
            assert_eq!(valid, refused.is_none(), "{}: {refused:?}", test["comment"]);
            // What an issuer publishes is never a shared secret.
            if set.contains("\"oct\"") {
                VerifyingKey::from_jwks(set.as_bytes())
                    .map(|keys| assert!(keys.is_empty()))
                    .unwrap_or_default();
            }
            tried += 1;
        }
    }
    assert_eq!(tried, file["numberOfTests"].as_u64().unwrap());
}

#[test]
fn wycheproof_key_sets_are_refused_for_the_reason_given() {
    let file = vector!("wycheproof/json_web_key_test.json");
    let why = |comment: &str| {
        let groups = file["testGroups"].as_array().unwrap();
        let group = groups.iter().find(|group| group["comment"] == comment).unwrap();
        let set = group.get("public").unwrap_or(&group["private"]);
        let keys: Vec<_> = set["keys"].as_array().unwrap().iter().map(public_half).collect();
        parse_set(serde_json::json!({ "keys": keys }).to_string().as_bytes(), true)
    };
    let key = |why| Some(BadJwks::Key { position: 0, why });
    assert_eq!(why("jws_mixedSymmetryKeyset").err(), Some(BadJwks::Mixed));
    // Its second key is not canonical base64url either, which is seen first.
    let second = BadJwks::Key { position: 1, why: BadKey::NotBase64Url };
    assert_eq!(why("jws_duplicate_kid").err(), Some(second));
    assert_eq!(why("jws_rsa_roca_key").err(), key(BadKey::Factorable));
    assert_eq!(why("keysize_too_small").err(), key(BadKey::TooShort));
    assert_eq!(why("exponentOne").err(), key(BadKey::WeakExponent));
    assert_eq!(why("invalid_point").err(), key(BadKey::NotAKey));
    assert_eq!(why("wrong_curve").err(), key(BadKey::WrongAlgorithm));
    assert_eq!(why("wrong_kty").err(), key(BadKey::NotAKey));
}

#[test]
fn the_cookbook() {
    let check = |file: Value, alg: &str| {
        let mut jwk = public_half(&file["input"]["key"]);
        jwk.entry("alg").or_insert(alg.into());
        let key = parse_key(&jwk, true).unwrap().unwrap();
        let text = file["output"]["compact"].as_str().unwrap();
        let jws = Jws::parse(text, ROOM).unwrap();
        assert_eq!(
            jws.verify(&key).unwrap(),
            file["input"]["payload"].as_str().unwrap().as_bytes()
        );
        assert_eq!(file["input"]["alg"], alg);
    };
    check(vector!("jose-cookbook/4_1.rsa_v15_signature.json"), "RS256");
    check(vector!("jose-cookbook/4_2.rsa-pss_signature.json"), "PS384");
    check(vector!("jose-cookbook/4_4.hmac-sha2_integrity_protection.json"), "HS256");
    check(vector!("jose-cookbook/jws.json"), "EdDSA");
}

#[test]
fn the_cookbook_where_we_are_stricter() {
    // RFC 7520 §4.3 is ES512 on P-521, which is not among our algorithms.
    let es512 = vector!("jose-cookbook/4_3.ecdsa_signature.json");
    assert!(parse_key(&public_half(&es512["input"]["key"]), true).unwrap().is_none());
    let text = es512["output"]["compact"].as_str().unwrap();
    assert_eq!(Jws::parse(text, ROOM).unwrap_err(), JwsFault::UnknownAlgorithm);

    // RFC 7520 §4.5 leaves the payload out; it verifies only once it is put back.
    let detached = vector!("jose-cookbook/4_5.signature_with_detached_content.json");
    let key = parse_key(&public_half(&detached["input"]["key"]), true).unwrap().unwrap();
    let text = detached["output"]["compact"].as_str().unwrap();
    assert_eq!(Jws::parse(text, ROOM).unwrap().verify(&key), Err(JwsFault::BadSignature));
    let payload = strict::encode(detached["input"]["payload"].as_str().unwrap().as_bytes());
    let whole = text.replace("..", &format!(".{payload}."));
    assert!(Jws::parse(&whole, ROOM).unwrap().verify(&key).is_ok());
}

#[test]
fn the_keys_of_the_cookbook_are_published_nowhere_by_mistake() {
    for set in [
        vector!("jose-cookbook/3_2.ec_private_key.json"),
        vector!("jose-cookbook/3_4.rsa_private_key.json"),
        vector!("jose-cookbook/3_5.symmetric_key_mac_computation.json"),
    ] {
        let known = set["crv"] != "P-521";
        let set = serde_json::json!({ "keys": [set] }).to_string();
        let refused = Err(BadJwks::Key { position: 0, why: BadKey::Private });
        let keys = VerifyingKey::from_jwks(set.as_bytes()).map(|keys| keys.len());
        assert_eq!(keys, if known { refused } else { Ok(0) });
    }
    // An example that everybody can read is no secret.
    let example = vector!("jose-cookbook/3_5.symmetric_key_mac_computation.json").to_string();
    assert_eq!(VerifyingKey::from_jwk(example.as_bytes()).unwrap_err(), BadKey::Guessable);
    let public = vector!("jose-cookbook/3_3.rsa_public_key.json").to_string();
    assert_eq!(VerifyingKey::from_jwk(public.as_bytes()).unwrap().algorithm(), Algorithm::Rs256);
}

/// RFC 7515 appendix A: a payload signed in each way.
const APPENDIX_PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                                cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

#[test]
fn rfc_7515_appendix_a() {
    let check = |jwk: Value, header: &str, signature: &str| {
        let key = parse_key(jwk.as_object().unwrap(), true).unwrap().unwrap();
        let text = format!("{header}.{APPENDIX_PAYLOAD}.{signature}");
        let payload = Jws::parse(&text, ROOM).unwrap().verify(&key).unwrap();
        assert!(payload.starts_with(b"{\"iss\":\"joe\",\r\n"));
    };
    check(
        serde_json::json!({
            "kty": "oct", "alg": "HS256",
            "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z\
                  9CAow",
        }),
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    );
    check(
        serde_json::json!({
            "kty": "RSA", "e": "AQAB",
            "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPM\
                  EzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-\
                  bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3\
                  qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9g\
                  b54h4FRWyuXpoQ",
        }),
        "eyJhbGciOiJSUzI1NiJ9",
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp\
         5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMH\
         lb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w\
         9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    );
    check(
        serde_json::json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }),
        "eyJhbGciOiJFUzI1NiJ9",
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    );
    // A.5: no signature at all.
    let none = format!("eyJhbGciOiJub25lIn0.{APPENDIX_PAYLOAD}.");
    assert_eq!(Jws::parse(&none, ROOM).unwrap_err(), JwsFault::UnknownAlgorithm);
}

#[test]
fn thumbprints_of_rfc_7638_and_rfc_8037() {
    let thumbprint = |jwk: Value| {
        let key = parse_key(jwk.as_object().unwrap(), false).unwrap().unwrap();
        key.jwk().unwrap().thumbprint()
    };
    let rsa = serde_json::json!({
        "kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_\
              BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0\
              _FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWh\
              AI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    });
    assert_eq!(thumbprint(rsa), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    let ed25519 = serde_json::json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    assert_eq!(thumbprint(ed25519), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}
