//! E-mail addresses: a user proves that an address is theirs with the action token that is sent there.

use super::action_token::{ActionToken, Purpose, void};
use super::registration::question;
use super::sql::{self, Credentials};
use super::{User, UserChange, change};
use crate::auth::throttle::EmailKind;
use crate::auth::{Actor, Auth};
use crate::problem::Problem;

impl Auth {
    /// Sends an e-mail to somebody who wants to show that an address is theirs. Neither the answer
    /// nor its time tells whether there was somebody.
    ///
    /// # Errors
    /// A 429.
    pub fn request_verification(&self, actor: &Actor, email: String) -> Result<(), Problem> {
        self.0.throttle.ask(actor.address, &self.0.sources)?;
        let auth = self.clone();
        tokio::spawn(async move {
            if let Err(problem) = auth.send_verification(&email).await {
                tracing::warn!(%problem, "an e-mail could not be written");
            }
        });
        Ok(())
    }

    async fn send_verification(&self, email: &str) -> Result<(), Problem> {
        let account = self.account_by_address(email).await?;
        let unverified = |one: &Credentials| one.user.active && !one.user.email_verified;
        let Some(Credentials { user, epoch, .. }) = account.filter(unverified) else {
            return Ok(());
        };
        let Some(to) = user.email else { return Ok(()) };
        let token = self.issue_action_token(Purpose::Address, user.id, epoch)?;
        self.send(EmailKind::Verification, question(&user.username, to, token.expose()));
        Ok(())
    }

    /// Accepts the action token that shows an address, and makes it the account's where it was not.
    ///
    /// # Errors
    /// A 422 where the token is not valid, or no longer; 409 where somebody else has the address
    /// by now; 503.
    pub async fn verify_address(&self, actor: &Actor, token: &str) -> Result<User, Problem> {
        let ActionToken { purpose, user: id, epoch, .. } = self.read_action_token(token)?;
        self.write(actor, move |write| {
            Box::pin(async move {
                let account = sql::credentials(write.db(), id).await?;
                let account = account.filter(|one| one.user.active && one.epoch == epoch);
                let user = account.ok_or_else(void)?.user;
                let email = match purpose {
                    Purpose::Address if !user.email_verified => None,
                    Purpose::NewAddress(email) => Some(Some(email)),
                    Purpose::Address | Purpose::Password => return Err(void()),
                };
                let row = UserChange { email, email_verified: Some(true), ..UserChange::default() };
                change::apply(write, id, row, None).await
            })
        })
        .await
    }
}
