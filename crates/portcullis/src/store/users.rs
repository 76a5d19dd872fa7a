//! People with accounts.

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;

use super::StoreError;
use crate::types::{Page, PageRequest, Role, SessionId, Timestamp, User, UserId};

/// A user to be made.
#[derive(Clone)]
pub struct NewUser {
    /// The account.
    pub user: User,
    /// Its password, as a PHC string; `None` where it has none and cannot sign in by one.
    pub password_hash: Option<String>,
    /// Its first roles.
    pub roles: BTreeSet<Role>,
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser")
            .field("user", &self.user)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

/// What is to be changed of a user. `None` leaves it as it is.
#[derive(Clone, Default)]
pub struct UserChange {
    /// The username.
    pub username: Option<String>,
    /// The name for people; `Some(None)` takes it away.
    pub name: Option<Option<String>>,
    /// The e-mail address; `Some(None)` takes it away. An address that differs from the one
    /// before counts as not verified, unless `email_verified` says otherwise.
    pub email: Option<Option<String>>,
    /// Whether the address was shown to be theirs.
    pub email_verified: Option<bool>,
    /// Whether they may do anything at all.
    pub active: Option<bool>,
    /// The password, as a PHC string.
    pub password_hash: Option<String>,
}

impl UserChange {
    /// Whether sessions and API keys made before must end with it.
    pub(crate) fn ends_sessions(&self) -> bool {
        self.password_hash.is_some() || self.active == Some(false)
    }

    /// The user after it.
    pub(super) fn apply(&self, mut user: User, now: Timestamp) -> User {
        if let Some(username) = &self.username {
            user.username.clone_from(username);
        }
        if let Some(name) = &self.name {
            user.name.clone_from(name);
        }
        if let Some(email) = &self.email {
            // Not by `fold`, which makes one of `ß` and `ss`: two domains, and two readers.
            let same = user.email.as_deref().zip(email.as_deref());
            user.email_verified &= same.is_some_and(|(kept, new)| kept.eq_ignore_ascii_case(new));
            user.email.clone_from(email);
        }
        user.email_verified = self.email_verified.unwrap_or(user.email_verified);
        user.active = self.active.unwrap_or(user.active);
        user.updated_at = now;
        user
    }
}

impl fmt::Debug for UserChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserChange")
            .field("username", &self.username)
            .field("name", &self.name)
            .field("email", &self.email)
            .field("email_verified", &self.email_verified)
            .field("active", &self.active)
            .field("password", &self.password_hash.is_some())
            .finish()
    }
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
///
/// Usernames and e-mail addresses are compared by [`fold`](super::fold), and share one space: an
/// address may not be another's username, since either signs in.
///
/// `keep_one`, wherever it stands, names a role that somebody must go on to hold: where an active
/// user holds it before the deed, directly or through a role that includes it, and none would
/// after, the deed is refused with `LastHolder`, judged in the same step.
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

    /// Changes a user and returns the new state, with the sessions that ended: where the password
    /// changes or the user becomes inactive, every session of theirs but `keep` is ended, and
    /// every API key deleted, in the same step.
    ///
    /// # Errors
    /// `Conflict` as for making one; `NotFound`; `LastHolder`.
    async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        keep: Option<SessionId>,
        required_role: Option<&Role>,
        now: Timestamp,
    ) -> Result<(User, Vec<SessionId>), StoreError>;

    /// Replaces a password hash by a stronger one of the same password; nothing where it is no
    /// longer `old`. Ends no session.
    async fn upgrade_password_hash(
        &self,
        id: UserId,
        old: &str,
        new: &str,
    ) -> Result<(), StoreError>;

    /// Deletes a user with everything of theirs, and returns the sessions that ended. Those stay
    /// known to [`ended_since`](super::Sessions::ended_since).
    ///
    /// # Errors
    /// `NotFound`; `LastHolder`.
    async fn delete_user(
        &self,
        id: UserId,
        required_role: Option<&Role>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// A page of users, in the order they were made. A limit outside 1 to
    /// [`PageRequest::LARGEST`] is brought within.
    ///
    /// # Errors
    /// `InvalidCursor`.
    async fn users(
        &self,
        filter: &UserFilter,
        page: &PageRequest,
    ) -> Result<Page<User>, StoreError>;
}
