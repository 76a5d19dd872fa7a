//! A new password by e-mail.

use super::action_token::{ActionToken, Purpose, void};
use super::sql::{self, Credentials};
use super::{UserChange, change, normalize_login};
use crate::auth::mail::Mail;
use crate::auth::throttle::EmailKind;
use crate::auth::{Actor, Auth};
use crate::crypto::Secret;
use crate::problem::Problem;

impl Auth {
    /// Sends an e-mail to somebody who forgot their password. Neither the answer nor its time tells
    /// whether there was somebody.
    ///
    /// # Errors
    /// A 429.
    pub fn request_password_reset(&self, actor: &Actor, email: String) -> Result<(), Problem> {
        self.0.throttle.ask(actor.address, &self.0.sources)?;
        let auth = self.clone();
        tokio::spawn(async move {
            if let Err(problem) = auth.send_password_reset(&email).await {
                tracing::warn!(%problem, "an e-mail could not be written");
            }
        });
        Ok(())
    }

    async fn send_password_reset(&self, email: &str) -> Result<(), Problem> {
        let Some(Credentials { user, epoch, .. }) = self.account_by_address(email).await? else {
            return Ok(());
        };
        let Some(to) = user.email.filter(|_| user.active) else { return Ok(()) };
        let token = self.issue_action_token(Purpose::Password, user.id, epoch)?;
        let mail = Mail {
            // What was typed may be normalized to the address that is kept and yet be read by
            // somebody else.
            to,
            subject: "Set a new password".to_owned(),
            text: format!(
                "Somebody, perhaps you, asked to set a new password for your account. Its username \
                 is:\n\n    {}\n\nIf it was you, use this token within 15 minutes, at POST \
                 /auth/reset-password:\n\n{}\n\nIf it was not you, nothing has changed.",
                user.username,
                token.expose()
            ),
        };
        self.send(EmailKind::Recovery, mail);
        Ok(())
    }

    /// The account of this e-mail address. A username may look like an address: it does not count.
    pub(super) async fn account_by_address(
        &self,
        email: &str,
    ) -> Result<Option<Credentials>, Problem> {
        let account = sql::credentials_by_login(&self.0.db, email).await?;
        let wanted = normalize_login(email);
        Ok(account.filter(|account| {
            account.user.email.as_deref().is_some_and(|kept| normalize_login(kept) == wanted)
        }))
    }

    /// Sets a new password by an action token, and ends every session.
    ///
    /// # Errors
    /// A 422 where the token is not valid, or no longer, or the password is no good; 503.
    pub async fn reset_password(
        &self,
        actor: &Actor,
        token: &str,
        password: Secret<String>,
    ) -> Result<(), Problem> {
        let ActionToken { purpose: Purpose::Password, user: id, epoch, .. } =
            self.read_action_token(token)?
        else {
            return Err(void());
        };
        let is_good = move |account: &Credentials| account.user.active && account.epoch == epoch;
        let account = sql::credentials(&self.0.db, id).await?.filter(is_good).ok_or_else(void)?;
        let password_hash = self.new_password_hash(&account.user.username, password).await?;
        self.write(actor, move |write| {
            Box::pin(async move {
                let account = sql::credentials(write.db(), id).await?;
                let account = account.filter(is_good).ok_or_else(void)?;
                let row = UserChange {
                    password_hash: Some(password_hash),
                    // The holder of this token receives e-mail at the address.
                    email_verified: account.user.email.as_ref().map(|_| true),
                    ..UserChange::default()
                };
                change::apply(write, id, row, None).await.map(drop)
            })
        })
        .await
    }
}
