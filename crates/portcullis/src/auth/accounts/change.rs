//! What follows from a change of an account: the same for its owner, an administrator and an action
//! token.

use super::{User, sql};
use crate::auth::access::{self, AdministratorGuard};
use crate::auth::audit::{Action, AuditTarget, Event};
use crate::auth::db::Change;
use crate::auth::mail::Mail;
use crate::auth::throttle::EmailKind;
use crate::auth::write::Write;
use crate::auth::{Actor, api_keys, sessions};
use crate::problem::{Problem, ProblemKind};
use crate::types::{SessionId, Subject, Timestamp, UserId};

/// What changes of an account's row. `None` leaves it as it is.
#[derive(Default)]
#[expect(clippy::option_option, reason = "left out and taken away are two things")]
pub(super) struct UserChange {
    pub(super) username: Option<String>,
    pub(super) name: Option<Option<String>>,
    pub(super) email: Option<Option<String>>,
    pub(super) email_verified: Option<bool>,
    pub(super) active: Option<bool>,
    pub(super) password_hash: Option<String>,
}

impl UserChange {
    /// Whether older credentials must not count any more.
    fn ends_credentials(&self) -> bool {
        self.password_hash.is_some() || self.active == Some(false)
    }

    /// Whether nothing but the activity changes.
    pub(super) fn is_activity_alone(&self) -> bool {
        self.active.is_some() && self.fields() == ["active"]
    }

    fn apply(&self, mut user: User, now: Timestamp) -> User {
        if let Some(username) = &self.username {
            user.username.clone_from(username);
        }
        if let Some(name) = &self.name {
            user.name.clone_from(name);
        }
        if let Some(email) = &self.email {
            // Not as logins are compared, which makes one of `ß` and `ss`: two domains, two readers.
            let same = user.email.as_deref().zip(email.as_deref());
            user.email_verified &= same.is_some_and(|(kept, new)| kept.eq_ignore_ascii_case(new));
            user.email.clone_from(email);
        }
        user.email_verified = self.email_verified.unwrap_or(user.email_verified);
        user.active = self.active.unwrap_or(user.active);
        user.updated_at = now;
        user
    }

    /// Which fields the change is about.
    fn fields(&self) -> Vec<&'static str> {
        [
            ("username", self.username.is_some()),
            ("name", self.name.is_some()),
            ("email", self.email.is_some()),
            ("email_verified", self.email_verified.is_some()),
            ("active", self.active.is_some()),
            ("password", self.password_hash.is_some()),
        ]
        .into_iter()
        .filter_map(|(field, is_changed)| is_changed.then_some(field))
        .collect()
    }
}

/// Changes an account, with all that follows from it. `keep` is a session that is not ended.
pub(super) async fn apply(
    write: &mut Write,
    id: UserId,
    change: UserChange,
    keep: Option<SessionId>,
) -> Result<User, Problem> {
    let subject = Subject::User(id);
    let before = sql::user(write.db(), id).await?.ok_or_else(no_user)?;
    let refused = match change.active {
        Some(false) => Action::UserDisabled,
        _ => Action::UserChanged,
    };
    let target = AuditTarget::user(id, &before.username);
    let fields = change.fields();
    // Noted as refused where it meets a conflict; what is done is noted by its parts.
    write.attempt(write.event(refused).names("fields", &fields).on(target));
    let guard = AdministratorGuard::begin(write).await?;
    let user = change.apply(before.clone(), write.now);
    sql::update(write.db(), &user, change.password_hash.as_deref()).await?;
    write.forget(Change::Subject(subject.clone()));
    if change.ends_credentials() {
        api_keys::delete_all(write, &subject).await?;
        sessions::end_all(write, id, keep).await?;
    }
    guard.check(write).await?;
    write.done();
    for event in events(write.actor(), &user, &before, &fields) {
        write.note(event);
    }
    let same =
        |old: &&String| user.email.as_deref().is_some_and(|new| new.eq_ignore_ascii_case(old));
    if let Some(old) = before.email.as_ref().filter(|old| !same(old)) {
        write.send(EmailKind::Notice, another_address(old.clone()));
    }
    Ok(user)
}

/// Refuses an account that is not there, or whose owner is the last administrator: before anything of
/// theirs is deleted.
pub(super) async fn may_be_deleted(write: &mut Write, id: UserId) -> Result<(), Problem> {
    let user = sql::user(write.db(), id).await?.ok_or_else(no_user)?;
    let event = write.event(Action::UserDeleted);
    write.attempt(event.on(AuditTarget::user(id, &user.username)));
    access::refuse_last(write, id).await?;
    write.done();
    Ok(())
}

/// Deletes an account with everything of its owner's.
pub(super) async fn delete(write: &mut Write, id: UserId) -> Result<(), Problem> {
    let subject = Subject::User(id);
    let user = sql::user(write.db(), id).await?.ok_or_else(no_user)?;
    let event = write.event(Action::UserDeleted);
    write.attempt(event.on(AuditTarget::user(id, &user.username)));
    let guard = AdministratorGuard::begin(write).await?;
    api_keys::delete_all(write, &subject).await?;
    sessions::end_all(write, id, None).await?;
    sql::delete(write.db(), id).await?;
    write.forget(Change::Subject(subject));
    guard.check(write).await
}

pub(super) fn no_user() -> Problem {
    Problem::new(ProblemKind::NotFound).detail("There is no such user.")
}

/// What a change is noted as: each of its parts that somebody may look for by name.
fn events(actor: &Actor, user: &User, before: &User, fields: &[&'static str]) -> Vec<Event> {
    let event = |action| Event::new(actor, action).on(AuditTarget::user(user.id, &user.username));
    let mut events = Vec::new();
    if before.active != user.active {
        let action = if user.active { Action::UserEnabled } else { Action::UserDisabled };
        events.push(event(action));
    }
    if fields.contains(&"password") {
        let own = actor.is_user(user.id);
        events.push(event(if own { Action::PasswordChanged } else { Action::PasswordReset }));
    }
    let others = fields.iter().filter(|field| !matches!(**field, "password" | "active"));
    let others: Vec<_> = others.collect();
    if !others.is_empty() {
        let mut change = event(Action::UserChanged).names("fields", others);
        if before.username != user.username {
            change = change.detail("was", &before.username);
        }
        events.push(change);
    }
    events
}

fn another_address(to: String) -> Mail {
    Mail {
        to,
        subject: "Your account has another address".to_owned(),
        text: "The address of your account on this server was changed: e-mails go to another one from \
               now on. If that was not you, ask an administrator."
            .to_owned(),
    }
}
