//! A bounded queue and the threads behind it, each with one block of memory it uses again.
//!
//! Not the runtime's blocking pool: that one grows to hundreds of threads, and hundreds of hashes
//! at 19 MiB each are how a login page takes a server down.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon2::{Argon2, Block};
use tokio::sync::oneshot;
use zeroize::Zeroize;

use super::PasswordError;
use super::phc::StoredHash;
use crate::crypto::Secret;

/// How long a thread keeps its memory when nothing comes.
const IDLE: Duration = Duration::from_secs(5);

/// One hash to be made.
pub(super) struct Work {
    pub(super) password: Secret<String>,
    function: Argon2<'static>,
    salt: Vec<u8>,
    output: usize,
}

impl Work {
    /// The work of making the hash again, or of filling it in.
    pub(super) fn new(password: Secret<String>, hash: &StoredHash) -> Self {
        Self {
            password,
            function: hash.function(),
            salt: hash.salt.clone(),
            output: hash.output.len(),
        }
    }
}

type Answer = Result<Secret<Vec<u8>>, PasswordError>;

struct Job {
    work: Work,
    reply: oneshot::Sender<Answer>,
}

struct State {
    jobs: VecDeque<Job>,
    open: bool,
}

struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    waiting: usize,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic happens under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The handle to the threads. They end when it is dropped, after the job under way.
pub(super) struct Pool {
    queue: Arc<Queue>,
}

impl Pool {
    /// Starts `threads` threads with a queue of `waiting` places.
    pub(super) fn start(threads: usize, waiting: usize, usual_blocks: usize) -> io::Result<Self> {
        let queue = Arc::new(Queue {
            state: Mutex::new(State { jobs: VecDeque::new(), open: true }),
            ready: Condvar::new(),
            waiting,
        });
        let pool = Self { queue };
        for _ in 0..threads {
            let queue = pool.queue.clone();
            std::thread::Builder::new()
                .name("portcullis-argon2".to_owned())
                .spawn(move || Worker { queue, usual_blocks, memory: Vec::new() }.run())?;
        }
        Ok(pool)
    }

    /// Queues a hash and waits for it. A future dropped before the work begins cancels it.
    pub(super) async fn run(&self, work: Work) -> Answer {
        let (reply, answer) = oneshot::channel();
        {
            let mut state = self.queue.lock();
            if state.jobs.len() >= self.queue.waiting {
                // Those who gave up keep no place.
                state.jobs.retain(|job| !job.reply.is_closed());
                if state.jobs.len() >= self.queue.waiting {
                    return Err(PasswordError::Overloaded);
                }
            }
            state.jobs.push_back(Job { work, reply });
        }
        self.queue.ready.notify_one();
        answer.await.unwrap_or(Err(PasswordError::Failed))
    }
}

#[cfg(test)]
impl Pool {
    /// How many jobs wait for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.queue.lock().jobs.len()
    }

    /// Counts who still holds the queue: the handle and each thread as long as it lives.
    pub(super) fn holders(&self) -> impl Fn() -> usize + use<> {
        let queue = Arc::downgrade(&self.queue);
        move || queue.strong_count()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.lock().open = false;
        self.queue.ready.notify_all();
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("waiting", &self.queue.waiting).finish_non_exhaustive()
    }
}

struct Worker {
    queue: Arc<Queue>,
    usual_blocks: usize,
    memory: Vec<Block>,
}

impl Worker {
    fn run(mut self) {
        while let Some(job) = self.next() {
            if job.reply.is_closed() {
                continue;
            }
            let Job { work, reply } = job;
            let done = catch_unwind(AssertUnwindSafe(|| self.hash(&work)));
            drop(work);
            // Whoever asked may have gone meanwhile.
            let _ = reply.send(done.unwrap_or(Err(PasswordError::Failed)));
            if self.memory.len() > self.usual_blocks {
                self.release();
            }
        }
        self.release();
    }

    /// The next job; gives the memory back while there is none. `None` once the pool is gone.
    fn next(&mut self) -> Option<Job> {
        let queue = self.queue.clone();
        let mut state = queue.lock();
        loop {
            if !state.open {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if self.memory.is_empty() {
                state = queue.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = queue.ready.wait_timeout(state, IDLE);
            let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = again;
            if timeout.timed_out() && state.jobs.is_empty() {
                drop(state);
                self.release();
                state = queue.lock();
            }
        }
    }

    fn hash(&mut self, work: &Work) -> Answer {
        let blocks = work.function.params().block_count();
        if self.memory.len() < blocks {
            let more = blocks - self.memory.len();
            self.memory.try_reserve_exact(more).map_err(|_| PasswordError::Overloaded)?;
            self.memory.resize(blocks, Block::default());
        }
        let mut output = Secret::new(vec![0; work.output]);
        work.function
            .hash_password_into_with_memory(
                work.password.expose().as_bytes(),
                &work.salt,
                output.expose_mut(),
                &mut self.memory[..blocks],
            )
            .map_err(|_| PasswordError::Failed)?;
        Ok(output)
    }

    /// Wipes the memory and gives it back.
    fn release(&mut self) {
        self.memory.zeroize();
        self.memory = Vec::new();
    }
}
