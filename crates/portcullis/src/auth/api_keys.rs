//! API keys: tokens that people make for their own programs, or administrators for clients.
//!
//! A key is looked up once a minute and known in between by the digest of its text; the same
//! look-up notes that it was used. Memory forgets every key when one is deleted, so a deleted one
//! is void on the next request. It is judged by its owner's standing as of now, and its scopes can
//! only narrow that.
//!
//! A new password, however it came about, and becoming inactive delete every key of a user, as
//! they end every session: whoever knew the old password may have made one. Signing out
//! everywhere does not, since a key is no sign-in.
//!
//! A client's key speaks for the client itself. What that may do is asked on every request, so a
//! role given later counts; becoming inactive, or being deleted, deletes its keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::access_tokens::Denied;
use super::sessions::{LOOKED_UP_EVERY, later};
use super::{Action, Auth, Event};
use crate::crypto::{OpaqueKind, OpaqueToken, Secret};
use crate::problem::{BodyFault, Problem, ProblemKind};
use crate::store::{API_KEYS, Digest};
use crate::types::{
    Actor, ApiKey, AuditTarget, ClientId, Principal, Scope, Scopes, Subject, Timestamp, TokenId,
};

/// An API key to be made.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyRequest {
    /// What its owner calls it: 1 to 100 characters.
    pub name: String,
    /// What it is limited to. Where `None`: to no more than the credential that asks for it, and a
    /// client's to nothing.
    pub scopes: Option<BTreeSet<Scope>>,
    /// When it ends; after [`Settings::api_key_ttl`](super::Settings::api_key_ttl) where `None`.
    pub expires_at: Option<Timestamp>,
}

/// A key that was looked up.
#[derive(Debug)]
pub(super) struct VerifiedKey {
    key: ApiKey,
    looked_up_at: Timestamp,
}

impl Auth {
    /// Makes an API key for whoever asks. The key itself is returned once and kept nowhere.
    ///
    /// # Errors
    /// 403 for who is no user, or signed in by an API key: a key that leaked must not multiply.
    /// A 422 that points at each fault; 409 where there are [`API_KEYS`] already; 503.
    pub async fn create_api_key(
        &self,
        who: &Principal,
        request: ApiKeyRequest,
    ) -> Result<(ApiKey, Secret<String>), Problem> {
        let Some(user) = who.user() else {
            return Err(Problem::new(ProblemKind::Forbidden).detail("Only a user may do this."));
        };
        Self::refuse_api_key(who)?;
        let known = self.0.access_cache.of(self.store(), &who.subject).await?;
        let known = known.filter(|known| known.active).ok_or(ProblemKind::InvalidCredential)?;
        let now = self.now();
        let (scopes, expires_at) = self.check_api_key(who, &request, now)?;
        let (key, secret) =
            self.mint_api_key(user.into(), request.name, scopes, expires_at, now)?;
        let (rules, kept, digest) = (self.clone(), key.clone(), secret.digest());
        let (session, password) = (who.session, known.password_version);
        self.noted(made(&Actor::of(who), &key), |mark| mark, async move {
            rules.keep_api_key(&kept, &digest).await?;
            // Whatever allowed this may have ended while it was done: then so does the key.
            let standing = rules.store().standing(&Subject::User(user)).await?;
            let same_password = standing.is_some_and(|now| now.password_version == password);
            let signed_in = match session {
                None => true,
                Some(id) => rules.store().session(id).await?.is_some_and(|row| row.is_live(now)),
            };
            if same_password && signed_in {
                return Ok(());
            }
            rules.store().delete_api_key(&kept.owner, kept.id).await?;
            Err(ProblemKind::InvalidCredential.into())
        })
        .await?;
        Ok((key, Secret::new(secret.expose().to_owned())))
    }

    /// Makes an API key for a client, which speaks for itself with it. The key itself is returned
    /// once and kept nowhere.
    ///
    /// # Errors
    /// 404 where there is no such client, or an inactive one. A 422 that points at each fault; 409
    /// where there are [`API_KEYS`] already; 503.
    pub async fn create_client_api_key(
        &self,
        actor: &Actor,
        client: ClientId,
        request: ApiKeyRequest,
    ) -> Result<(ApiKey, Secret<String>), Problem> {
        let now = self.now();
        // Whatever it may do is asked when it is used: a role that it is given later counts.
        let all: BTreeSet<Scope> = self.0.scopes.rules.keys().cloned().collect();
        let no_scope = |scope: &Scope| format!("There is no scope {scope}.");
        let (scopes, expires_at) =
            self.check_request(&request, now, (&all, &Scopes::All), no_scope)?;
        let (key, secret) =
            self.mint_api_key(client.into(), request.name, scopes, expires_at, now)?;
        let (rules, kept, digest) = (self.clone(), key.clone(), secret.digest());
        self.noted(made(actor, &key), |mark| mark, async move {
            rules.keep_api_key(&kept, &digest).await
        })
        .await?;
        Ok((key, Secret::new(secret.expose().to_owned())))
    }

    /// Refuses who signed in by an API key: one that leaked must not multiply.
    pub(crate) fn refuse_api_key(who: &Principal) -> Result<(), Problem> {
        if who.token.is_some() && who.session.is_none() {
            return Err(Problem::new(ProblemKind::Forbidden)
                .detail("An API key cannot make another one: sign in for that."));
        }
        Ok(())
    }

    fn mint_api_key(
        &self,
        owner: Subject,
        name: String,
        scopes: Scopes,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(ApiKey, OpaqueToken), Problem> {
        let secret =
            OpaqueToken::mint(&self.0.sources, OpaqueKind::ApiKey).map_err(Problem::internal)?;
        let id = TokenId(self.0.sources.uuid().map_err(Problem::internal)?);
        let created_at = now;
        let key = ApiKey { id, owner, name, scopes, created_at, expires_at, last_used_at: None };
        Ok((key, secret))
    }

    async fn keep_api_key(&self, key: &ApiKey, digest: &Digest) -> Result<(), Problem> {
        if self.store().insert_api_key(key, digest).await? {
            return Ok(());
        }
        Err(Problem::new(ProblemKind::Conflict)
            .detail(format!("There are {API_KEYS} keys already: delete one first.")))
    }

    /// The scopes and the end of a key that is asked for.
    fn check_api_key(
        &self,
        who: &Principal,
        request: &ApiKeyRequest,
        now: Timestamp,
    ) -> Result<(Scopes, Timestamp), Problem> {
        let may = self.within(&who.access, &who.scopes);
        self.check_request(request, now, (&may, &who.scopes), |scope| {
            format!("You cannot have the scope {scope}.")
        })
    }

    /// The same, where `may` are the scopes that can be had, and `whole` is what it is limited to
    /// where none are asked for.
    fn check_request(
        &self,
        request: &ApiKeyRequest,
        now: Timestamp,
        (may, whole): (&BTreeSet<Scope>, &Scopes),
        lacks: impl Fn(&Scope) -> String,
    ) -> Result<(Scopes, Timestamp), Problem> {
        let mut faults = Vec::new();
        let mut fault = |pointer: &str, detail: String| {
            faults.push(BodyFault { pointer: pointer.to_owned(), detail });
        };
        if !(1..=100).contains(&request.name.chars().count()) {
            fault("/name", "It must have 1 to 100 characters.".to_owned());
        }
        let beyond = request.scopes.iter().flat_map(|asked| asked.difference(may));
        beyond.for_each(|scope| fault("/scopes", lacks(scope)));
        let asked = |asked: &BTreeSet<Scope>| Scopes::only(asked.iter().cloned());
        let scopes = request.scopes.as_ref().map_or_else(|| whole.clone(), asked);
        let longest = later(now, self.0.settings.api_key_longest_ttl);
        let usual = later(now, self.0.settings.api_key_ttl);
        let expires_at = request.expires_at.unwrap_or(usual);
        if expires_at <= now || expires_at > longest {
            fault("/expires_at", format!("It must lie in the future, at {longest} at the latest."));
        }
        if faults.is_empty() {
            Ok((scopes, expires_at))
        } else {
            Err(Problem::new(ProblemKind::Invalid).faults(faults))
        }
    }

    /// The API keys of a user or a client that have not expired, newest first.
    ///
    /// # Errors
    /// A 503 where the store is away.
    pub async fn api_keys(&self, owner: impl Into<Subject>) -> Result<Vec<ApiKey>, Problem> {
        Ok(self.store().api_keys(&owner.into(), self.now()).await?)
    }

    /// Deletes an API key of a user's or a client's: it is void on the next request. Returns
    /// whether they had it.
    ///
    /// # Errors
    /// A 503 where the store is away.
    pub async fn delete_api_key(
        &self,
        actor: &Actor,
        owner: impl Into<Subject>,
        key: TokenId,
    ) -> Result<bool, Problem> {
        let owner = owner.into();
        let event =
            Event::new(actor, Action::ApiKeyRevoked).on(AuditTarget::new("api key", key, ""));
        let event = event.detail("owner", &owner.to_string());
        let rules = self.clone();
        let change = async move {
            let deleted = rules.store().delete_api_key(&owner, key).await;
            // Also where it failed: the answer may be all that was lost.
            rules.forget_api_keys();
            Ok(deleted?)
        };
        let events = |result: &Result<bool, Problem>| match result {
            Ok(true) => vec![event],
            _ => Vec::new(),
        };
        self.change_and(|mark| mark, change, events).await
    }

    /// Deletes every API key of a user's or a client's. Returns how many.
    ///
    /// # Errors
    /// A 503 where the store is away.
    pub async fn delete_api_keys(
        &self,
        actor: &Actor,
        owner: impl Into<Subject>,
    ) -> Result<u64, Problem> {
        let owner = owner.into();
        let event = Event::new(actor, Action::ApiKeyRevoked);
        let event = event.on(self.party(&owner).await?);
        let rules = self.clone();
        let change = async move {
            let deleted = rules.store().delete_api_keys(&owner).await;
            rules.forget_api_keys();
            Ok(deleted?)
        };
        let events = |result: &Result<u64, Problem>| match result {
            Ok(keys) if *keys > 0 => vec![event.count("keys", *keys)],
            _ => Vec::new(),
        };
        self.change_and(|mark| mark, change, events).await
    }

    /// Forgets the keys that were looked up. Within a change, behind its commit.
    pub(super) fn forget_api_keys(&self) {
        self.0.api_keys.clear();
    }

    /// Deletes the key with this digest, if there is one.
    pub(super) async fn revoke_api_key(
        &self,
        actor: &Actor,
        digest: &Digest,
    ) -> Result<(), Problem> {
        if let Some(key) = self.store().api_key(digest).await? {
            self.delete_api_key(actor, key.owner, key.id).await?;
        }
        Ok(())
    }

    /// Who an API key speaks for.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn principal_of_api_key(&self, text: &str) -> Result<Principal, Denied> {
        let key = self.shown_api_key(text).await?;
        let subject = key.owner;
        let known = self.0.access_cache.of(self.store(), &subject).await?;
        let known = known.filter(|known| known.active).ok_or(Denied::Invalid)?;
        let mut principal = Principal::new(subject, Arc::clone(&known.name));
        principal.access = Arc::clone(&known.access);
        principal.scopes = key.scopes;
        principal.token = Some(key.id);
        Ok(principal)
    }

    /// The API key itself, if it has not ended. How its owner stands is not asked.
    pub(super) async fn shown_api_key(&self, text: &str) -> Result<ApiKey, Denied> {
        let Ok((OpaqueKind::ApiKey, digest)) = OpaqueToken::parse(text) else {
            return Err(Denied::Invalid);
        };
        let now = self.now();
        let shown = self.look_up_api_key(&digest, now).await?;
        if now >= shown.key.expires_at {
            return Err(Denied::Invalid);
        }
        Ok(shown.key.clone())
    }

    async fn look_up_api_key(
        &self,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Arc<VerifiedKey>, Denied> {
        let access_cache = &self.0.access_cache;
        if access_cache.is_settled()
            && let Some(shown) = self.0.api_keys.get(digest)
            && now.duration_since(shown.looked_up_at).as_secs() < LOOKED_UP_EVERY
        {
            return Ok(shown);
        }
        let begun = access_cache.begun();
        let key = self.store().api_key(digest).await?.ok_or(Denied::Invalid)?;
        let since_use = key.last_used_at.map(|at| now.duration_since(at).as_secs());
        if now < key.expires_at && since_use.is_none_or(|seconds| seconds >= LOOKED_UP_EVERY) {
            self.store().touch_api_key(key.id, now).await?;
        }
        let shown = Arc::new(VerifiedKey { key, looked_up_at: now });
        access_cache.keep_if_unchanged(begun, || {
            self.0.api_keys.insert(*digest, Arc::clone(&shown));
        });
        Ok(shown)
    }
}

/// A key that was made, for the log.
fn made(actor: &Actor, key: &ApiKey) -> Event {
    Event::new(actor, Action::ApiKeyCreated)
        .on(AuditTarget::new("api key", key.id, &*key.name))
        .detail("owner", &key.owner.to_string())
        .names("scopes", key.scopes.limit().into_iter().flatten())
        .detail("expires_at", &key.expires_at.to_string())
}
