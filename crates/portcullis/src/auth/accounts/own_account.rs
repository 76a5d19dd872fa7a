//! What users change of their own account, and how they leave.

use super::sign_in::not_current;
use super::{AccountChange, User, UserChange, change, sql};
use crate::auth::write::Write;
use crate::auth::{Actor, Auth, Registration};
use crate::crypto::Secret;
use crate::policy::unscoped;
use crate::problem::{Problem, ProblemKind};
use crate::types::{Principal, Subject, UserId};

impl Auth {
    /// Changes somebody's own account. The session that asks is not ended. A new e-mail address or
    /// password needs the current password, and a credential that no scope limits.
    ///
    /// A new e-mail address is the account's once it was shown to be theirs, by the token in the
    /// e-mail that goes there: until then the account has the old one, and nobody learns whether it is
    /// somebody else's. With [`Registration::Open`] it counts at once.
    ///
    /// # Errors
    /// 401; 403; a 422 that points at each fault, also where no e-mail could be sent; 429; 503. A 409
    /// where the address is taken and the answer may say so.
    pub async fn change_account(
        &self,
        who: &Principal,
        request: AccountChange,
    ) -> Result<User, Problem> {
        let (actor, id) = own(who)?;
        let confirmed = if request.password.is_some() || request.email.is_some() {
            Some(self.confirm(&actor, id, request.current_password).await?)
        } else {
            None
        };
        let user = self.user(id).await?;
        let password_hash = match request.password {
            None => None,
            Some(password) => Some(self.new_password_hash(&user.username, password).await?),
        };
        let (email, wanted) = match request.email {
            Some(Some(email)) if !self.is_theirs(&user, &email) => (None, Some(email)),
            email => (email, None),
        };
        if wanted.is_some() {
            if self.0.mailer.is_none() {
                return Err(Problem::invalid(
                    "/email",
                    "No e-mails are sent here, so nobody can show that an address is theirs. An \
                     administrator can set it.",
                ));
            }
            self.0.throttle.ask(actor.address, &self.0.sources)?;
        }
        let row = UserChange { name: request.name, email, password_hash, ..UserChange::default() };
        let keep = who.session;
        let (user, epoch) = self
            .write(&actor, move |write| {
                Box::pin(async move {
                    require_own(write, id, confirmed).await?;
                    let user = change::apply(write, id, row, keep).await?;
                    let account = sql::credentials(write.db(), id).await?;
                    Ok((user, account.map_or(0, |account| account.epoch)))
                })
            })
            .await?;
        if let Some(email) = wanted {
            self.propose_address_later(id, user.username.clone(), email, epoch);
        }
        Ok(user)
    }

    /// Whether an address may be somebody's without an e-mail: it differs from theirs in the case of
    /// ASCII letters at the most, or answers may say outright whether it is taken.
    fn is_theirs(&self, user: &User, email: &str) -> bool {
        let same = user.email.as_deref().is_some_and(|kept| kept.eq_ignore_ascii_case(email));
        same || self.0.settings.registration == Registration::Open
    }

    /// Deletes somebody's own account, with everything of theirs.
    ///
    /// # Errors
    /// 401; 403; a 422 where the current password is wrong; 409 for the last administrator; 429; 503.
    pub async fn leave(
        &self,
        who: &Principal,
        current_password: Option<Secret<String>>,
    ) -> Result<(), Problem> {
        let (actor, id) = own(who)?;
        let confirmed = self.confirm(&actor, id, current_password).await?;
        self.write(&actor, move |write| {
            Box::pin(async move {
                require_own(write, id, Some(confirmed)).await?;
                change::may_be_deleted(write, id).await
            })
        })
        .await?;
        self.prune_sessions(id).await?;
        self.write(&actor, move |write| {
            Box::pin(async move {
                require_own(write, id, Some(confirmed)).await?;
                change::delete(write, id).await
            })
        })
        .await
    }

    /// Deletes what long sessions and many sign-ins left behind, in steps, so that deleting the account
    /// holds the writer for a moment only: used refresh tokens, and sessions that have ended.
    pub(super) async fn prune_sessions(&self, id: UserId) -> Result<(), Problem> {
        const STEP: u32 = 500;
        // A few are deleted with the account.
        loop {
            let gone = self
                .write(&Actor::system(), move |write| {
                    Box::pin(async move {
                        let tokens = sql::delete_used_refresh_tokens(write.db(), id, STEP).await?;
                        if tokens > 0 {
                            return Ok(tokens);
                        }
                        Ok(sql::delete_ended_sessions(write.db(), id, STEP).await?)
                    })
                })
                .await?;
            if gone == 0 {
                return Ok(());
            }
        }
    }
}

/// The actor and the account of a principal that changes its own.
fn own(who: &Principal) -> Result<(Actor, UserId), Problem> {
    let Some(id) = who.user() else {
        return Err(Problem::new(ProblemKind::Forbidden).detail("Only a user may do this."));
    };
    who.must(unscoped())?;
    Ok((Actor::of(who), id))
}

/// Requires that the account is still the one whose password was confirmed.
async fn require_own(write: &mut Write, id: UserId, confirmed: Option<u64>) -> Result<(), Problem> {
    write.require(unscoped())?;
    let Some(confirmed) = confirmed else { return Ok(()) };
    match write.access_of(&Subject::User(id)).await? {
        Some(access) if access.epoch == confirmed => Ok(()),
        _ => Err(not_current()),
    }
}
