//! Accounts: people who sign in. Registration, sign-in, recovery, e-mail addresses, administration.

mod action_token;
mod addresses;
mod administration;
mod change;
mod names;
mod normalize_login;
mod own_account;
mod recovery;
mod registration;
pub mod routes;
mod sign_in;
pub(in crate::auth) mod sql;

use quick_cache::sync::Cache;

pub use names::username_fault;
pub use normalize_login::normalize_login;
pub use sign_in::LoginRefused;

use change::UserChange;

use super::db::Digest;
use crate::clock::{NoRandomness, Sources};
use crate::crypto::{Passwords, Secret};
use crate::types::{Timestamp, UserId};

/// How many passwords are kept in memory as verified.
const VERIFIED: usize = 50_000;

/// A person with an account. The password's hash is not part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Who they are, for ever.
    pub id: UserId,
    /// What they sign in with. Unique, without regard to case.
    pub username: String,
    /// A name for people.
    pub name: Option<String>,
    /// An e-mail address. Unique, without regard to case.
    pub email: Option<String>,
    /// Whether they showed that the address is theirs.
    pub email_verified: bool,
    /// Whether they may do anything at all.
    pub active: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An account to be made.
#[derive(Debug)]
pub struct NewAccount {
    /// What they sign in with.
    pub username: String,
    /// Their password.
    pub password: Secret<String>,
    /// An e-mail address.
    pub email: Option<String>,
    /// A name for people.
    pub name: Option<String>,
}

/// What somebody changes of their own account. `None` leaves it as it is.
#[derive(Debug, Default)]
pub struct AccountChange {
    /// The name for people; `Some(None)` takes it away.
    pub name: Option<Option<String>>,
    /// The e-mail address; `Some(None)` takes it away. Needs the current password.
    pub email: Option<Option<String>>,
    /// A new password. Needs the current one, and ends every other session.
    pub password: Option<Secret<String>>,
    /// The current password.
    pub current_password: Option<Secret<String>>,
}

/// What became of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    /// The account, where the answer may say so.
    Made(User),
    /// The answer says the same whatever happened.
    Noted,
}

impl NewAccount {
    /// An account with neither e-mail address nor name.
    #[must_use]
    pub fn new(username: &str, password: &str) -> Self {
        Self {
            username: username.to_owned(),
            password: Secret::new(password.to_owned()),
            email: None,
            name: None,
        }
    }
}

/// What an administrator changes of a user. `None` leaves it as it is.
#[derive(Debug, Default)]
pub struct UserRequest {
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
    /// A new password, which ends every session.
    pub password: Option<Secret<String>>,
}

/// Which users a list holds. `None` is all.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Only those whose username begins like this, without regard to case.
    pub username_prefix: Option<String>,
    /// Only the active, or only the inactive.
    pub active: Option<bool>,
}

/// What memory holds of accounts.
pub(in crate::auth) struct AccountState {
    pub(in crate::auth) passwords: Passwords,
    /// Passwords that were verified, by a keyed digest that only this process can make.
    verified: Cache<Digest, sign_in::VerifiedPassword>,
    verified_key: [u8; 32],
}

impl AccountState {
    pub(in crate::auth) fn new(
        passwords: Passwords,
        sources: &Sources,
    ) -> Result<Self, NoRandomness> {
        Ok(Self { passwords, verified: Cache::new(VERIFIED), verified_key: sources.bytes()? })
    }
}
