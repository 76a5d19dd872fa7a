//! What people let clients do: asked once a scope, kept, and taken back.

use super::operations::Stage;
use super::request::Unfit;
use super::{Authorization, AuthorizationRefused, sql};
use crate::auth::audit::{Action, AuditTarget};
use crate::auth::{Actor, Auth};
use crate::types::{ClientId, OPENID_SCOPES, Principal, Scope, Scopes, SessionId};

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsentQuestion {
    /// The client.
    pub client: ClientId,
    /// Its name for people.
    pub name: String,
    /// Where the person will be sent.
    pub redirect_uri: String,
    /// Who is asked.
    pub username: String,
    /// In which session.
    pub session: SessionId,
    /// The scopes, each with its sentence. Empty where the client, one of ours, is not limited.
    pub scopes: Vec<(Scope, String)>,
}

/// A request whose person is about to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitingRequest {
    /// The client's name for people.
    pub name: String,
    /// Where the person will be sent: a form of the page leads there in the end.
    pub redirect_uri: String,
    /// By which name the client thinks the person signs in.
    pub login_hint: Option<String>,
}

impl Auth {
    /// What the page asks; `None` where there is nothing to ask any more: go back with the ticket.
    ///
    /// # Errors
    /// [`AuthorizationRefused`].
    pub async fn consent_question(
        &self,
        who: Option<&Principal>,
        ticket: &str,
    ) -> Result<Option<ConsentQuestion>, AuthorizationRefused> {
        let ticket = self.read_ticket(ticket)?.ok_or(AuthorizationRefused::Ticket)?;
        let Stage::There(there) = self.stage(who, ticket, true).await? else { return Ok(None) };
        let sentence = |scope: &Scope| {
            let own = OPENID_SCOPES.iter().find(|(name, _)| *name == scope.as_str());
            let rule = self.0.scopes.rules.get(scope).map(|rule| rule.sentence.clone());
            rule.or_else(|| own.map(|(_, sentence)| (*sentence).to_owned())).unwrap_or_default()
        };
        let scopes = there.scopes.limit().into_iter().flatten();
        Ok(Some(ConsentQuestion {
            client: there.request.client.id.clone(),
            name: there.request.client.name.clone(),
            redirect_uri: there.request.answer.redirect_uri.clone(),
            username: there.browser.who.name.to_string(),
            session: there.browser.session,
            scopes: scopes.map(|scope| (scope.clone(), sentence(scope))).collect(),
        }))
    }

    /// The request that a ticket brings back, for the page where a person signs in; `None` where the ticket is not
    /// one of ours, or too old.
    ///
    /// # Errors
    /// [`AuthorizationRefused`] where the client is not there any more; 503.
    pub async fn waiting_request(
        &self,
        ticket: &str,
    ) -> Result<Option<WaitingRequest>, AuthorizationRefused> {
        let Some(ticket) = self.read_ticket(ticket)? else { return Ok(None) };
        match self.read_request(&ticket.query).await {
            Ok(request) => Ok(Some(WaitingRequest {
                name: request.client.name,
                redirect_uri: request.answer.redirect_uri,
                login_hint: request.login_hint,
            })),
            Err(Unfit::Stays(refused)) => Err(refused),
            Err(Unfit::Told(_)) => Ok(None),
        }
    }

    /// Notes what the person answered, and sends the client a code or a no. The page must have made sure that the
    /// person's own browser answers: [`Auth::is_form_word`].
    ///
    /// # Errors
    /// [`AuthorizationRefused`].
    pub async fn decide_consent(
        &self,
        who: Option<&Principal>,
        ticket: &str,
        allowed: bool,
    ) -> Result<Authorization, AuthorizationRefused> {
        let ticket = self.read_ticket(ticket)?.ok_or(AuthorizationRefused::Ticket)?;
        let there = match self.stage(who, ticket, true).await? {
            Stage::Told(target) => return Ok(Authorization::Redirect(target)),
            Stage::SignIn(ticket, request) => {
                let ticket = self.write_ticket(&ticket)?;
                return Ok(Authorization::SignIn { ticket, login_hint: request.login_hint });
            }
            Stage::There(there) => there,
        };
        if !allowed {
            let fault = ("access_denied", "The person said no.");
            return Ok(Authorization::Redirect(there.request.answer.error(fault)));
        }
        if let Scopes::Only(scopes) = &there.scopes {
            let (user, client) = (there.browser.user, there.request.client.clone());
            let scopes = scopes.clone();
            self.write(&Actor::of(there.browser.who), move |write| {
                Box::pin(async move {
                    let now = write.now;
                    sql::keep_consents(write.db(), user, &client.id, &scopes, now).await?;
                    let event = write.event(Action::ConsentGiven);
                    let event = event.on(AuditTarget::client(&client.id, &client.name));
                    write.note(event.names("scopes", scopes.iter()));
                    Ok(())
                })
            })
            .await?;
        }
        self.answer_with_code(*there).await
    }
}
