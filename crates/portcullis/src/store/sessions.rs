//! Sessions: what tokens and cookies belong to.

use async_trait::async_trait;

use super::{Digest, NewRefresh, StoreError};
use crate::types::{Session, SessionId, Timestamp, UserId};

/// How many live sessions a user may have; the oldest ends where there is one more.
pub const LIVE_SESSIONS: usize = 100;

/// Sessions: what tokens and cookies belong to.
///
/// An ended session never counts again, whatever is asked of it later.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Begins a session, with the digest of its cookie or its first refresh token, and returns
    /// those that ended for it: a user has at most [`LIVE_SESSIONS`] live ones, as of the new
    /// one's `created_at`.
    ///
    /// # Errors
    /// `NotFound` where the user is not there or inactive, judged in the same step; `Conflict`
    /// where the id or a digest is taken.
    async fn insert_session(
        &self,
        session: &Session,
        cookie: Option<&Digest>,
        refresh: Option<&NewRefresh>,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// The session with this id, live or not.
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// The session this cookie belongs to, live or not.
    async fn session_by_cookie(&self, cookie: &Digest) -> Result<Option<Session>, StoreError>;

    /// The user's live sessions, newest first.
    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError>;

    /// Notes that a session was used: moves its idle expiry. Nothing happens to one that is no
    /// longer live at `now`.
    async fn touch_session(
        &self,
        id: SessionId,
        now: Timestamp,
        idle_expires_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Ends a session. Returns whether it was live. One that had only expired is marked as ended
    /// too, since tokens made in it may outlast it.
    async fn end_session(&self, id: SessionId, now: Timestamp) -> Result<bool, StoreError>;

    /// Ends every session of a user but `keep`. Returns those it ended, also such as had only
    /// expired.
    async fn end_sessions(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// The sessions ended at `since` or later, with when, oldest first: what a restart must still
    /// know. It outlives the session's user, until it is swept.
    async fn ended_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<(SessionId, Timestamp)>, StoreError>;
}
