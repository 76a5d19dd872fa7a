//! The endpoints of accounts.

pub mod me;
pub mod registration;
pub mod users;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::User;
use crate::auth::Auth;
use crate::problem::Problem;
use crate::types::{Role, Subject, UserId};

/// A user.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "User")]
pub struct UserAnswer {
    /// Who they are, for ever.
    pub id: UserId,
    /// What they sign in with.
    pub username: String,
    /// A name for people.
    pub name: Option<String>,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Whether they showed that the address is theirs.
    pub is_verified: bool,
    /// Whether they may do anything at all.
    pub is_active: bool,
    /// The roles assigned to them directly.
    pub roles: BTreeSet<Role>,
    /// When the account was made (RFC 3339).
    pub created_at: String,
}

impl UserAnswer {
    pub(in crate::auth) fn new(user: User, roles: BTreeSet<Role>) -> Self {
        Self {
            id: user.id,
            username: user.username,
            name: user.name,
            email: user.email,
            is_verified: user.email_verified,
            is_active: user.active,
            roles,
            created_at: user.created_at.to_string(),
        }
    }
}

async fn answer(auth: &Auth, user: User) -> Result<UserAnswer, Problem> {
    let roles = auth.roles_of(&Subject::User(user.id)).await?;
    Ok(UserAnswer::new(user, roles))
}
