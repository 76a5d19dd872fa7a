//! The binary `portcullis`: a ready server on the library of the same name.

mod config;
#[cfg(test)]
mod generated;
mod serve;
mod ui;

fn main() {}
