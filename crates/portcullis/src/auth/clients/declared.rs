//! Clients that a settings file or an application declares: made at the start, and kept as declared.

use super::secrets::{self, KeptSecret, LONGEST, SHORTEST};
use super::{Client, ClientChange, ClientRefused, ClientRequest, operations, sql};
use crate::auth::{Actor, Auth, access};
use crate::crypto::Secret;
use crate::problem::{Problem, ProblemKind};
use crate::types::{ClientId, Role, Subject};

impl Auth {
    /// Makes a client as it is declared, or brings the one of this id up to it: name, settings, roles
    /// and secret. What is as declared already is not written again. Whether it is active stays.
    ///
    /// Of a confidential client a declared secret is its only one. Where none is declared, its secrets
    /// stay as they are.
    ///
    /// ```
    /// # use portcullis::{auth::{Actor, ClientRequest, GrantType}, testing::{FixedClock, auth}};
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let auth = auth(&FixedClock::at("2026-01-01T00:00:00Z")).start().await?;
    /// let mut request = ClientRequest::new("reports", "The nightly reports");
    /// request.settings.confidential = true;
    /// request.settings.grant_types = [GrantType::ClientCredentials].into();
    /// request.secret = Some("a secret of at least thirty characters".into());
    /// auth.declare_client(&Actor::system(), request.clone()).await?;
    /// auth.declare_client(&Actor::system(), request).await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// 403; a 422 that points at each fault; 404 where a role is not there; 503.
    pub async fn declare_client(
        &self,
        actor: &Actor,
        declared: ClientRequest,
    ) -> Result<Client, Problem> {
        let secret = declared.secret.clone();
        if let Some(wrong) = secret.as_ref().and_then(|secret| fault_of(secret, &declared)) {
            return Err(Problem::invalid("/secret", wrong));
        }
        let roles = declared.roles.clone();
        let client = match sql::client(&self.0.db, &declared.id).await? {
            None => self.register_client(actor, declared).await?,
            Some(there) if there.name == declared.name && there.settings == declared.settings => {
                there
            }
            Some(_) => {
                let change = ClientChange {
                    name: Some(declared.name),
                    active: None,
                    settings: Some(declared.settings),
                };
                self.change_client(actor, declared.id, change).await?
            }
        };
        self.bring_roles(actor, &client.id, &roles).await?;
        if let Some(secret) = secret {
            self.bring_secret(actor, &client, secret).await?;
        }
        Ok(client)
    }

    async fn bring_roles(
        &self,
        actor: &Actor,
        client: &ClientId,
        declared: &[Role],
    ) -> Result<(), Problem> {
        let subject = Subject::Client(client.clone());
        let held = self.roles_of(&subject).await?;
        for role in declared.iter().filter(|role| !held.contains(*role)) {
            self.assign_role(actor, subject.clone(), role.clone()).await?;
        }
        for role in held.iter().filter(|role| !declared.contains(role)) {
            self.unassign_role(actor, subject.clone(), role.clone()).await?;
        }
        Ok(())
    }

    async fn bring_secret(
        &self,
        actor: &Actor,
        client: &Client,
        secret: Secret<String>,
    ) -> Result<(), Problem> {
        let again = Secret::new(secret.expose().clone());
        let alone = sql::secrets(&self.0.db, &client.id).await?.len() == 1;
        match self.is_secret_of(actor, client, again).await {
            Ok(true) if alone => return Ok(()),
            Ok(_) => {}
            Err(ClientRefused::Invalid) => return Err(ProblemKind::InvalidCredential.into()),
            Err(ClientRefused::Other(problem)) => return Err(problem),
        }
        let hash = self.0.accounts.passwords.hash(secret).await?;
        let id = client.id.clone();
        self.write(actor, move |write| {
            Box::pin(async move {
                operations::require_over(write, &Subject::Client(id.clone())).await?;
                let found = sql::client(write.db(), &id).await?;
                let found = found.ok_or_else(|| access::no_such(&Subject::Client(id.clone())))?;
                sql::delete_secrets(write.db(), &id, None).await?;
                secrets::keep(write, &id, &found.name, KeptSecret::Chosen(hash)).await?;
                Ok(())
            })
        })
        .await
    }
}

fn fault_of(secret: &Secret<String>, declared: &ClientRequest) -> Option<&'static str> {
    let text = secret.expose();
    if !declared.settings.confidential {
        Some("is of a public client, which has none")
    } else if text.chars().count() < SHORTEST {
        Some("must have at least 30 characters")
    } else if text.chars().count() > LONGEST {
        Some("must have at most 200 characters")
    } else if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        // RFC 6749 appendix A.2.
        Some("must be of printable ASCII characters")
    } else {
        None
    }
}
