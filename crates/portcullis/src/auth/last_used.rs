//! When a session or an API key was last used: noted beside the write path.
//!
//! A request never fails where this cannot be written, and waits for it a moment at the most: the next
//! minute tries again.

use std::time::Duration;

use super::{Auth, api_keys, sessions};
use crate::types::{SessionId, Timestamp, TokenId};

/// How long a request waits for it, once a minute and credential.
const PATIENCE: Duration = Duration::from_millis(50);

/// A use of a credential.
#[derive(Clone, Copy, Debug)]
pub(super) enum Use {
    /// Of a session, which is idle from the second moment on.
    Session(SessionId, Timestamp),
    /// Of an API key.
    ApiKey(TokenId),
}

impl Auth {
    /// Notes that a credential is used now.
    pub(super) async fn note_use(&self, used: Use, now: Timestamp) {
        let db = self.0.db.clone();
        let noted = tokio::spawn(async move {
            let noted = db.write_beside(async |db| match used {
                Use::Session(id, idle) => sessions::sql::touch(db, id, now, idle).await,
                Use::ApiKey(id) => api_keys::sql::touch(db, id, now).await,
            });
            if let Err(error) = noted.await {
                tracing::debug!(%error, "the last use of a credential could not be noted");
            }
        });
        let _ = tokio::time::timeout(PATIENCE, noted).await;
    }
}
