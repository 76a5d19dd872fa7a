use async_trait::async_trait;

use super::MemoryStore;
use super::state::{Kept, Refresh};
use crate::store::{Digest, LIVE_SESSIONS, NewRefresh, Sessions, StoreError};
use crate::types::{Scopes, Session, SessionId, Timestamp, UserId};

#[async_trait]
impl Sessions for MemoryStore {
    async fn insert_session(
        &self,
        session: &Session,
        cookie: Option<&Digest>,
        refresh: Option<&NewRefresh>,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.with(|state| {
            if !state.users.get(&session.user).is_some_and(|account| account.user.active) {
                return Err(StoreError::NotFound { what: "user" });
            }
            if state.sessions.contains_key(&session.id) {
                return Err(StoreError::Conflict { field: "session" });
            }
            if cookie.is_some()
                && state.sessions.values().any(|kept| kept.cookie.as_ref() == cookie)
            {
                return Err(StoreError::Conflict { field: "cookie" });
            }
            let kept = Kept {
                session: session.clone(),
                cookie: cookie.copied(),
                scopes: refresh.map_or(Scopes::All, |refresh| refresh.scopes.clone()),
            };
            if let Some(refresh) = refresh {
                if state.refresh.contains_key(&refresh.digest) {
                    return Err(StoreError::Conflict { field: "refresh_token" });
                }
                let token = Refresh { session: session.id, used: None };
                state.refresh.insert(refresh.digest, token);
            }
            state.sessions.insert(session.id, kept);
            let now = session.created_at;
            let mut others: Vec<_> = state
                .sessions
                .values()
                .map(|kept| &kept.session)
                .filter(|other| other.user == session.user && other.id != session.id)
                .filter(|other| other.is_live(now))
                .map(|other| (other.created_at, other.id))
                .collect();
            others.sort_unstable();
            let surplus = (others.len() + 1).saturating_sub(LIVE_SESSIONS);
            let ended: Vec<_> = others.into_iter().take(surplus).map(|(_, id)| id).collect();
            for id in &ended {
                state.end(*id, now);
            }
            Ok(ended)
        })
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(self.with(|state| state.sessions.get(&id).map(|kept| kept.session.clone())))
    }

    async fn session_by_cookie(&self, cookie: &Digest) -> Result<Option<Session>, StoreError> {
        Ok(self.with(|state| {
            let kept = state.sessions.values().find(|kept| kept.cookie.as_ref() == Some(cookie))?;
            Some(kept.session.clone())
        }))
    }

    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let mut found: Vec<_> = self.with(|state| {
            let sessions = state.sessions.values().map(|kept| &kept.session);
            sessions.filter(|s| s.user == user && s.is_live(now)).cloned().collect()
        });
        found.sort_by_key(|session| std::cmp::Reverse((session.created_at, session.id)));
        Ok(found)
    }

    async fn touch_session(
        &self,
        id: SessionId,
        now: Timestamp,
        idle_expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.with(|state| {
            if let Some(kept) = state.sessions.get_mut(&id)
                && kept.session.is_live(now)
            {
                kept.session.last_used_at = now;
                kept.session.idle_expires_at = idle_expires_at;
            }
        });
        Ok(())
    }

    async fn end_session(&self, id: SessionId, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.with(|state| {
            let live = state.sessions.get(&id).is_some_and(|kept| kept.session.is_live(now));
            state.end(id, now);
            live
        }))
    }

    async fn end_sessions(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        Ok(self.with(|state| {
            state.end_all(now, |session| session.user == user && Some(session.id) != keep)
        }))
    }

    async fn ended_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<(SessionId, Timestamp)>, StoreError> {
        let mut ended: Vec<_> = self.with(|state| {
            let ended = state.ended.iter().filter(|(_, at)| **at >= since);
            ended.map(|(id, at)| (*id, *at)).collect()
        });
        ended.sort_unstable_by_key(|(id, at)| (*at, *id));
        Ok(ended)
    }
}
