//! Is this the password? The same work and the same answer for a wrong one, an unknown user and
//! an inactive one.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;

use super::sql::{self, Credentials};
use super::{User, normalize_login};
use crate::auth::audit::{Action, AuditTarget, Event};
use crate::auth::cache::SubjectAccess;
use crate::auth::db::Digest;
use crate::auth::sessions::SignedIn;
use crate::auth::throttle::Place;
use crate::auth::{Actor, Auth};
use crate::crypto::{PasswordError, Secret};
use crate::problem::{Problem, ProblemKind};
use crate::types::{Principal, Subject, Timestamp, UserId};

/// How long a password that was verified for HTTP Basic need not be hashed again.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);

/// A password that was verified a moment ago, and which state of the account it was verified for.
#[derive(Clone, Debug)]
pub(super) struct VerifiedPassword {
    user: UserId,
    /// What was typed, normalized: another account may have the name by now.
    login: Arc<str>,
    epoch: u64,
    authenticated_at: Timestamp,
    verified_at: Duration,
}

/// Why somebody could not sign in.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginRefused {
    /// Wrong password, unknown user, inactive user: nobody is told which.
    Wrong,
    /// Too many attempts, the database away, too many passwords waiting, a fault of ours.
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
        let account = sql::credentials_by_login(&self.0.db, login).await?;
        let place = self.place_of(actor, account.as_ref()).await?;
        self.judge_password(actor, login, account, password, place).await
    }

    /// Whether the account signed in from this address before.
    async fn place_of(
        &self,
        actor: &Actor,
        account: Option<&Credentials>,
    ) -> Result<Place, Problem> {
        let (Some(account), Some(address)) = (account, actor.address) else {
            return Ok(Place::Stranger);
        };
        let known = sql::signed_in_from(&self.0.db, account.user.id, &address.to_string()).await?;
        Ok(if known { Place::Known } else { Place::Stranger })
    }

    async fn judge_password(
        &self,
        actor: &Actor,
        login: &str,
        account: Option<Credentials>,
        password: Secret<String>,
        place: Place,
    ) -> Result<SignedIn, LoginRefused> {
        let sources = &self.0.sources;
        let bucket = bucket_of(login, account.as_ref());
        let guess = self.0.throttle.guess(&bucket, actor.address, place, sources).await;
        let guess = guess.map_err(|many| {
            self.note(Event::new(actor, Action::LoginFailed).failed().detail("why", "throttled"));
            Problem::from(many)
        })?;
        let failed = |user: Option<&User>, why| {
            // What was typed as a name may be a password: only the name of an account is kept.
            let event = Event::new(actor, Action::LoginFailed).failed().detail("why", why);
            self.note(match user {
                Some(user) => event.on(AuditTarget::user(user.id, &user.username)),
                None => event,
            });
            LoginRefused::Wrong
        };
        let Some(Credentials { user, password_hash: Some(hash), epoch }) = account else {
            let _ = self.0.accounts.passwords.verify_nobody(password).await?;
            guess.failed(sources);
            let user = account.map(|account| account.user);
            let why = if user.is_some() { "no password" } else { "unknown user" };
            return Err(failed(user.as_ref(), why));
        };
        let again = Secret::new(password.expose().clone());
        let verdict = match self.0.accounts.passwords.verify(password, &hash).await {
            Ok(verdict) => verdict,
            // A hash that cannot be read lets nobody in; the log says whose.
            Err(error @ (PasswordError::UnreadableHash | PasswordError::AbsurdHash)) => {
                tracing::error!(user = %user.id, %error, "a stored password hash is of no use");
                let _ = self.0.accounts.passwords.verify_nobody(again).await?;
                guess.failed(sources);
                return Err(failed(Some(&user), "unreadable hash"));
            }
            Err(error) => return Err(error.into()),
        };
        if !verdict.matches || !user.active {
            guess.failed(sources);
            let why = if verdict.matches { "inactive" } else { "wrong password" };
            return Err(failed(Some(&user), why));
        }
        drop(guess);
        if verdict.rehash_needed {
            self.upgrade_hash(user.id, hash, again).await;
        }
        // The account may have changed while the password was being hashed: what was right then
        // must not count as the new password. A user with the right password signs in again.
        let subject = Subject::User(user.id);
        let known = self.0.cache.of(&self.0.db, &subject, false).await?;
        match known {
            Some(known) if known.active && known.epoch == epoch => Ok(SignedIn {
                user: user.id,
                username: user.username,
                known,
                authenticated_at: self.now(),
            }),
            Some(known) if known.active => {
                Err(Problem::new(ProblemKind::Unavailable).retry_after(1).into())
            }
            _ => Err(failed(Some(&user), "inactive")),
        }
    }

    /// Puts a stronger hash in the place of an old one. The sign-in does not hang on it.
    async fn upgrade_hash(&self, id: UserId, old: String, password: Secret<String>) {
        let upgraded = async {
            let stronger = self.0.accounts.passwords.hash(password).await?;
            self.write(&Actor::system(), move |write| {
                Box::pin(async move {
                    Ok(sql::upgrade_password_hash(write.db(), id, &old, &stronger).await?)
                })
            })
            .await
        };
        if let Err(problem) = upgraded.await {
            tracing::debug!(user = %id, %problem, "a password hash could not be upgraded");
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
        let key = self.verified_key(login, &password);
        let sources = &self.0.sources;
        if let Some(verified) = self.0.accounts.verified.get(&key)
            && sources.monotonic().saturating_sub(verified.verified_at) < REMEMBERED
            // Where guesses were too many, what is right must not be told from what is wrong.
            && !self.0.throttle.is_full(
                &verified.user.to_string(),
                actor.address,
                Place::Known,
                sources,
            )
        {
            let subject = Subject::User(verified.user);
            let settled = self.settled().await?;
            if let Some(known) = self.0.cache.of(&self.0.db, &subject, settled).await?
                && known.epoch == verified.epoch
                && known.logins.iter().flatten().any(|login| **login == *verified.login)
            {
                return if known.active {
                    Ok(principal(verified.user, &known, verified.authenticated_at))
                } else {
                    Err(LoginRefused::Wrong)
                };
            }
        }
        let signed = self.sign_in(actor, login, password).await?;
        self.0.accounts.verified.insert(
            key,
            VerifiedPassword {
                user: signed.user,
                login: normalize_login(login).into(),
                epoch: signed.known.epoch,
                authenticated_at: signed.authenticated_at,
                verified_at: sources.monotonic(),
            },
        );
        Ok(principal(signed.user, &signed.known, signed.authenticated_at))
    }

    /// The same where memory knows it at once: the password was right at most five minutes ago, and the
    /// account is as it was then. Whatever else there is to say is said by the other.
    pub(in crate::auth) fn basic_now(
        &self,
        address: Option<IpAddr>,
        login: &str,
        password: &Secret<String>,
    ) -> Option<Principal> {
        if !self.is_settled_now() {
            return None;
        }
        let (sources, key) = (&self.0.sources, self.verified_key(login, password));
        let verified = self.0.accounts.verified.get(&key)?;
        let fresh = sources.monotonic().saturating_sub(verified.verified_at) < REMEMBERED;
        let user = verified.user.to_string();
        // Where guesses were too many, what is right must not be told from what is wrong.
        if !fresh || self.0.throttle.is_full(&user, address, Place::Known, sources) {
            return None;
        }
        let known = self.0.cache.active_in_memory(&Subject::User(verified.user))?;
        let same = known.epoch == verified.epoch
            && known.logins.iter().flatten().any(|login| **login == *verified.login);
        same.then(|| principal(verified.user, &known, verified.authenticated_at))
    }

    fn verified_key(&self, login: &str, password: &Secret<String>) -> Digest {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0.accounts.verified_key);
        let mut context = hmac::Context::with_key(&key);
        context.update(login.as_bytes());
        // A username has no colon, so two pairs never run together alike.
        context.update(b":");
        context.update(password.expose().as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    /// Whether this is the user's password: for changes that ask for it again. Returns the security
    /// epoch that it was right for.
    ///
    /// # Errors
    /// A 422 that points at `current_password`; 429, 503.
    pub(super) async fn confirm(
        &self,
        actor: &Actor,
        id: UserId,
        password: Option<Secret<String>>,
    ) -> Result<u64, Problem> {
        let Some(password) = password else {
            return Err(Problem::invalid(
                "/current_password",
                "The current password is needed for this.",
            ));
        };
        let account = sql::credentials(&self.0.db, id).await?;
        let login = account.as_ref().map_or_else(String::new, |one| one.user.username.clone());
        match self.judge_password(actor, &login, account, password, Place::SignedIn).await {
            Ok(signed) => Ok(signed.known.epoch),
            Err(LoginRefused::Wrong) => Err(not_current()),
            Err(LoginRefused::Other(problem)) => Err(problem),
        }
    }
}

pub(super) fn not_current() -> Problem {
    Problem::invalid("/current_password", "This is not the current password.")
}

/// One bucket an account, whichever of its names is typed.
fn bucket_of(login: &str, account: Option<&Credentials>) -> String {
    account.map_or_else(|| normalize_login(login), |account| account.user.id.to_string())
}

fn principal(user: UserId, known: &SubjectAccess, authenticated_at: Timestamp) -> Principal {
    let mut principal = Principal::new(Subject::User(user), Arc::clone(&known.name));
    principal.access = Arc::clone(&known.access);
    principal.authenticated_at = Some(authenticated_at);
    principal.credential_version = Some(known.epoch);
    principal
}
