//! The binary as somebody at a shell meets it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod audit;
mod backup;
mod check;
mod clients;
mod copying;
mod doctor;
mod guide;
mod keys;
mod operating;
mod places;
mod portcullis;
mod roles;
mod running;
mod starting;
mod users;
mod why;
