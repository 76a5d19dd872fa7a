//! What a credential comes to, told to an API that cannot verify it itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::auth::cache::SubjectAccess;
use crate::auth::denied::Denied;
use crate::auth::{Auth, VerifiedToken, tokens};
use crate::crypto::{OpaqueKind, OpaqueToken};
use crate::problem::Problem;
use crate::types::{ClientId, Scope, Scopes, SessionId, Subject, Timestamp, TokenId};

/// An access token or an API key that counts, and what it comes to at this moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Introspected {
    /// Which token or key.
    pub id: TokenId,
    /// For whom it speaks: a user, or by an API key of its own a client.
    pub subject: Subject,
    /// Whether it is an API key, not a token.
    pub is_key: bool,
    /// Their name.
    pub name: String,
    /// For which client a token was made, or whose a key is; `None` where it is a user's key.
    pub client: Option<ClientId>,
    /// The session of a token; a key has none.
    pub session: Option<SessionId>,
    /// The scopes of it that its owner may have now.
    pub scopes: BTreeSet<Scope>,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a token says itself, before its owner is looked at.
struct Said {
    found: Introspected,
    limit: Scopes,
    /// The token, where it is not an API key.
    token: Option<Arc<VerifiedToken>>,
}

impl Auth {
    /// What an access token or an API key comes to; `None` where it does not count.
    ///
    /// # Errors
    /// A 503 where the store is away.
    pub async fn introspect(&self, text: &str) -> Result<Option<Introspected>, Problem> {
        let settled = self.settled().await?;
        let Said { mut found, limit, token } = match self.said(text, settled).await {
            Ok(said) => said,
            Err(denied) => return denied.invalid_or(None),
        };
        let known = self.0.cache.of(&self.0.db, &found.subject, settled).await?;
        let good = |known: &SubjectAccess| match &token {
            Some(token) => tokens::counts(known, token),
            None => known.active,
        };
        Ok(known.filter(|known| good(known)).map(|known| {
            found.scopes = self.within(&known.access, &limit);
            found.name = known.name.to_string();
            found
        }))
    }

    async fn said(&self, text: &str, settled: bool) -> Result<Said, Denied> {
        if matches!(OpaqueToken::parse(text), Ok((OpaqueKind::ApiKey, _))) {
            let key = self.verified_api_key(text, settled).await?;
            let client = match &key.owner {
                Subject::Client(id) => Some(id.clone()),
                _ => None,
            };
            let found = Introspected {
                id: key.id,
                subject: key.owner,
                is_key: true,
                name: String::new(),
                client,
                session: None,
                scopes: BTreeSet::new(),
                issued_at: key.created_at,
                expires_at: key.expires_at,
            };
            return Ok(Said { found, limit: key.scopes, token: None });
        }
        let token = self.verified(text).await?;
        let found = Introspected {
            id: token.id,
            subject: token.subject.clone(),
            is_key: false,
            name: String::new(),
            client: Some(token.client.clone()),
            session: token.session,
            scopes: BTreeSet::new(),
            issued_at: token.issued_at,
            expires_at: token.expires_at,
        };
        Ok(Said { found, limit: token.scopes.clone(), token: Some(token) })
    }
}
