//! Clients: programs that are registered, and speak for themselves with an API key.

mod operations;
pub mod routes;
mod sql;

use crate::types::{ClientId, Timestamp};

/// A registered program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its public name.
    pub id: ClientId,
    /// A name for people.
    pub name: String,
    /// Whether it may do anything at all.
    pub active: bool,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// What is to be changed of a client. `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct ClientChange {
    /// The name for people.
    pub name: Option<String>,
    /// Whether it may do anything at all.
    pub active: Option<bool>,
}
