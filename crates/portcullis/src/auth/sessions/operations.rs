//! What can be done with sessions.

use std::sync::Arc;

use super::{Caller, LOOKED_UP_EVERY, Session, SignedIn, VerifiedCookie, sql};
use crate::auth::audit::{Action, AuditTarget, Event};
use crate::auth::cache::SubjectAccess;
use crate::auth::db::{Change, Digest};
use crate::auth::denied::Denied;
use crate::auth::last_used::Use;
use crate::auth::write::Write;
use crate::auth::{Actor, Auth, later};
use crate::crypto::{OpaqueKind, OpaqueToken, Secret, digest_of};
use crate::policy::{permission, unscoped};
use crate::problem::{Problem, ProblemKind};
use crate::types::{ClientId, Principal, Scopes, SessionId, Subject, Timestamp, UserId};

fn principal(session: &Session, known: &SubjectAccess) -> Principal {
    let mut principal = Principal::new(Subject::User(session.user), Arc::clone(&known.name));
    principal.access = Arc::clone(&known.access);
    principal.authenticated_at = Some(session.created_at);
    principal.second_factor = session.second_factor;
    principal.session = Some(session.id);
    principal.client = Some(session.client.clone());
    principal
}

impl Auth {
    /// Begins a session that lives in a cookie. Returns the cookie's value.
    ///
    /// # Errors
    /// A 401 where the account changed since the password was shown; a 503 where the database is away.
    pub async fn begin_cookie(
        &self,
        who: &SignedIn,
        caller: Caller,
    ) -> Result<(Session, Secret<String>), Problem> {
        self.begin_cookie_after(who, caller, None).await
    }

    /// The same in a browser that shows the session `before`: it ends, so that no cookie from before the sign-in
    /// counts after it. Where it is the same user's, what hangs on it hangs on the new one.
    ///
    /// # Errors
    /// As [`begin_cookie`](Self::begin_cookie).
    pub async fn begin_cookie_after(
        &self,
        who: &SignedIn,
        caller: Caller,
        before: Option<SessionId>,
    ) -> Result<(Session, Secret<String>), Problem> {
        let cookie =
            OpaqueToken::mint(&self.0.sources, OpaqueKind::Session).map_err(Problem::internal)?;
        let digest = cookie.digest();
        let actor = caller.actor().named(who.user, &who.username);
        let session = self.new_session(who, caller)?;
        let (who, begun) = (who.clone(), session.clone());
        self.write(&actor, move |write| {
            Box::pin(async move {
                begin(write, &who, &begun, Some(&digest), &Scopes::All, "cookie").await?;
                let Some(before) = before else { return Ok(()) };
                let Some(row) = sql::session(write.db(), before).await? else { return Ok(()) };
                if row.user == who.user {
                    sql::adopt(write.db(), before, begun.id).await?;
                }
                end(write, row.user, before).await.map(drop)
            })
        })
        .await?;
        Ok((session, Secret::new(cookie.expose().to_owned())))
    }

    pub(in crate::auth) fn new_session(
        &self,
        who: &SignedIn,
        caller: Caller,
    ) -> Result<Session, Problem> {
        let now = self.now();
        let settings = &self.0.settings;
        let expires_at = later(now, settings.session_ttl);
        Ok(Session {
            id: SessionId(self.0.sources.uuid().map_err(Problem::internal)?),
            user: who.user,
            client: ClientId::first_party(),
            created_at: who.authenticated_at,
            last_used_at: now,
            idle_expires_at: later(now, settings.idle_ttl).min(expires_at),
            expires_at,
            ended_at: None,
            second_factor: false,
            address: caller.address.map(|address| address.to_string()),
            agent: caller.agent.map(|agent| agent.chars().take(200).collect()),
            parent: None,
        })
    }

    /// Who a session cookie speaks for. `None` where it does not count, or no longer.
    ///
    /// # Errors
    /// [`Denied::Database`] where the database is away.
    pub async fn principal_of_cookie(&self, text: &str) -> Result<Option<Principal>, Denied> {
        let Ok((OpaqueKind::Session, digest)) = OpaqueToken::parse(text) else { return Ok(None) };
        let now = self.now();
        let settled = self.settled().await?;
        let Some(shown) = self.look_up_cookie(&digest, now, settled).await? else {
            return Ok(None);
        };
        let session = &shown.session;
        if !session.is_live(now) || self.0.cache.has_ended(session.id) {
            self.0.sessions.cookies.remove(&digest);
            return Ok(None);
        }
        let subject = Subject::User(session.user);
        let known = self.0.cache.of(&self.0.db, &subject, settled).await?;
        let Some(known) = known.filter(|known| known.active) else { return Ok(None) };
        Ok(Some(principal(session, &known)))
    }

    /// The same where memory knows it at once: the session was looked up at most a minute ago, and it
    /// counts, as its user does. Whatever else there is to say is said by the other.
    pub(in crate::auth) fn principal_of_cookie_now(&self, text: &str) -> Option<Principal> {
        if !self.is_settled_now() {
            return None;
        }
        // What has been looked up has the form of a session's token, and nothing else has its digest.
        let shown = self.0.sessions.cookies.get(&digest_of(text))?;
        let age = self.0.sources.monotonic().saturating_sub(shown.looked_up_at).as_secs();
        let (session, cache) = (&shown.session, &self.0.cache);
        let counts = age < LOOKED_UP_EVERY.unsigned_abs()
            && session.is_live(self.now())
            && !cache.has_ended(session.id);
        let known = cache.active_in_memory(&Subject::User(session.user)).filter(|_| counts)?;
        Some(principal(session, &known))
    }

    /// The session of a cookie, looked up at most a minute ago; that it was used is noted as often,
    /// and nobody waits for that.
    async fn look_up_cookie(
        &self,
        digest: &Digest,
        now: Timestamp,
        settled: bool,
    ) -> Result<Option<Arc<VerifiedCookie>>, Denied> {
        let looked_up_at = self.0.sources.monotonic();
        if settled
            && let Some(shown) = self.0.sessions.cookies.get(digest)
            && (looked_up_at.saturating_sub(shown.looked_up_at)).as_secs()
                < LOOKED_UP_EVERY.unsigned_abs()
        {
            return Ok(Some(shown));
        }
        let begun = self.0.cache.begun();
        let Some(mut session) = sql::session_by_cookie(&self.0.db, digest).await? else {
            return Ok(None);
        };
        if session.is_live(now)
            && now.duration_since(session.last_used_at).as_secs() >= LOOKED_UP_EVERY
        {
            let idle = later(now, self.0.settings.idle_ttl).min(session.expires_at);
            self.note_use(Use::Session(session.id, idle), now).await;
            session.last_used_at = now;
            session.idle_expires_at = idle;
        }
        let shown = Arc::new(VerifiedCookie { session, looked_up_at });
        self.0.cache.keep_if_unchanged(begun, || {
            self.0.sessions.cookies.insert(*digest, Arc::clone(&shown));
        });
        Ok(Some(shown))
    }

    /// The user's live sessions, newest first.
    ///
    /// # Errors
    /// A 503 where the database is away.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>, Problem> {
        Ok(sql::live(&self.0.db, user, self.now()).await?)
    }

    /// Ends one session of a user's: of the actor's own, or of another with `users:manage` where the
    /// actor holds all that the other holds. Returns whether there was one to end.
    ///
    /// # Errors
    /// 403; 503.
    pub async fn end_session(
        &self,
        actor: &Actor,
        user: UserId,
        session: SessionId,
    ) -> Result<bool, Problem> {
        self.write(actor, move |write| {
            Box::pin(async move {
                require_over(write, user).await?;
                let row = sql::session(write.db(), session).await?;
                if row.is_none_or(|row| row.user != user) {
                    return Ok(false);
                }
                end(write, user, session).await
            })
        })
        .await
    }

    /// Ends the session that the actor's own credential belongs to.
    ///
    /// # Errors
    /// 503.
    pub async fn end_own_session(&self, who: &Principal) -> Result<bool, Problem> {
        let (Some(user), Some(session)) = (who.user(), who.session) else { return Ok(false) };
        self.write(&Actor::of(who), move |write| {
            Box::pin(async move { end(write, user, session).await })
        })
        .await
    }

    /// Ends every session of a user's but `keep`, every action token and every sign-in under way: of
    /// the actor's own, or of another as for one session. Returns how many sessions.
    ///
    /// # Errors
    /// 403; 503.
    pub async fn end_sessions(
        &self,
        actor: &Actor,
        user: UserId,
        keep: Option<SessionId>,
    ) -> Result<usize, Problem> {
        self.write(actor, move |write| {
            Box::pin(async move {
                require_over(write, user).await?;
                let target = write.target(&Subject::User(user)).await?;
                let ended = end_all(write, user, keep).await?;
                // Action tokens and sign-ins under way end with the sessions.
                sql::raise_epoch(write.db(), user).await?;
                write.forget(Change::Subject(Subject::User(user)));
                if ended > 0 {
                    let event = write.event(Action::SessionEnded).on(target);
                    write.note(event.count("sessions", ended as u64));
                }
                Ok(ended)
            })
        })
        .await
    }
}

/// Requires that the actor is this user, by a credential that no scope limits, or may manage them.
async fn require_over(write: &mut Write, user: UserId) -> Result<(), Problem> {
    let own = write.judged().is_some_and(|who| who.user() == Some(user));
    if own {
        return write.require(unscoped());
    }
    write.require(permission("users:manage"))?;
    write.must_not_exceed(&Subject::User(user)).await
}

/// Keeps a new session, with what it is noted with. The account must still be as it was when the
/// password was shown.
pub(in crate::auth) async fn begin(
    write: &mut Write,
    who: &SignedIn,
    session: &Session,
    cookie: Option<&Digest>,
    scopes: &Scopes,
    way: &'static str,
) -> Result<(), Problem> {
    let access = write.access_of(&Subject::User(session.user)).await?;
    if !access.is_some_and(|access| access.active && access.epoch == who.known.epoch) {
        return Err(ProblemKind::InvalidCredential.into());
    }
    if session.client != ClientId::first_party() {
        let client = write.access_of(&Subject::Client(session.client.clone())).await?;
        if !client.is_some_and(|client| client.active) {
            return Err(ProblemKind::InvalidCredential.into());
        }
    }
    let target = AuditTarget::user(who.user, &who.username);
    keep(write, session, cookie, scopes, (target, way)).await
}

/// Keeps a new session whose user was judged, with what it is noted with.
pub(in crate::auth) async fn keep(
    write: &mut Write,
    session: &Session,
    cookie: Option<&Digest>,
    scopes: &Scopes,
    (user, way): (AuditTarget, &'static str),
) -> Result<(), Problem> {
    let now = write.now;
    sql::insert(write.db(), session, cookie, scopes).await?;
    let mut pushed_out = sql::end_surplus(write.db(), session).await?;
    let children = sql::end_children(write.db(), &pushed_out, now).await?;
    pushed_out.extend(children);
    write.forget_sessions(&pushed_out);
    let login = Event::new(write.actor(), Action::Login).on(user).detail("by", way);
    write.note(login.detail("session", &session.id.to_string()));
    Ok(())
}

/// Ends one session, and notes it. Returns whether it was live.
pub(in crate::auth) async fn end(
    write: &mut Write,
    user: UserId,
    session: SessionId,
) -> Result<bool, Problem> {
    let now = write.now;
    let ended = sql::end(write.db(), session, now).await?;
    let mut gone = sql::end_children(write.db(), &[session], now).await?;
    gone.push(session);
    write.forget_sessions(&gone);
    if ended {
        let action =
            if write.actor().is_user(user) { Action::Logout } else { Action::SessionEnded };
        let target = write.target(&Subject::User(user)).await?;
        let event = write.event(action).on(target).detail("session", &session.to_string());
        write.note(event);
    }
    Ok(ended)
}

/// Ends every session of a user but `keep`.
pub(in crate::auth) async fn end_all(
    write: &mut Write,
    user: UserId,
    keep: Option<SessionId>,
) -> Result<usize, Problem> {
    let now = write.now;
    let ended = sql::end_of_user(write.db(), user, keep, now).await?;
    write.forget_sessions(&ended);
    Ok(ended.len())
}

/// Ends every session at a client.
pub(in crate::auth) async fn end_of_client(
    write: &mut Write,
    client: &ClientId,
) -> Result<(), Problem> {
    let now = write.now;
    let ended = sql::end_of_client(write.db(), client, now).await?;
    write.forget(Change::Subject(Subject::Client(client.clone())));
    write.forget_sessions(&ended);
    Ok(())
}
