//! How the guard asks this side who somebody is: verifiers for its credentials.

mod access_token;
mod api_key;
mod client;
mod password;
mod session;

pub use access_token::AccessTokenVerifier;
pub use api_key::ApiKeyVerifier;
pub use client::ClientVerifier;
pub use password::PasswordVerifier;
pub use session::SessionVerifier;
