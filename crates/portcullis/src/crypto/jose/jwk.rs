//! JSON Web Keys: the public half of a key, in the open.

use std::borrow::Cow;

use aws_lc_rs::digest;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Algorithm;
use super::strict::encode;
use crate::crypto::weak::is_published;

/// A public key as RFC 7517 writes it. It cannot hold a private or shared parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    parameters: PublicParameters,
    kid: Option<String>,
    algorithm: Algorithm,
}

/// A set of public keys (RFC 7517 §5), to be published. [`Jwks::parse`] reads another's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Jwks {
    /// The keys.
    pub keys: Vec<Jwk>,
}

impl Jwk {
    /// Whether the private key that belongs to it stands in a standard.
    pub(super) fn is_published(&self) -> bool {
        self.parameters.is_published()
    }

    pub(super) fn new(
        parameters: PublicParameters,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> Self {
        Self { parameters, kid: kid.map(str::to_owned), algorithm }
    }

    /// The key's name (`kid`).
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The one algorithm it is for (`alg`).
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its thumbprint (RFC 7638): the SHA-256 of what makes it this key, base64url.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        encode(&self.parameters.thumbprint())
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.parameters.members() {
            map.serialize_entry(name, value)?;
        }
        if let Some(kid) = &self.kid {
            map.serialize_entry("kid", kid)?;
        }
        map.serialize_entry("use", "sig")?;
        map.serialize_entry("alg", self.algorithm.name())?;
        map.end()
    }
}

impl JsonSchema for Jwk {
    fn schema_name() -> Cow<'static, str> {
        "Jwk".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = json_schema!({ "type": "string" });
        json_schema!({
            "type": "object",
            "description": "A public key (RFC 7517).",
            "required": ["kty", "use", "alg"],
            "properties": {
                "kty": { "enum": ["OKP", "EC", "RSA"] },
                "crv": { "enum": ["Ed25519", "P-256", "P-384"] },
                "x": text, "y": text, "n": text, "e": text, "kid": text,
                "use": { "const": "sig" },
                "alg": { "enum": Algorithm::ALL.map(Algorithm::name) },
            },
        })
    }
}

/// What makes a public key this key, base64url as it stands in a JWK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicParameters {
    Ed25519 { x: String },
    P256 { x: String, y: String },
    P384 { x: String, y: String },
    Rsa { n: String, e: String },
}

impl PublicParameters {
    /// The members of the JWK, in the order of RFC 7638 §3.3.
    fn members(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Ed25519 { x } => vec![("crv", "Ed25519"), ("kty", "OKP"), ("x", x)],
            Self::P256 { x, y } => vec![("crv", "P-256"), ("kty", "EC"), ("x", x), ("y", y)],
            Self::P384 { x, y } => vec![("crv", "P-384"), ("kty", "EC"), ("x", x), ("y", y)],
            Self::Rsa { n, e } => vec![("e", e), ("kty", "RSA"), ("n", n)],
        }
    }

    /// Whether the private key that belongs to it stands in a standard.
    pub(super) fn is_published(&self) -> bool {
        let members = self.members();
        members.iter().any(|(name, value)| matches!(*name, "n" | "x") && is_published(value))
    }

    /// RFC 7638's digest. Base64url and the fixed names need no escaping in JSON.
    pub(super) fn thumbprint(&self) -> [u8; 32] {
        let members: Vec<_> =
            self.members().iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
        let text = format!("{{{}}}", members.join(","));
        let mut out = [0; 32];
        out.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        out
    }
}
