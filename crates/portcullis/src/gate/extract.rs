//! Who it is, as an argument of a handler.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use super::walk::{AskGuard, Identified};
use crate::problem::{Problem, ProblemKind};
use crate::types::Principal;

/// The principal of this request; on a public route, looked up now.
async fn principal(parts: &mut Parts) -> Result<Principal, Problem> {
    if let Some(Identified(principal)) = parts.extensions.get::<Identified>() {
        return Ok(Principal::clone(principal));
    }
    let Some(AskGuard { guard, judged }) = parts.extensions.get::<AskGuard>().cloned() else {
        return Err(Problem::internal("a principal was asked for outside a route table"));
    };
    let began = guard.gate.0.sources.monotonic();
    let mut principal = guard.identify(parts).await?;
    principal.context.parts = guard.parts_of(parts).await;
    if let Some(judged) = judged {
        judged.note(began, principal.clone());
    }
    parts.extensions.insert(Identified(Arc::new(principal.clone())));
    Ok(principal)
}

/// Refuses a request that brings a password or a token in its body over cleartext from elsewhere. On
/// a guarded route the credential itself was refused before.
#[cfg(feature = "auth")]
pub(crate) fn refuse_cleartext(parts: &Parts) -> Result<(), Problem> {
    let guard = parts.extensions.get::<AskGuard>();
    match guard.and_then(|ask| ask.guard.gate.cleartext_fault(parts)) {
        None => Ok(()),
        Some(rejection) => Err(rejection.into()),
    }
}

/// Whoever is signed in; a guest gets a 401.
impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let principal = principal(parts).await?;
        if principal.is_guest() {
            return Err(ProblemKind::Unauthenticated.into());
        }
        Ok(principal)
    }
}

/// `None` for a guest. A credential that is wrong is still a 401: absent is not wrong.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        Ok(Some(principal(parts).await?).filter(|principal| !principal.is_guest()))
    }
}
