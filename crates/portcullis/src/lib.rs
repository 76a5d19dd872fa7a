//! portcullis: the security layer that web APIs lack.

pub mod clock;
pub mod cors;
pub mod credential;
pub mod identity;
pub mod policy;
pub mod problem;
pub mod secret;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod types;
