//! Following what others change: another node, or the command line beside a running server.

use std::time::Duration;

use super::Auth;
use super::sessions::later;
use super::standing::CacheGuard;
use crate::problem::Problem;
use crate::store::Change;

impl Auth {
    /// Keeps memory true to the store: takes over what others change, every `every`; once a
    /// minute it sweeps what no longer counts, and rotates the signing key where that is due. Runs until it is dropped; spawn it.
    ///
    /// A change made by this process counts on the next request without it. One made by another
    /// counts after `every` at the most.
    pub async fn follow(self, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut swept = self.now();
        loop {
            ticks.tick().await;
            if let Err(problem) = self.catch_up().await {
                tracing::warn!(%problem, "what others changed could not be read");
            }
            let now = self.now();
            if now.duration_since(swept).as_secs() >= 60 {
                swept = now;
                self.sweep().await;
                if let Err(problem) = self.rotate_key_when_due().await {
                    tracing::warn!(%problem, "the signing key is due and could not be rotated");
                }
            }
        }
    }

    /// Takes over what others changed since the last time.
    ///
    /// # Errors
    /// A 503 where the store is away.
    pub async fn catch_up(&self) -> Result<(), Problem> {
        let after = *self.0.position.lock().await;
        let (position, changes) = self.store().changes(Some(after)).await?;
        if !changes.is_empty() {
            self.take_over(&changes).await?;
        }
        *self.0.position.lock().await = position;
        Ok(())
    }

    async fn take_over(&self, changes: &[Change]) -> Result<(), Problem> {
        let access_cache = &self.0.access_cache;
        let mark = changes.iter().fold(access_cache.change(), CacheGuard::of_change);
        let any = |wanted: fn(&Change) -> bool| changes.iter().any(wanted);
        if any(|change| matches!(change, Change::Roles | Change::Everything)) {
            access_cache.read_roles(self.store()).await?;
        }
        if any(|change| matches!(change, Change::Keys | Change::Everything)) {
            self.read_keys().await?;
        }
        if any(|change| matches!(change, Change::ApiKeys | Change::Everything)) {
            self.forget_api_keys();
        }
        if any(|change| matches!(change, Change::Everything)) {
            self.read_ended().await?;
        }
        let now = self.now();
        for change in changes {
            // What is told late may be over already.
            match change {
                Change::SessionEnded(session, at) => {
                    let until = later(*at, super::Settings::LONGEST_ACCESS_TTL);
                    if until > now {
                        access_cache.note_ended(*session, until);
                    }
                }
                Change::TokenRevoked(token, until) if *until > now => {
                    access_cache.note_revoked(*token, *until);
                }
                _ => {}
            }
        }
        drop(mark);
        Ok(())
    }

    /// Reads what was ended and is still worth knowing.
    pub(super) async fn read_ended(&self) -> Result<(), Problem> {
        let now = self.now();
        let longest = super::Settings::LONGEST_ACCESS_TTL;
        let since = now
            .checked_sub(jiff::SignedDuration::from_secs(longest.into()))
            .unwrap_or(crate::types::Timestamp::MIN);
        for (session, at) in self.store().ended_since(since).await? {
            self.0.access_cache.note_ended(session, later(at, longest));
        }
        for (token, until) in self.store().revoked(now).await? {
            self.0.access_cache.note_revoked(token, until);
        }
        Ok(())
    }

    /// Forgets what no longer counts, in memory and in the store.
    pub async fn sweep(&self) {
        let now = self.now();
        self.0.access_cache.sweep(now);
        self.0.throttle.sweep(now);
        match self.store().sweep(now, super::Settings::LONGEST_ACCESS_TTL).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "what no longer counts was forgotten"),
            Err(error) => tracing::warn!(%error, "what no longer counts could not be forgotten"),
        }
    }

    /// How many ended sessions and revoked tokens are held in memory.
    #[must_use]
    pub fn remembered(&self) -> (usize, usize) {
        self.0.access_cache.remembered()
    }
}
