//! Signed and encrypted tokens (JOSE), with one way to read each and one algorithm a key.
//!
//! From the bottom up: [`Algorithm`]; [`SigningKey`] and [`VerifyingKey`]; [`Jws`], a signed text;
//! [`JwtVerifier`], a signed set of claims; [`KeyRing`], the keys in use; [`JweKeys`], a token
//! wrapped so that only we can read it.

mod algorithm;
mod claims;
mod jwe;
mod jwk;
mod jwks;
mod jws;
mod jwt;
mod key_ring;
mod pem;
mod signing_key;
mod strict;
mod verifying_key;

pub use algorithm::Algorithm;
pub use claims::{AccessClaims, Claims};
pub use jwe::JweKeys;
pub use jwk::{Jwk, Jwks};
pub use jwks::BadJwks;
pub use jws::{Header, Jws, JwsFault, sign_jws};
pub use jwt::{FindKey, JwtVerifier, TokenFault, VerifierSettings};
pub use key_ring::KeyRing;
pub use signing_key::{KeyError, SigningKey};
pub use verifying_key::{BadKey, BadSignature, VerifyingKey};

#[cfg(test)]
mod tests;
