//! What subjects may do: roles and direct grants.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::StoreError;
use crate::types::{Grant, GrantId, Role, RoleRecord, Subject};

/// All that decides what a subject may do, read in one consistent step.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAccess {
    /// The username, or the client's name.
    pub name: String,
    /// Whether it may do anything at all.
    pub active: bool,
    /// The roles assigned directly.
    pub roles: BTreeSet<Role>,
    /// The direct grants, oldest first.
    pub grants: Vec<Grant>,
    /// Changes whenever the password hash does: what a remembered password check hangs on. 0 where
    /// there is no password.
    pub password_version: u64,
}

impl StoredAccess {
    /// The version that stands for this password hash.
    ///
    /// It is drawn from the hash itself, so that no way of changing the one can forget the other.
    #[must_use]
    pub fn password_version(hash: Option<&str>) -> u64 {
        let Some(hash) = hash else { return 0 };
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, hash.as_bytes());
        digest.as_ref().iter().take(8).fold(0, |version, byte| version << 8 | u64::from(*byte)) | 1
    }
}

/// Roles and grants.
///
/// `keep_one` is what it is in [`Users`](super::Users).
#[async_trait]
pub trait Grants: Send + Sync {
    /// What decides what this subject may do; `None` where it is not there.
    async fn standing(&self, subject: &Subject) -> Result<Option<StoredAccess>, StoreError>;

    /// Every role, by name.
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
    /// `NotFound` where it or an included one is not there; `Cycle`; `LastHolder`.
    async fn update_role(
        &self,
        role: &RoleRecord,
        required_role: Option<&Role>,
    ) -> Result<(), StoreError>;

    /// Deletes a role, also wherever it is assigned or included.
    ///
    /// # Errors
    /// `NotFound`; `LastHolder`.
    async fn delete_role(
        &self,
        name: &Role,
        required_role: Option<&Role>,
    ) -> Result<(), StoreError>;

    /// Assigns a role. Nothing happens where it is assigned already.
    ///
    /// # Errors
    /// `NotFound` where the subject or the role is not there.
    async fn assign_role(&self, subject: &Subject, role: &Role) -> Result<(), StoreError>;

    /// Takes a role away. Returns whether it was assigned.
    ///
    /// # Errors
    /// `LastHolder`.
    async fn unassign_role(
        &self,
        subject: &Subject,
        role: &Role,
        required_role: Option<&Role>,
    ) -> Result<bool, StoreError>;

    /// Every user and client that was assigned this role directly, whether active or not.
    async fn holders(&self, role: &Role) -> Result<Vec<Subject>, StoreError>;

    /// Grants or denies a permission directly.
    ///
    /// # Errors
    /// `NotFound` where the subject is not there; `Conflict` where the id is taken.
    async fn insert_grant(&self, subject: &Subject, grant: &Grant) -> Result<(), StoreError>;

    /// Replaces every direct grant of a subject, all in one step.
    ///
    /// # Errors
    /// `NotFound` where the subject is not there; `Conflict` where an id is taken by a grant that
    /// is not replaced, or stands twice.
    async fn set_grants(&self, subject: &Subject, grants: &[Grant]) -> Result<(), StoreError>;

    /// Takes a direct grant back. Returns whether the subject had it.
    async fn delete_grant(&self, subject: &Subject, grant: GrantId) -> Result<bool, StoreError>;
}
