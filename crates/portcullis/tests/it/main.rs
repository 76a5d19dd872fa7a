//! The ready-made routes as a stranger meets them, on a real SQLite file: one module a family.

#![expect(clippy::unwrap_used, reason = "they are tests")]

mod accounts;
mod api_keys;
mod app;
mod audit;
mod clients;
mod emails;
mod evaluation;
mod hostile;
mod introspection;
mod invitations;
mod keys;
mod lifecycle;
mod lists;
mod live;
mod lockout;
mod oauth_clients;
mod places;
mod refresh;
mod revocation;
mod session;
mod stand;
