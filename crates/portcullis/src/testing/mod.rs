//! What tests need: ours, and those of whoever uses the library. Nothing else imports it.

pub mod contract;
