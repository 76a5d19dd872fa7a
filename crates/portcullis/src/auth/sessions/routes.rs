//! Sessions as they are answered.

use schemars::JsonSchema;
use serde::Serialize;

use super::Session;
use crate::types::SessionId;

/// A session of one's own.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub struct SessionAnswer {
    /// Which session.
    pub id: SessionId,
    /// When it began (RFC 3339).
    pub created_at: String,
    /// When it was last used, to the minute (RFC 3339).
    pub last_used_at: String,
    /// When it ends in any case (RFC 3339).
    pub expires_at: String,
    /// Where the sign-in came from.
    pub address: Option<String>,
    /// What the client said it is.
    pub agent: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}

impl SessionAnswer {
    pub(in crate::auth) fn new(session: Session, current: Option<SessionId>) -> Self {
        Self {
            current: current == Some(session.id),
            id: session.id,
            created_at: session.created_at.to_string(),
            last_used_at: session.last_used_at.to_string(),
            expires_at: session.expires_at.to_string(),
            address: session.address,
            agent: session.agent,
        }
    }
}
