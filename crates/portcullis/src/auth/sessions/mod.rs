//! Sessions: sign-ins, begun, listed, ended. Tokens and cookies belong to one.

mod operations;
pub mod routes;
pub(in crate::auth) mod sql;

use std::net::IpAddr;
use std::sync::Arc;

use quick_cache::sync::Cache;

#[cfg(feature = "oauth-server")]
pub(in crate::auth) use operations::keep;
pub(in crate::auth) use operations::{begin, end, end_all, end_of_client};

use super::actor::Actor;
use super::cache::SubjectAccess;
use super::db::Digest;
use super::sweep::Sweep;
use crate::types::{Access, ClientId, SessionId, Timestamp, UserId};

/// How many live sessions a user may have: where there would be more, the oldest are ended.
pub const LIVE_SESSIONS: usize = 100;

/// How many cookies are kept in memory as looked up.
const COOKIES: usize = 50_000;

/// How long what was looked up in the database is believed at the most, in seconds; its last use may
/// lag behind by as much. It must be far below [`Settings::LONGEST_ACCESS_TTL`], for which memory
/// knows that a session has ended: a cookie can live longer.
///
/// [`Settings::LONGEST_ACCESS_TTL`]: super::Settings::LONGEST_ACCESS_TTL
pub(in crate::auth) const LOOKED_UP_EVERY: i64 = 60;

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
    /// The sign-in in a browser that it hangs on, and ends with.
    pub parent: Option<SessionId>,
}

impl Session {
    /// Whether it still counts at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.idle_expires_at && now < self.expires_at
    }
}

/// Somebody whose password was right just now.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: UserId,
    /// By which name.
    pub username: String,
    /// What they hold, for narrowing scopes.
    pub(in crate::auth) known: Arc<SubjectAccess>,
    /// When they proved it.
    pub authenticated_at: Timestamp,
}

impl SignedIn {
    /// What they hold as of now.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.known.access
    }
}

/// Where a sign-in comes from: kept with the session for its owner to see.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// What it said it is; cut at 200 characters.
    pub agent: Option<String>,
    /// In which request.
    pub request_id: Option<Arc<str>>,
}

impl Caller {
    /// The actor of a request whose sender has not signed in yet.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::nobody(self.address, self.request_id.clone())
    }
}

/// A cookie that was looked up.
#[derive(Debug)]
struct VerifiedCookie {
    session: Session,
    looked_up_at: std::time::Duration,
}

/// What memory holds of sessions.
pub(in crate::auth) struct SessionState {
    /// Cookies that were looked up, by the digest of their text.
    cookies: Cache<Digest, Arc<VerifiedCookie>>,
}

impl SessionState {
    pub(in crate::auth) fn new() -> Self {
        Self { cookies: Cache::new(COOKIES) }
    }

    /// Forgets the cookies that were looked up.
    pub(in crate::auth) fn forget_all(&self) {
        self.cookies.clear();
    }
}

pub(in crate::auth) const SWEEPS: &[Sweep] = &[
    // A long session leaves many used refresh tokens: they go first, in steps of their own.
    Sweep {
        statement: "DELETE FROM refresh_tokens WHERE digest IN (
            SELECT t.digest FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id
            WHERE s.idle_expires_at <= $1 OR s.expires_at <= $1 LIMIT $2)",
        waits: true,
    },
    Sweep {
        statement: "DELETE FROM sessions WHERE id IN
            (SELECT id FROM sessions WHERE idle_expires_at <= $1 OR expires_at <= $1 LIMIT $2)",
        waits: true,
    },
    Sweep {
        statement: "DELETE FROM ended_sessions WHERE id IN
            (SELECT id FROM ended_sessions WHERE ended_at <= $1 LIMIT $2)",
        waits: true,
    },
];
