//! What can be done with API keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{API_KEYS, ApiKey, ApiKeyRequest, VerifiedKey, sql};
use crate::auth::audit::{Action, AuditTarget, Event};
use crate::auth::cache::SubjectAccess;
use crate::auth::db::{Change, Digest};
use crate::auth::denied::Denied;
use crate::auth::last_used::Use;
use crate::auth::sessions::LOOKED_UP_EVERY;
use crate::auth::write::Write;
use crate::auth::{Actor, Auth, access, later};
use crate::crypto::{OpaqueKind, OpaqueToken, Secret, digest_of};
use crate::policy::{Requirement, permission, unscoped};
use crate::problem::{BodyFault, Problem, ProblemKind};
use crate::types::{ClientId, Principal, Scope, Scopes, Subject, Timestamp, TokenId};

/// The permission to manage the API keys of this owner.
fn management(owner: &Subject) -> Requirement {
    match owner {
        Subject::Client(_) => permission("clients:manage"),
        _ => permission("users:manage"),
    }
}

impl Auth {
    /// Makes an API key for the user who asks. The key itself is returned once and kept nowhere.
    ///
    /// # Errors
    /// 403 for a principal that is no user, is limited by scopes, or signed in by an API key: a key
    /// that leaked must not multiply. A 422 that points at each fault; 409 where there are
    /// [`API_KEYS`] already; 503.
    pub async fn create_api_key(
        &self,
        who: &Principal,
        request: ApiKeyRequest,
    ) -> Result<(ApiKey, Secret<String>), Problem> {
        let Some(user) = who.user() else {
            return Err(Problem::new(ProblemKind::Forbidden).detail("Only a user may do this."));
        };
        refuse_api_key(Some(who))?;
        let actor = Actor::of(who);
        self.write(&actor, move |write| {
            Box::pin(async move {
                write.require(unscoped())?;
                let auth = write.auth().clone();
                let who = write.judged().cloned().unwrap_or_else(Principal::guest);
                let may = auth.within(&who.access, &who.scopes);
                let lacks = |scope: &Scope| format!("You cannot have the scope {scope}.");
                let limits = auth.check_request(&request, write.now, (&may, &who.scopes), lacks)?;
                keep(write, user.into(), request.name, limits).await
            })
        })
        .await
    }

    /// Makes an API key for a client, which speaks for itself with it. The key itself is returned
    /// once and kept nowhere. Needs `clients:manage`, and all that the client holds.
    ///
    /// What the client may do is asked when the key is shown. Where the key was made by somebody without
    /// `roles:manage`, it ends once the client is given a role or an allowance: its maker could not have
    /// given that.
    ///
    /// # Errors
    /// 403; 404 where there is no such client, or an inactive one. A 422 that points at each fault;
    /// 409 where there are [`API_KEYS`] already; 503.
    pub async fn create_client_api_key(
        &self,
        actor: &Actor,
        client: ClientId,
        request: ApiKeyRequest,
    ) -> Result<(ApiKey, Secret<String>), Problem> {
        refuse_api_key(actor.principal())?;
        self.write(actor, move |write| {
            Box::pin(async move {
                let owner = Subject::Client(client);
                write.require(management(&owner))?;
                write.must_not_exceed(&owner).await?;
                let auth = write.auth().clone();
                // What it may do is asked when it is used: a role that it is given later counts.
                let all: BTreeSet<Scope> = auth.0.scopes.rules.keys().cloned().collect();
                let no_scope = |scope: &Scope| format!("There is no scope {scope}.");
                let limits =
                    auth.check_request(&request, write.now, (&all, &Scopes::All), no_scope)?;
                keep(write, owner, request.name, limits).await
            })
        })
        .await
    }

    /// Checks a request for a key. `may` are the scopes that can be asked for, `whole` is the limit where
    /// none are.
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
    /// A 503 where the database is away.
    pub async fn api_keys(&self, owner: impl Into<Subject>) -> Result<Vec<ApiKey>, Problem> {
        Ok(sql::of_owner(&self.0.db, &owner.into(), self.now()).await?)
    }

    /// Deletes an API key: of the actor's own, or of another user with `users:manage` or a client
    /// with `clients:manage` that holds nothing the actor does not hold. It is void on the next
    /// request. Returns whether they had it.
    ///
    /// # Errors
    /// 403; 503.
    pub async fn delete_api_key(
        &self,
        actor: &Actor,
        owner: impl Into<Subject>,
        key: TokenId,
    ) -> Result<bool, Problem> {
        let owner = owner.into();
        self.write(actor, move |write| {
            Box::pin(async move {
                require_over(write, &owner).await?;
                delete(write, &owner, key).await
            })
        })
        .await
    }

    /// Deletes every API key of an owner, as for one. Returns how many.
    ///
    /// # Errors
    /// 403; 404; 503.
    pub async fn delete_api_keys(
        &self,
        actor: &Actor,
        owner: impl Into<Subject>,
    ) -> Result<u64, Problem> {
        let owner = owner.into();
        self.write(actor, move |write| {
            Box::pin(async move {
                require_over(write, &owner).await?;
                access::required(write, &owner).await?;
                let target = write.target(&owner).await?;
                let deleted = delete_all(write, &owner).await?;
                if deleted > 0 {
                    let event = write.event(Action::ApiKeyRevoked).on(target);
                    write.note(event.count("keys", deleted));
                }
                Ok(deleted)
            })
        })
        .await
    }

    /// Deletes the key with this digest, if there is one: showing it is right enough.
    pub(in crate::auth) async fn revoke_api_key(
        &self,
        actor: &Actor,
        digest: Digest,
    ) -> Result<(), Problem> {
        let Some(key) = sql::api_key(&self.0.db, &digest).await? else { return Ok(()) };
        let actor = match key.owner {
            Subject::User(id) => actor.for_account(id),
            _ => actor.clone(),
        };
        self.write(&actor, move |write| {
            Box::pin(async move {
                if let Some(key) = sql::api_key(write.db(), &digest).await? {
                    delete(write, &key.owner, key.id).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Who an API key speaks for.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn principal_of_api_key(&self, text: &str) -> Result<Principal, Denied> {
        let settled = self.settled().await?;
        let key = self.verified_api_key(text, settled).await?;
        let known = self.0.cache.of(&self.0.db, &key.owner, settled).await?;
        let known = known.filter(|known| known.active).ok_or(Denied::Invalid)?;
        Ok(principal(&key, &known))
    }

    /// The same where memory knows it at once: the key was looked up at most a minute ago, and it
    /// counts, as its owner does. Whatever else there is to say is said by the other.
    pub(in crate::auth) fn principal_of_api_key_now(&self, text: &str) -> Option<Principal> {
        if !self.is_settled_now() {
            return None;
        }
        // What has been verified has the form of a key, and nothing else has its digest.
        let verified = self.0.api_keys.keys.get(&digest_of(text))?;
        let age = self.0.sources.monotonic().saturating_sub(verified.looked_up_at).as_secs();
        if age >= LOOKED_UP_EVERY.unsigned_abs() || self.now() >= verified.key.expires_at {
            return None;
        }
        let known = self.0.cache.active_in_memory(&verified.key.owner)?;
        Some(principal(&verified.key, &known))
    }

    /// The API key itself, if it has not ended. What its owner is now is not asked.
    pub(in crate::auth) async fn verified_api_key(
        &self,
        text: &str,
        settled: bool,
    ) -> Result<ApiKey, Denied> {
        let Ok((OpaqueKind::ApiKey, digest)) = OpaqueToken::parse(text) else {
            return Err(Denied::Invalid);
        };
        let now = self.now();
        let verified = self.look_up_api_key(&digest, now, settled).await?;
        if now >= verified.key.expires_at {
            return Err(Denied::Invalid);
        }
        Ok(verified.key.clone())
    }

    async fn look_up_api_key(
        &self,
        digest: &Digest,
        now: Timestamp,
        settled: bool,
    ) -> Result<Arc<VerifiedKey>, Denied> {
        let looked_up_at = self.0.sources.monotonic();
        let state = &self.0.api_keys;
        if settled
            && let Some(verified) = state.keys.get(digest)
            && looked_up_at.saturating_sub(verified.looked_up_at).as_secs()
                < LOOKED_UP_EVERY.unsigned_abs()
        {
            return Ok(verified);
        }
        let begun = self.0.cache.begun();
        let key = sql::api_key(&self.0.db, digest).await?.ok_or(Denied::Invalid)?;
        let since_use = key.last_used_at.map(|at| now.duration_since(at).as_secs());
        if now < key.expires_at && since_use.is_none_or(|seconds| seconds >= LOOKED_UP_EVERY) {
            self.note_use(Use::ApiKey(key.id), now).await;
        }
        let verified = Arc::new(VerifiedKey { key, looked_up_at });
        self.0.cache.keep_if_unchanged(begun, || {
            state.keys.insert(*digest, Arc::clone(&verified));
        });
        Ok(verified)
    }
}

fn principal(key: &ApiKey, known: &SubjectAccess) -> Principal {
    let mut principal = Principal::new(key.owner.clone(), Arc::clone(&known.name));
    principal.access = Arc::clone(&known.access);
    principal.scopes = key.scopes.clone();
    principal.token = Some(key.id);
    principal
}

/// Refuses a principal that signed in by an API key: one that leaked must not multiply.
pub(in crate::auth) fn refuse_api_key(who: Option<&Principal>) -> Result<(), Problem> {
    if who.is_some_and(|who| who.token.is_some() && who.session.is_none()) {
        return Err(Problem::new(ProblemKind::Forbidden).detail(
            "An API key or a client's own token cannot make another credential: sign in for that.",
        ));
    }
    Ok(())
}

/// Requires that the actor is this owner, by a credential that no scope limits, or may manage them.
async fn require_over(write: &mut Write, owner: &Subject) -> Result<(), Problem> {
    if write.judged().is_some_and(|who| who.subject == *owner) {
        return write.require(unscoped());
    }
    write.require(management(owner))?;
    write.must_not_exceed(owner).await
}

/// Draws a key and keeps it.
async fn keep(
    write: &mut Write,
    owner: Subject,
    name: String,
    (scopes, expires_at): (Scopes, Timestamp),
) -> Result<(ApiKey, Secret<String>), Problem> {
    let now = write.now;
    let sources = write.auth().0.sources.clone();
    if !access::required(write, &owner).await?.active {
        return Err(access::no_such(&owner));
    }
    if sql::count(write.db(), &owner, now).await? >= API_KEYS as u64 {
        return Err(Problem::new(ProblemKind::Conflict)
            .detail(format!("There are {API_KEYS} keys already: delete one first.")));
    }
    let secret = OpaqueToken::mint(&sources, OpaqueKind::ApiKey).map_err(Problem::internal)?;
    let id = TokenId(sources.uuid().map_err(Problem::internal)?);
    let key = ApiKey { id, owner, name, scopes, created_at: now, expires_at, last_used_at: None };
    // Whoever may give the client rights may have a key that follows them.
    let by_administrator = write.require(permission("roles:manage")).is_ok();
    sql::insert(write.db(), &key, &secret.digest(), by_administrator).await?;
    let event = made(write.actor(), &key);
    write.note(event);
    Ok((key, Secret::new(secret.expose().to_owned())))
}

async fn delete(write: &mut Write, owner: &Subject, key: TokenId) -> Result<bool, Problem> {
    let deleted = sql::delete(write.db(), owner, key).await?;
    if deleted {
        write.forget(Change::ApiKeys);
        let event = write.event(Action::ApiKeyRevoked).on(AuditTarget::new("api key", key, ""));
        write.note(event.detail("owner", &owner.to_string()));
    }
    Ok(deleted)
}

/// Deletes every key of an owner: what a new password and becoming inactive come to.
pub(in crate::auth) async fn delete_all(
    write: &mut Write,
    owner: &Subject,
) -> Result<u64, Problem> {
    let deleted = sql::delete_of_owner(write.db(), owner).await?;
    write.forget(Change::ApiKeys);
    Ok(deleted)
}

/// A key that was made, for the log.
fn made(actor: &Actor, key: &ApiKey) -> Event {
    Event::new(actor, Action::ApiKeyCreated)
        .on(AuditTarget::new("api key", key.id, &*key.name))
        .detail("owner", &key.owner.to_string())
        .names("scopes", key.scopes.limit().into_iter().flatten())
        .detail("expires_at", &key.expires_at.to_string())
}
