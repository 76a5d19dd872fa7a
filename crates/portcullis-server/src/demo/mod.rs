//! `portcullis demo`: the tutorial's whole system, with sample data.

pub(crate) mod items;
mod sample;
#[cfg(test)]
mod tests;

pub(crate) use sample::{USERS, sample};
