//! What the store in memory holds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::store::feed::CHANGES_KEPT;
use crate::store::graph::{self, Inclusions};
use crate::store::{Change, Digest, KeyRecord, StoreError, TokenRecord};
use crate::types::{
    ApiKey, Client, ClientId, Grant, Role, RoleRecord, Scopes, Session, SessionId, Subject,
    Timestamp, TokenId, User, UserId,
};

/// A user and what is not part of one.
#[derive(Clone)]
pub(super) struct Account {
    pub user: User,
    pub password_hash: Option<String>,
}

/// A session and what is not part of one.
#[derive(Clone)]
pub(super) struct Kept {
    pub session: Session,
    pub cookie: Option<Digest>,
    pub scopes: Scopes,
}

/// A refresh token.
#[derive(Clone)]
pub(super) struct Refresh {
    pub session: SessionId,
    /// When it was used, and for which successor.
    pub used: Option<(Timestamp, Digest)>,
}

#[derive(Clone, Default)]
pub(super) struct State {
    pub users: BTreeMap<UserId, Account>,
    /// By folded username.
    pub usernames: BTreeMap<String, UserId>,
    /// By folded e-mail address.
    pub emails: BTreeMap<String, UserId>,
    pub clients: BTreeMap<ClientId, Client>,
    pub roles: BTreeMap<Role, RoleRecord>,
    pub assigned: BTreeMap<Subject, BTreeSet<Role>>,
    pub grants: BTreeMap<Subject, Vec<Grant>>,
    pub sessions: BTreeMap<SessionId, Kept>,
    /// Outlives the sessions.
    pub ended: BTreeMap<SessionId, Timestamp>,
    pub refresh: BTreeMap<Digest, Refresh>,
    pub tokens: BTreeMap<Digest, TokenRecord>,
    pub revoked: BTreeMap<TokenId, Timestamp>,
    pub keys: BTreeMap<String, KeyRecord>,
    pub api_keys: BTreeMap<Digest, ApiKey>,
    changes: VecDeque<Change>,
    position: u64,
}

impl State {
    /// Tells those who follow.
    pub(super) fn tell(&mut self, change: Change) {
        self.position += 1;
        self.changes.push_back(change);
        if self.changes.len() > CHANGES_KEPT as usize {
            self.changes.pop_front();
        }
    }

    pub(super) fn changes(&self, after: Option<u64>) -> (u64, Vec<Change>) {
        let Some(after) = after else { return (self.position, Vec::new()) };
        let behind = self.position.checked_sub(after).and_then(|n| usize::try_from(n).ok());
        let changes = match behind.and_then(|behind| self.changes.len().checked_sub(behind)) {
            Some(first) => self.changes.iter().skip(first).cloned().collect(),
            None => vec![Change::Everything],
        };
        (self.position, changes)
    }

    /// Refuses a subject that is not there.
    pub(super) fn refuse_missing(&self, subject: &Subject) -> Result<(), StoreError> {
        let (there, what) = match subject {
            Subject::User(id) => (self.users.contains_key(id), "user"),
            Subject::Client(id) => (self.clients.contains_key(id), "client"),
            Subject::External(_) | Subject::Guest => (false, "subject"),
        };
        if there { Ok(()) } else { Err(StoreError::NotFound { what }) }
    }

    pub(super) fn inclusions(&self) -> Inclusions {
        self.roles.iter().map(|(name, role)| (name.clone(), role.includes.clone())).collect()
    }

    /// Whether an active user holds the role, directly or through one that includes it.
    pub(super) fn has_holder(&self, role: &Role) -> bool {
        let holding = graph::including(&self.inclusions(), role);
        self.assigned.iter().any(|(subject, roles)| match subject {
            Subject::User(id) => {
                !roles.is_disjoint(&holding)
                    && self.users.get(id).is_some_and(|account| account.user.active)
            }
            _ => false,
        })
    }

    /// Ends a session, whether or not it has expired; `false` where it was ended before.
    pub(super) fn end(&mut self, id: SessionId, now: Timestamp) -> bool {
        let Some(kept) = self.sessions.get_mut(&id) else { return false };
        if kept.session.ended_at.is_some() {
            return false;
        }
        kept.session.ended_at = Some(now);
        self.ended.insert(id, now);
        self.tell(Change::SessionEnded(id, now));
        true
    }

    /// Ends the sessions that `which` picks. Returns those it ended.
    pub(super) fn end_all(
        &mut self,
        now: Timestamp,
        which: impl Fn(&Session) -> bool,
    ) -> Vec<SessionId> {
        let ids = self.sessions.values().map(|kept| &kept.session).filter(|s| which(s));
        let mut ids: Vec<_> = ids.map(|session| session.id).collect();
        ids.retain(|id| self.end(*id, now));
        ids
    }

    /// Drops sessions with the tokens that belong to them.
    pub(super) fn drop_sessions(&mut self, which: impl Fn(&Session) -> bool) -> u64 {
        let before = self.sessions.len() + self.refresh.len() + self.tokens.len();
        self.sessions.retain(|_, kept| !which(&kept.session));
        let sessions = &self.sessions;
        self.refresh.retain(|_, refresh| sessions.contains_key(&refresh.session));
        self.tokens.retain(|_, token| sessions.contains_key(&token.session));
        let after = self.sessions.len() + self.refresh.len() + self.tokens.len();
        (before - after) as u64
    }
}
