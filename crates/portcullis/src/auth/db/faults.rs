//! Faults of the database, for tests: a statement that fails, a commit whose answer is lost.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::DatabaseError;

/// What is to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auth) enum Fault {
    /// The n-th statement from now on, the first being 0, fails before it runs.
    Before(i64),
    /// The next commit is done, but its answer is lost.
    LostCommit,
    /// Every statement takes so long more.
    Delay(Duration),
}

/// What is to go wrong with the transactions of one database.
#[derive(Clone, Debug)]
pub(in crate::auth) struct Faults(Arc<Plan>);

#[derive(Debug)]
struct Plan {
    /// How many statements run before one fails; below zero where none does.
    countdown: AtomicI64,
    lost_commit: Mutex<bool>,
    /// How long every statement is held up, in microseconds.
    delay: AtomicU64,
    /// How many statements ran since the counter was set back.
    ran: AtomicI64,
}

impl Default for Faults {
    fn default() -> Self {
        Self(Arc::new(Plan {
            countdown: AtomicI64::new(-1),
            lost_commit: Mutex::new(false),
            delay: AtomicU64::new(0),
            ran: AtomicI64::new(0),
        }))
    }
}

impl Faults {
    /// Lets this go wrong once.
    pub(in crate::auth) fn plan(&self, fault: Fault) {
        match fault {
            Fault::Before(n) => self.0.countdown.store(n, Ordering::SeqCst),
            Fault::LostCommit => {
                *self.0.lost_commit.lock().unwrap_or_else(PoisonError::into_inner) = true;
            }
            Fault::Delay(each) => {
                let micros = u64::try_from(each.as_micros()).unwrap_or(u64::MAX);
                self.0.delay.store(micros, Ordering::SeqCst);
            }
        }
    }

    /// Nothing goes wrong any more. Returns how many statements ran since the last call.
    pub(in crate::auth) fn clear(&self) -> i64 {
        self.0.countdown.store(-1, Ordering::SeqCst);
        self.0.delay.store(0, Ordering::SeqCst);
        *self.0.lost_commit.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.ran.swap(0, Ordering::SeqCst)
    }

    pub(super) fn before(&self, _text: &str) -> Result<(), DatabaseError> {
        self.0.ran.fetch_add(1, Ordering::SeqCst);
        // It holds up the thread too, as a disk does.
        match self.0.delay.load(Ordering::SeqCst) {
            0 => {}
            micros => std::thread::sleep(Duration::from_micros(micros)),
        }
        let step = |left: i64| (left >= 0).then(|| left - 1);
        match self.0.countdown.fetch_update(Ordering::SeqCst, Ordering::SeqCst, step) {
            Ok(0) => Err(injected()),
            _ => Ok(()),
        }
    }

    pub(super) fn after_commit(&self) -> Result<(), DatabaseError> {
        let mut lost = self.0.lost_commit.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut *lost) { Err(injected()) } else { Ok(()) }
    }
}

fn injected() -> DatabaseError {
    DatabaseError::Unavailable("a fault that a test planned".into())
}
