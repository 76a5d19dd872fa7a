//! Pages for people.

pub(crate) mod docs;
mod render;
pub(crate) mod sign_in;
mod sign_out;
#[cfg(test)]
mod tests;
mod words;
