//! 7, what must not be seen: passwords, tokens and keys.

mod hidden;
mod jose;
mod master;
mod password;
mod token;
mod weak;

pub use hidden::Hidden;
pub use jose::{
    AccessClaims, Algorithm, BadJwks, BadKey, BadSignature, Claims, FindKey, Header, JweKeys, Jwk,
    Jwks, Jws, JwsFault, JwtVerifier, KeyError, KeyRing, SigningKey, TokenFault, VerifierSettings,
    VerifyingKey, sign_jws,
};
pub use master::{MasterSecret, SealError};
pub use password::{HashLimits, PasswordError, PasswordSettings, Passwords, Verdict};
pub(crate) use token::digest_of;
pub use token::{Malformed, OpaqueKind, OpaqueToken};
