//! Revoking whatever a token stands for (RFC 7009).

use super::Introspected;
use crate::auth::{Actor, Auth, api_keys, sessions, tokens};
use crate::crypto::{OpaqueKind, OpaqueToken};
use crate::problem::Problem;
use crate::types::{ClientId, SessionId, Subject, UserId};

/// What a token stands for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Revocable {
    /// A session, by one of its refresh tokens.
    Session(SessionId),
    /// An API key, by its name.
    ApiKey(String),
    /// An access token.
    Token(Introspected),
}

impl Auth {
    /// What revoking this token would end; `None` where it stands for nothing, or no longer.
    ///
    /// # Errors
    /// A 503 where the database is away.
    pub async fn stands_for(&self, text: &str) -> Result<Option<Revocable>, Problem> {
        match OpaqueToken::parse(text) {
            Ok((OpaqueKind::Refresh, digest)) => {
                let found = tokens::sql::session_by_refresh(&self.0.db, &digest).await?;
                let live = found.filter(|(session, _)| session.is_live(self.now()));
                Ok(live.map(|(session, _)| Revocable::Session(session.id)))
            }
            Ok((OpaqueKind::ApiKey, digest)) => {
                let key = api_keys::sql::api_key(&self.0.db, &digest).await?;
                Ok(key.map(|key| Revocable::ApiKey(key.name)))
            }
            _ => Ok(self.introspect(text).await?.map(Revocable::Token)),
        }
    }

    /// For which client a token was made, or whose API key it is; `None` where it stands for nothing.
    ///
    /// # Errors
    /// A 503 where the database is away.
    pub(in crate::auth) async fn client_of_token(
        &self,
        text: &str,
    ) -> Result<Option<ClientId>, Problem> {
        match OpaqueToken::parse(text) {
            Ok((OpaqueKind::Refresh, digest)) => {
                let found = tokens::sql::session_by_refresh(&self.0.db, &digest).await?;
                Ok(found.map(|(session, _)| session.client))
            }
            _ => Ok(self.introspect(text).await?.map(|found| {
                // A user's key was made for no client at all.
                found.client.unwrap_or_else(ClientId::first_party)
            })),
        }
    }

    /// Ends whatever this token stands for: an access token alone, a refresh token or a session
    /// cookie with its whole session, an API key for good. Holding the token is authority enough. Nothing happens
    /// where it stands for nothing.
    ///
    /// # Errors
    /// A 503 where the database is away.
    pub async fn revoke(&self, actor: &Actor, text: &str) -> Result<(), Problem> {
        match OpaqueToken::parse(text) {
            Ok((OpaqueKind::Refresh, digest)) => {
                let found = tokens::sql::session_by_refresh(&self.0.db, &digest).await?;
                self.end_shown(actor, found.map(|(session, _)| (session.user, session.id))).await
            }
            Ok((OpaqueKind::Session, digest)) => {
                let found = sessions::sql::session_by_cookie(&self.0.db, &digest).await?;
                self.end_shown(actor, found.map(|session| (session.user, session.id))).await
            }
            Ok((OpaqueKind::ApiKey, digest)) => self.revoke_api_key(actor, digest).await,
            _ => match self.verified(text).await {
                Ok(token) => {
                    let actor = match &token.subject {
                        Subject::User(user) => actor.for_account(*user),
                        _ => actor.clone(),
                    };
                    self.revoke_token(&actor, token.id, token.expires_at).await
                }
                Err(denied) => denied.invalid_or(()),
            },
        }
    }

    async fn end_shown(
        &self,
        actor: &Actor,
        found: Option<(UserId, SessionId)>,
    ) -> Result<(), Problem> {
        let Some((user, session)) = found else { return Ok(()) };
        self.write(&actor.for_account(user), move |write| {
            Box::pin(async move {
                let row = sessions::sql::session(write.db(), session).await?;
                if row.is_some_and(|row| row.ended_at.is_none()) {
                    sessions::end(write, user, session).await?;
                }
                Ok(())
            })
        })
        .await
    }
}
