//! Access tokens: issued, verified, revoked.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Denied, Issued, TokenRecord, VerifiedToken, sql};
use crate::auth::audit::{Action, AuditTarget};
use crate::auth::cache::SubjectAccess;
use crate::auth::db::{Change, Digest};
use crate::auth::sessions::{self, Caller, Session, SignedIn};
use crate::auth::write::Write;
use crate::auth::{AccessFormat, Actor, Auth, later};
use crate::crypto::{AccessClaims, OpaqueKind, OpaqueToken, Secret, digest_of};
use crate::problem::Problem;
use crate::types::{
    Access, ClientId, Effect, Permission, Principal, Scope, Scopes, SessionId, Subject, Timestamp,
    TokenId, is_openid_scope,
};

/// How many dots the compact form of a JWE has (RFC 7516 §7.1).
const JWE_DOTS: usize = 4;

/// In `amr`: more than one factor was given (RFC 8176 §2).
const SECOND_FACTOR: &str = "mfa";

fn principal(known: &SubjectAccess, token: &VerifiedToken) -> Principal {
    let mut principal = Principal::new(token.subject.clone(), Arc::clone(&known.name));
    principal.access = Arc::clone(&known.access);
    principal.scopes = token.scopes.clone();
    principal.authenticated_at = Some(token.authenticated_at);
    principal.second_factor = token.second_factor;
    principal.session = token.session;
    if token.session.is_none() {
        principal.credential_version = Some(known.epoch);
    }
    principal.token = Some(token.id);
    principal.client = Some(token.client.clone());
    principal
}

impl Prepared {
    /// Which token it is.
    pub(super) fn id(&self) -> TokenId {
        match self {
            Self::Opaque(_, token) | Self::Signed(_, token) => token.id,
        }
    }
}

/// An access token to be handed out: kept already where it is opaque, signed later where it is not.
pub(in crate::auth) enum Prepared {
    Opaque(OpaqueToken, VerifiedToken),
    Signed(AccessFormat, VerifiedToken),
}

impl Auth {
    /// Begins a session that lives by refresh tokens.
    ///
    /// # Errors
    /// A 401 where the account changed since the password was shown; a 503 where the database is away.
    pub async fn begin_tokens(
        &self,
        who: &SignedIn,
        scopes: Scopes,
        format: Option<AccessFormat>,
        caller: Caller,
    ) -> Result<Issued, Problem> {
        let first_party = ClientId::first_party();
        self.begin_tokens_at(who, scopes, format, caller, (first_party, true)).await
    }

    /// The same at a client, which gets a refresh token where it may have one.
    pub(in crate::auth) async fn begin_tokens_at(
        &self,
        who: &SignedIn,
        scopes: Scopes,
        format: Option<AccessFormat>,
        caller: Caller,
        (client, refreshes): (ClientId, bool),
    ) -> Result<Issued, Problem> {
        let actor = caller.actor().named(who.user, &who.username);
        let session = Session { client, ..self.new_session(who, caller)? };
        let refresh = OpaqueToken::mint(&self.0.sources, OpaqueKind::Refresh);
        let refresh = Some(refresh.map_err(Problem::internal)?).filter(|_| refreshes);
        let (who, first) = (who.clone(), refresh.as_ref().map(OpaqueToken::digest));
        let access = Arc::clone(&who.known.access);
        let prepared = self
            .write(&actor, move |write| {
                Box::pin(async move {
                    sessions::begin(write, &who, &session, None, &scopes, "token").await?;
                    if let Some(first) = first {
                        sql::insert_refresh(write.db(), &first, session.id).await?;
                    }
                    prepare(write, NewToken::of_session(&session, scopes), format).await
                })
            })
            .await?;
        self.issue(prepared, &access, refresh.as_ref())
    }

    /// Signs what is to be signed, and puts the answer together.
    pub(in crate::auth) fn issue(
        &self,
        prepared: Prepared,
        access: &Access,
        refresh: Option<&OpaqueToken>,
    ) -> Result<Issued, Problem> {
        let (text, token) = match prepared {
            Prepared::Opaque(text, token) => (text.expose().to_owned(), token),
            Prepared::Signed(format, token) => (self.sign(format, &token, access)?, token),
        };
        Ok(Issued {
            access: Secret::new(text),
            refresh: refresh.map(|refresh| Secret::new(refresh.expose().to_owned())),
            expires_in: token.expires_at.duration_since(token.issued_at).as_secs().unsigned_abs(),
            scopes: self.within(access, &token.scopes),
        })
    }

    fn sign(
        &self,
        format: AccessFormat,
        token: &VerifiedToken,
        access: &Access,
    ) -> Result<String, Problem> {
        let settings = &self.0.settings;
        let claims = AccessClaims {
            issuer: settings.issuer.clone(),
            audience: vec![token.audience.as_ref().unwrap_or(&settings.audience).clone()],
            subject: subject_claim(&token.subject),
            client: token.client.clone(),
            id: token.id,
            session: token.session,
            scopes: self.within(access, &token.scopes),
            all_scopes: token.scopes == Scopes::All,
            issued_at: token.issued_at,
            expires_at: token.expires_at,
            authenticated_at: token.session.map(|_| token.authenticated_at),
            // A password alone goes without saying: every request carries these bytes.
            methods: if token.second_factor {
                vec!["pwd".to_owned(), SECOND_FACTOR.to_owned()]
            } else {
                Vec::new()
            },
        };
        let ring = self.0.keys.ring.load();
        let key = ring
            .signing(token.issued_at)
            .ok_or_else(|| Problem::internal("no key signs at this moment"))?;
        let text = claims.sign(key).map_err(Problem::internal)?;
        if format == AccessFormat::Jwe {
            return self.0.tokens.jwe.wrap(&text, &self.0.sources).map_err(Problem::internal);
        }
        Ok(text)
    }

    /// What an access token says, if it counts at this moment.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn verified(&self, text: &str) -> Result<Arc<VerifiedToken>, Denied> {
        let settled = self.settled().await?;
        self.verified_when(text, settled).await
    }

    async fn verified_when(&self, text: &str, settled: bool) -> Result<Arc<VerifiedToken>, Denied> {
        let digest = digest_of(text);
        let state = &self.0.tokens;
        let change_at = self.keys_change_at(self.now());
        let token = if let Some(token) = state.verified.get(&digest) {
            token
        } else {
            // A key that is retired while this runs empties the cache before it answers.
            let ring = self.0.keys.ring.load_full();
            let token = Arc::new(self.verify(text, &digest).await?);
            state.verified.insert(digest, Arc::clone(&token));
            state.shown.insert(token.id, ());
            // Asked after it was kept: a ring that changed before empties the cache afterwards, and
            // one that changed in between is seen here.
            if !Arc::ptr_eq(&ring, &self.0.keys.ring.load())
                || self.keys_change_at(self.now()) != change_at
            {
                state.verified.remove(&digest);
            }
            token
        };
        if self.now() >= token.expires_at {
            state.verified.remove(&digest);
            return Err(Denied::Invalid);
        }
        self.still_good(&token, settled).await?;
        Ok(token)
    }

    /// Who an access token speaks for.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn principal_of_token(&self, text: &str) -> Result<Principal, Denied> {
        let settled = self.settled().await?;
        let token = self.verified_when(text, settled).await?;
        // A token for another API is worth nothing here.
        if token.audience.is_some() {
            return Err(Denied::Invalid);
        }
        let known = self.0.cache.of(&self.0.db, &token.subject, settled).await?;
        let known = known.filter(|known| counts(known, &token)).ok_or(Denied::Invalid)?;
        Ok(principal(&known, &token))
    }

    /// The same where memory knows it at once: the token was shown before, it and its session count, and
    /// so does what is known of its user. Whatever else there is to say is said by the other.
    pub(in crate::auth) fn principal_of_token_now(&self, text: &str) -> Option<Principal> {
        if !self.is_settled_now() {
            return None;
        }
        let (now, cache) = (self.now(), &self.0.cache);
        // A key that begins or ends at this moment empties what was verified.
        self.keys_change_at(now);
        let token = self.0.tokens.verified.get(&digest_of(text))?;
        let lives = now < token.expires_at
            && token.audience.is_none()
            && !token.session.is_some_and(|session| cache.has_ended(session))
            && !cache.is_revoked(token.id);
        let known = cache.active_in_memory(&token.subject).filter(|_| lives)?;
        counts(&known, &token).then(|| principal(&known, &token))
    }

    /// Whether neither the token nor its session was ended. Memory answers where it is settled; else
    /// the database is asked about this one.
    async fn still_good(&self, token: &VerifiedToken, settled: bool) -> Result<(), Denied> {
        let cache = &self.0.cache;
        if token.session.is_some_and(|session| cache.has_ended(session))
            || cache.is_revoked(token.id)
        {
            return Err(Denied::Invalid);
        }
        if !settled && !sql::is_alive(&self.0.db, token.id, token.session, self.now()).await? {
            return Err(Denied::Invalid);
        }
        Ok(())
    }

    async fn verify(&self, text: &str, digest: &Digest) -> Result<VerifiedToken, Denied> {
        if text.starts_with("pc_") {
            let Ok((OpaqueKind::Access, _)) = OpaqueToken::parse(text) else {
                return Err(Denied::Invalid);
            };
            return sql::token(&self.0.db, digest).await?.ok_or(Denied::Invalid);
        }
        let opened;
        // Where tokens are encrypted, one that is not was never handed out.
        let text = if self.0.settings.access_format == AccessFormat::Jwe
            || text.bytes().filter(|byte| *byte == b'.').count() == JWE_DOTS
        {
            opened = self.0.tokens.jwe.unwrap(text).map_err(|_| Denied::Invalid)?;
            opened.expose().as_str()
        } else {
            text
        };
        let ring = self.0.keys.ring.load();
        let verifier = &self.0.tokens.verifier;
        let claims = verifier.verify(text, &**ring, self.now()).map_err(|_| Denied::Invalid)?;
        let read = || {
            let client = claims.client.clone()?;
            let session = match &claims.session {
                Some(_) => Some(claims.session_id()?),
                None => None,
            };
            // A user's token always belongs to a session, a client's own never does.
            let subject = match session {
                Some(_) => Subject::User(claims.user_id()?),
                None if claims.subject == *client.0 => Subject::Client(client.clone()),
                None => return None,
            };
            let [audience] = claims.audience.as_slice() else { return None };
            Some(VerifiedToken {
                id: claims.token_id()?,
                session,
                subject,
                client,
                audience: (*audience != self.0.settings.audience).then(|| audience.clone()),
                scopes: if claims.all_scopes {
                    Scopes::All
                } else {
                    Scopes::only(claims.scopes.clone()?)
                },
                authenticated_at: claims.authenticated_at.or(claims.issued_at)?,
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
        // What OpenID Connect names is of the person, and needs no permission of theirs.
        let own = limit.limit().into_iter().flatten();
        let own = own.filter(|scope| is_openid_scope(scope.as_str()));
        may_have.map(|(name, _)| name).chain(own).cloned().collect()
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

    /// Ends one access token: the actor's own, or one that the actor shows.
    ///
    /// # Errors
    /// A 503 where the database is away.
    pub async fn revoke_token(
        &self,
        actor: &Actor,
        id: TokenId,
        expires_at: Timestamp,
    ) -> Result<(), Problem> {
        self.write(actor, move |write| {
            Box::pin(async move {
                sql::revoke(write.db(), id, expires_at).await?;
                write.forget(Change::TokenRevoked(id, expires_at));
                let event = write.event(Action::TokenRevoked).on(AuditTarget::token(id));
                write.note(event);
                Ok(())
            })
        })
        .await
    }
}

/// An access token to be made.
pub(in crate::auth) struct NewToken {
    /// The session it belongs to; none where a client gets it for itself.
    pub(in crate::auth) session: Option<SessionId>,
    /// For whom it speaks.
    pub(in crate::auth) subject: Subject,
    /// For which client.
    pub(in crate::auth) client: ClientId,
    /// What it is limited to.
    pub(in crate::auth) scopes: Scopes,
    /// When the subject proved who it is.
    pub(in crate::auth) authenticated_at: Timestamp,
    /// Whether a second factor was given.
    pub(in crate::auth) second_factor: bool,
    /// When it ends at the latest.
    pub(in crate::auth) latest: Timestamp,
}

impl NewToken {
    /// One of a session.
    pub(in crate::auth) fn of_session(session: &Session, scopes: Scopes) -> Self {
        Self {
            session: Some(session.id),
            subject: Subject::User(session.user),
            client: session.client.clone(),
            scopes,
            authenticated_at: session.created_at,
            second_factor: session.second_factor,
            latest: session.expires_at,
        }
    }
}

/// Makes an access token, and keeps it where it is opaque.
pub(in crate::auth) async fn prepare(
    write: &mut Write,
    new: NewToken,
    format: Option<AccessFormat>,
) -> Result<Prepared, Problem> {
    let auth = write.auth().clone();
    let settings = &auth.0.settings;
    let token = VerifiedToken {
        id: TokenId(auth.0.sources.uuid().map_err(Problem::internal)?),
        session: new.session,
        subject: new.subject,
        client: new.client,
        audience: None,
        scopes: new.scopes,
        authenticated_at: new.authenticated_at,
        second_factor: new.second_factor,
        issued_at: write.now,
        expires_at: later(write.now, settings.access_ttl).min(new.latest),
    };
    match settings.form_of(format) {
        AccessFormat::Opaque => {
            let text = OpaqueToken::mint(&auth.0.sources, OpaqueKind::Access)
                .map_err(Problem::internal)?;
            let record = TokenRecord { digest: text.digest(), token };
            sql::insert(write.db(), &record).await?;
            Ok(Prepared::Opaque(text, record.token))
        }
        format => Ok(Prepared::Signed(format, token)),
    }
}

/// Whether a token of this subject counts: a client's own only where it was made since the client was
/// last registered or let in again.
pub(in crate::auth) fn counts(known: &SubjectAccess, token: &VerifiedToken) -> bool {
    let since = i64::try_from(known.epoch / 1_000_000).unwrap_or(i64::MAX);
    known.active && (token.session.is_some() || token.issued_at.as_second() >= since)
}

/// Whom a token speaks of (`sub`).
fn subject_claim(subject: &Subject) -> String {
    match subject {
        Subject::User(id) => id.to_string(),
        Subject::Client(id) => id.to_string(),
        other => other.to_string(),
    }
}

/// Whether the permission is held now, or would be at another hour or place.
fn could_hold(access: &Access, wanted: &Permission) -> bool {
    let covers =
        |held: &BTreeSet<Permission>| held.iter().any(|permission| permission.covers(wanted));
    !covers(&access.denied)
        && (covers(&access.allowed)
            || access
                .conditional
                .iter()
                .any(|grant| grant.effect == Effect::Allow && grant.permission.covers(wanted)))
}
