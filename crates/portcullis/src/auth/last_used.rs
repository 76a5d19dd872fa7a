//! When a session or an API key was last used: noted beside the write path.
//!
//! A request never fails where this cannot be written, and waits for it a moment at the most: the next
//! minute tries again.

use std::time::Duration;

use super::db::DatabaseError;
use super::{Auth, api_keys, sessions};
use crate::types::{SessionId, Timestamp, TokenId};

/// How long a request waits for it, once a minute and credential.
const PATIENCE: Duration = Duration::from_millis(50);

impl Auth {
    pub(super) async fn note_session_used(&self, id: SessionId, now: Timestamp, idle: Timestamp) {
        let db = self.0.db.clone();
        let noted = tokio::spawn(async move {
            let noted = async {
                let mut transaction = db.begin_writing().await?;
                sessions::sql::touch(&mut transaction, id, now, idle).await?;
                transaction.commit().await
            };
            report(noted.await);
        });
        let _ = tokio::time::timeout(PATIENCE, noted).await;
    }

    pub(super) async fn note_api_key_used(&self, id: TokenId, now: Timestamp) {
        let db = self.0.db.clone();
        let noted = tokio::spawn(async move {
            let noted = async {
                let mut transaction = db.begin_writing().await?;
                api_keys::sql::touch(&mut transaction, id, now).await?;
                transaction.commit().await
            };
            report(noted.await);
        });
        let _ = tokio::time::timeout(PATIENCE, noted).await;
    }
}

fn report(noted: Result<(), DatabaseError>) {
    if let Err(error) = noted {
        tracing::debug!(%error, "the last use of a credential could not be noted");
    }
}
