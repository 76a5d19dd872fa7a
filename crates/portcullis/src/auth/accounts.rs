//! Accounts, by their owners: registering, changing, leaving; and the letters that go with it.

use super::addresses::behind;
use super::proof::{ActionToken, Purpose, void};
use super::{Action, Auth, Event, Mail};
use crate::crypto::Secret;
use crate::problem::{BodyFault, Problem, ProblemKind};
use crate::store::{NewUser, StoreError, StoredAccess, UserChange};
use crate::types::{Actor, AuditTarget, Role, SessionId, Subject, User, UserId, username_fault};

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

impl Auth {
    /// Registers somebody. Unless [`Settings::open_registration_answers`] is set, the answer and
    /// its time are the same whether or not the name or the address was free.
    ///
    /// [`Settings::open_registration_answers`]: super::Settings::open_registration_answers
    ///
    /// # Errors
    /// A 422 that points at each fault; 409 where the answer may say that it is taken; 429; 503.
    pub async fn register(
        &self,
        actor: &Actor,
        account: NewAccount,
    ) -> Result<Registered, Problem> {
        self.0.throttle.ask(actor.address, self.now())?;
        let outright = self.0.settings.open_registration_answers;
        let roles = self.0.settings.registration_roles.clone();
        let email = account.email.clone();
        match self.make_account(account, true, &roles).await {
            Ok(user) => {
                // Not waited for: the time must not tell whether there is a row to write.
                self.note(Event::new(actor, Action::UserCreated).on(AuditTarget::user(&user)));
                if !outright && user.email.is_some() {
                    self.send_address_proof(&user)?;
                }
                Ok(if outright { Registered::Made(user) } else { Registered::Noted })
            }
            Err(NotMade::Taken { .. }) if !outright => {
                if let Some(email) = email {
                    self.send(Mail {
                        to: email,
                        subject: "Somebody registered with your address".to_owned(),
                        text: "Somebody tried to register an account with this address. If it \
                               was you: you may have one already, or the username was taken. Try \
                               to sign in, or register with another username."
                            .to_owned(),
                    });
                }
                Ok(Registered::Noted)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Makes an account with these roles.
    pub(super) async fn make_account(
        &self,
        account: NewAccount,
        active: bool,
        roles: &[Role],
    ) -> Result<User, NotMade> {
        let mut faults = Vec::new();
        let mut fault = |pointer: &str, detail: Option<&str>| {
            faults.extend(detail.map(|detail| BodyFault {
                pointer: pointer.to_owned(),
                detail: detail.to_owned(),
            }));
        };
        fault("/username", username_fault(&account.username));
        let wrong = self.0.passwords.fault(account.password.expose(), &account.username);
        fault("/password", wrong.as_deref());
        if !faults.is_empty() {
            return Err(Problem::new(ProblemKind::Invalid).faults(faults).into());
        }
        // Hashed before it is known whether the name is free: the time must not tell.
        let hash = self.0.passwords.hash(account.password).await.map_err(Problem::from)?;
        let now = self.now();
        let user = User {
            id: UserId(self.0.sources.uuid().map_err(Problem::internal)?),
            username: account.username,
            name: account.name,
            email: account.email,
            email_verified: false,
            active,
            created_at: now,
            updated_at: now,
        };
        let new = NewUser {
            user: user.clone(),
            password_hash: Some(hash),
            roles: roles.iter().cloned().collect(),
        };
        match self.store().insert_user(new).await {
            Ok(()) => Ok(user),
            Err(StoreError::Conflict { field }) => Err(NotMade::Taken { field }),
            Err(error) => Err(Problem::from(error).into()),
        }
    }

    /// Changes somebody's own account. `keep` is the session that asks, which is not ended.
    ///
    /// A new e-mail address is the account's once it was shown to be theirs, by the letter that
    /// goes there: until then the account has the old one, and whoever asks learns nothing of
    /// whose it may be. Where [`Settings::open_registration_answers`] is set, it counts at once.
    ///
    /// [`Settings::open_registration_answers`]: super::Settings::open_registration_answers
    ///
    /// # Errors
    /// A 422 that points at each fault, also where no letter could be sent; 429; 503. A 409 where
    /// the address is taken and the answer may say so.
    pub async fn change_account(
        &self,
        actor: &Actor,
        user: &User,
        change: AccountChange,
        keep: Option<SessionId>,
    ) -> Result<User, Problem> {
        if change.password.is_some() || change.email.is_some() {
            self.confirm(actor, user, change.current_password).await?;
        }
        let password_hash = match change.password {
            None => None,
            Some(password) => Some(self.new_password_hash(&user.username, password).await?),
        };
        let (email, wanted) = match change.email {
            Some(Some(email)) if !self.is_theirs(user, &email) => (None, Some(email)),
            email => (email, None),
        };
        if let Some(email) = wanted {
            self.propose_address(actor, user, email)?;
        }
        let row = UserChange { name: change.name, email, password_hash, ..UserChange::default() };
        self.update_user(actor, user.id, row, keep).await
    }

    /// Hashes a new password after checking that it is a good one.
    pub(super) async fn new_password_hash(
        &self,
        username: &str,
        password: Secret<String>,
    ) -> Result<String, Problem> {
        if let Some(fault) = self.0.passwords.fault(password.expose(), username) {
            return Err(Problem::new(ProblemKind::Invalid).faults(vec![BodyFault {
                pointer: "/password".to_owned(),
                detail: fault.into_owned(),
            }]));
        }
        Ok(self.0.passwords.hash(password).await?)
    }

    /// Deletes somebody's own account, with everything of theirs.
    ///
    /// # Errors
    /// A 422 where the current password is wrong; 409 for the last administrator; 429; 503.
    pub async fn leave(
        &self,
        actor: &Actor,
        user: &User,
        current_password: Option<Secret<String>>,
    ) -> Result<(), Problem> {
        self.confirm(actor, user, current_password).await?;
        self.delete_user(actor, user.id).await
    }

    /// Sends a letter to somebody who forgot their password. Neither the answer nor its time tells
    /// whether there was somebody.
    ///
    /// # Errors
    /// A 429.
    pub fn request_password_proof(&self, actor: &Actor, email: String) -> Result<(), Problem> {
        self.0.throttle.ask(actor.address, self.now())?;
        let rules = self.clone();
        behind(async move {
            let user = rules.by_address(&email).await?.filter(|user| user.active);
            let Some((user, kept)) = user.and_then(|user| user.email.clone().map(|to| (user, to)))
            else {
                return Ok(());
            };
            let hash = rules.store().password_hash(user.id).await?;
            let version = StoredAccess::password_version(hash.as_deref());
            let proof = rules.prove(Purpose::Password, user.id, version)?;
            rules.send(Mail {
                // What was typed may fold to the address that is kept and be read by somebody else.
                to: kept,
                subject: "Set a new password".to_owned(),
                text: format!(
                    "Somebody, perhaps you, asked to set a new password for {}. If it was you, \
                     use this proof within 15 minutes, at POST /auth/reset-password:\n\n{}\n\n\
                     If it was not you, nothing has changed.",
                    user.username,
                    proof.expose()
                ),
            });
            Ok(())
        });
        Ok(())
    }

    /// Sets a new password by a proof, and ends every session.
    ///
    /// # Errors
    /// A 422 where the proof is not valid, or no longer, or the password is no good; 503.
    pub async fn reset_password(
        &self,
        actor: &Actor,
        proof: &str,
        password: Secret<String>,
    ) -> Result<(), Problem> {
        let ActionToken { purpose: Purpose::Password, user: id, hangs_on, .. } =
            self.proven(proof)?
        else {
            return Err(void());
        };
        let hash = self.store().password_hash(id).await?;
        let user = self.store().user(id).await?.filter(|user| {
            user.active && StoredAccess::password_version(hash.as_deref()) == hangs_on
        });
        let user = user.ok_or_else(void)?;
        let change = UserChange {
            password_hash: Some(self.new_password_hash(&user.username, password).await?),
            // Whoever has the letter reads the address.
            email_verified: Some(true),
            ..UserChange::default()
        };
        self.update_user(actor, user.id, change, None).await.map(drop)
    }

    /// Changes a user's row in one step, with all that follows from it.
    pub(super) async fn update_user(
        &self,
        actor: &Actor,
        id: UserId,
        change: UserChange,
        keep: Option<SessionId>,
    ) -> Result<User, Problem> {
        let (actor, rules, fields) = (actor.clone(), self.clone(), fields(&change));
        let refused = match change.active {
            Some(false) => Action::UserDisabled,
            _ => Action::UserChanged,
        };
        let whom = self.party(&Subject::User(id)).await?;
        let change = async move {
            let required_role = rules.0.settings.administrator.as_ref();
            let before = rules.store().user(id).await?;
            let ends_keys = change.ends_sessions();
            let (user, ended) =
                rules.store().update_user(id, change, keep, required_role, rules.now()).await?;
            rules.note_ended(&ended);
            if ends_keys {
                rules.forget_api_keys();
            }
            Ok((user, before))
        };
        let events = move |result: &Result<(User, Option<User>), Problem>| match result {
            Ok((user, before)) => changed(&actor, user, before.as_ref(), &fields),
            Err(problem) if problem.kind() == ProblemKind::Conflict => {
                vec![Event::new(&actor, refused).names("fields", fields).on(whom).failed()]
            }
            Err(_) => Vec::new(),
        };
        let done = self.change_and(|mark| mark.of(Subject::User(id)), change, events).await;
        done.map(|(user, _)| user)
    }

    /// Deletes a user with everything of theirs.
    ///
    /// # Errors
    /// 404; 409 for the last administrator; 503.
    pub async fn delete_user(&self, actor: &Actor, id: UserId) -> Result<(), Problem> {
        let subject = Subject::User(id);
        let event = Event::new(actor, Action::UserDeleted).on(self.party(&subject).await?);
        let rules = self.clone();
        self.noted(event, |mark| mark.of(subject), async move {
            let required_role = rules.0.settings.administrator.as_ref();
            let ended = rules.store().delete_user(id, required_role, rules.now()).await?;
            rules.note_ended(&ended);
            rules.forget_api_keys();
            Ok(())
        })
        .await
    }
}

/// Which fields a change is about.
fn fields(change: &UserChange) -> Vec<&'static str> {
    [
        ("username", change.username.is_some()),
        ("name", change.name.is_some()),
        ("email", change.email.is_some()),
        ("email_verified", change.email_verified.is_some()),
        ("active", change.active.is_some()),
        ("password", change.password_hash.is_some()),
    ]
    .into_iter()
    .filter_map(|(field, is_changed)| is_changed.then_some(field))
    .collect()
}

/// What a change is noted as: each of its parts that somebody may look for by name.
fn changed(
    actor: &Actor,
    user: &User,
    before: Option<&User>,
    fields: &[&'static str],
) -> Vec<Event> {
    let event = |action| Event::new(actor, action).on(AuditTarget::user(user));
    let mut events = Vec::new();
    if before.is_some_and(|before| before.active != user.active) {
        let action = if user.active { Action::UserEnabled } else { Action::UserDisabled };
        events.push(event(action));
    }
    if fields.contains(&"password") {
        let own = actor.is_user(user.id);
        let action = if own { Action::PasswordChanged } else { Action::PasswordReset };
        events.push(event(action));
    }
    let others = fields.iter().filter(|field| !matches!(**field, "password" | "active"));
    let others: Vec<_> = others.collect();
    if !others.is_empty() {
        let mut change = event(Action::UserChanged).names("fields", others);
        if let Some(before) = before.filter(|before| before.username != user.username) {
            change = change.detail("was", &before.username);
        }
        events.push(change);
    }
    events
}

/// Why an account was not made.
#[derive(Debug)]
pub(super) enum NotMade {
    Taken { field: &'static str },
    Other(Problem),
}

impl From<Problem> for NotMade {
    fn from(problem: Problem) -> Self {
        Self::Other(problem)
    }
}

impl From<NotMade> for Problem {
    fn from(error: NotMade) -> Self {
        match error {
            NotMade::Taken { field } => StoreError::Conflict { field }.into(),
            NotMade::Other(problem) => problem,
        }
    }
}
