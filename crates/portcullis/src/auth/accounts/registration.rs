//! Registration: visitors make their own accounts. Whether a name or an address is free is told to
//! nobody, unless the settings say so.

use std::collections::BTreeSet;

use super::action_token::Purpose;
use super::names::is_reserved;
use super::sql;
use super::{NewAccount, Registered, User, normalize_login, username_fault};
use crate::auth::audit::{Action, AuditTarget};
use crate::auth::mail::Mail;
use crate::auth::throttle::EmailKind;
use crate::auth::write::Write;
use crate::auth::{Actor, Auth, Registration, access, invitations};
use crate::crypto::Secret;
use crate::problem::{BodyFault, Problem, ProblemKind};
use crate::types::{Role, UserId};

/// An account that was checked, its password hashed.
pub(super) struct CheckedAccount {
    pub(super) user: User,
    pub(super) password_hash: String,
}

impl Auth {
    /// Registers somebody, as [`Settings::registration`] has it. With [`Registration::Verified`] the
    /// answer and its time are the same whether or not the name or the address was free, and the
    /// account has no address before the action token of the e-mail was shown.
    ///
    /// [`Settings::registration`]: crate::auth::Settings::registration
    ///
    /// # Errors
    /// 403 where nobody may register, or nobody without an invitation; a 422 that points at each
    /// fault; 409 where the answer may say that it is taken; 429; 503.
    pub async fn register(
        &self,
        actor: &Actor,
        account: NewAccount,
    ) -> Result<Registered, Problem> {
        let open = match self.0.settings.registration {
            Registration::Open => true,
            Registration::Verified => false,
            Registration::Invite => return Err(closed("Registration needs an invitation.")),
            Registration::Closed => return Err(closed(CLOSED)),
        };
        self.0.throttle.ask(actor.address, &self.0.sources)?;
        let mut checked = self.check_account(actor, account, true).await?;
        let roles = self.0.settings.registration_roles.clone();
        // It becomes the account's once it was shown to be theirs.
        let email = if open { None } else { checked.user.email.take() };
        let made = self
            .write(actor, move |write| {
                Box::pin(async move {
                    let user = insert(write, checked, &roles).await?;
                    let event = write.event(Action::UserCreated);
                    write.note(event.on(AuditTarget::user(user.id, &user.username)));
                    Ok(user)
                })
            })
            .await;
        if open {
            return made.map(Registered::Made);
        }
        match (made, email) {
            (Ok(user), Some(email)) => self.propose_address_later(user.id, user.username, email, 0),
            (Ok(_), None) => {}
            (Err(problem), email) if problem.kind() == ProblemKind::Conflict => {
                if let Some(email) = email {
                    self.send(EmailKind::Notice, name_taken(email));
                }
            }
            (Err(problem), _) => return Err(problem),
        }
        Ok(Registered::Noted)
    }

    /// Registers somebody who brings the token of an invitation. The account has the roles that it
    /// names, and its address as verified: the token was sent there alone.
    ///
    /// # Errors
    /// 403 where nobody may register; a 422 that points at each fault, also where the invitation is void
    /// or for another address; 409 where the name or the address is taken; 429; 503.
    pub async fn register_invited(
        &self,
        actor: &Actor,
        account: NewAccount,
        token: String,
    ) -> Result<Registered, Problem> {
        if self.0.settings.registration == Registration::Closed {
            return Err(closed(CLOSED));
        }
        self.0.throttle.ask(actor.address, &self.0.sources)?;
        // Nobody has a password hashed for a token that was made up.
        let invitation = invitations::find(self, &token).await?;
        let asked = account.email.as_deref();
        let elsewhere =
            asked.is_some_and(|asked| invitation.email.as_deref().is_none_or(|to| to != asked));
        if elsewhere {
            return Err(Problem::invalid("/email", "It is not the address that was invited."));
        }
        let mut checked = self.check_account(actor, account, true).await?;
        let usual = self.0.settings.registration_roles.clone();
        self.write(actor, move |write| {
            Box::pin(async move {
                let invitation = invitations::redeem(write, &token).await?;
                checked.user.email_verified = invitation.email.is_some();
                checked.user.email = invitation.email;
                let roles: BTreeSet<Role> = usual.into_iter().chain(invitation.roles).collect();
                let roles = Vec::from_iter(roles);
                let user = insert(write, checked, &roles).await?;
                let event = write.event(Action::UserCreated).names("roles", &roles);
                let event = event.detail("invitation", &invitation.id.to_string());
                write.note(event.on(AuditTarget::user(user.id, &user.username)));
                Ok(Registered::Made(user))
            })
        })
        .await
    }

    /// Checks a new account and hashes its password, before it is known whether the name is free: the
    /// time must not tell.
    pub(super) async fn check_account(
        &self,
        actor: &Actor,
        account: NewAccount,
        active: bool,
    ) -> Result<CheckedAccount, Problem> {
        let mut faults = Vec::new();
        let mut fault = |pointer: &str, detail: Option<&str>| {
            faults.extend(detail.map(|detail| BodyFault {
                pointer: pointer.to_owned(),
                detail: detail.to_owned(),
            }));
        };
        fault("/username", self.name_fault(actor, &account.username));
        let passwords = &self.0.accounts.passwords;
        let wrong = passwords.fault(account.password.expose(), &account.username);
        fault("/password", wrong.as_deref());
        if !faults.is_empty() {
            return Err(Problem::new(ProblemKind::Invalid).faults(faults));
        }
        let password_hash = passwords.hash(account.password).await.map_err(Problem::from)?;
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
        Ok(CheckedAccount { user, password_hash })
    }

    /// Says what is wrong with a username that this actor chooses. A reserved one is left to the process
    /// and its command line.
    pub(super) fn name_fault(&self, actor: &Actor, username: &str) -> Option<&'static str> {
        let reserved = &self.0.settings.reserved_names;
        username_fault(username).or_else(|| {
            (actor.principal().is_some() && is_reserved(username, reserved))
                .then_some("is reserved: an administrator can make it at the command line")
        })
    }

    /// Writes what the names of older accounts look like.
    pub(in crate::auth) async fn write_skeletons(&self) -> Result<(), Problem> {
        let mut after = String::new();
        loop {
            let from = after.clone();
            let last = self
                .write(&Actor::system(), move |write| {
                    Box::pin(async move { Ok(sql::write_skeletons(write.db(), &from, 500).await?) })
                })
                .await?;
            match last {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }

    /// Hashes a new password after checking that it is a good one.
    pub(super) async fn new_password_hash(
        &self,
        username: &str,
        password: Secret<String>,
    ) -> Result<String, Problem> {
        let passwords = &self.0.accounts.passwords;
        if let Some(fault) = passwords.fault(password.expose(), username) {
            return Err(Problem::invalid("/password", fault));
        }
        Ok(passwords.hash(password).await?)
    }

    /// Sends an action token to an address that an account wants, or a notice where another account
    /// has it: behind the answer, whose time must not tell.
    pub(super) fn propose_address_later(
        &self,
        id: UserId,
        username: String,
        email: String,
        epoch: u64,
    ) {
        let auth = self.clone();
        tokio::spawn(async move {
            let proposed = async {
                let taken = sql::credentials_by_login(&auth.0.db, &email).await?;
                if taken.is_some_and(|other| other.user.id != id || is_name(&other.user, &email)) {
                    auth.send(EmailKind::Notice, address_taken(email));
                    return Ok(());
                }
                let purpose = Purpose::NewAddress(email.clone());
                let token = auth.issue_action_token(purpose, id, epoch)?;
                auth.send(EmailKind::Verification, question(&username, email, token.expose()));
                Ok::<_, Problem>(())
            };
            if let Err(problem) = proposed.await {
                tracing::warn!(%problem, "an e-mail could not be written");
            }
        });
    }
}

const CLOSED: &str = "Registration is closed: an administrator makes accounts.";

fn closed(detail: &'static str) -> Problem {
    Problem::new(ProblemKind::Forbidden).detail(detail)
}

fn is_name(user: &User, email: &str) -> bool {
    normalize_login(&user.username) == normalize_login(email)
}

/// Keeps a checked account with its roles.
pub(super) async fn insert(
    write: &mut Write,
    checked: CheckedAccount,
    roles: &[Role],
) -> Result<User, Problem> {
    sql::insert(write.db(), &checked.user, Some(&checked.password_hash)).await?;
    for role in roles {
        access::assign(write, &checked.user.id.into(), role).await?;
    }
    Ok(checked.user)
}

/// The e-mail that asks whether an address is theirs. What somebody chose as a name stands on a line
/// of its own, never in a sentence of ours.
pub(super) fn question(username: &str, to: String, token: &str) -> Mail {
    Mail {
        to,
        subject: "Is this address yours?".to_owned(),
        text: format!(
            "An account on this server names this address as its own. Its username is:\n\n    \
             {username}\n\nIf it is yours, use this token within a day, at POST \
             /auth/verify:\n\n{token}\n\nIf not, nothing needs doing."
        ),
    }
}

fn name_taken(to: String) -> Mail {
    Mail {
        to,
        subject: "Somebody registered with your address".to_owned(),
        text: "Somebody tried to register an account with this address. If it was you: you may \
               have one already, or the username was taken. Try to sign in, or register with \
               another username."
            .to_owned(),
    }
}

fn address_taken(to: String) -> Mail {
    Mail {
        to,
        subject: "Somebody wants to use your address".to_owned(),
        text: "Somebody asked to use this address for another account, but yours has it. Nothing \
               has changed, and nothing needs doing."
            .to_owned(),
    }
}
