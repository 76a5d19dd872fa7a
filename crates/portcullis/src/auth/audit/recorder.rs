//! Writes what is noted beside the write path, in batches.
//!
//! Failed sign-ins and refusals, which strangers can cause at will, are never waited for: they are
//! written at a bounded pace from a bounded queue, and what does not fit is counted, and the count
//! written down as a row of its own. What one actor repeats is counted sooner: see `repeats.rs`. The rows of a change are not written here but in its transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::pace::Pace;
use super::repeats::Repeats;
use super::seal::Seal;
use super::{Action, Event};
use super::{AuditEntry, sql};
use crate::auth::Actor;
use crate::auth::db::{Database, DatabaseError, Transaction};
use crate::clock::Sources;

/// How many events may wait.
const WAITING: usize = 4096;
/// How many are written in one step.
const BATCH: usize = 256;
/// How often dropped ones are counted up in the log, at the most.
const COUNTED_EVERY: Duration = Duration::from_secs(1);
/// How long to wait before another try where the store is away.
const AGAIN: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(250), Duration::from_secs(1)];

/// What the writer is handed.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are entries")]
enum Message {
    /// Written when there is time.
    Loose(AuditEntry),
    /// The caller waits until these are written.
    Awaited(Vec<AuditEntry>, oneshot::Sender<()>),
}

/// Hands events to the writer.
#[derive(Debug)]
pub(in crate::auth) struct Recorder {
    sender: mpsc::Sender<Message>,
    pace: Pace,
    writer: Writer,
}

#[derive(Clone, Debug)]
struct Writer {
    db: Database,
    seal: Arc<Seal>,
    sources: Sources,
    /// How many could not be written since it was last written down.
    dropped: Arc<AtomicU64>,
    repeats: Arc<Repeats>,
}

impl Recorder {
    /// Starts the writer. It ends when the recorder is dropped, after writing what waits.
    pub(in crate::auth) fn start(db: Database, seal: Seal, sources: Sources) -> Self {
        Self::with_room(db, seal, sources, WAITING)
    }

    pub(super) fn with_room(db: Database, seal: Seal, sources: Sources, room: usize) -> Self {
        let (sender, receiver) = mpsc::channel(room);
        let writer = Writer {
            db,
            seal: Arc::new(seal),
            sources,
            dropped: Arc::new(AtomicU64::new(0)),
            repeats: Arc::default(),
        };
        tokio::spawn(writer.clone().run(receiver));
        Self { sender, pace: Pace::new(), writer }
    }

    pub(in crate::auth) fn seal(&self) -> &Seal {
        &self.writer.seal
    }

    /// Whether the event is to be written, and not only counted as a repeat.
    pub(in crate::auth) fn admits(&self, event: &Event) -> bool {
        self.writer.repeats.admits(event, self.writer.sources.monotonic())
    }

    /// Takes an event and returns at once.
    pub(super) fn note(&self, event: Event) {
        if !self.admits(&event) {
            return;
        }
        let now = self.writer.sources.now();
        let entry = event.at(now);
        if !self.pace.take(now) || self.sender.try_send(Message::Loose(entry)).is_err() {
            self.writer.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes events and returns when they are on the disk.
    pub(in crate::auth) async fn record(&self, events: Vec<Event>) {
        let now = self.writer.sources.now();
        self.write(events.into_iter().map(|event| event.at(now)).collect()).await;
    }

    async fn write(&self, entries: Vec<AuditEntry>) {
        let (done, written) = oneshot::channel();
        match self.sender.send(Message::Awaited(entries, done)).await {
            Ok(()) => {
                let _ = written.await;
            }
            // The runtime that the writer ran on is gone.
            Err(mpsc::error::SendError(Message::Awaited(entries, _))) => {
                self.writer.write(entries).await;
            }
            Err(_) => {}
        }
    }

    /// Returns when everything taken so far is on the disk.
    pub(super) async fn flush(&self) {
        // Nothing, but behind everything else.
        self.write(Vec::new()).await;
        self.writer.write_counting(Vec::new(), true).await;
    }
}

impl Writer {
    async fn run(self, mut receiver: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH);
        let mut counted = Instant::now();
        loop {
            let some =
                tokio::time::timeout(COUNTED_EVERY, receiver.recv_many(&mut messages, BATCH));
            let over = matches!(some.await, Ok(0));
            let (mut entries, mut waiting) = (Vec::new(), Vec::new());
            for message in messages.drain(..) {
                match message {
                    Message::Loose(entry) => entries.push(entry),
                    Message::Awaited(some, done) => {
                        entries.extend(some);
                        waiting.push(done);
                    }
                }
            }
            if over || counted.elapsed() >= COUNTED_EVERY {
                counted = Instant::now();
                self.write_counting(entries, over).await;
            } else {
                self.write(entries).await;
            }
            for done in waiting {
                let _ = done.send(());
            }
            if over {
                return;
            }
        }
    }

    /// Writes entries, and behind them how many were repeats whose minute is over, or all of them, and how
    /// many could not be written.
    async fn write_counting(&self, mut entries: Vec<AuditEntry>, all: bool) {
        let repeated = self.repeats.counted(self.sources.monotonic(), all);
        entries.extend(repeated.into_iter().map(|event| event.at(self.sources.now())));
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let event = Event::new(&Actor::system(), Action::AuditDropped).failed();
            entries.push(event.count("rows", dropped).at(self.sources.now()));
        }
        if !self.write(entries).await && dropped > 0 {
            // The row with the count was counted as lost itself.
            self.dropped.fetch_add(dropped - 1, Ordering::Relaxed);
        }
    }

    /// Returns whether they were written. What was not is counted, for the log to say when it can
    /// be written again.
    async fn write(&self, entries: Vec<AuditEntry>) -> bool {
        if entries.is_empty() {
            return true;
        }
        let mut again = AGAIN.iter();
        let error = loop {
            let append = async |db: &mut Transaction| sql::append(db, &entries, &self.seal).await;
            match self.db.write_beside(append).await {
                Ok(()) => return true,
                Err(error @ DatabaseError::Unavailable(_)) => match again.next() {
                    Some(pause) => {
                        tracing::warn!(%error, "the audit log cannot be written, trying again");
                        tokio::time::sleep(*pause).await;
                    }
                    None => break error,
                },
                Err(error) => break error,
            }
        };
        self.dropped.fetch_add(entries.len() as u64, Ordering::Relaxed);
        tracing::error!(rows = entries.len(), %error, "rows of the audit log are lost");
        for entry in &entries {
            let (action, actor) = (&*entry.action, &*entry.actor.id);
            tracing::error!(action, actor, at = %entry.at, "not in the audit log");
        }
        false
    }
}
