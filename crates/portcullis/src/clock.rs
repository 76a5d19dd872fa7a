//! Time and randomness: the only place that asks the system for either.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

use crate::types::Timestamp;

/// Something that knows what time it is. Tests bring one that stands still.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// This moment, by the wall clock, which somebody may set.
    fn now(&self) -> Timestamp;

    /// How long this clock has run: it only ever goes forward, so durations are measured by it.
    fn monotonic(&self) -> Duration;
}

/// Something that draws bytes nobody can guess. Tests bring one that repeats itself.
pub trait Rng: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// [`NoRandomness`] where the system has none to give; whoever asked must refuse.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The system has no randomness to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system has no randomness to give")]
pub struct NoRandomness;

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn now(&self) -> Timestamp {
        // To the microsecond, which is what stores keep: what is answered now is what is read later.
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    fn monotonic(&self) -> Duration {
        static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGIN.elapsed()
    }
}

/// The system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        SystemRandom::new().fill(bytes).map_err(|_| NoRandomness)
    }
}

/// A clock and a source of randomness, handed about together.
#[derive(Clone, Debug)]
pub struct Sources {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What cannot be guessed.
    pub rng: Arc<dyn Rng>,
}

impl Sources {
    /// The system's own.
    #[must_use]
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), rng: Arc::new(SystemRng) }
    }

    /// This moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How long the clock has run.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Draws `N` bytes.
    ///
    /// # Errors
    /// [`NoRandomness`] where the system has none to give.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], NoRandomness> {
        let mut bytes = [0; N];
        self.rng.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// A fresh UUIDv7: 48 bits of time, 74 of randomness (RFC 9562 §5.7).
    ///
    /// # Errors
    /// [`NoRandomness`] where the system has none to give.
    pub fn uuid(&self) -> Result<Uuid, NoRandomness> {
        let millis = u64::try_from(self.now().as_millisecond()).unwrap_or_default();
        let bytes = self.bytes::<10>()?;
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }
}

impl Default for Sources {
    fn default() -> Self {
        Self::system()
    }
}
