//! `portcullis demo`: the tutorial's whole system, with sample data.

pub(crate) mod items;
mod sample;

pub(crate) use sample::{USERS, sample};
