//! Refreshing: never logs a real user out, nor lets a thief in.
//!
//! The successor of a refresh token is made from the token itself and a key that is in no
//! database. Whoever shows the same token again within the window gets the very same successor: a
//! second tab, a lost answer and a crash all end in one lineage. Once the successor has been used,
//! or the window has passed, the token is dead, and showing it ends the session.

use super::sessions::later;
use super::{AccessFormat, Action, Auth, Event, Issued};
use crate::crypto::{OpaqueKind, OpaqueToken};
use crate::problem::Problem;
use crate::store::Rotation;
use crate::types::{Access, Actor, Scopes, Subject};

/// Why a refresh token yields nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum RefreshRefused {
    /// Unknown, over, or used before: nobody is told which.
    Invalid,
    /// A scope was asked for that the session never had.
    Scope(String),
    /// The store is away, or a fault of ours.
    Other(Problem),
}

impl<E: Into<Problem>> From<E> for RefreshRefused {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

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
        let parent = OpaqueToken::read(text).ok();
        let Some(parent) = parent.filter(|parent| parent.kind() == OpaqueKind::Refresh) else {
            return Err(RefreshRefused::Invalid);
        };
        let shown = parent.digest();
        let key = self.0.master.subkey("refresh").map_err(Problem::internal)?;
        let successor = OpaqueToken::successor(&parent, key.expose());
        // Whether the user may go on is asked first: a refusal must not use the token up.
        let found = self.store().session_by_refresh(&shown).await?;
        let (session, kept) = found.ok_or(RefreshRefused::Invalid)?;
        let subject = Subject::User(session.user);
        let Some(access) = self.access_of(&subject).await? else {
            return Err(RefreshRefused::Invalid);
        };
        let now = self.now();
        // So is the scope, but only of a session that counts: else its end says nothing more.
        let scopes = match asked {
            Some(asked) if session.is_live(now) => {
                self.narrower(&access, kept, asked).map_err(RefreshRefused::Scope)?
            }
            _ => kept,
        };
        let idle = later(now, self.0.settings.idle_ttl).min(session.expires_at);
        let (window, digest, rules) =
            (self.0.settings.refresh_window, successor.digest(), self.clone());
        let reused =
            Event::new(actor, Action::RefreshReused).on(self.party(&subject).await?).failed();
        let change = async move {
            let rotation = rules.store().rotate_refresh(&shown, &digest, window, idle, now).await?;
            if let Rotation::Reused(session) = &rotation {
                rules.note_ended(&[session.id]);
            }
            Ok(rotation)
        };
        let events = |result: &Result<Rotation, Problem>| match result {
            Ok(Rotation::Reused(session)) => {
                vec![reused.detail("session", &session.id.to_string())]
            }
            _ => Vec::new(),
        };
        let rotation = self.change_and(|mark| mark, change, events).await?;
        match rotation {
            Rotation::Rotated(session, _) | Rotation::Retried(session, _) => {
                let scopes = match scopes {
                    Scopes::All => Scopes::All,
                    limited @ Scopes::Only(_) => Scopes::only(self.within(&access, &limited)),
                };
                Ok(self.issue(&session, scopes, &access, format, successor).await?)
            }
            Rotation::Reused(session) => {
                tracing::warn!(
                    session = %session.id, user = %session.user,
                    "a refresh token was used again: its session is ended"
                );
                Err(RefreshRefused::Invalid)
            }
            Rotation::Unknown => Err(RefreshRefused::Invalid),
        }
    }
}

impl Auth {
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
