//! The secrets of confidential clients: drawn here, or chosen in a settings file.

use super::sql;
use crate::auth::audit::{Action, AuditTarget};
use crate::auth::write::Write;
use crate::auth::{Actor, Auth, access, api_keys};
use crate::crypto::{OpaqueKind, OpaqueToken, Secret};
use crate::policy::permission;
use crate::problem::{Problem, ProblemKind};
use crate::types::{ClientId, Digest, Subject, Timestamp};

/// How many secrets a client may have: the new one beside the old one, while it changes over.
pub const CLIENT_SECRETS: usize = 2;

/// The shortest secret that somebody may choose, in characters.
pub(super) const SHORTEST: usize = 30;
/// The longest one that is looked at, in characters.
pub(super) const LONGEST: usize = 200;

/// A secret of a client, without the secret itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSecret {
    /// Which one.
    pub id: uuid::Uuid,
    /// Whether it was drawn here; else somebody chose it.
    pub drawn: bool,
    /// Since when it counts.
    pub created_at: Timestamp,
}

/// What is kept of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeptSecret {
    /// The SHA-256 of 256 random bits.
    Drawn(Digest),
    /// The Argon2 hash of what somebody chose.
    Chosen(String),
}

impl Auth {
    /// The secrets of a client, oldest first.
    ///
    /// # Errors
    /// 404; 503.
    pub async fn client_secrets(&self, client: &ClientId) -> Result<Vec<ClientSecret>, Problem> {
        self.client(client).await?;
        let secrets = sql::secrets(&self.0.db, client).await?;
        Ok(secrets.into_iter().map(|(secret, _)| secret).collect())
    }

    /// Draws a secret for a confidential client. The secret itself is returned once and kept nowhere.
    /// Needs `clients:manage`, and all that the client holds.
    ///
    /// # Errors
    /// 403, also by an API key: one that leaked must not multiply. 404 where there is no such client;
    /// 409 where it is public or has [`CLIENT_SECRETS`] already; 503.
    pub async fn create_client_secret(
        &self,
        actor: &Actor,
        client: ClientId,
    ) -> Result<(ClientSecret, Secret<String>), Problem> {
        api_keys::refuse_api_key(actor.principal())?;
        self.write(actor, move |write| {
            Box::pin(async move {
                require_over(write, &client).await?;
                let auth = write.auth().clone();
                let found = sql::client(write.db(), &client).await?;
                let found =
                    found.ok_or_else(|| access::no_such(&Subject::Client(client.clone())))?;
                if !found.settings.confidential {
                    return Err(conflict("A public client has no secret."));
                }
                if sql::secrets(write.db(), &client).await?.len() >= CLIENT_SECRETS {
                    return Err(conflict("It has two secrets: delete one of them first."));
                }
                let text = OpaqueToken::mint(&auth.0.sources, OpaqueKind::ClientSecret)
                    .map_err(Problem::internal)?;
                let kept = KeptSecret::Drawn(text.digest());
                let secret = keep(write, &client, &found.name, kept).await?;
                Ok((secret, Secret::new(text.expose().to_owned())))
            })
        })
        .await
    }

    /// Deletes a secret of a client: it counts for nothing on the next request. Tokens that were got
    /// with it live on until they expire. Needs what making one needs. Returns whether it was there.
    ///
    /// # Errors
    /// 403; 404 where there is no such client; 503.
    pub async fn delete_client_secret(
        &self,
        actor: &Actor,
        client: ClientId,
        secret: uuid::Uuid,
    ) -> Result<bool, Problem> {
        self.write(actor, move |write| {
            Box::pin(async move {
                require_over(write, &client).await?;
                let target = write.target(&Subject::Client(client.clone())).await?;
                let deleted = sql::delete_secrets(write.db(), &client, Some(secret)).await? > 0;
                if deleted {
                    let event = write.event(Action::ClientSecretDeleted).on(target);
                    write.note(event.detail("secret", &secret.to_string()));
                }
                Ok(deleted)
            })
        })
        .await
    }
}

/// Keeps a secret, and notes it.
pub(super) async fn keep(
    write: &mut Write,
    client: &ClientId,
    name: &str,
    kept: KeptSecret,
) -> Result<ClientSecret, Problem> {
    let id = write.auth().0.sources.uuid().map_err(Problem::internal)?;
    let drawn = matches!(kept, KeptSecret::Drawn(_));
    let secret = ClientSecret { id, drawn, created_at: write.now };
    sql::insert_secret(write.db(), client, &secret, &kept).await?;
    let event = write.event(Action::ClientSecretCreated).on(AuditTarget::client(client, name));
    write.note(event.detail("secret", &id.to_string()));
    Ok(secret)
}

async fn require_over(write: &mut Write, client: &ClientId) -> Result<(), Problem> {
    write.require(permission("clients:manage"))?;
    write.must_not_exceed(&Subject::Client(client.clone())).await
}

fn conflict(detail: &'static str) -> Problem {
    Problem::new(ProblemKind::Conflict).detail(detail)
}
