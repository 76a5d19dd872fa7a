//! 7, what must not be seen: passwords, tokens and keys.

mod jose;
mod master;
#[cfg(feature = "auth")]
mod password;
mod secret_value;
mod token;
mod weak;

pub use jose::{
    AccessClaims, Algorithm, BadJwks, BadKey, BadSignature, Claims, FindKey, Header, JweKeys, Jwk,
    Jwks, Jws, JwsFault, JwtVerifier, KeyError, KeyRing, SigningKey, TokenFault, VerifierSettings,
    VerifyingKey, sign_jws,
};
pub use master::{MasterSecret, SealError};
#[cfg(feature = "auth")]
pub use password::{HashLimits, PasswordError, PasswordSettings, Passwords, Verdict};
pub use secret_value::Secret;
#[cfg(any(feature = "auth", feature = "remote"))]
pub(crate) use token::digest_of;
pub use token::{Malformed, OpaqueKind, OpaqueToken};
