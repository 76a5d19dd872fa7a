//! Our JWS against another implementation, both ways, under every algorithm.

use jsonwebtoken::{DecodingKey, EncodingKey, Validation};
use serde_json::Value;

use super::*;
use crate::crypto::Secret;

fn theirs(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    algorithm.name().parse().unwrap()
}

/// A secret that serves every HMAC.
const SECRET: [u8; 64] = *b"kJ2v9Xw0qLr5Tz8mYb3Nc6Hs1Dg4Fa7PeUiOoRtWyVxZnMlKjQhGfBdSaCpE0u8r";

fn pem(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::EdDsa => Some(include_str!("ed25519.pem")),
        Algorithm::Es256 => Some(ES256_PEM),
        Algorithm::Es384 => Some(include_str!("ec_p384.pem")),
        algorithm if algorithm.is_rsa() => Some(RSA_PEM),
        _ => None,
    }
}

/// PKCS #8, which the other implementation demands.
const ES256_PEM: &str = include_str!("ec_p256.pem");

fn pair(algorithm: Algorithm) -> (SigningKey, EncodingKey, DecodingKey) {
    let Some(pem) = pem(algorithm) else {
        let ours = SigningKey::from_hmac_bytes(&Secret::new(SECRET.to_vec()), algorithm).unwrap();
        return (ours, EncodingKey::from_secret(&SECRET), DecodingKey::from_secret(&SECRET));
    };
    let ours = SigningKey::from_pem(pem, algorithm).unwrap();
    let signs = match algorithm {
        Algorithm::EdDsa => EncodingKey::from_ed_pem(pem.as_bytes()),
        Algorithm::Es256 | Algorithm::Es384 => EncodingKey::from_ec_pem(pem.as_bytes()),
        _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
    };
    // What they verify with is the JWK we publish.
    let jwk = serde_json::to_value(ours.verifying_key().jwk().unwrap()).unwrap();
    let verifies = DecodingKey::from_jwk(&serde_json::from_value(jwk).unwrap());
    (ours, signs.unwrap(), verifies.unwrap())
}

#[test]
fn what_we_sign_they_verify() {
    for algorithm in Algorithm::ALL {
        let (ours, _, verifies) = pair(algorithm);
        let mut rules = Validation::new(theirs(algorithm));
        rules.set_audience(&[AUDIENCE]);
        rules.set_issuer(&[ISSUER]);
        rules.validate_exp = false;
        let claims = access();
        let token = claims.sign(&ours).unwrap();
        let read = jsonwebtoken::decode::<Value>(&token, &verifies, &rules).unwrap();
        assert_eq!(read.claims["sub"], claims.subject, "{algorithm}");
        assert_eq!(read.header.kid.as_deref(), Some(ours.id()));
        assert_eq!(read.header.typ.as_deref(), Some("at+jwt"));
    }
}

#[test]
fn what_they_sign_we_verify() {
    for algorithm in Algorithm::ALL {
        let (ours, signs, _) = pair(algorithm);
        let mut header = jsonwebtoken::Header::new(theirs(algorithm));
        header.typ = Some("application/AT+JWT".into());
        header.kid = Some(ours.id().into());
        let claims: Value = serde_json::from_str(&payload(|_| {})).unwrap();
        let token = jsonwebtoken::encode(&header, &claims, &signs).unwrap();
        assert_eq!(verify(&token, &ours).unwrap().subject, claims["sub"], "{algorithm}");
    }
}

#[test]
fn keys_pass_through_a_published_set() {
    for algorithm in Algorithm::ALL {
        let (ours, ..) = pair(algorithm);
        let ring = KeyRing::single(ours);
        let json = serde_json::to_vec(&ring.jwks(at(THEN))).unwrap();
        let read = VerifyingKey::from_jwks(&json).unwrap();
        assert_eq!(read.len(), usize::from(!algorithm.is_symmetric()));
        for key in read {
            let token = access().sign(ring.signing(at(THEN)).unwrap()).unwrap();
            let verifier = JwtVerifier::new(settings(&[algorithm]));
            assert!(verifier.verify(&token, &vec![key], at(THEN)).is_ok(), "{algorithm}");
        }
    }
}
