//! E-mail addresses: whose they are is shown by a letter that goes there.

use super::proof::{ActionToken, Purpose, void};
use super::{Auth, Mail};
use crate::problem::{BodyFault, Problem, ProblemKind};
use crate::store::{StoredAccess, UserChange, fold};
use crate::types::{Actor, User};

impl Auth {
    /// Whether an address may be somebody's without a letter: it differs from theirs in the case of
    /// ASCII letters at the most, or answers may say outright whether it is taken.
    pub(super) fn is_theirs(&self, user: &User, email: &str) -> bool {
        let same = user.email.as_deref().is_some_and(|kept| kept.eq_ignore_ascii_case(email));
        same || self.0.settings.open_registration_answers
    }

    /// Sends a letter to an address that somebody says is theirs. Neither the answer nor its time
    /// tells whether it is somebody else's.
    pub(super) fn propose_address(
        &self,
        actor: &Actor,
        user: &User,
        email: String,
    ) -> Result<(), Problem> {
        if self.0.post.is_none() {
            return Err(Problem::new(ProblemKind::Invalid).faults(vec![BodyFault {
                pointer: "/email".to_owned(),
                detail: "No letters are sent here, so nobody can show that an address is theirs. \
                         An administrator can set it."
                    .to_owned(),
            }]));
        }
        self.0.throttle.ask(actor.address, self.now())?;
        let (rules, user) = (self.clone(), user.clone());
        behind(async move {
            let letter = if rules.store().user_by_login(&email).await?.is_some() {
                Mail {
                    to: email,
                    subject: "Somebody wants to use your address".to_owned(),
                    text: format!(
                        "{} asked to use this address for their account, but another account has \
                         it. Nothing has changed, and nothing needs doing.",
                        user.username
                    ),
                }
            } else {
                let purpose = Purpose::NewAddress(email.clone());
                let proof = rules.prove(purpose, user.id, address_version(&user))?;
                question(&user, email, proof.expose())
            };
            rules.send(letter);
            Ok(())
        });
        Ok(())
    }

    /// Sends a letter to somebody who wants to show that an address is theirs. Neither the answer
    /// nor its time tells whether there was somebody.
    ///
    /// # Errors
    /// A 429.
    pub fn request_address_proof(&self, actor: &Actor, email: String) -> Result<(), Problem> {
        self.0.throttle.ask(actor.address, self.now())?;
        let rules = self.clone();
        behind(async move {
            match rules.by_address(&email).await? {
                Some(user) if user.active && !user.email_verified => {
                    rules.send_address_proof(&user)
                }
                _ => Ok(()),
            }
        });
        Ok(())
    }

    /// Accepts the proof that an address is theirs, and makes it the account's where it was not.
    ///
    /// # Errors
    /// A 422 where the proof is not valid, or no longer; 409 where somebody else has the address
    /// by now; 503.
    pub async fn verify_address(&self, actor: &Actor, proof: &str) -> Result<User, Problem> {
        let ActionToken { purpose, user: id, hangs_on, .. } = self.proven(proof)?;
        let user = self.store().user(id).await?;
        let user = user.filter(|user| user.active && address_version(user) == hangs_on);
        let user = user.ok_or_else(void)?;
        let email = match purpose {
            Purpose::Address if !user.email_verified => None,
            Purpose::NewAddress(email) => Some(Some(email)),
            Purpose::Address | Purpose::Password => return Err(void()),
        };
        let is_new = email.is_some();
        let change = UserChange { email, email_verified: Some(true), ..UserChange::default() };
        let changed = self.update_user(actor, user.id, change, None).await?;
        if let Some(old) = user.email.filter(|_| is_new) {
            self.send(Mail {
                to: old,
                subject: "Your account has another address".to_owned(),
                text: format!(
                    "Letters to {} go to another address from now on. If that was not you, ask an \
                     administrator.",
                    changed.username
                ),
            });
        }
        Ok(changed)
    }

    pub(super) fn send_address_proof(&self, user: &User) -> Result<(), Problem> {
        let Some(email) = &user.email else { return Ok(()) };
        let proof = self.prove(Purpose::Address, user.id, address_version(user))?;
        self.send(question(user, email.clone(), proof.expose()));
        Ok(())
    }

    pub(super) async fn by_address(&self, email: &str) -> Result<Option<User>, Problem> {
        let user = self.store().user_by_login(email).await?;
        // A username may look like an address: a letter goes to the address that is kept.
        Ok(user.filter(|user| user.email.as_deref().is_some_and(|kept| fold(kept) == fold(email))))
    }
}

/// Does something behind an answer that must not wait for it: its time would tell.
pub(super) fn behind(change: impl Future<Output = Result<(), Problem>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(problem) = change.await {
            tracing::warn!(%problem, "a letter could not be written");
        }
    });
}

fn question(user: &User, to: String, proof: &str) -> Mail {
    Mail {
        to,
        subject: "Is this address yours?".to_owned(),
        text: format!(
            "{} says that this address is theirs. If it is, use this proof within a day, at \
             POST /auth/verify:\n\n{proof}\n\nIf not, nothing needs doing.",
            user.username
        ),
    }
}

/// Changes when the address does.
fn address_version(user: &User) -> u64 {
    StoredAccess::password_version(user.email.as_deref())
}
