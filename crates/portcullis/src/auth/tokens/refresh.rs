//! Refreshing: never logs a real user out, nor lets a thief in.
//!
//! The successor of a refresh token is made from the token itself and a key that is in no
//! database. A client that shows the same token again within the window gets the very same successor:
//! a second tab, a lost answer and a crash all end in one lineage. From another address it gets it only
//! while nothing of the first answer has been used. Once the successor has been used, or the window has
//! passed, the token is dead, and showing it ends the session.

use std::sync::Arc;

use jiff::SignedDuration;

use super::operations::{NewToken, Prepared, prepare};
use super::sql::Rotation;
use super::{Issued, sql};
use crate::auth::audit::Action;
use crate::auth::db::Digest;
use crate::auth::sessions::{self, Session};
use crate::auth::write::Write;
use crate::auth::{AccessFormat, Actor, Auth};
use crate::crypto::{OpaqueKind, OpaqueToken};
use crate::problem::Problem;
use crate::types::{Access, ClientId, Scopes, Subject, TokenId};

/// Why a refresh token yields nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum RefreshRefused {
    /// Unknown, over, or used before: nobody is told which.
    Invalid,
    /// A scope was asked for that the session never had.
    Scope(String),
    /// The database is away, or a fault of ours.
    Other(Problem),
}

impl<E: Into<Problem>> From<E> for RefreshRefused {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// A refresh token that a client shows, and its successor.
struct Shown {
    digest: Digest,
    successor: Digest,
    asked: Option<String>,
    format: Option<AccessFormat>,
    /// Which client shows it.
    client: ClientId,
    /// The scopes that tokens of this client may have.
    limit: Scopes,
}

/// What the transaction came to.
type Refreshed = Result<(Prepared, Arc<Access>), RefreshRefused>;

impl Auth {
    /// Exchanges a refresh token for a new pair. `asked` can only narrow the new access token.
    ///
    /// # Errors
    /// [`RefreshRefused`].
    pub async fn refresh(
        &self,
        actor: &Actor,
        text: &str,
        asked: Option<&str>,
        format: Option<AccessFormat>,
    ) -> Result<Issued, RefreshRefused> {
        let nobody = (ClientId::first_party(), Scopes::All);
        self.refresh_at(actor, text, asked, format, nobody).await
    }

    /// The same at a client, whose tokens are limited to these scopes. A token of another client's
    /// session is worth nothing, and is not used up.
    pub(in crate::auth) async fn refresh_at(
        &self,
        actor: &Actor,
        text: &str,
        asked: Option<&str>,
        format: Option<AccessFormat>,
        (client, limit): (ClientId, Scopes),
    ) -> Result<Issued, RefreshRefused> {
        let parent = OpaqueToken::read(text).ok();
        let Some(parent) = parent.filter(|parent| parent.kind() == OpaqueKind::Refresh) else {
            return Err(RefreshRefused::Invalid);
        };
        let digest = parent.digest();
        // Neither a stranger's guess nor a dead token that is shown again and again takes the writer's
        // turn: that its session was ended is noted once.
        let found = sql::session_by_refresh(&self.0.db, &digest).await?;
        let live = |session: &Session| session.ended_at.is_none() && session.client == client;
        let Some((session, _)) = found.filter(|(session, _)| live(session)) else {
            return Err(RefreshRefused::Invalid);
        };
        let actor = &actor.for_account(session.user);
        let key = self.0.master.subkey("refresh").map_err(Problem::internal)?;
        let successor = OpaqueToken::successor(&parent, key.expose());
        let shown = Shown {
            digest,
            successor: successor.digest(),
            asked: asked.map(str::to_owned),
            format,
            client,
            limit,
        };
        let refreshed = self
            .write(actor, |write| Box::pin(async move { exchange(write, shown).await }))
            .await?;
        let (prepared, access) = refreshed?;
        Ok(self.issue(prepared, &access, Some(&successor))?)
    }

    /// What was asked for, if the session has all of it (RFC 6749 §6).
    fn narrower(&self, access: &Access, kept: Scopes, asked: &str) -> Result<Scopes, String> {
        let words: Vec<&str> = asked.split(' ').filter(|name| !name.is_empty()).collect();
        if words.is_empty() {
            return Ok(kept);
        }
        match &kept {
            Scopes::All => self.narrow(access, Some(asked)),
            Scopes::Only(kept) => match words.iter().find(|name| !kept.contains(**name)) {
                Some(wider) => Err((*wider).to_owned()),
                None => Ok(Scopes::only(words)),
            },
        }
    }
}

/// Judges the token and its user, and puts the successor in its place. A refusal because of the user
/// or the scope does not use the token up.
async fn exchange(write: &mut Write, shown: Shown) -> Result<Refreshed, Problem> {
    let auth = write.auth().clone();
    let now = write.now;
    let Some((session, kept)) = sql::session_by_refresh(write.db(), &shown.digest).await? else {
        return Ok(Err(RefreshRefused::Invalid));
    };
    if session.client != shown.client {
        return Ok(Err(RefreshRefused::Invalid));
    }
    let kept = kept.within(&shown.limit);
    let subject = Subject::User(session.user);
    let access = write.access_of(&subject).await?;
    let Some(access) = access.filter(|access| access.active).map(|access| access.access) else {
        return Ok(Err(RefreshRefused::Invalid));
    };
    // The scope is judged only of a session that counts: else its end says nothing more.
    let scopes = match &shown.asked {
        Some(asked) if session.is_live(now) => match auth.narrower(&access, kept, asked) {
            Ok(scopes) => scopes,
            Err(scope) => return Ok(Err(RefreshRefused::Scope(scope))),
        },
        _ => kept,
    };
    let settings = &auth.0.settings;
    let idle = SignedDuration::from_secs(settings.idle_ttl.into());
    let (window, successor) = (settings.refresh_window, shown.successor);
    let rotation =
        sql::rotate(write.db(), session, &shown.digest, &successor, window, idle, now).await?;
    match rotation {
        Rotation::Rotated(session) => {
            let scopes = narrowed(&auth, &access, scopes);
            let prepared =
                prepare(write, NewToken::of_session(&session, scopes), shown.format).await?;
            let from = write.actor().address.map(|address| address.to_string());
            sql::note_use(write.db(), &shown.digest, from, prepared.id()).await?;
            Ok(Ok((prepared, access)))
        }
        Rotation::Retried(session, first) if is_lost_answer(write, &first) => {
            let target = write.target(&subject).await?;
            let event = write.event(Action::RefreshRetried).on(target);
            // At a bounded pace: a client may ask again and again.
            auth.note(event.detail("session", &session.id.to_string()));
            let scopes = narrowed(&auth, &access, scopes);
            Ok(Ok((
                prepare(write, NewToken::of_session(&session, scopes), shown.format).await?,
                access,
            )))
        }
        Rotation::Retried(session, ..) => {
            sessions::sql::end(write.db(), session.id, now).await?;
            end_reused(write, &session, &subject).await
        }
        Rotation::Reused(session) => end_reused(write, &session, &subject).await,
        Rotation::Unknown => Ok(Err(RefreshRefused::Invalid)),
    }
}

fn narrowed(auth: &Auth, access: &Access, scopes: Scopes) -> Scopes {
    match scopes {
        Scopes::All => Scopes::All,
        limited @ Scopes::Only(_) => Scopes::only(auth.within(access, &limited)),
    }
}

/// Whether a token that is shown again within the window asks for a lost answer: from where it was used
/// first, or while nothing of that answer has been shown to this process.
fn is_lost_answer(write: &Write, first: &sql::FirstUse) -> bool {
    let here = write.actor().address.map(|address| address.to_string());
    let shown = |id: &TokenId| write.auth().0.tokens.shown.get(id).is_some();
    here == first.from || !first.answer.as_ref().is_some_and(shown)
}

/// Notes that a refresh token was used by two, and forgets its session.
async fn end_reused(
    write: &mut Write,
    session: &Session,
    subject: &Subject,
) -> Result<Refreshed, Problem> {
    tracing::warn!(
        session = %session.id, user = %session.user,
        "a refresh token was used again: its session is ended"
    );
    write.forget_sessions(&[session.id]);
    let target = write.target(subject).await?;
    let event = write.event(Action::RefreshReused).on(target).failed();
    write.note(event.detail("session", &session.id.to_string()));
    Ok(Err(RefreshRefused::Invalid))
}
