//! Codes: made for a person who is there.

use super::operations::There;
use super::{CODE_LIFETIME, UNUSED_CODES, sql};
use crate::auth::db::Digest;
use crate::auth::{Actor, Auth, later};
use crate::crypto::{OpaqueKind, OpaqueToken};
use crate::problem::{Problem, ProblemKind};
use crate::types::{ClientId, Scopes, SessionId, Subject, Timestamp};

/// What is kept of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) digest: Digest,
    pub(super) client: ClientId,
    /// The sign-in that it hangs on.
    pub(super) session: SessionId,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) scopes: Scopes,
    /// Whether its tokens outlive the sign-in.
    pub(super) offline: bool,
    pub(super) nonce: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
    /// The session that it gave.
    pub(super) used_for: Option<SessionId>,
}

impl Auth {
    pub(super) async fn issue_code(
        &self,
        actor: &Actor,
        there: &There<'_>,
    ) -> Result<OpaqueToken, Problem> {
        let text =
            OpaqueToken::mint(&self.0.sources, OpaqueKind::Code).map_err(Problem::internal)?;
        let request = &there.request;
        let now = self.now();
        let code = Code {
            digest: text.digest(),
            client: request.client.id.clone(),
            session: there.browser.session,
            redirect_uri: request.answer.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            scopes: there.scopes.clone(),
            offline: request.is_offline(),
            nonce: request.nonce.clone(),
            created_at: now,
            expires_at: later(now, CODE_LIFETIME),
            used_for: None,
        };
        self.write(actor, move |write| {
            Box::pin(async move {
                let client = write.access_of(&Subject::Client(code.client.clone())).await?;
                if !client.is_some_and(|client| client.active) {
                    return Err(Problem::new(ProblemKind::Forbidden));
                }
                sql::insert_code(write.db(), &code).await?;
                Ok(sql::drop_surplus(write.db(), code.session, UNUSED_CODES).await?)
            })
        })
        .await?;
        Ok(text)
    }
}
