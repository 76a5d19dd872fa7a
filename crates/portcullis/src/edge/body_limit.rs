//! The largest body that a route reads, and how much of all bodies is in memory while they arrive.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http_body::{Frame, SizeHint};

use crate::problem::{BoxError, Problem, ProblemKind};

/// The largest body that is read, in bytes. Put it into a request's extensions to change it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimit(pub usize);

impl Default for BodyLimit {
    /// 1 MiB.
    fn default() -> Self {
        Self(1024 * 1024)
    }
}

/// The verdict that let a request through, which grows old while its body arrives.
pub(crate) trait Verdict: Send + 'static {
    /// Whether it is too old to hand over more of the body.
    fn is_stale(&self) -> bool;

    /// Judges the request again.
    fn renew(&self) -> BoxFuture<'static, Result<(), Problem>>;
}

impl BodyLimit {
    /// Holds the body of a request to this limit and to what there is room for, whichever extractor
    /// reads it: ours, axum's, or a handler's own. Nothing of it is handed over on a verdict that has
    /// grown old: a body that is slow to arrive is judged again.
    ///
    /// # Errors
    /// A 413 where the request says already that its body is larger.
    pub(crate) fn hold(
        self,
        mut parts: Parts,
        body: Body,
        verdict: Option<Box<dyn Verdict>>,
    ) -> Result<(Request, BodyWatch), Box<Problem>> {
        if body.is_end_stream() {
            return Ok((Request::from_parts(parts, body), BodyWatch::default()));
        }
        let size = body.size_hint();
        let announced = parts.headers.get(CONTENT_LENGTH).and_then(|text| text.to_str().ok());
        let announced = announced.and_then(|text| text.parse::<u64>().ok());
        let most = u64::try_from(self.0).unwrap_or(u64::MAX);
        if size.lower() > most || announced.is_some_and(|length| length > most) {
            return Err(Box::new(BodyOverrun::TooLarge(self.0).into_problem()));
        }
        let held = parts.extensions.remove().map(BodyBudget::begin);
        // What says truly how long it is, and is counted and judged by nobody, needs no watching.
        let mut watch = BodyWatch::default();
        let body = if size.exact().is_some() && held.is_none() && verdict.is_none() {
            body
        } else {
            let cut = Arc::clone(watch.cut.insert(Arc::default()));
            let arrived = Arrived::Nothing;
            let limit = self.0;
            Body::new(WatchedBody { inner: body, limit, read: 0, held, verdict, arrived, cut })
        };
        let mut request = Request::from_parts(parts, body);
        request.extensions_mut().insert(self);
        // axum's own limit of 2 MB would be a second one, with a text of its own.
        DefaultBodyLimit::disable().apply(&mut request);
        Ok((request, watch))
    }
}

/// Why a body was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyOverrun {
    /// It is larger than this many bytes.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// Too many bodies arrive at once.
    #[error("too many bodies are arriving at once")]
    NoRoom,
}

impl BodyOverrun {
    /// The refusal.
    pub(crate) fn into_problem(self) -> Problem {
        match self {
            Self::TooLarge(most) => Problem::new(ProblemKind::TooLarge)
                .detail(format!("The body is too large: the most is {most} bytes.")),
            Self::NoRoom => Problem::new(ProblemKind::Unavailable)
                .detail("Too many bodies are arriving at once. Try again.")
                .retry_after(1),
        }
    }
}

/// Why a body ended before its end.
#[derive(Debug)]
enum Cut {
    /// Where its limit is.
    Overrun(BodyOverrun),
    /// Its sender may not send it any more.
    Refused(Problem),
}

/// Knows afterwards whether a body was cut off.
#[derive(Debug, Default)]
pub(crate) struct BodyWatch {
    cut: Option<Arc<Mutex<Option<Cut>>>>,
}

impl BodyWatch {
    /// The same answer, or the refusal in place of what an extractor said of a body that was cut
    /// off.
    pub(crate) fn judge(self, response: Response) -> Response {
        let status = response.status();
        if !(status.is_client_error() || status.is_server_error()) {
            return response;
        }
        let cut = self.cut.as_ref().and_then(|cut| lock(cut).take());
        match cut {
            Some(Cut::Overrun(overrun)) => overrun.into_problem().into_response(),
            Some(Cut::Refused(problem)) => problem.into_response(),
            None => response,
        }
    }
}

fn lock(cut: &Mutex<Option<Cut>>) -> std::sync::MutexGuard<'_, Option<Cut>> {
    cut.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A body that ends with an error where its limit is, or where its sender may not send it any more.
struct WatchedBody {
    inner: Body,
    limit: usize,
    read: usize,
    held: Option<HeldBytes>,
    verdict: Option<Box<dyn Verdict>>,
    arrived: Arrived,
    cut: Arc<Mutex<Option<Cut>>>,
}

/// What has arrived and is not handed over yet.
enum Arrived {
    Nothing,
    /// A frame, or the end, while the verdict is being renewed.
    Waiting(Option<Frame<Bytes>>, BoxFuture<'static, Result<(), Problem>>),
    /// It was cut off: there is nothing more.
    Over,
}

impl WatchedBody {
    /// The next frame under a verdict that is not old, before its bytes are counted.
    fn poll_arrived(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Option<Frame<Bytes>>, BoxError>>> {
        loop {
            match &mut self.arrived {
                Arrived::Over => return Poll::Ready(None),
                Arrived::Nothing => {
                    let frame = match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                        Some(Ok(frame)) => Some(frame),
                        Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                        None => None,
                    };
                    match self.verdict.as_ref().filter(|verdict| verdict.is_stale()) {
                        None => return Poll::Ready(Some(Ok(frame))),
                        Some(verdict) => self.arrived = Arrived::Waiting(frame, verdict.renew()),
                    }
                }
                Arrived::Waiting(frame, renewed) => {
                    let renewed = ready!(renewed.as_mut().poll(context));
                    let frame = frame.take();
                    if let Err(problem) = renewed {
                        self.arrived = Arrived::Over;
                        lock(&self.cut).get_or_insert(Cut::Refused(problem));
                        return Poll::Ready(Some(Err(Box::new(NotAnyMore))));
                    }
                    self.arrived = Arrived::Nothing;
                    return Poll::Ready(Some(Ok(frame)));
                }
            }
        }
    }
}

/// Why the rest of a body is not handed over.
#[derive(Debug, thiserror::Error)]
#[error("whoever sends this body may not do so any more")]
struct NotAnyMore;

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match ready!(self.poll_arrived(context)) {
            Some(Ok(Some(frame))) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            Some(Ok(None)) | None => return Poll::Ready(None),
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        self.read = self.read.saturating_add(length);
        let overrun = if self.read > self.limit {
            BodyOverrun::TooLarge(self.limit)
        } else if self.held.as_mut().is_some_and(|held| !held.take(length)) {
            BodyOverrun::NoRoom
        } else {
            return Poll::Ready(Some(Ok(frame)));
        };
        lock(&self.cut).get_or_insert(Cut::Overrun(overrun));
        Poll::Ready(Some(Err(Box::new(overrun))))
    }

    fn is_end_stream(&self) -> bool {
        // Whoever stops here hears nothing of the end, which is judged too.
        self.inner.is_end_stream() && matches!(self.arrived, Arrived::Nothing)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// How many bytes of bodies may be in memory at once while they arrive. Of these, bodies of public
/// routes, where no credential counts, may take one half: strangers do not keep out whoever is
/// signed in.
#[derive(Clone, Debug)]
pub(crate) struct BodyBudget {
    shared: Arc<Shared>,
    stranger: bool,
}

#[derive(Debug)]
struct Shared {
    most: usize,
    strangers: AtomicUsize,
    all: AtomicUsize,
}

/// What one body has taken of the budget; given back when this is dropped.
#[derive(Debug)]
pub(crate) struct HeldBytes {
    budget: BodyBudget,
    bytes: usize,
}

impl BodyBudget {
    pub(crate) fn new(most: usize) -> Self {
        let shared = Shared { most, strangers: AtomicUsize::new(0), all: AtomicUsize::new(0) };
        Self { shared: Arc::new(shared), stranger: false }
    }

    /// From here on the body is a stranger's.
    pub(crate) fn set_stranger(&mut self) {
        self.stranger = true;
    }

    /// Nothing yet, of a body that begins to arrive.
    pub(crate) fn begin(self) -> HeldBytes {
        HeldBytes { budget: self, bytes: 0 }
    }
}

impl HeldBytes {
    /// Takes so many bytes more. Where they are not there, nothing is taken.
    #[must_use]
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let Shared { most, strangers, all } = &*self.budget.shared;
        if self.budget.stranger && !add(strangers, bytes, most / 2) {
            return false;
        }
        if !add(all, bytes, *most) {
            if self.budget.stranger {
                strangers.fetch_sub(bytes, Ordering::Relaxed);
            }
            return false;
        }
        self.bytes += bytes;
        true
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        let Shared { strangers, all, .. } = &*self.budget.shared;
        all.fetch_sub(self.bytes, Ordering::Relaxed);
        if self.budget.stranger {
            strangers.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

fn add(counter: &AtomicUsize, bytes: usize, most: usize) -> bool {
    let sum = |now: usize| now.checked_add(bytes).filter(|sum| *sum <= most);
    counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Faults §8: strangers' bodies.
    #[test]
    fn strangers_take_one_half_and_leave_the_rest() {
        let budget = BodyBudget::new(100);
        let mut stranger = budget.clone();
        stranger.set_stranger();
        let (mut one, mut other) = (stranger.clone().begin(), stranger.begin());
        assert!(one.take(30) && other.take(20) && !other.take(1));
        let mut known = budget.clone().begin();
        assert!(known.take(50) && !known.take(1));
        drop(one);
        assert!(other.take(30) && !other.take(1) && !known.take(1));
        drop((other, known));
        assert!(budget.begin().take(100), "all of it was given back");
    }
}
