//! Is this the password? The same work and the same answer for a wrong one, an unknown user and
//! an inactive one.

use std::sync::Arc;

use aws_lc_rs::hmac;

use super::standing::SubjectAccess;
use super::{Action, Auth, Event};
use crate::crypto::{PasswordError, Secret};
use crate::problem::{Problem, ProblemKind};
use crate::store::{Digest, StoredAccess};
use crate::types::{Access, Actor, AuditTarget, Principal, Subject, Timestamp, User, UserId};

/// How long a password that was verified for HTTP Basic need not be hashed again, in seconds.
const REMEMBERED: i64 = 300;

/// Somebody whose password was right just now.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// What they hold, for narrowing scopes.
    pub(super) known: Arc<SubjectAccess>,
    /// When they proved it.
    pub since: Timestamp,
}

impl SignedIn {
    /// What they hold as of now.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.known.access
    }
}

/// A password that was verified a moment ago, and which state of the account it was verified for.
#[derive(Clone, Debug)]
pub(super) struct Passed {
    user: UserId,
    password_version: u64,
    since: Timestamp,
}

/// Why somebody could not sign in.
#[derive(Debug)]
pub enum LoginRefused {
    /// Wrong password, unknown user, inactive user: nobody is told which.
    Wrong,
    /// Too many attempts, the store away, too many passwords waiting, a fault of ours.
    Other(Problem),
}

impl<E: Into<Problem>> From<E> for LoginRefused {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

impl Auth {
    /// Checks a username (or e-mail address) and password.
    ///
    /// # Errors
    /// [`LoginRefused`].
    pub async fn sign_in(
        &self,
        actor: &Actor,
        login: &str,
        password: Secret<String>,
    ) -> Result<SignedIn, LoginRefused> {
        let failed = |user: Option<&User>, why| {
            // What was typed as a name may be a password: only the name of an account is kept.
            let event = Event::new(actor, Action::LoginFailed).failed().detail("why", why);
            self.note(match user {
                Some(user) => event.on(AuditTarget::user(user)),
                None => event,
            });
            LoginRefused::Wrong
        };
        let attempt = self.0.throttle.take(login, actor.address, self.now()).map_err(|many| {
            self.note(Event::new(actor, Action::LoginFailed).failed().detail("why", "throttled"));
            Problem::from(many)
        })?;
        let user = self.store().user_by_login(login).await?;
        let hash = match &user {
            Some(user) => self.store().password_hash(user.id).await?,
            None => None,
        };
        let (Some(user), Some(hash)) = (&user, hash) else {
            let _ = self.0.passwords.verify_nobody(password).await?;
            let why = if user.is_some() { "no password" } else { "unknown user" };
            return Err(failed(user.as_ref(), why));
        };
        let user = user.clone();
        let again = Secret::new(password.expose().clone());
        let verdict = match self.0.passwords.verify(password, &hash).await {
            Ok(verdict) => verdict,
            // A hash that cannot be read lets nobody in; the log says whose.
            Err(error @ (PasswordError::UnreadableHash | PasswordError::AbsurdHash)) => {
                tracing::error!(user = %user.id, %error, "a stored password hash is of no use");
                let _ = self.0.passwords.verify_nobody(again).await?;
                return Err(failed(Some(&user), "unreadable hash"));
            }
            Err(error) => return Err(error.into()),
        };
        if !verdict.matches || !user.active {
            let why = if verdict.matches { "inactive" } else { "wrong password" };
            return Err(failed(Some(&user), why));
        }
        self.0.throttle.give_back(&attempt);
        let subject = Subject::User(user.id);
        let mut version = StoredAccess::password_version(Some(&hash));
        if verdict.rehash_needed {
            let stronger = self.0.passwords.hash(again).await?;
            version = StoredAccess::password_version(Some(&stronger));
            let (rules, of, id) = (self.clone(), subject.clone(), user.id);
            self.change(|mark| mark.of(of), async move {
                Ok(rules.store().upgrade_password_hash(id, &hash, &stronger).await?)
            })
            .await?;
        }
        // The account may have changed while the password was being hashed: what was right then
        // must not count as the new password. Whoever is right tries again.
        let known = self.0.access_cache.of(self.store(), &subject).await?;
        match known {
            Some(known) if known.active && known.password_version == version => {
                Ok(SignedIn { user, known, since: self.now() })
            }
            Some(known) if known.active => {
                Err(Problem::new(ProblemKind::Unavailable).retry_after(1).into())
            }
            _ => Err(failed(Some(&user), "inactive")),
        }
    }

    /// Checks a username and password that come with every request. One that was right is not
    /// hashed again for five minutes, unless the password or the account changes.
    ///
    /// # Errors
    /// [`LoginRefused`].
    pub async fn basic(
        &self,
        actor: &Actor,
        login: &str,
        password: Secret<String>,
    ) -> Result<Principal, LoginRefused> {
        let key = self.passed_key(login, &password);
        let now = self.now();
        // Where guesses were too many, what is right must not be told from what is wrong.
        if let Some(passed) = self.0.passed.get(&key)
            && !self.0.throttle.is_full(login, actor.address, now)
            && now.duration_since(passed.since).as_secs() < REMEMBERED
        {
            let subject = Subject::User(passed.user);
            if let Some(known) = self.0.access_cache.of(self.store(), &subject).await?
                && known.password_version == passed.password_version
            {
                return if known.active {
                    Ok(principal(passed.user, &known, passed.since))
                } else {
                    Err(LoginRefused::Wrong)
                };
            }
        }
        let SignedIn { user, known, since } = self.sign_in(actor, login, password).await?;
        let passed = Passed { user: user.id, password_version: known.password_version, since };
        self.0.passed.insert(key, passed);
        Ok(principal(user.id, &known, since))
    }

    fn passed_key(&self, login: &str, password: &Secret<String>) -> Digest {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0.passed_key);
        let mut context = hmac::Context::with_key(&key);
        context.update(login.as_bytes());
        // A username has no colon, so two pairs never run together alike.
        context.update(b":");
        context.update(password.expose().as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    /// Whether this is the user's password: for deeds that ask for it again.
    ///
    /// # Errors
    /// A 422 that points at `current_password`; 429, 503.
    pub async fn confirm(
        &self,
        actor: &Actor,
        user: &User,
        password: Option<Secret<String>>,
    ) -> Result<(), Problem> {
        let fault = |detail: &str| {
            Problem::new(ProblemKind::Invalid).faults(vec![crate::problem::BodyFault {
                pointer: "/current_password".to_owned(),
                detail: detail.to_owned(),
            }])
        };
        let Some(password) = password else {
            return Err(fault("The current password is needed for this."));
        };
        match self.sign_in(actor, &user.username, password).await {
            Ok(signed) if signed.user.id == user.id => Ok(()),
            Ok(_) | Err(LoginRefused::Wrong) => Err(fault("This is not the current password.")),
            Err(LoginRefused::Other(problem)) => Err(problem),
        }
    }
}

fn principal(user: UserId, known: &SubjectAccess, since: Timestamp) -> Principal {
    let mut principal = Principal::new(Subject::User(user), Arc::clone(&known.name));
    principal.access = Arc::clone(&known.access);
    principal.since = Some(since);
    principal
}
