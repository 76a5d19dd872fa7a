//! The same thing again and again: written for a while, then counted.
//!
//! What somebody causes beside a change (a refusal, a failed sign-in, a retry) is written sixty times a
//! minute for one actor at one address. What comes beyond is counted, and the count is one row when the
//! minute is over.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Event;
use super::event::RepeatKey;

/// How many rows of one action one actor at one address gets in a minute.
pub(super) const A_MINUTE: u64 = 60;
/// The minute.
const WINDOW: Duration = Duration::from_secs(60);
/// How many actors are told apart: beyond them, the pace for all is the bound.
const ACTORS: usize = 10_000;

#[derive(Debug)]
struct Repeat {
    began: Duration,
    seen: u64,
    last: Event,
}

/// What was noted in the last minute.
#[derive(Debug, Default)]
pub(super) struct Repeats(Mutex<HashMap<RepeatKey, Repeat>>);

impl Repeats {
    fn lock(&self) -> MutexGuard<'_, HashMap<RepeatKey, Repeat>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the event is to be written. Where it is not, it is counted.
    pub(super) fn admits(&self, event: &Event, now: Duration) -> bool {
        let key = event.repeat_key();
        let mut repeats = self.lock();
        if repeats.len() >= ACTORS && !repeats.contains_key(&key) {
            return true;
        }
        let repeat = repeats.entry(key).or_insert_with(|| Repeat {
            began: now,
            seen: 0,
            last: event.clone(),
        });
        if repeat.seen <= A_MINUTE && now.saturating_sub(repeat.began) >= WINDOW {
            (repeat.began, repeat.seen) = (now, 0);
        }
        repeat.seen += 1;
        if repeat.seen > A_MINUTE {
            repeat.last = event.clone();
        }
        repeat.seen <= A_MINUTE
    }

    /// The rows with the counts whose minute is over, or with all of them.
    pub(super) fn counted(&self, now: Duration, all: bool) -> Vec<Event> {
        let mut counted = Vec::new();
        self.lock().retain(|_, repeat| {
            let over = all || now.saturating_sub(repeat.began) >= WINDOW;
            let beyond = repeat.seen.saturating_sub(A_MINUTE);
            if over && beyond > 0 {
                counted.push(repeat.last.clone().count("repeated", beyond));
            }
            !over
        });
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Action, Actor};

    #[test]
    fn a_minutes_repeats_are_written_then_counted() {
        let repeats = Repeats::default();
        let event = || Event::new(&Actor::nobody(None, None), Action::LoginFailed).failed();
        let second = Duration::from_secs;
        let written = |at| (0..1000).filter(|_| repeats.admits(&event(), at)).count();
        assert_eq!(written(second(1)), 60);
        let other = Event::new(&Actor::command_line(), Action::LoginFailed);
        assert!(repeats.admits(&other, second(1)), "somebody else");
        assert!(repeats.counted(second(60), false).is_empty(), "the minute is not over");
        assert_eq!(written(second(60)), 0);
        let counted = repeats.counted(second(61), false);
        assert_eq!(counted, [event().count("repeated", 1940)]);
        assert!(repeats.counted(second(61), true).is_empty(), "said once");
        assert_eq!(written(second(61)), 60);
        assert_eq!(repeats.counted(second(61), true), [event().count("repeated", 940)]);
    }
}
