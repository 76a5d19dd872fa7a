//! Tokens: refresh tokens, opaque access tokens, and what was revoked.

use async_trait::async_trait;

use super::{Digest, StoreError};
use crate::types::{ClientId, Scopes, Session, SessionId, Timestamp, TokenId, UserId};

/// A session's first refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefresh {
    /// Its digest.
    pub digest: Digest,
    /// What the session's tokens are limited to, for as long as it lasts.
    pub scopes: Scopes,
}

/// What became of a refresh token that was shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Rotation {
    /// It was good, and its successor is now.
    Rotated(Box<Session>, Scopes),
    /// It was used a moment ago and its successor has not been: the very same successor again.
    Retried(Box<Session>, Scopes),
    /// It had been used before. Its session is ended now, if it was not.
    Reused(Box<Session>),
    /// Nobody knows it, or its session is over, or its user is inactive.
    Unknown,
}

/// An opaque access token to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// Which token (`jti`).
    pub id: TokenId,
    /// Its digest.
    pub digest: Digest,
    /// The session it belongs to.
    pub session: SessionId,
    /// Whose.
    pub user: UserId,
    /// For which client.
    pub client: ClientId,
    /// What it is limited to.
    pub scopes: Scopes,
    /// When the user proved who they are.
    pub since: Timestamp,
    /// Whether a second factor was given.
    pub second_factor: bool,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Tokens.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Keeps an opaque access token.
    ///
    /// # Errors
    /// `NotFound` where its session is not there, is not the token's user's or was ended, judged
    /// in the same step; `Conflict` where the id or digest is taken.
    async fn insert_token(&self, token: &TokenRecord) -> Result<(), StoreError>;

    /// The opaque access token with this digest; `None` where it was revoked or its session
    /// ended. Whether it has expired is for the caller to judge.
    async fn token(&self, digest: &Digest) -> Result<Option<TokenRecord>, StoreError>;

    /// Ends one access token, opaque or JWT, by its id; remembered until `expires_at`, the later
    /// one where it is revoked twice.
    async fn revoke_token(&self, id: TokenId, expires_at: Timestamp) -> Result<(), StoreError>;

    /// The ids of revoked tokens that would not have expired yet: what a restart must still know.
    async fn revoked(&self, now: Timestamp) -> Result<Vec<(TokenId, Timestamp)>, StoreError>;

    /// Exchanges a refresh token for `successor`, all in one step (RFC 9700 §4.14.2):
    /// one that was never used is marked used, the successor is kept and the session's idle
    /// expiry moves; one used at most `window_seconds` ago (0: never) whose successor was not used
    /// yet gets the same successor again; any other ends its session.
    ///
    /// A retry shows the very same `successor`: it must follow from `shown`, as a keyed digest of
    /// it does. Another one counts as reuse.
    ///
    /// The scopes of the lineage never change.
    ///
    /// # Errors
    /// `Conflict` where `successor` was kept for something else.
    async fn rotate_refresh(
        &self,
        shown: &Digest,
        successor: &Digest,
        window_seconds: u32,
        idle_expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Rotation, StoreError>;

    /// The session a refresh token belongs to, used or not, live or not, with the scopes of its
    /// lineage.
    async fn session_by_refresh(
        &self,
        digest: &Digest,
    ) -> Result<Option<(Session, Scopes)>, StoreError>;

    /// Forgets what no longer counts at `now`: expired tokens at once; sessions, ends of sessions
    /// and retired keys `keep_seconds` after they were over. That must be at least the longest
    /// life of an access token, or one would outlive the memory that its session ended. Returns
    /// how many rows went.
    async fn sweep(&self, now: Timestamp, keep_seconds: u32) -> Result<u64, StoreError>;
}

/// The moment `keep_seconds` before `now`, as far back as time goes.
pub(in crate::store) fn cutoff(now: Timestamp, keep_seconds: u32) -> Timestamp {
    now.checked_sub(jiff::SignedDuration::from_secs(keep_seconds.into())).unwrap_or(Timestamp::MIN)
}
