//! The binary as somebody at a shell meets it.

mod check;
mod keys;
mod portcullis;
mod roles;
mod running;
mod users;
