//! Invitations: tokens by which somebody may register, with roles from the start.
//!
//! A token is good once and until it expires. The inviter is judged again when it is used: an
//! invitation of somebody who may no longer make accounts is void. An invitation to an address goes
//! there by e-mail and nowhere else, so that the account has the address as verified.

mod operations;
pub mod routes;
mod sql;

pub(in crate::auth) use operations::{find, redeem};

use std::collections::BTreeSet;

use super::sweep::Sweep;
use crate::types::{InvitationId, Role, Subject, Timestamp};

/// How many invitations may be open at once.
pub const INVITATIONS: u64 = 1000;

/// How long an invitation is good where nothing is said, in seconds: seven days.
const USUAL_TTL: u32 = 7 * 86_400;

/// How long an invitation may be good, in seconds: 30 days.
const LONGEST_TTL: u32 = 30 * 86_400;

/// An invitation to register. Its token is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Which invitation.
    pub id: InvitationId,
    /// The address that its e-mail went to. It becomes the account's.
    pub email: Option<String>,
    /// The roles that the account has from the start, beside those of everybody who registers.
    pub roles: BTreeSet<Role>,
    /// Who invited; the process itself or its command line where `None`.
    pub invited_by: Option<Subject>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// An invitation to be made.
#[derive(Clone, Debug, Default)]
pub struct InvitationRequest {
    /// Where to send it. The token is in that e-mail alone.
    pub email: Option<String>,
    /// The roles that the account has from the start.
    pub roles: BTreeSet<Role>,
    /// When it ends, 30 days from now at the latest; in seven days where `None`.
    pub expires_at: Option<Timestamp>,
}

pub(in crate::auth) const SWEEPS: &[Sweep] = &[Sweep {
    statement: "DELETE FROM invitations WHERE id IN
        (SELECT id FROM invitations WHERE expires_at <= $1 LIMIT $2)",
    waits: false,
}];
