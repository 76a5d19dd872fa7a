//! 8, what is remembered: small traits, whole deeds. What must be atomic is one method.
//!
//! Every store passes the same contract, [`crate::testing::contract`].

mod error;
// mod memory;
// #[cfg(feature = "sqlite")]
// pub mod sql;

use std::collections::BTreeSet;

use async_trait::async_trait;

pub use error::StoreError;

pub use crate::types::{Digest, KeyRecord};
// pub use memory::MemoryStore;

use crate::types::{
    ClientId, Grant, GrantId, Page, PageRequest, Role, RoleRecord, Scope, Session, SessionId,
    Subject, Timestamp, TokenId, User, UserId,
};

/// A user to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The account.
    pub user: User,
    /// Its password, as a PHC string; `None` where it has none and cannot sign in by one.
    pub password_hash: Option<String>,
    /// Its first roles.
    pub roles: BTreeSet<Role>,
}

/// What is to be changed of a user. `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// The username.
    pub username: Option<String>,
    /// The name for people; `Some(None)` takes it away.
    pub name: Option<Option<String>>,
    /// The e-mail address; `Some(None)` takes it away.
    pub email: Option<Option<String>>,
    /// Whether the address was shown to be theirs.
    pub email_verified: Option<bool>,
    /// Whether they may do anything at all.
    pub active: Option<bool>,
    /// The password, as a PHC string.
    pub password_hash: Option<String>,
}

/// Which users of a list are wanted.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Only those whose username begins like this, without regard to case.
    pub username_prefix: Option<String>,
    /// Only the active, or only the inactive.
    pub active: Option<bool>,
}

/// People with accounts.
#[async_trait]
pub trait Users: Send + Sync {
    /// Makes a user, with roles, in one step.
    ///
    /// # Errors
    /// `Conflict` where the username or e-mail address is taken; `NotFound` where a role is not
    /// there.
    async fn insert_user(&self, new: NewUser) -> Result<(), StoreError>;

    /// The user with this id.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user with this username or, where none has it, this e-mail address; without regard to
    /// case.
    async fn user_by_login(&self, login: &str) -> Result<Option<User>, StoreError>;

    /// The user's password hash.
    async fn password_hash(&self, id: UserId) -> Result<Option<String>, StoreError>;

    /// Changes a user and returns the new state. Where the password changes or the user becomes
    /// inactive, every session of theirs but `keep` is ended in the same step.
    ///
    /// # Errors
    /// `Conflict` as for making one; `NotFound`.
    async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> Result<User, StoreError>;

    /// Replaces a password hash by a stronger one of the same password; nothing where it is no
    /// longer `old`. Ends no session.
    async fn upgrade_password_hash(
        &self,
        id: UserId,
        old: &str,
        new: &str,
    ) -> Result<(), StoreError>;

    /// Deletes a user with everything of theirs. Their sessions are remembered as ended.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_user(&self, id: UserId, now: Timestamp) -> Result<(), StoreError>;

    /// A page of users, in the order they were made.
    async fn users(
        &self,
        filter: &UserFilter,
        page: &PageRequest,
    ) -> Result<Page<User>, StoreError>;
}

/// All that decides what a subject may do, read in one consistent step.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The username, or the client's name.
    pub name: String,
    /// Whether it may do anything at all.
    pub active: bool,
    /// The roles assigned directly.
    pub roles: BTreeSet<Role>,
    /// The direct grants, oldest first.
    pub grants: Vec<Grant>,
    /// Changes whenever the password does: what a remembered password check hangs on.
    pub password_version: u64,
}

/// Roles and grants.
#[async_trait]
pub trait Grants: Send + Sync {
    /// What decides what this subject may do; `None` where it is not there.
    async fn standing(&self, subject: &Subject) -> Result<Option<Standing>, StoreError>;

    /// Every role.
    async fn roles(&self) -> Result<Vec<RoleRecord>, StoreError>;

    /// Makes a role.
    ///
    /// # Errors
    /// `Conflict` where there is one of that name; `NotFound` where an included one is not there;
    /// `Cycle` where it would include itself.
    async fn insert_role(&self, role: &RoleRecord) -> Result<(), StoreError>;

    /// Replaces a role.
    ///
    /// # Errors
    /// `NotFound`, `Cycle`.
    async fn update_role(&self, role: &RoleRecord) -> Result<(), StoreError>;

    /// Deletes a role, also wherever it is assigned or included.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_role(&self, name: &Role) -> Result<(), StoreError>;

    /// Assigns a role. Nothing happens where it is assigned already.
    ///
    /// # Errors
    /// `NotFound` where the subject or the role is not there.
    async fn assign_role(&self, subject: &Subject, role: &Role) -> Result<(), StoreError>;

    /// Takes a role away. Returns whether it was assigned.
    async fn unassign_role(&self, subject: &Subject, role: &Role) -> Result<bool, StoreError>;

    /// Grants or denies a permission directly.
    ///
    /// # Errors
    /// `NotFound` where the subject is not there.
    async fn insert_grant(&self, subject: &Subject, grant: &Grant) -> Result<(), StoreError>;

    /// Takes a direct grant back. Returns whether it was there.
    async fn delete_grant(&self, subject: &Subject, grant: GrantId) -> Result<bool, StoreError>;
}

/// A refresh token to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefresh {
    /// Its digest.
    pub digest: Digest,
    /// What the session's access tokens are limited to from here on.
    pub scopes: BTreeSet<Scope>,
}

/// What became of a refresh token that was shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Rotation {
    /// It was good, and its successor is now.
    Rotated(Box<Session>, BTreeSet<Scope>),
    /// It was used a moment ago and its successor has not been: the very same successor again.
    Retried(Box<Session>, BTreeSet<Scope>),
    /// It had been used before. Its session is ended now, if it was not.
    Reused(Box<Session>),
    /// Nobody knows it, or its session is over.
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
    pub scopes: BTreeSet<Scope>,
    /// When the user proved who they are.
    pub since: Timestamp,
    /// Whether a second factor was given.
    pub second_factor: bool,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Sessions: what tokens and cookies belong to.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Begins a session, with the digest of its cookie or its first refresh token.
    ///
    /// # Errors
    /// `NotFound` where the user is not there or inactive, judged in the same step.
    async fn insert_session(
        &self,
        session: &Session,
        cookie: Option<&Digest>,
        refresh: Option<&NewRefresh>,
    ) -> Result<(), StoreError>;

    /// The session with this id.
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// The session this cookie belongs to.
    async fn session_by_cookie(&self, cookie: &Digest) -> Result<Option<Session>, StoreError>;

    /// The user's live sessions, newest first.
    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError>;

    /// Notes that a session was used: moves its idle expiry.
    async fn touch_session(
        &self,
        id: SessionId,
        now: Timestamp,
        idle_expires_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Ends a session. Returns whether it was live.
    async fn end_session(&self, id: SessionId, now: Timestamp) -> Result<bool, StoreError>;

    /// Ends every session of a user but `keep`. Returns those it ended.
    async fn end_sessions(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// The sessions ended since, with when: what a restart must still know.
    async fn ended_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<(SessionId, Timestamp)>, StoreError>;
}

/// Tokens.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Keeps an opaque access token.
    async fn insert_token(&self, token: &TokenRecord) -> Result<(), StoreError>;

    /// The opaque access token with this digest.
    async fn token(&self, digest: &Digest) -> Result<Option<TokenRecord>, StoreError>;

    /// Ends one access token, opaque or JWT, by its id; remembered until `expires_at`.
    async fn revoke_token(&self, id: TokenId, expires_at: Timestamp) -> Result<(), StoreError>;

    /// The ids of revoked tokens that would not have expired yet: what a restart must still know.
    async fn revoked(&self, now: Timestamp) -> Result<Vec<(TokenId, Timestamp)>, StoreError>;

    /// Exchanges a refresh token for `successor`, all in one step:
    /// one that was never used is marked used and the successor is kept; one used at most
    /// `window_seconds` ago whose successor was not used yet gets the same successor again; any
    /// other ends its session.
    ///
    /// The successor's scopes are those kept with `shown`, or `narrow` where given and within.
    async fn rotate_refresh(
        &self,
        shown: &Digest,
        successor: &Digest,
        window_seconds: u32,
        idle_expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Rotation, StoreError>;

    /// The session a refresh token belongs to, used or not.
    async fn session_by_refresh(&self, digest: &Digest) -> Result<Option<Session>, StoreError>;

    /// Forgets what no longer counts at `now`. Returns how many rows went.
    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError>;
}

/// Signing keys.
#[async_trait]
pub trait Keys: Send + Sync {
    /// Every key not yet forgotten, oldest first.
    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError>;

    /// Keeps a key. Where `first` is set, only if there is none at all: of several nodes that
    /// start at once, one makes the key. Returns whether it was kept.
    async fn insert_key(&self, key: &KeyRecord, first: bool) -> Result<bool, StoreError>;

    /// Sets when a key stops to sign and to verify.
    ///
    /// # Errors
    /// `NotFound`.
    async fn retire_key(
        &self,
        id: &str,
        signs_until: Option<Timestamp>,
        retired_at: Option<Timestamp>,
    ) -> Result<(), StoreError>;
}

/// Something that changed, by whichever process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A role was made, changed or deleted.
    Roles,
    /// A subject's roles, grants, password or activity changed, or it was deleted.
    Subject(Subject),
    /// A session was ended.
    SessionEnded(SessionId, Timestamp),
    /// A token was revoked; remembered until it would have expired.
    TokenRevoked(TokenId, Timestamp),
    /// A signing key was made, changed or retired.
    Keys,
}

/// What others changed: another node, or the command line beside a running server.
#[async_trait]
pub trait Feed: Send + Sync {
    /// The changes behind position `after`, and the position they end at. With `None`, no change
    /// but the present position. Positions only grow. Cheap where nothing changed.
    async fn changes(&self, after: Option<u64>) -> Result<(u64, Vec<Change>), StoreError>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// Everything that is remembered.
pub trait Store:
    Users + Grants + Sessions + Tokens + Keys + Feed + std::fmt::Debug + 'static
{
}

impl<T: Users + Grants + Sessions + Tokens + Keys + Feed + std::fmt::Debug + 'static> Store for T {}
