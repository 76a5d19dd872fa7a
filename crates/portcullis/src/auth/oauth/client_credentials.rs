//! A client gets a token for itself (RFC 6749 §4.4).

use super::TokenRefused;
use crate::auth::audit::{Action, AuditTarget};
use crate::auth::tokens::{self, NewToken};
use crate::auth::{Actor, Auth, Client, GrantType, Issued};
use crate::types::{Scopes, Subject, Timestamp};

impl Auth {
    /// A token by which a client that showed its secret speaks for itself, limited to the scopes it asks
    /// for. Its roles are not in it: they are asked on every request. There is no refresh token.
    ///
    /// # Errors
    /// [`TokenRefused`].
    pub async fn client_token(
        &self,
        actor: &Actor,
        client: &Client,
        asked: Option<&str>,
    ) -> Result<Issued, TokenRefused> {
        if !client.settings.grant_types.contains(&GrantType::ClientCredentials) {
            return Err(TokenRefused::Grant(GrantType::ClientCredentials));
        }
        let actor = actor.of_client(&client.id, &client.name);
        let (client, asked) = (client.clone(), asked.map(str::to_owned));
        let made = self.write(&actor, move |write| {
            Box::pin(async move {
                let auth = write.auth().clone();
                let subject = Subject::Client(client.id.clone());
                let access = write.access_of(&subject).await?;
                let Some(access) = access.filter(|access| access.active) else {
                    return Ok(Err(TokenRefused::Client));
                };
                let limit = &client.settings.scopes;
                let scopes = match auth.narrow_within(&access.access, asked.as_deref(), limit) {
                    Ok(scopes) => scopes,
                    Err(scope) => return Ok(Err(TokenRefused::Scope(scope))),
                };
                let new = NewToken {
                    session: None,
                    subject,
                    client: client.id.clone(),
                    scopes,
                    authenticated_at: write.now,
                    second_factor: false,
                    latest: Timestamp::MAX,
                };
                let prepared = tokens::prepare(write, new, None).await?;
                let event = write.event(Action::ClientToken);
                write.note(event.on(AuditTarget::client(&client.id, &client.name)));
                Ok(Ok((prepared, access.access)))
            })
        });
        let (prepared, access) = made.await??;
        Ok(self.issue(prepared, &access, None)?)
    }

    /// As [`narrow`](Self::narrow), within what a client's tokens may have.
    pub(in crate::auth) fn narrow_within(
        &self,
        access: &crate::types::Access,
        asked: Option<&str>,
        limit: &Scopes,
    ) -> Result<Scopes, String> {
        let narrowed = self.narrow(access, asked)?.within(limit);
        match (&narrowed, asked) {
            (Scopes::Only(none), Some(asked)) if none.is_empty() && !asked.trim().is_empty() => {
                Err(asked.to_owned())
            }
            _ => Ok(narrowed),
        }
    }
}
