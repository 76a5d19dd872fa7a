//! The verdict under which a body arrives, judged again where the body takes its time.
//!
//! A request is judged by its header. Its body may be sent much later: by then the role may be taken, the
//! session ended, the password changed. So nothing of a body reaches a handler on a verdict that is older
//! than [`FRESH`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::request::Parts;

use super::Guard;
use crate::edge::Verdict;
use crate::problem::{Problem, ProblemKind};
use crate::types::{Access, Conditional, PlacedAccess, Principal};

/// How old a verdict may be when more of the body is handed over.
const FRESH: Duration = Duration::from_secs(3);

/// When somebody was judged, and what they held then; nothing where nobody asked who it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judged(Arc<Mutex<Option<(Duration, Principal)>>>);

impl Judged {
    fn lock(&self) -> MutexGuard<'_, Option<(Duration, Principal)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that this principal was judged, by what was true at `at`.
    pub(super) fn note(&self, at: Duration, who: Principal) {
        *self.lock() = Some((at, who));
    }
}

/// The verdict on one request, and all that is needed to come to it again.
pub(super) struct BodyVerdict {
    pub(super) guard: Arc<Guard>,
    pub(super) parts: Parts,
    pub(super) judged: Judged,
}

impl Verdict for BodyVerdict {
    fn is_stale(&self) -> bool {
        let now = self.guard.gate.0.sources.monotonic();
        let judged = self.judged.lock();
        judged.as_ref().is_some_and(|(at, _)| now.saturating_sub(*at) > FRESH)
    }

    fn renew(&self) -> BoxFuture<'static, Result<(), Problem>> {
        let (guard, judged) = (Arc::clone(&self.guard), self.judged.clone());
        let mut parts = self.parts.clone();
        Box::pin(async move {
            let at = guard.gate.0.sources.monotonic();
            let who = if guard.who.is_public() {
                guard.identify(&parts).await?
            } else {
                let admitted = guard.admit(&mut parts).await.map_err(|(problem, _)| *problem)?;
                Principal::clone(&admitted)
            };
            // The handler may have the principal in hand already.
            let same = judged.lock().as_ref().is_some_and(|(_, before)| is_same(before, &who));
            if !same {
                return Err(Problem::new(ProblemKind::Conflict).detail(
                    "What you may do has changed while the request was arriving. Send it again.",
                ));
            }
            judged.note(at, who);
            Ok(())
        })
    }
}

/// Whether somebody is the same and holds the same, by a credential with the same limit.
fn is_same(before: &Principal, now: &Principal) -> bool {
    before.subject == now.subject
        && before.scopes == now.scopes
        && (Arc::ptr_eq(&before.access, &now.access) || holds_same(&before.access, &now.access))
}

fn holds_same(before: &Access, now: &Access) -> bool {
    let placed = |one: &PlacedAccess, other: &PlacedAccess| {
        one.roles == other.roles
            && one.allowed == other.allowed
            && one.denied == other.denied
            && is_same_list(&one.conditional, &other.conditional)
    };
    before.roles == now.roles
        && before.allowed == now.allowed
        && before.denied == now.denied
        && is_same_list(&before.conditional, &now.conditional)
        && before.within.len() == now.within.len()
        && before
            .within
            .iter()
            .all(|(place, held)| now.within.get(place).is_some_and(|there| placed(held, there)))
}

/// A stored grant never changes: it is the same where its id is.
fn is_same_list(before: &[Conditional], now: &[Conditional]) -> bool {
    let key = |one: &Conditional| (one.grant, one.effect, one.permission.clone());
    before.iter().map(key).eq(now.iter().map(key))
}
