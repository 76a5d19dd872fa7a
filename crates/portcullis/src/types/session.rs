//! A sign-in.

use super::{ClientId, SessionId, Timestamp, UserId};

/// One sign-in of one user at one client: what tokens and cookies belong to, and a log-out ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Which session.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// At which client.
    pub client: ClientId,
    /// When the user proved who they are.
    pub created_at: Timestamp,
    /// When it was last used to get a token, or as a cookie (in steps of a minute).
    pub last_used_at: Timestamp,
    /// When it ends if it is not used again.
    pub idle_expires_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// When it was ended, if it was.
    pub ended_at: Option<Timestamp>,
    /// Whether a second factor was given.
    pub second_factor: bool,
    /// Where the sign-in came from.
    pub address: Option<String>,
    /// What the client said it is (`User-Agent`), at most 200 characters.
    pub agent: Option<String>,
}

impl Session {
    /// Whether it still counts at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.idle_expires_at && now < self.expires_at
    }
}
