//! Access tokens: made, judged, ended.
//!
//! A token is verified once and then known by the digest of its text. What may end it is asked on
//! every request, in memory: its own end, its session's, its key's, and its user's standing.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::sessions::later;
use super::{AccessFormat, Action, Auth, Event, Issued};
use crate::crypto::{AccessClaims, OpaqueKind, OpaqueToken, Secret, digest_of};
use crate::problem::{BoxError, Problem};
use crate::store::{Digest, StoreError, TokenRecord};
use crate::types::{
    Access, Actor, AuditTarget, ClientId, Effect, Principal, Scope, Scopes, Session, SessionId,
    Subject, Timestamp, TokenId, UserId,
};

/// How many dots the compact form of a JWE has (RFC 7516 §7.1).
const JWE_DOTS: usize = 4;

/// In `amr`: more than one factor was given (RFC 8176 §2).
const SECOND_FACTOR: &str = "mfa";

/// What a good access token says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifiedToken {
    /// Which token (`jti`).
    pub id: TokenId,
    /// The session it belongs to.
    pub session: SessionId,
    /// Whose.
    pub user: UserId,
    /// For which client.
    pub client: ClientId,
    /// What it is limited to.
    pub scopes: Scopes,
    /// When the user proved who they are.
    pub since: Timestamp,
    /// Whether a second factor was given.
    pub second_factor: bool,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Why a token does not count.
#[derive(Debug)]
#[non_exhaustive]
pub enum Denied {
    /// Wrong, expired, revoked, or its owner is inactive.
    Invalid,
    /// The store is away.
    Store(StoreError),
    /// A fault of ours.
    Internal(BoxError),
}

impl From<StoreError> for Denied {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Auth {
    /// Makes an access token of a session.
    pub(super) async fn issue(
        &self,
        session: &Session,
        scopes: Scopes,
        access: &Access,
        format: Option<AccessFormat>,
        refresh: OpaqueToken,
    ) -> Result<Issued, Problem> {
        let now = self.now();
        let shown_scopes = self.within(access, &scopes);
        let settings = &self.0.settings;
        let expires_at = later(now, settings.access_ttl).min(session.expires_at);
        let id = TokenId(self.0.sources.uuid().map_err(Problem::internal)?);
        let text = match settings.form_of(format) {
            AccessFormat::Opaque => {
                let token = OpaqueToken::mint(&self.0.sources, OpaqueKind::Access)
                    .map_err(Problem::internal)?;
                let record = TokenRecord {
                    id,
                    digest: token.digest(),
                    session: session.id,
                    user: session.user,
                    client: session.client.clone(),
                    scopes: scopes.clone(),
                    since: session.created_at,
                    second_factor: session.second_factor,
                    issued_at: now,
                    expires_at,
                };
                self.store().insert_token(&record).await?;
                Secret::new(token.expose().to_owned())
            }
            format @ (AccessFormat::Jwt | AccessFormat::Jwe) => {
                let claims = AccessClaims {
                    issuer: settings.issuer.clone(),
                    audience: vec![settings.audience.clone()],
                    subject: session.user.to_string(),
                    client: session.client.clone(),
                    id,
                    session: Some(session.id),
                    scopes: shown_scopes.clone(),
                    all_scopes: scopes == Scopes::All,
                    issued_at: now,
                    expires_at,
                    authenticated_at: Some(session.created_at),
                    // A password alone goes without saying: every request carries these bytes.
                    methods: if session.second_factor {
                        vec!["pwd".to_owned(), SECOND_FACTOR.to_owned()]
                    } else {
                        Vec::new()
                    },
                };
                let ring = self.0.keys.load();
                let key = ring
                    .signing(now)
                    .ok_or_else(|| Problem::internal("no key signs at this moment"))?;
                let token = claims.sign(key).map_err(Problem::internal)?;
                Secret::new(if format == AccessFormat::Jwe {
                    self.0.jwe.wrap(&token, &self.0.sources).map_err(Problem::internal)?
                } else {
                    token
                })
            }
        };
        let expires_in = expires_at.duration_since(now).as_secs().unsigned_abs();
        let refresh = Secret::new(refresh.expose().to_owned());
        Ok(Issued { access: text, refresh, expires_in, scopes: shown_scopes })
    }

    /// What an access token says, if it counts at this moment.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn shown(&self, text: &str) -> Result<Arc<VerifiedToken>, Denied> {
        let digest = digest_of(text);
        let change_at = self.keys_change_at(self.now());
        let shown = if let Some(shown) = self.0.shown.get(&digest) {
            shown
        } else {
            // A key that is retired while this runs empties the cache before it answers.
            let generation = self.0.keys.load_full();
            let shown = Arc::new(self.verify(text, &digest).await?);
            if Arc::ptr_eq(&generation, &self.0.keys.load())
                && self.keys_change_at(self.now()) == change_at
            {
                self.0.shown.insert(digest, Arc::clone(&shown));
            }
            shown
        };
        if self.now() >= shown.expires_at {
            self.0.shown.remove(&digest);
            return Err(Denied::Invalid);
        }
        self.still_good(&shown).await?;
        Ok(shown)
    }

    /// Who an access token speaks for.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn principal_of_token(&self, text: &str) -> Result<Principal, Denied> {
        let shown = self.shown(text).await?;
        let subject = Subject::User(shown.user);
        let known = self.0.access_cache.of(self.store(), &subject).await?.ok_or(Denied::Invalid)?;
        if !known.active {
            return Err(Denied::Invalid);
        }
        let mut principal = Principal::new(subject, Arc::clone(&known.name));
        principal.access = Arc::clone(&known.access);
        principal.scopes = shown.scopes.clone();
        principal.since = Some(shown.since);
        principal.second_factor = shown.second_factor;
        principal.session = Some(shown.session);
        principal.token = Some(shown.id);
        principal.client = Some(shown.client.clone());
        Ok(principal)
    }

    /// Whether neither the token nor its session was ended. Memory answers; while a change is
    /// under way the store is asked instead.
    async fn still_good(&self, shown: &VerifiedToken) -> Result<(), Denied> {
        let access_cache = &self.0.access_cache;
        // Asked first: what was committed before memory was settled has been noted by now.
        let settled = access_cache.is_settled();
        if access_cache.has_ended(shown.session) || access_cache.is_revoked(shown.id) {
            return Err(Denied::Invalid);
        }
        if !settled {
            let now = self.now();
            let session = self.store().session(shown.session).await?;
            let revoked = self.store().revoked(now).await?;
            if !session.is_some_and(|session| session.is_live(now))
                || revoked.iter().any(|(id, _)| *id == shown.id)
            {
                return Err(Denied::Invalid);
            }
        }
        Ok(())
    }

    async fn verify(&self, text: &str, digest: &Digest) -> Result<VerifiedToken, Denied> {
        if text.starts_with("pc_") {
            let Ok((OpaqueKind::Access, _)) = OpaqueToken::parse(text) else {
                return Err(Denied::Invalid);
            };
            let record = self.store().token(digest).await?.ok_or(Denied::Invalid)?;
            return Ok(VerifiedToken {
                id: record.id,
                session: record.session,
                user: record.user,
                client: record.client,
                scopes: record.scopes,
                since: record.since,
                second_factor: record.second_factor,
                issued_at: record.issued_at,
                expires_at: record.expires_at,
            });
        }
        let opened;
        // Where tokens are encrypted, one that is not was never handed out.
        let text = if self.0.settings.access_format == AccessFormat::Jwe
            || text.bytes().filter(|byte| *byte == b'.').count() == JWE_DOTS
        {
            opened = self.0.jwe.unwrap(text).map_err(|_| Denied::Invalid)?;
            opened.expose().as_str()
        } else {
            text
        };
        let ring = self.0.keys.load();
        let claims =
            self.0.verifier.verify(text, &**ring, self.now()).map_err(|_| Denied::Invalid)?;
        let read = || {
            Some(VerifiedToken {
                id: claims.token_id()?,
                session: claims.session_id()?,
                user: claims.user_id()?,
                client: claims.client.clone()?,
                scopes: if claims.all_scopes {
                    Scopes::All
                } else {
                    Scopes::only(claims.scopes.clone()?)
                },
                since: claims.authenticated_at.or(claims.issued_at)?,
                second_factor: claims.methods.iter().any(|method| method == SECOND_FACTOR),
                issued_at: claims.issued_at?,
                expires_at: claims.expires_at,
            })
        };
        read().ok_or(Denied::Invalid)
    }

    /// The scopes that somebody may have, within this limit.
    #[must_use]
    pub fn within(&self, access: &Access, limit: &Scopes) -> BTreeSet<Scope> {
        let may_have = self.0.scopes.rules.iter().filter(|(name, rule)| {
            limit.carries(name.as_str())
                && rule.permission.as_ref().is_none_or(|behind| could_hold(access, behind))
        });
        may_have.map(|(name, _)| name.clone()).collect()
    }

    /// What a token is limited to: the scopes asked for, narrowed to what the user may have. Only
    /// where none was asked for it has no limit, and may do whatever its user may do at the time.
    ///
    /// # Errors
    /// The name of a scope that does not exist, or all of them where nothing would be left.
    pub fn narrow(&self, access: &Access, asked: Option<&str>) -> Result<Scopes, String> {
        let book = &self.0.scopes.rules;
        let asked: Vec<&str> =
            asked.unwrap_or_default().split(' ').filter(|s| !s.is_empty()).collect();
        if asked.is_empty() {
            return Ok(Scopes::All);
        }
        if let Some(unknown) = asked.iter().find(|name| !book.contains_key(**name)) {
            return Err((*unknown).to_owned());
        }
        let given = self.within(access, &Scopes::only(asked.iter().copied()));
        if given.is_empty() { Err(asked.join(" ")) } else { Ok(Scopes::only(given)) }
    }

    /// What somebody holds, for narrowing scopes.
    ///
    /// # Errors
    /// A 503 where the store is away.
    pub async fn access_of(&self, subject: &Subject) -> Result<Option<Arc<Access>>, Problem> {
        let known = self.0.access_cache.of(self.store(), subject).await?;
        Ok(known.filter(|known| known.active).map(|known| Arc::clone(&known.access)))
    }

    /// Ends whatever this token stands for: an access token alone, a refresh token or a session
    /// cookie with its whole session, an API key for good. Nothing happens where it stands for nothing.
    ///
    /// # Errors
    /// A 503 where the store is away.
    pub async fn revoke(&self, actor: &Actor, text: &str) -> Result<(), Problem> {
        match OpaqueToken::parse(text) {
            Ok((OpaqueKind::Refresh, digest)) => {
                let found = self.store().session_by_refresh(&digest).await?;
                if let Some((session, _)) = found {
                    self.end_session(actor, session.user, session.id).await?;
                }
                return Ok(());
            }
            Ok((OpaqueKind::Session, digest)) => {
                if let Some(session) = self.store().session_by_cookie(&digest).await? {
                    self.end_session(actor, session.user, session.id).await?;
                }
                return Ok(());
            }
            Ok((OpaqueKind::ApiKey, digest)) => return self.revoke_api_key(actor, &digest).await,
            _ => {}
        }
        match self.shown(text).await {
            Ok(shown) => self.revoke_token(actor, shown.id, shown.expires_at).await,
            Err(Denied::Invalid) => Ok(()),
            Err(Denied::Store(error)) => Err(error.into()),
            Err(Denied::Internal(error)) => Err(Problem::internal(error)),
        }
    }

    /// Ends one access token.
    ///
    /// # Errors
    /// A 503 where the store is away.
    pub async fn revoke_token(
        &self,
        actor: &Actor,
        id: TokenId,
        expires_at: Timestamp,
    ) -> Result<(), Problem> {
        let rules = self.clone();
        let event = Event::new(actor, Action::TokenRevoked).on(AuditTarget::token(id));
        self.noted(event, |mark| mark, async move {
            rules.store().revoke_token(id, expires_at).await?;
            rules.0.access_cache.note_revoked(id, expires_at);
            Ok(())
        })
        .await
    }
}

/// Whether the permission is held now, or would be at another hour or place.
fn could_hold(access: &Access, wanted: &crate::types::Permission) -> bool {
    let covers = |held: &BTreeSet<crate::types::Permission>| {
        held.iter().any(|permission| permission.covers(wanted))
    };
    !covers(&access.denied)
        && (covers(&access.allowed)
            || access
                .conditional
                .iter()
                .any(|grant| grant.effect == Effect::Allow && grant.permission.covers(wanted)))
}
