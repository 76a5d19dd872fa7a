//! Sign-ins: begun, listed, ended.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::SignedDuration;

use super::access_tokens::Denied;
use super::{AccessFormat, Action, Auth, Event, SignedIn};
use crate::crypto::{OpaqueKind, OpaqueToken, Secret};
use crate::problem::Problem;
use crate::store::{Digest, NewRefresh};
use crate::types::{
    Actor, AuditTarget, ClientId, Principal, Scope, Scopes, Session, SessionId, Subject, Timestamp,
    UserId,
};

/// Where a sign-in came from: kept with the session for its owner to see.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// What it said it is; cut at 200 characters.
    pub agent: Option<String>,
    /// In which request.
    pub request_id: Option<Arc<str>>,
}

impl Caller {
    /// Whoever calls, before it is known who that is.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::nobody(self.address, self.request_id.clone())
    }
}

/// What a sign-in or a refresh yields.
#[derive(Debug)]
pub struct Issued {
    /// The access token.
    pub access: Secret<String>,
    /// Its successor-bearing companion.
    pub refresh: Secret<String>,
    /// How long the access token lives, in seconds.
    pub expires_in: u64,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
}

/// A cookie that was looked up.
#[derive(Debug)]
pub(super) struct VerifiedCookie {
    session: Session,
    looked_up_at: Timestamp,
}

/// How long what was looked up in the store is believed at the most, in seconds; its last use may
/// lag behind by as much. It must be far below [`Settings::LONGEST_ACCESS_TTL`], for which memory
/// knows that a session has ended: a cookie can live longer.
///
/// [`Settings::LONGEST_ACCESS_TTL`]: super::Settings::LONGEST_ACCESS_TTL
pub(super) const LOOKED_UP_EVERY: i64 = 60;

impl Auth {
    /// Begins a session that lives by refresh tokens.
    ///
    /// # Errors
    /// A 503 where the store is away.
    pub async fn begin_tokens(
        &self,
        who: &SignedIn,
        scopes: Scopes,
        format: Option<AccessFormat>,
        caller: Caller,
    ) -> Result<Issued, Problem> {
        let login = login(who, &caller, "token");
        let session = self.new_session(who, caller)?;
        let refresh =
            OpaqueToken::mint(&self.0.sources, OpaqueKind::Refresh).map_err(Problem::internal)?;
        let kept = NewRefresh { digest: refresh.digest(), scopes: scopes.clone() };
        self.insert_session(login, session.clone(), None, Some(kept)).await?;
        self.issue(&session, scopes, who.access(), format, refresh).await
    }

    /// Begins a session that lives in a cookie. Returns the cookie's value.
    ///
    /// # Errors
    /// A 503 where the store is away.
    pub async fn begin_cookie(
        &self,
        who: &SignedIn,
        caller: Caller,
    ) -> Result<(Session, Secret<String>), Problem> {
        let login = login(who, &caller, "cookie");
        let session = self.new_session(who, caller)?;
        let cookie =
            OpaqueToken::mint(&self.0.sources, OpaqueKind::Session).map_err(Problem::internal)?;
        self.insert_session(login, session.clone(), Some(cookie.digest()), None).await?;
        Ok((session, Secret::new(cookie.expose().to_owned())))
    }

    fn new_session(&self, who: &SignedIn, caller: Caller) -> Result<Session, Problem> {
        let now = self.now();
        let settings = &self.0.settings;
        let expires_at = later(now, settings.session_ttl);
        Ok(Session {
            id: SessionId(self.0.sources.uuid().map_err(Problem::internal)?),
            user: who.user.id,
            client: ClientId::first_party(),
            created_at: who.since,
            last_used_at: now,
            idle_expires_at: later(now, settings.idle_ttl).min(expires_at),
            expires_at,
            ended_at: None,
            second_factor: false,
            address: caller.address.map(|address| address.to_string()),
            agent: caller.agent.map(|agent| agent.chars().take(200).collect()),
        })
    }

    async fn insert_session(
        &self,
        login: Event,
        session: Session,
        cookie: Option<[u8; 32]>,
        refresh: Option<NewRefresh>,
    ) -> Result<(), Problem> {
        let rules = self.clone();
        let login = login.detail("session", &session.id.to_string());
        self.noted(login, |mark| mark, async move {
            let pushed_out =
                rules.store().insert_session(&session, cookie.as_ref(), refresh.as_ref()).await?;
            rules.note_ended(&pushed_out);
            Ok(())
        })
        .await
    }

    /// Does a deed of change to its end, whatever becomes of whoever asked: while it runs, memory
    /// does not answer; when it is over, memory has forgotten what it concerns.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        of: impl FnOnce(super::standing::CacheGuard) -> super::standing::CacheGuard,
        change: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        self.change_and(of, change, |_| Vec::new()).await
    }

    /// Does a deed of change to its end, then writes into the audit log what came of it.
    pub(super) async fn change_and<T: Send + 'static>(
        &self,
        of: impl FnOnce(super::standing::CacheGuard) -> super::standing::CacheGuard,
        change: impl Future<Output = Result<T, Problem>> + Send + 'static,
        events: impl FnOnce(&Result<T, Problem>) -> Vec<Event> + Send + 'static,
    ) -> Result<T, Problem> {
        let mark = of(self.0.access_cache.change());
        self.to_the_end(Some(mark), change, events).await
    }

    /// Does a deed that memory knows nothing of to its end, then writes into the audit log what
    /// came of it.
    pub(super) async fn deed_and<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, Problem>> + Send + 'static,
        events: impl FnOnce(&Result<T, Problem>) -> Vec<Event> + Send + 'static,
    ) -> Result<T, Problem> {
        self.to_the_end(None, change, events).await
    }

    async fn to_the_end<T: Send + 'static>(
        &self,
        mark: Option<super::standing::CacheGuard>,
        change: impl Future<Output = Result<T, Problem>> + Send + 'static,
        events: impl FnOnce(&Result<T, Problem>) -> Vec<Event> + Send + 'static,
    ) -> Result<T, Problem> {
        let rules = self.clone();
        // A request that is cancelled half-way must not leave a committed change unnoticed.
        tokio::spawn(async move {
            let result = change.await;
            // Before the log is written: requests need not wait for that.
            drop(mark);
            let events = events(&result);
            if !events.is_empty() {
                rules.0.recorder.record(events).await;
            }
            result
        })
        .await
        .map_err(Problem::internal)?
    }

    /// Notes that these sessions are over, for as long as a token of theirs could live.
    pub(super) fn note_ended(&self, sessions: &[SessionId]) {
        let until = later(self.now(), super::Settings::LONGEST_ACCESS_TTL);
        for session in sessions {
            self.0.access_cache.note_ended(*session, until);
        }
    }

    /// Who a session cookie speaks for. `None` where it does not count, or no longer.
    ///
    /// # Errors
    /// [`Denied::Store`] where the store is away.
    pub async fn principal_of_cookie(&self, text: &str) -> Result<Option<Principal>, Denied> {
        let Ok((OpaqueKind::Session, digest)) = OpaqueToken::parse(text) else { return Ok(None) };
        let now = self.now();
        let Some(shown) = self.look_up_cookie(&digest, now).await? else { return Ok(None) };
        let session = &shown.session;
        if !session.is_live(now) || self.0.access_cache.has_ended(session.id) {
            self.0.cookies.remove(&digest);
            return Ok(None);
        }
        let subject = Subject::User(session.user);
        let known = self.0.access_cache.of(self.store(), &subject).await?;
        let Some(known) = known.filter(|known| known.active) else { return Ok(None) };
        let mut principal = Principal::new(subject, Arc::clone(&known.name));
        principal.access = Arc::clone(&known.access);
        principal.since = Some(session.created_at);
        principal.second_factor = session.second_factor;
        principal.session = Some(session.id);
        principal.client = Some(session.client.clone());
        Ok(Some(principal))
    }

    /// The session of a cookie, looked up at most a minute ago; that it was used is noted as often.
    async fn look_up_cookie(
        &self,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<Arc<VerifiedCookie>>, Denied> {
        if self.0.access_cache.is_settled()
            && let Some(shown) = self.0.cookies.get(digest)
            && now.duration_since(shown.looked_up_at).as_secs() < LOOKED_UP_EVERY
        {
            return Ok(Some(shown));
        }
        let begun = self.0.access_cache.begun();
        let Some(mut session) = self.store().session_by_cookie(digest).await? else {
            return Ok(None);
        };
        if session.is_live(now)
            && now.duration_since(session.last_used_at).as_secs() >= LOOKED_UP_EVERY
        {
            let idle = later(now, self.0.settings.idle_ttl).min(session.expires_at);
            self.store().touch_session(session.id, now, idle).await?;
            session.last_used_at = now;
            session.idle_expires_at = idle;
        }
        let shown = Arc::new(VerifiedCookie { session, looked_up_at: now });
        self.0.access_cache.keep_if_unchanged(begun, || {
            self.0.cookies.insert(*digest, Arc::clone(&shown));
        });
        Ok(Some(shown))
    }

    /// The user's live sessions, newest first.
    ///
    /// # Errors
    /// A 503 where the store is away.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>, Problem> {
        Ok(self.store().sessions(user, self.now()).await?)
    }

    /// Ends one session of a user's. Returns whether there was one to end.
    ///
    /// # Errors
    /// A 503 where the store is away.
    pub async fn end_session(
        &self,
        actor: &Actor,
        user: UserId,
        session: SessionId,
    ) -> Result<bool, Problem> {
        let action = if actor.is_user(user) { Action::Logout } else { Action::SessionEnded };
        let event = Event::new(actor, action).on(self.party(&Subject::User(user)).await?);
        let event = event.detail("session", &session.to_string());
        let rules = self.clone();
        let change = async move {
            let theirs = rules.store().session(session).await?.is_some_and(|row| row.user == user);
            if !theirs {
                return Ok(false);
            }
            let ended = rules.store().end_session(session, rules.now()).await?;
            rules.note_ended(&[session]);
            Ok(ended)
        };
        let events = |result: &Result<bool, Problem>| match result {
            Ok(true) => vec![event],
            _ => Vec::new(),
        };
        self.change_and(|mark| mark, change, events).await
    }

    /// Ends every session of a user's but `keep`. Returns how many.
    ///
    /// # Errors
    /// A 503 where the store is away.
    pub async fn end_sessions(
        &self,
        actor: &Actor,
        user: UserId,
        keep: Option<SessionId>,
    ) -> Result<usize, Problem> {
        let event =
            Event::new(actor, Action::SessionEnded).on(self.party(&Subject::User(user)).await?);
        let rules = self.clone();
        let change = async move {
            let ended = rules.store().end_sessions(user, keep, rules.now()).await?;
            rules.note_ended(&ended);
            Ok(ended.len())
        };
        let events = |result: &Result<usize, Problem>| match result {
            Ok(ended) if *ended > 0 => vec![event.count("sessions", *ended as u64)],
            _ => Vec::new(),
        };
        self.change_and(|mark| mark, change, events).await
    }
}

/// What a new session is noted with.
fn login(who: &SignedIn, caller: &Caller, way: &'static str) -> Event {
    let actor = caller.actor().signed_in(&who.user);
    Event::new(&actor, Action::Login).on(AuditTarget::user(&who.user)).detail("by", way)
}

pub(super) fn later(now: Timestamp, seconds: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds.into())).unwrap_or(Timestamp::MAX)
}
