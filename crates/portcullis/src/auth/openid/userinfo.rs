//! What a client may know of a person, by the scopes of its token (OpenID Connect Core §5.4).

use schemars::JsonSchema;
use serde::Serialize;

use crate::auth::{Auth, accounts};
use crate::problem::{Problem, ProblemKind};
use crate::types::Principal;

/// A person, as far as the token reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "UserInfo")]
#[non_exhaustive]
pub struct UserInfo {
    /// The person's id, as in the ID token.
    pub sub: String,
    /// Their name for people (`profile`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What they sign in with (`profile`). It may change, and may be another's later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// When the account was last changed, in seconds since 1970 (`profile`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    /// Their e-mail address (`email`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether they showed that it is theirs (`email`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
}

impl Auth {
    /// What a token tells of its user.
    ///
    /// # Errors
    /// 403 where the token has not the scope `openid`, or speaks for no user; 503.
    pub async fn user_info(&self, who: &Principal) -> Result<UserInfo, Problem> {
        let has = |scope: &str| who.scopes.carries(scope);
        let (Some(id), true) = (who.user(), has("openid")) else {
            return Err(Problem::new(ProblemKind::Forbidden).detail("The scope openid is missing."));
        };
        let user = accounts::sql::user(&self.0.db, id).await?;
        let user = user.ok_or_else(|| Problem::new(ProblemKind::InvalidCredential))?;
        let (profile, email) = (has("profile"), has("email") && user.email.is_some());
        Ok(UserInfo {
            sub: user.id.to_string(),
            name: user.name.filter(|_| profile),
            preferred_username: profile.then_some(user.username),
            updated_at: profile.then(|| user.updated_at.as_second()),
            email_verified: email.then_some(user.email_verified),
            email: user.email.filter(|_| email),
        })
    }
}
