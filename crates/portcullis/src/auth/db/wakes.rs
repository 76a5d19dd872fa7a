//! What wakes a process where another has changed something.

#[cfg(feature = "postgres")]
use super::postgres::Listener;

/// Wakes whoever waits where another process has changed something. It may also wake for nothing, and
/// where the engine cannot tell, it never does: the feed of changes is read at intervals all the same.
#[derive(Debug)]
pub(in crate::auth) struct Wakes {
    #[cfg(feature = "postgres")]
    listener: Option<Listener>,
}

impl Wakes {
    pub(super) fn none() -> Self {
        Self {
            #[cfg(feature = "postgres")]
            listener: None,
        }
    }

    #[cfg(feature = "postgres")]
    pub(super) fn of(listener: Listener) -> Self {
        Self { listener: Some(listener) }
    }

    /// Waits for the next one. Where the connection was lost, it is made again, and that counts as one:
    /// something may have been missed.
    pub(in crate::auth) async fn next(&mut self) {
        #[cfg(feature = "postgres")]
        if let Some(listener) = &mut self.listener {
            return listener.next().await;
        }
        std::future::pending::<()>().await;
    }
}
