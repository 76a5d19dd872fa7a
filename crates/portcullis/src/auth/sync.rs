//! Keeping memory true to the database: what others change, and what a lost answer leaves in doubt.
//!
//! Every answer from memory has a lease. Where the feed of changes has not been read for longer than
//! [`Settings::max_staleness`](super::Settings::max_staleness), a request reads it first; where the
//! database does not answer, neither does memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::cache::CacheGuard;
use super::db::{Change, DatabaseError, Wakes, changes};
use super::{Auth, Settings, later, sessions, tokens};
use crate::problem::Problem;
use crate::types::Timestamp;

/// How long to wait before memory tries again to read what is in doubt.
const AGAIN: Duration = Duration::from_millis(100);
/// How often the periodic work is done.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

/// How far memory has come in the feed of changes, and when it last asked.
#[derive(Debug)]
pub(super) struct Progress {
    position: tokio::sync::Mutex<u64>,
    /// When the feed was last read, in microseconds of the monotonic clock, plus one; 0 for never.
    read_at: AtomicU64,
}

impl Progress {
    pub(super) fn new(position: u64) -> Self {
        Self { position: tokio::sync::Mutex::new(position), read_at: AtomicU64::new(0) }
    }
}

impl Auth {
    /// Keeps memory true to the database: takes over what others change, every `every` and, on
    /// PostgreSQL, as soon as the server tells of it. A change of
    /// this process counts on the next request without it, one of another process after `every` at
    /// the most. Beside it, once a minute, what no longer counts is deleted and the signing key
    /// rotated where that is due. Runs until it is dropped; spawn it.
    pub async fn sync(self, every: Duration) {
        let woken = Arc::new(Notify::new());
        // Dropped with this future: the tasks end too.
        let _stop = [
            StopOnDrop(tokio::spawn(self.clone().keep_house())),
            StopOnDrop(tokio::spawn(listen(self.0.db.wakes(), Arc::clone(&woken)))),
        ];
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = woken.notified() => {}
            }
            if let Err(problem) = self.catch_up().await {
                tracing::warn!(%problem, "changes of other processes could not be read");
            }
        }
    }

    async fn keep_house(self) {
        let mut ticks = tokio::time::interval(HOUSEKEEPING);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first tick comes at once, and nothing is due at the start.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            self.sweep().await;
            if let Err(problem) = self.rotate_key_when_due().await {
                tracing::warn!(%problem, "the signing key is due and could not be rotated");
            }
        }
    }

    /// Whether memory may answer. Reads the feed of changes first where its lease is over.
    pub(super) async fn settled(&self) -> Result<bool, DatabaseError> {
        if !self.is_leased() {
            self.catch_up_once().await?;
        }
        Ok(self.0.cache.is_settled())
    }

    /// Whether memory may answer without waiting: its lease is not over, and no change is on the way.
    pub(super) fn is_settled_now(&self) -> bool {
        self.is_leased() && self.0.cache.is_settled()
    }

    fn is_leased(&self) -> bool {
        let read_at = self.0.progress.read_at.load(Ordering::Acquire);
        let now = micros(self.0.sources.monotonic());
        let lease = u64::from(self.0.settings.max_staleness) * 1000;
        read_at > 0 && now < read_at.saturating_add(lease)
    }

    /// Takes over what other processes changed since the last time.
    ///
    /// # Errors
    /// A 503 where the database is away.
    pub async fn catch_up(&self) -> Result<(), Problem> {
        let position = self.0.progress.position.lock().await;
        Ok(self.read_feed(position).await?)
    }

    /// The same, unless another request has done it while this one waited.
    async fn catch_up_once(&self) -> Result<(), DatabaseError> {
        let position = self.0.progress.position.lock().await;
        if self.is_leased() { Ok(()) } else { self.read_feed(position).await }
    }

    async fn read_feed(
        &self,
        mut position: tokio::sync::MutexGuard<'_, u64>,
    ) -> Result<(), DatabaseError> {
        let asked_at = micros(self.0.sources.monotonic()) + 1;
        let after = *position;
        let (newest, changed) = self.0.db.snapshot(async |view| changes(view, after).await).await?;
        if !changed.is_empty() {
            let guard = self.0.cache.begin_change(&changed);
            self.take_over(&changed).await?;
            drop(guard);
        }
        *position = newest;
        self.0.progress.read_at.fetch_max(asked_at, Ordering::AcqRel);
        Ok(())
    }

    /// Brings memory up to changes that were committed, here or elsewhere. Sessions and tokens that
    /// ended come first: nothing that fails behind them delays them.
    pub(super) async fn take_over(&self, changed: &[Change]) -> Result<(), DatabaseError> {
        let any = |wanted: fn(&Change) -> bool| changed.iter().any(wanted);
        let everything = any(|change| matches!(change, Change::Everything));
        self.note_ends(changed);
        if any(|change| matches!(change, Change::ApiKeys | Change::Everything)) {
            self.0.api_keys.forget_all();
        }
        if everything {
            self.0.sessions.forget_all();
            self.read_ended().await?;
        }
        if any(|change| matches!(change, Change::Roles | Change::Everything)) {
            self.0.cache.read_roles(&self.0.db).await?;
        }
        if any(|change| matches!(change, Change::Keys | Change::Everything)) {
            self.read_keys().await?;
        }
        Ok(())
    }

    fn note_ends(&self, changed: &[Change]) {
        let now = self.now();
        for change in changed {
            match change {
                // An end that is read late may be over already; a clock that was set back revives nothing.
                Change::SessionEnded(session, at)
                    if later(*at, Settings::LONGEST_ACCESS_TTL) > now =>
                {
                    let until = later((*at).max(now), Settings::LONGEST_ACCESS_TTL);
                    self.0.cache.note_ended(*session, until);
                }
                Change::TokenRevoked(token, until) if *until > now => {
                    self.0.cache.note_revoked(*token, *until);
                }
                _ => {}
            }
        }
    }

    /// Reads the sessions and tokens that were ended and are still worth knowing.
    pub(super) async fn read_ended(&self) -> Result<(), DatabaseError> {
        let now = self.now();
        let longest = Settings::LONGEST_ACCESS_TTL;
        let since = now
            .checked_sub(jiff::SignedDuration::from_secs(longest.into()))
            .unwrap_or(Timestamp::MIN);
        for (session, at) in sessions::sql::ended_since(&self.0.db, since).await? {
            self.0.cache.note_ended(session, later(at.max(now), longest));
        }
        for (token, until) in tokens::sql::revoked(&self.0.db, now).await? {
            self.0.cache.note_revoked(token, until);
        }
        Ok(())
    }

    /// Where it is not known whether a change was committed, or memory could not be brought up to it:
    /// the database is asked until everything has been read anew.
    pub(super) fn recover(&self, guard: CacheGuard) {
        let auth = self.clone();
        // Everything, not what the change names: the guard of the change stays until then.
        let all = self.0.cache.begin_change(&[Change::Everything]);
        tokio::spawn(async move {
            while let Err(error) = auth.take_over(&[Change::Everything]).await {
                tracing::warn!(%error, "memory is in doubt and the database cannot be read");
                tokio::time::sleep(AGAIN).await;
            }
            drop((guard, all));
        });
    }

    /// Deletes what no longer counts, from memory and from the database, in small steps.
    pub async fn sweep(&self) {
        let now = self.now();
        self.0.cache.sweep(now);
        self.0.throttle.sweep(&self.0.sources);
        match self.delete_what_expired(now).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "rows that no longer count were deleted"),
            Err(error) => tracing::warn!(%error, "rows that no longer count could not be deleted"),
        }
    }

    /// How many ended sessions and revoked tokens are held in memory.
    #[must_use]
    pub fn remembered(&self) -> (usize, usize) {
        self.0.cache.remembered()
    }
}

/// Passes on what wakes us. A task of its own: to make the connection anew may take longer than a tick.
async fn listen(mut wakes: Wakes, woken: Arc<Notify>) {
    loop {
        wakes.next().await;
        woken.notify_one();
    }
}

struct StopOnDrop(tokio::task::JoinHandle<()>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn micros(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}
