//! Conditions that must ask: a database of the application's own, another service.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use quick_cache::sync::Cache;

use crate::problem::BoxError;
use crate::types::{Principal, Timestamp};

/// How long an answer may take, unless said.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many answers of one question are remembered.
const REMEMBERED: usize = 10_000;

/// A condition whose answer is not in the [`Principal`]: whether a subscription is paid, whether a
/// project is archived.
///
/// The gate asks it, once for a request and only where the answer decides. Where there is no answer in
/// time, or an error, the request is refused with a 503: it is never let through.
///
/// ```
/// use std::borrow::Cow;
/// use std::time::Duration;
/// use async_trait::async_trait;
/// use portcullis::policy::{Question, authenticated, when_asked};
/// use portcullis::problem::BoxError;
/// use portcullis::types::Principal;
///
/// #[derive(Debug)]
/// struct Paid;
///
/// #[async_trait]
/// impl Question for Paid {
///     fn explain(&self) -> Cow<'static, str> {
///         "while the subscription is paid".into()
///     }
///     async fn ask(&self, _who: &Principal) -> Result<bool, BoxError> {
///         Ok(true) // ask the database
///     }
///     fn key(&self, who: &Principal) -> Option<String> {
///         Some(who.subject.to_string())
///     }
///     fn kept_for(&self) -> Duration {
///         Duration::from_secs(30)
///     }
/// }
///
/// let who = authenticated() & when_asked(Paid);
/// assert_eq!(who.to_string(), "signed in and while the subscription is paid");
/// ```
#[async_trait]
pub trait Question: fmt::Debug + Send + Sync + 'static {
    /// A phrase for OpenAPI, the access table and the 403, as that of a
    /// [`Condition`](crate::types::Condition).
    fn explain(&self) -> Cow<'static, str>;

    /// Asks whether it holds for this request.
    ///
    /// # Errors
    /// Whatever keeps it from being known. It is logged, and the answer is a 503.
    async fn ask(&self, who: &Principal) -> Result<bool, BoxError>;

    /// All that the answer hangs on, such as the subject: for as long as it is kept, an answer counts
    /// for every request of the same key. It is asked anew each time where this is `None`.
    fn key(&self, _who: &Principal) -> Option<String> {
        None
    }

    /// For how long an answer is kept: not at all unless said. So late may a change count.
    fn kept_for(&self) -> Duration {
        Duration::ZERO
    }

    /// How long an answer may take: a second unless said.
    fn patience(&self) -> Duration {
        PATIENCE
    }
}

/// A question as a term of requirements, with the answers it has had.
#[derive(Clone)]
pub(crate) struct QuestionTerm(Arc<Inner>);

struct Inner {
    question: Box<dyn Question>,
    kept: Cache<String, Kept>,
}

/// An answer, and when it was given.
#[derive(Clone, Copy)]
struct Kept {
    holds: bool,
    since: Timestamp,
}

impl fmt::Debug for QuestionTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.question.fmt(f)
    }
}

impl QuestionTerm {
    pub(super) fn new(question: impl Question) -> Self {
        Self(Arc::new(Inner { question: Box::new(question), kept: Cache::new(REMEMBERED) }))
    }

    pub(crate) fn question(&self) -> &dyn Question {
        &*self.0.question
    }

    /// Tells it from other questions, as long as it lives.
    pub(crate) fn number(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// The answer that is kept for this key, if it is young enough. One from the future, of a clock
    /// that was set back, is not.
    pub(crate) fn kept(&self, key: &str, now: Timestamp) -> Option<bool> {
        let kept = self.0.kept.get(key)?;
        let longest = SignedDuration::try_from(self.question().kept_for()).ok()?;
        let age = now.duration_since(kept.since);
        (!age.is_negative() && age < longest).then_some(kept.holds)
    }

    /// Keeps an answer.
    pub(crate) fn keep(&self, key: String, holds: bool, now: Timestamp) {
        if !self.question().kept_for().is_zero() {
            self.0.kept.insert(key, Kept { holds, since: now });
        }
    }
}
