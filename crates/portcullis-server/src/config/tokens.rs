//! `[tokens]`: what is issued, for how long, signed with what.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::table::settings;
use super::value::choice;

settings! {
    /// What is issued at `/token`, for how long, and signed with what.
    Tokens reads "tokens" {
        /// Who issues the tokens: the `iss` claim, a URL without query or fragment.
        issuer: Option<String> = None, otherwise "`server.public_url`";
        /// Whom the tokens are for: the `aud` claim.
        audience: Option<String> = None, otherwise "`tokens.issuer`";
        /// What an access token is: `jwt` anybody can verify with the published keys; `opaque` says nothing to who finds it; `jwe` is a JWT that only this server can read.
        access_format: AccessFormat = AccessFormat::Jwt;
        /// How long an access token is good: 30 seconds to 24 hours.
        access_ttl: Duration = Duration::from_mins(15);
        /// How long a session may rest: a refresh token not used for so long is no longer good.
        refresh_ttl: Duration = Duration::from_hours(30 * 24);
        /// How long a session lasts at most, used or not. Then one has to sign in again.
        session_ttl: Duration = Duration::from_hours(90 * 24);
        /// How long the refresh token before the newest still gets the same answer, for clients whose network failed halfway. `0s` for never.
        refresh_window: Duration = Duration::from_mins(1);
        /// The algorithm that signs. `HS…` needs a secret that every verifier shares; prefer the others.
        algorithm: Algorithm = Algorithm::EdDsa;
        /// How old a generated key may grow before the next one is made: an hour at least, `0s` for by hand alone (`portcullis key rotate`).
        key_rotation: Duration = Duration::from_hours(90 * 24);
        /// The signing key: a private key in PEM, or for `HS…` a file of at least 32 random bytes. Readable by nobody else.
        key_file: Option<PathBuf> = None, otherwise "a key is generated and kept, encrypted, in the database";
        /// At least 32 characters that nobody can guess; keys kept in the database are encrypted under it. Every node needs the same.
        master_secret: Option<SecretString> = None, otherwise "made at first start in `<database>.secret`, beside the database";
    }
}

choice! {
    /// What an access token is.
    AccessFormat {
        /// A signed JWT (RFC 9068).
        Jwt = "jwt",
        /// Random characters, looked up.
        Opaque = "opaque",
        /// An encrypted JWT.
        Jwe = "jwe",
    }
}

choice! {
    /// How a JWT is signed (RFC 7518 §3.1, RFC 8037).
    Algorithm {
        /// Ed25519.
        EdDsa = "EdDSA",
        /// ECDSA on P-256.
        Es256 = "ES256",
        /// ECDSA on P-384.
        Es384 = "ES384",
        /// RSA, PKCS #1 1.5, SHA-256.
        Rs256 = "RS256",
        /// RSA, PKCS #1 1.5, SHA-384.
        Rs384 = "RS384",
        /// RSA, PKCS #1 1.5, SHA-512.
        Rs512 = "RS512",
        /// RSA, PSS, SHA-256.
        Ps256 = "PS256",
        /// RSA, PSS, SHA-384.
        Ps384 = "PS384",
        /// RSA, PSS, SHA-512.
        Ps512 = "PS512",
        /// HMAC, SHA-256.
        Hs256 = "HS256",
        /// HMAC, SHA-384.
        Hs384 = "HS384",
        /// HMAC, SHA-512.
        Hs512 = "HS512",
    }
}
