//! Accounts of others, by administrators with `users:manage`.
//!
//! An administrator changes only accounts that hold nothing the administrator does not hold, or may
//! give to itself; and their own account only as everybody does, at `/users/me`.

use super::change::{self, no_user};
use super::{NewAccount, User, UserChange, UserFilter, UserRequest, registration, sql};
use crate::auth::audit::{Action, AuditTarget};
use crate::auth::write::Write;
use crate::auth::{Actor, Auth};
use crate::policy::permission;
use crate::problem::{Problem, ProblemKind};
use crate::types::{Page, PageRequest, Role, Subject, UserId};

impl Auth {
    /// A page of users.
    ///
    /// # Errors
    /// A 422 where the cursor is not one; 503.
    pub async fn users(
        &self,
        filter: &UserFilter,
        page: &PageRequest,
    ) -> Result<Page<User>, Problem> {
        Ok(sql::page(&self.0.db, filter, page).await?)
    }

    /// The user with this id.
    ///
    /// # Errors
    /// 404; 503.
    pub async fn user(&self, id: UserId) -> Result<User, Problem> {
        sql::user(&self.0.db, id).await?.ok_or_else(no_user)
    }

    /// The user of this id, username or e-mail address.
    ///
    /// # Errors
    /// 503.
    pub async fn user_named(&self, name: &str) -> Result<Option<Subject>, Problem> {
        if let Ok(id) = name.parse::<UserId>()
            && sql::user(&self.0.db, id).await?.is_some()
        {
            return Ok(Some(Subject::User(id)));
        }
        let account = sql::credentials_by_login(&self.0.db, name).await?;
        Ok(account.map(|account| Subject::User(account.user.id)))
    }

    /// Makes a user with roles, which need `roles:manage` besides.
    ///
    /// # Errors
    /// 403; a 422 that points at each fault; 409; 404 where a role is not there; 503.
    pub async fn add_user(
        &self,
        actor: &Actor,
        account: NewAccount,
        active: bool,
        roles: &[Role],
    ) -> Result<User, Problem> {
        let checked = self.check_account(actor, account, active).await?;
        let roles = roles.to_vec();
        self.write(actor, move |write| {
            Box::pin(async move {
                write.require(permission("users:manage"))?;
                if !roles.is_empty() {
                    write.require(permission("roles:manage"))?;
                }
                let user = registration::insert(write, checked, &roles).await?;
                let event = write.event(Action::UserCreated).names("roles", &roles);
                let event = event.on(AuditTarget::user(user.id, &user.username));
                write.note(event.flag("active", active));
                Ok(user)
            })
        })
        .await
    }

    /// Makes a user with roles, unless the username is taken: then nothing happens and `None` is
    /// returned.
    ///
    /// # Errors
    /// As for [`add_user`](Self::add_user).
    pub async fn add_missing_user(
        &self,
        account: NewAccount,
        roles: &[&str],
    ) -> Result<Option<User>, Problem> {
        if sql::credentials_by_login(&self.0.db, &account.username).await?.is_some() {
            return Ok(None);
        }
        let roles: Vec<Role> = roles.iter().map(|role| Role::from(*role)).collect();
        match self.add_user(&Actor::system(), account, true, &roles).await {
            // Another process was quicker.
            Err(problem) if problem.kind() == ProblemKind::Conflict => Ok(None),
            made => made.map(Some),
        }
    }

    /// Changes a user.
    ///
    /// # Errors
    /// 403; a 422 that points at each fault; 404; 409 where a name is taken, or for the last
    /// administrator; 503.
    pub async fn change_user(
        &self,
        actor: &Actor,
        id: UserId,
        request: UserRequest,
    ) -> Result<User, Problem> {
        let fault = request.username.as_deref().and_then(|name| self.name_fault(actor, name));
        if let Some(fault) = fault {
            return Err(Problem::invalid("/username", fault));
        }
        let password_hash = match request.password {
            None => None,
            Some(password) => {
                let username = match &request.username {
                    Some(username) => username.clone(),
                    None => self.user(id).await?.username,
                };
                Some(self.new_password_hash(&username, password).await?)
            }
        };
        let row = UserChange {
            username: request.username,
            name: request.name,
            email: request.email,
            email_verified: request.email_verified,
            active: request.active,
            password_hash,
        };
        self.write(actor, move |write| {
            Box::pin(async move {
                let own = is_own(write, id);
                if own && !row.is_activity_alone() {
                    return Err(own_account());
                }
                require_over(write, id).await?;
                let user = change::apply(write, id, row, None).await?;
                if own { Err(own_account()) } else { Ok(user) }
            })
        })
        .await
    }

    /// Deletes a user with everything of theirs.
    ///
    /// # Errors
    /// 403; 404; 409 for the last administrator; 503.
    pub async fn delete_user(&self, actor: &Actor, id: UserId) -> Result<(), Problem> {
        self.write(actor, move |write| {
            Box::pin(async move {
                require_over(write, id).await?;
                change::may_be_deleted(write, id).await
            })
        })
        .await?;
        self.prune_sessions(id).await?;
        self.write(actor, move |write| {
            Box::pin(async move {
                let own = is_own(write, id);
                require_over(write, id).await?;
                change::delete(write, id).await?;
                if own { Err(own_account()) } else { Ok(()) }
            })
        })
        .await
    }
}

/// Requires that the actor may change this account.
async fn require_over(write: &mut Write, id: UserId) -> Result<(), Problem> {
    write.require(permission("users:manage"))?;
    write.must_not_exceed(&Subject::User(id)).await
}

fn is_own(write: &Write, id: UserId) -> bool {
    write.judged().is_some_and(|who| who.user() == Some(id))
}

/// The last administrator hears of that first, so this is said last.
fn own_account() -> Problem {
    Problem::new(ProblemKind::Forbidden).detail("Your own account changes at /users/me.")
}
