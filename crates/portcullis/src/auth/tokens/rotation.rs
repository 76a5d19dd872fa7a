//! Decides what happens to a refresh token that is shown: the one place that does.

use crate::auth::sessions::Session;
use crate::types::Timestamp;

/// How a refresh token was used before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Used {
    /// When.
    pub at: Timestamp,
    /// Whether the successor it got is the one offered now.
    pub same_successor: bool,
    /// Whether that successor was used in turn.
    pub successor_spent: bool,
}

/// The decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A successor.
    Rotate,
    /// The same successor again.
    Retry,
    /// The end of its session.
    End,
    /// Nothing.
    Ignore,
}

/// Judges a refresh token of an active user by its session and its past.
pub(super) fn judge(
    session: &Session,
    used: Option<Used>,
    window_seconds: u32,
    now: Timestamp,
) -> Verdict {
    let good = session.is_live(now);
    match used {
        None if good => Verdict::Rotate,
        None => Verdict::Ignore,
        Some(used) => {
            // Clocks of two nodes may differ a little either way.
            let elapsed = now.duration_since(used.at).unsigned_abs();
            let soon =
                window_seconds > 0 && elapsed.as_micros() <= u128::from(window_seconds) * 1_000_000;
            if !soon || !used.same_successor || used.successor_spent {
                Verdict::End
            } else if good {
                Verdict::Retry
            } else {
                Verdict::Ignore
            }
        }
    }
}
