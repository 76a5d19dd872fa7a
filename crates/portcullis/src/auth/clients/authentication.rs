//! Is this the client? By a secret where it can keep one, by its name alone where it cannot.

use std::time::Duration;

use aws_lc_rs::hmac;
use quick_cache::sync::Cache;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::secrets::{KeptSecret, LONGEST};
use super::{Client, sql};
use crate::auth::audit::{Action, AuditTarget, Event};
use crate::auth::db::Digest;
use crate::auth::throttle::Place;
use crate::auth::{Actor, Auth};
use crate::clock::{NoRandomness, Sources};
use crate::crypto::{OpaqueKind, OpaqueToken, Secret};
use crate::problem::Problem;
use crate::types::{ClientId, Principal, Subject};

/// How many chosen secrets are kept in memory as verified.
const VERIFIED: usize = 10_000;

/// How long a chosen secret that was right need not be hashed again.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);

/// Why somebody does not count as a client.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientRefused {
    /// Unknown, inactive, a wrong secret, none where one is needed or one where none is: nobody is told which.
    Invalid,
    /// Too many attempts, the database away, a fault of ours.
    Other(Problem),
}

impl<E: Into<Problem>> From<E> for ClientRefused {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// What memory holds of clients.
pub(in crate::auth) struct ClientState {
    /// Chosen secrets that were right: which row, by a keyed digest that only this process can make.
    verified: Cache<Digest, (Uuid, Duration)>,
    verified_key: [u8; 32],
}

impl ClientState {
    pub(in crate::auth) fn new(sources: &Sources) -> Result<Self, NoRandomness> {
        Ok(Self { verified: Cache::new(VERIFIED), verified_key: sources.bytes()? })
    }

    fn key(&self, client: &ClientId, secret: &Secret<String>) -> Digest {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.verified_key);
        let mut context = hmac::Context::with_key(&key);
        context.update(client.0.as_bytes());
        // An id has no colon, so two pairs never run together alike.
        context.update(b":");
        context.update(secret.expose().as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }
}

impl Auth {
    /// The client that this id and secret are of. A public client has no secret, and shows none.
    ///
    /// # Errors
    /// [`ClientRefused`].
    pub async fn authenticate_client(
        &self,
        actor: &Actor,
        id: &str,
        secret: Option<Secret<String>>,
    ) -> Result<Client, ClientRefused> {
        let id = ClientId::from(id);
        let Some(client) = sql::client(&self.0.db, &id).await? else {
            return Err(ClientRefused::Invalid);
        };
        let refused = |why| {
            let event = Event::new(actor, Action::ClientRefused).failed().detail("why", why);
            self.note(event.on(AuditTarget::client(&client.id, &client.name)));
            ClientRefused::Invalid
        };
        if !client.active {
            return Err(refused("inactive"));
        }
        match (client.settings.confidential, secret) {
            (false, None) => Ok(client),
            (false, Some(_)) => Err(refused("a secret of a public client")),
            (true, None) => Err(refused("no secret")),
            (true, Some(secret)) => {
                let right = self.is_secret_of(actor, &client, secret).await?;
                if right { Ok(client) } else { Err(refused("wrong secret")) }
            }
        }
    }

    /// Whether this is one of the client's secrets.
    pub(super) async fn is_secret_of(
        &self,
        actor: &Actor,
        client: &Client,
        secret: Secret<String>,
    ) -> Result<bool, ClientRefused> {
        let kept = sql::secrets(&self.0.db, &client.id).await?;
        if let Ok((OpaqueKind::ClientSecret, shown)) = OpaqueToken::parse(secret.expose()) {
            return Ok(kept.iter().any(|(_, kept)| match kept {
                KeptSecret::Drawn(digest) => bool::from(digest.ct_eq(&shown)),
                KeptSecret::Chosen(_) => false,
            }));
        }
        let chosen = kept.into_iter().filter_map(|(row, kept)| match kept {
            KeptSecret::Chosen(hash) => Some((row.id, hash)),
            KeptSecret::Drawn(_) => None,
        });
        let chosen: Vec<(Uuid, String)> = chosen.collect();
        if chosen.is_empty() || secret.expose().chars().count() > LONGEST {
            return Ok(false);
        }
        let (state, sources) = (&self.0.clients, &self.0.sources);
        let key = state.key(&client.id, &secret);
        if let Some((row, at)) = state.verified.get(&key)
            && sources.monotonic().saturating_sub(at) < REMEMBERED
            && chosen.iter().any(|(id, _)| *id == row)
        {
            return Ok(true);
        }
        // Nobody but whoever guesses waits: the bucket is of the client from this address.
        let bucket = format!("client:{}", client.id);
        let guess = self.0.throttle.guess(&bucket, actor.address, Place::Known, sources).await;
        let guess = guess.map_err(Problem::from)?;
        for (row, hash) in chosen {
            let again = Secret::new(secret.expose().clone());
            if self.0.accounts.passwords.verify(again, &hash).await?.matches {
                state.verified.insert(key, (row, sources.monotonic()));
                return Ok(true);
            }
        }
        guess.failed(sources);
        Ok(false)
    }

    /// Who an authenticated client is, with what it holds now.
    ///
    /// # Errors
    /// 503.
    pub async fn principal_of_client(&self, client: &Client) -> Result<Option<Principal>, Problem> {
        let settled = self.settled().await?;
        let subject = Subject::Client(client.id.clone());
        let known = self.0.cache.of(&self.0.db, &subject, settled).await?;
        Ok(known.filter(|known| known.active).map(|known| {
            let mut principal = Principal::new(subject, std::sync::Arc::clone(&known.name));
            principal.access = std::sync::Arc::clone(&known.access);
            principal.client = Some(client.id.clone());
            principal.credential_version = Some(known.epoch);
            principal.authenticated_at = Some(self.now());
            principal
        }))
    }
}
