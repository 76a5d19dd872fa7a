//! The authorization code flow (RFC 6749 §4.1, RFC 7636, RFC 9207): a person signs in here and sends a client a code,
//! for which the client gets tokens.
//!
//! Pages are no part of it. [`Auth::authorize`](super::Auth::authorize) says what the browser must do next: sign in,
//! be asked for consent, or go to the client. While the person is on a page, the request waits in a *ticket*: text that
//! only this server can make, so that a page leads back to nothing else.

mod codes;
mod consents;
mod exchange;
mod operations;
mod request;
mod sql;
mod ticket;

pub use consents::{ConsentQuestion, WaitingRequest};
pub use exchange::{CodeRefused, Exchanged};

use super::sweep::Sweep;
use crate::problem::Problem;

/// How long a code counts, in seconds.
pub const CODE_LIFETIME: u32 = 60;

/// How many unused codes hang on one sign-in at once: where there would be more, the oldest go.
pub const UNUSED_CODES: u32 = 20;

/// The longest query of an authorization request, in bytes.
pub const LONGEST_REQUEST: usize = 4096;

/// What the browser must do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// Go to the client, with a code or with an error.
    Redirect(String),
    /// Sign in, and come back with the ticket.
    SignIn {
        /// Brings the request back.
        ticket: String,
        /// By which name the client thinks the person signs in.
        login_hint: Option<String>,
    },
    /// Ask the person whether the client may, and come back with the ticket.
    Consent {
        /// Brings the request back.
        ticket: String,
    },
}

/// Why the person stays here: nobody says where else they could go.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthorizationRefused {
    /// The client is unknown or disabled.
    Client,
    /// The client is not registered with this redirect URI, or it was not said once.
    RedirectUri,
    /// It cannot be read, or is longer than [`LONGEST_REQUEST`].
    Unreadable,
    /// The ticket is not one of ours, or too old.
    Ticket,
    /// The database is away, or a fault of ours.
    Other(Problem),
}

impl<E: Into<Problem>> From<E> for AuthorizationRefused {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

pub(in crate::auth) const SWEEPS: &[Sweep] = &[Sweep {
    statement: "DELETE FROM authorization_codes WHERE digest IN
        (SELECT digest FROM authorization_codes WHERE expires_at <= $1 LIMIT $2)",
    waits: true,
}];
