//! portcullis: the security layer that web APIs lack.

pub mod clock;
pub mod cors;
pub mod credential;
pub mod describe;
pub mod gate;
pub mod identity;
pub mod policy;
pub mod problem;
pub mod secret;
pub mod store;
pub mod table;
pub mod types;
