//! portcullis: the security layer that web APIs lack.

pub mod arrival;
pub mod clock;
pub mod cors;
pub mod credential;
pub mod describe;
mod frame;
pub mod gate;
pub mod identity;
pub mod policy;
pub mod problem;
pub mod routes;
pub mod rules;
pub mod secret;
pub mod store;
pub mod table;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod types;

pub use frame::{RequestId, X_REQUEST_ID};
