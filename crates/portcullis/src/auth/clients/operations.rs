//! What can be done with clients. Every change needs `clients:manage`, and that the client holds
//! nothing that the actor does not hold.

use super::{Client, ClientChange, ClientRequest, ClientSettings, GrantType, REDIRECT_URIS, sql};
use crate::auth::audit::{Action, AuditTarget};
use crate::auth::db::Change;
use crate::auth::write::Write;
use crate::auth::{Actor, Auth, access, api_keys, later, sessions};
use crate::policy::permission;
use crate::problem::{BodyFault, Problem, ProblemKind};
use crate::types::{ClientId, Page, PageRequest, Role, Subject};

/// The longest id and name of a client, in characters.
const LONGEST: usize = 100;
/// How many scopes a client may be limited to.
const SCOPES: usize = 100;

impl Auth {
    /// A page of clients.
    ///
    /// # Errors
    /// A 422 where the cursor is not one; 503.
    pub async fn clients(&self, page: &PageRequest) -> Result<Page<Client>, Problem> {
        Ok(sql::page(&self.0.db, page).await?)
    }

    /// The client with this id.
    ///
    /// # Errors
    /// 404; 503.
    pub async fn client(&self, id: &ClientId) -> Result<Client, Problem> {
        sql::client(&self.0.db, id).await?.ok_or_else(no_client)
    }

    /// Registers a client that has API keys alone, with roles, which need `roles:manage` besides.
    ///
    /// # Errors
    /// As [`register_client`](Self::register_client).
    pub async fn add_client(
        &self,
        actor: &Actor,
        id: ClientId,
        name: String,
        roles: &[Role],
    ) -> Result<Client, Problem> {
        let request = ClientRequest { roles: roles.to_vec(), ..ClientRequest::new(id, name) };
        self.register_client(actor, request).await
    }

    /// Registers a client: with roles, which need `roles:manage` besides. A secret is not part of it:
    /// see [`create_client_secret`](Self::create_client_secret).
    ///
    /// # Errors
    /// 403; a 422 that points at each fault; 404 where a role is not there; 409 where the id is
    /// taken; 503.
    pub async fn register_client(
        &self,
        actor: &Actor,
        request: ClientRequest,
    ) -> Result<Client, Problem> {
        let ClientRequest { id, name, roles, settings, .. } = request;
        let mut faults = Vec::new();
        fault(&mut faults, "/id", client_id_fault(&id.0));
        fault(&mut faults, "/name", name_fault(&name));
        settings_faults(&settings, &mut faults);
        refuse(faults)?;
        self.write(actor, move |write| {
            Box::pin(async move {
                write.require(permission("clients:manage"))?;
                if !roles.is_empty() {
                    write.require(permission("roles:manage"))?;
                }
                let client = Client { id, name, active: true, created_at: write.now, settings };
                let subject = Subject::Client(client.id.clone());
                let event = write.event(Action::ClientCreated);
                let event = event.on(AuditTarget::subject(&subject, &client.name));
                let event = event.names("grant_types", &client.settings.grant_types);
                write.attempt(event.names("roles", &roles));
                sql::insert(write.db(), &client).await?;
                for role in &roles {
                    access::assign(write, &subject, role).await?;
                }
                write.forget(Change::Subject(subject));
                Ok(client)
            })
        })
        .await
    }

    /// Changes a client. One that becomes inactive is refused from the next request on: its API keys
    /// are deleted, every session at it is ended, and tokens it got for itself are void.
    ///
    /// # Errors
    /// 403; a 422; 404; 503.
    pub async fn change_client(
        &self,
        actor: &Actor,
        id: ClientId,
        change: ClientChange,
    ) -> Result<Client, Problem> {
        let mut faults = Vec::new();
        fault(&mut faults, "/name", change.name.as_deref().and_then(name_fault));
        if let Some(settings) = &change.settings {
            settings_faults(settings, &mut faults);
        }
        refuse(faults)?;
        self.write(actor, move |write| {
            Box::pin(async move {
                let subject = Subject::Client(id.clone());
                require_over(write, &subject).await?;
                let mut event =
                    write.event(Action::ClientChanged).on(write.target(&subject).await?);
                if let Some(active) = change.active {
                    event = event.flag("active", active);
                }
                if let Some(name) = &change.name {
                    event = event.detail("name", name);
                }
                if let Some(settings) = &change.settings {
                    event = event.flag("confidential", settings.confidential);
                    event = event.flag("first_party", settings.first_party);
                    event = event.names("grant_types", &settings.grant_types);
                    event = event.names("redirect_uris", &settings.redirect_uris);
                }
                write.note(event);
                let client = sql::update(write.db(), &id, &change).await?.ok_or_else(no_client)?;
                if !client.active {
                    api_keys::delete_all(write, &subject).await?;
                    sessions::end_of_client(write, &id).await?;
                    // A token says when it was made in whole seconds: the one under way is over too.
                    let from = later(write.now, 1);
                    sql::end_tokens(write.db(), &id, from).await?;
                }
                if !client.settings.confidential {
                    sql::delete_secrets(write.db(), &id, None).await?;
                }
                write.forget(Change::Subject(subject));
                Ok(client)
            })
        })
        .await
    }

    /// Deletes a client with its roles, grants and API keys, and ends every session at it.
    ///
    /// # Errors
    /// 403; 404; 503.
    pub async fn delete_client(&self, actor: &Actor, id: ClientId) -> Result<(), Problem> {
        self.write(actor, move |write| {
            Box::pin(async move {
                let subject = Subject::Client(id.clone());
                require_over(write, &subject).await?;
                let event = write.event(Action::ClientDeleted).on(write.target(&subject).await?);
                api_keys::delete_all(write, &subject).await?;
                sessions::end_of_client(write, &id).await?;
                if !sql::delete(write.db(), &id).await? {
                    return Err(no_client());
                }
                write.note(event);
                write.forget(Change::Subject(subject));
                Ok(())
            })
        })
        .await
    }
}

/// Requires that the actor may change this client.
pub(super) async fn require_over(write: &mut Write, client: &Subject) -> Result<(), Problem> {
    write.require(permission("clients:manage"))?;
    write.must_not_exceed(client).await
}

fn no_client() -> Problem {
    Problem::new(ProblemKind::NotFound).detail("There is no such client.")
}

/// What an id cannot have: it stands in a form, in Basic before the colon, and in logs (RFC 6749
/// appendix A.1).
fn client_id_fault(id: &str) -> Option<&'static str> {
    if id.is_empty() {
        Some("must not be empty")
    } else if id.chars().count() > LONGEST {
        Some("must have at most 100 characters")
    } else if !id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
        Some("must be of visible ASCII characters, without a colon")
    } else {
        None
    }
}

/// What a client's settings cannot have together.
fn settings_faults(settings: &ClientSettings, faults: &mut Vec<BodyFault>) {
    let has = |grant| settings.grant_types.contains(&grant);
    let grant = if has(GrantType::ClientCredentials) && !settings.confidential {
        Some("must not have client_credentials: a public client has no secret to show")
    } else if has(GrantType::Password) && !settings.first_party {
        Some("must not have password: it is for first-party clients")
    } else if has(GrantType::AuthorizationCode) && settings.redirect_uris.is_empty() {
        Some("must not have authorization_code without a redirect URI")
    } else {
        None
    };
    fault(faults, "/grant_types", grant);
    let many = |uris: &[_]| (uris.len() > REDIRECT_URIS).then_some("must be 20 at the most");
    fault(faults, "/redirect_uris", many(&settings.redirect_uris));
    fault(faults, "/post_logout_redirect_uris", many(&settings.post_logout_redirect_uris));
    let wrong = settings.scopes.limit().is_some_and(|scopes| {
        scopes.len() > SCOPES || scopes.iter().any(|scope| scope.check().is_err())
    });
    fault(faults, "/scopes", wrong.then_some("must be 100 names of scopes at the most"));
}

fn fault(faults: &mut Vec<BodyFault>, pointer: &str, wrong: Option<&str>) {
    faults.extend(
        wrong.map(|wrong| BodyFault { pointer: pointer.to_owned(), detail: wrong.to_owned() }),
    );
}

fn refuse(faults: Vec<BodyFault>) -> Result<(), Problem> {
    if faults.is_empty() {
        return Ok(());
    }
    Err(Problem::new(ProblemKind::Invalid).faults(faults))
}

fn name_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("must not be empty")
    } else if name.chars().count() > LONGEST {
        Some("must have at most 100 characters")
    } else if name.chars().any(char::is_control) {
        Some("must not have a control character")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_that_cannot_be_are_refused() {
        for id in ["", "a b", "a:b", "ü", &"a".repeat(101)] {
            assert!(client_id_fault(id).is_some(), "{id:?}");
        }
        assert_eq!(client_id_fault("shop-backend.example"), None);
        assert!(name_fault("").is_some());
        assert!(name_fault("a\nb").is_some());
        assert_eq!(name_fault("Der Laden ü"), None);
    }
}
