//! `portcullis demo`: the tutorial's whole system, with sample data.

mod clients;
pub(crate) mod hello;
pub(crate) mod items;
mod roles;
mod sample;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use roles::{roles, scopes};
pub(crate) use sample::{USERS, sample};
