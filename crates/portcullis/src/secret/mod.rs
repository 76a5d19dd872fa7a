//! 7, what must not be seen: passwords, tokens and keys.

mod hidden;
mod password;

pub use hidden::Hidden;
pub use password::{HashLimits, PasswordError, PasswordSettings, Passwords, Verdict};
