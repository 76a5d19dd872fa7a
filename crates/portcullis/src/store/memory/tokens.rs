use async_trait::async_trait;

use super::MemoryStore;
use super::state::Refresh;
use crate::store::rotation::{Used, Verdict, judge};
use crate::store::{Change, Digest, Rotation, StoreError, TokenRecord, Tokens};
use crate::types::{Scopes, Session, Timestamp, TokenId};

#[async_trait]
impl Tokens for MemoryStore {
    async fn insert_token(&self, token: &TokenRecord) -> Result<(), StoreError> {
        self.with(|state| {
            let kept = state.sessions.get(&token.session);
            if !kept.is_some_and(|k| k.session.ended_at.is_none() && k.session.user == token.user) {
                return Err(StoreError::NotFound { what: "session" });
            }
            if state.tokens.contains_key(&token.digest)
                || state.tokens.values().any(|kept| kept.id == token.id)
            {
                return Err(StoreError::Conflict { field: "token" });
            }
            state.tokens.insert(token.digest, token.clone());
            Ok(())
        })
    }

    async fn token(&self, digest: &Digest) -> Result<Option<TokenRecord>, StoreError> {
        Ok(self.with(|state| {
            let token = state.tokens.get(digest)?;
            let session = &state.sessions.get(&token.session)?.session;
            let good = session.ended_at.is_none() && !state.revoked.contains_key(&token.id);
            good.then(|| token.clone())
        }))
    }

    async fn revoke_token(&self, id: TokenId, expires_at: Timestamp) -> Result<(), StoreError> {
        self.with(|state| {
            if state.revoked.get(&id).is_none_or(|known| *known < expires_at) {
                state.revoked.insert(id, expires_at);
                state.tell(Change::TokenRevoked(id, expires_at));
            }
        });
        Ok(())
    }

    async fn revoked(&self, now: Timestamp) -> Result<Vec<(TokenId, Timestamp)>, StoreError> {
        Ok(self.with(|state| {
            let revoked = state.revoked.iter().filter(|(_, expires_at)| **expires_at > now);
            revoked.map(|(id, expires_at)| (*id, *expires_at)).collect()
        }))
    }

    async fn rotate_refresh(
        &self,
        shown: &Digest,
        successor: &Digest,
        window_seconds: u32,
        idle_expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Rotation, StoreError> {
        self.with(|state| {
            let Some(refresh) = state.refresh.get(shown).cloned() else {
                return Ok(Rotation::Unknown);
            };
            let Some(kept) = state.sessions.get(&refresh.session) else {
                return Ok(Rotation::Unknown);
            };
            let (mut session, scopes) = (kept.session.clone(), kept.scopes.clone());
            let active = state.users.get(&session.user).is_some_and(|user| user.user.active);
            let used = refresh.used.map(|(at, got)| Used {
                at,
                same_successor: got == *successor,
                successor_spent: state.refresh.get(&got).is_none_or(|next| next.used.is_some()),
            });
            match judge(&session, active, used, window_seconds, now) {
                Verdict::Ignore => Ok(Rotation::Unknown),
                Verdict::Retry => Ok(Rotation::Retried(Box::new(session), scopes)),
                Verdict::End => {
                    if state.end(session.id, now) {
                        session.ended_at = Some(now);
                    }
                    Ok(Rotation::Reused(Box::new(session)))
                }
                Verdict::Rotate => {
                    if state.refresh.contains_key(successor) {
                        return Err(StoreError::Conflict { field: "refresh_token" });
                    }
                    let mark = Refresh { session: session.id, used: Some((now, *successor)) };
                    state.refresh.insert(*shown, mark);
                    state.refresh.insert(*successor, Refresh { session: session.id, used: None });
                    session.last_used_at = now;
                    session.idle_expires_at = idle_expires_at;
                    if let Some(kept) = state.sessions.get_mut(&session.id) {
                        kept.session = session.clone();
                    }
                    Ok(Rotation::Rotated(Box::new(session), scopes))
                }
            }
        })
    }

    async fn session_by_refresh(
        &self,
        digest: &Digest,
    ) -> Result<Option<(Session, Scopes)>, StoreError> {
        Ok(self.with(|state| {
            let kept = state.sessions.get(&state.refresh.get(digest)?.session)?;
            Some((kept.session.clone(), kept.scopes.clone()))
        }))
    }

    async fn sweep(&self, now: Timestamp, keep_seconds: u32) -> Result<u64, StoreError> {
        let cutoff = crate::store::tokens::cutoff(now, keep_seconds);
        Ok(self.with(|state| {
            let mut gone =
                state.drop_sessions(|s| s.idle_expires_at <= cutoff || s.expires_at <= cutoff);
            gone += state.drop_api_keys(|key| key.expires_at <= now);
            let count = |state: &super::State| {
                state.tokens.len() + state.revoked.len() + state.ended.len() + state.keys.len()
            };
            let before = count(state);
            state.tokens.retain(|_, token| token.expires_at > now);
            state.revoked.retain(|_, expires_at| *expires_at > now);
            state.ended.retain(|_, at| *at > cutoff);
            state.keys.retain(|_, key| key.retired_at.is_none_or(|at| at > cutoff));
            gone += (before - count(state)) as u64;
            gone
        }))
    }
}
