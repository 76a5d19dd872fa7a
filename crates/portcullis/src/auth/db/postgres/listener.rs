//! Hears what other nodes change: `NOTIFY` wakes, the feed of changes says what it was.

use std::fmt;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};

/// What the migrations notify.
const CHANNEL: &str = "portcullis";
/// How long to wait before a connection that failed is made again.
const AGAIN: Duration = Duration::from_secs(1);

/// A connection that listens, made when it is first waited for.
pub(in crate::auth::db) struct Listener {
    pool: PgPool,
    inner: Option<PgListener>,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("hears", &self.inner.is_some()).finish_non_exhaustive()
    }
}

impl Listener {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool, inner: None }
    }

    /// Returns where something changed, or may have.
    pub(in crate::auth::db) async fn next(&mut self) {
        loop {
            match &mut self.inner {
                Some(inner) => match inner.try_recv().await {
                    Ok(Some(_)) => return,
                    // The connection is gone: another one, which has missed something.
                    Ok(None) | Err(_) => self.inner = None,
                },
                None => match listen(&self.pool).await {
                    Ok(inner) => {
                        self.inner = Some(inner);
                        return;
                    }
                    Err(error) => {
                        tracing::debug!(%error, "changes of other nodes cannot be heard");
                        tokio::time::sleep(AGAIN).await;
                    }
                },
            }
        }
    }
}

async fn listen(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
