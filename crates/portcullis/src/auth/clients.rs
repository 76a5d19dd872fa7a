//! Programs that are registered, by administrators.

use super::{Action, Auth, Event};
use crate::problem::{BodyFault, Problem, ProblemKind};
use crate::store::ClientChange;
use crate::types::{Actor, AuditTarget, Client, ClientId, Page, PageRequest, Role, Subject};

/// The longest id and name of a client, in characters.
const LONGEST: usize = 100;

impl Auth {
    /// A page of clients.
    ///
    /// # Errors
    /// A 422 where the cursor is not one; 503.
    pub async fn clients(&self, page: &PageRequest) -> Result<Page<Client>, Problem> {
        Ok(self.store().clients(page).await?)
    }

    /// The client with this id.
    ///
    /// # Errors
    /// 404; 503.
    pub async fn client(&self, id: &ClientId) -> Result<Client, Problem> {
        self.store()
            .client(id)
            .await?
            .ok_or_else(|| Problem::new(ProblemKind::NotFound).detail("There is no such client."))
    }

    /// Registers a client with roles.
    ///
    /// # Errors
    /// A 422 that points at each fault; 404 where a role is not there; 409 where the id is taken;
    /// 503.
    pub async fn add_client(
        &self,
        actor: &Actor,
        id: ClientId,
        name: String,
        roles: &[Role],
    ) -> Result<Client, Problem> {
        let mut faults = Vec::new();
        let mut fault =
            |pointer: &str, wrong: Option<&str>| {
                faults.extend(wrong.map(|wrong| BodyFault {
                    pointer: pointer.to_owned(),
                    detail: wrong.to_owned(),
                }));
            };
        fault("/id", client_id_fault(&id.0));
        fault("/name", name_fault(&name));
        if !faults.is_empty() {
            return Err(Problem::new(ProblemKind::Invalid).faults(faults));
        }
        // Before anything is kept, so that nothing is left half done.
        for role in roles {
            self.role(role)?;
        }
        let client = Client { id, name, active: true, created_at: self.now() };
        let subject = Subject::Client(client.id.clone());
        let event = Event::new(actor, Action::ClientCreated)
            .on(AuditTarget::subject(&subject, &client.name))
            .names("roles", roles);
        let (rules, kept, roles) = (self.clone(), client.clone(), roles.to_vec());
        let of = subject.clone();
        self.noted(event, |mark| mark.of(of), async move {
            rules.store().insert_client(&kept).await?;
            for role in &roles {
                rules.store().assign_role(&subject, role).await?;
            }
            Ok(())
        })
        .await?;
        Ok(client)
    }

    /// Changes a client. One that becomes inactive is refused from the next request on, and its API
    /// keys are deleted.
    ///
    /// # Errors
    /// A 422; 404; 503.
    pub async fn change_client(
        &self,
        actor: &Actor,
        id: ClientId,
        change: ClientChange,
    ) -> Result<Client, Problem> {
        if let Some(wrong) = change.name.as_deref().and_then(name_fault) {
            return Err(Problem::new(ProblemKind::Invalid).faults(vec![BodyFault {
                pointer: "/name".to_owned(),
                detail: wrong.to_owned(),
            }]));
        }
        let (rules, of) = (self.clone(), Subject::Client(id.clone()));
        let mut event = Event::new(actor, Action::ClientChanged).on(self.party(&of).await?);
        if let Some(active) = change.active {
            event = event.flag("active", active);
        }
        if let Some(name) = &change.name {
            event = event.detail("name", name);
        }
        self.noted(event, |mark| mark.of(of), async move {
            let ends_keys = change.active == Some(false);
            let client = rules.store().update_client(&id, change).await?;
            if ends_keys {
                rules.forget_api_keys();
            }
            Ok(client)
        })
        .await
    }

    /// Deletes a client with its roles, grants and API keys, and ends every session at it.
    ///
    /// # Errors
    /// 404; 503.
    pub async fn delete_client(&self, actor: &Actor, id: ClientId) -> Result<(), Problem> {
        let (rules, of) = (self.clone(), Subject::Client(id.clone()));
        let event = Event::new(actor, Action::ClientDeleted).on(self.party(&of).await?);
        self.noted(event, |mark| mark.of(of), async move {
            let ended = rules.store().delete_client(&id, rules.now()).await?;
            rules.note_ended(&ended);
            rules.forget_api_keys();
            Ok(())
        })
        .await
    }
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
