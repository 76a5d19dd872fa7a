//! What the browser must do next.

use super::request::{Request, Unfit};
use super::ticket::Ticket;
use super::{Authorization, AuthorizationRefused, sql};
use crate::auth::{Actor, Auth};
use crate::extract::form_pairs;
use crate::types::{ClientId, Principal, Scopes, SessionId, UserId};

/// Somebody who is signed in in this browser.
pub(super) struct InBrowser<'a> {
    pub(super) who: &'a Principal,
    pub(super) user: UserId,
    pub(super) session: SessionId,
}

impl<'a> InBrowser<'a> {
    /// A principal by a session cookie: no token, no password, no API key speaks for a browser.
    pub(super) fn of(who: Option<&'a Principal>) -> Option<Self> {
        let who = who?;
        let ours = who.client == Some(ClientId::first_party()) && who.token.is_none();
        match (who.user(), who.session) {
            (Some(user), Some(session)) if ours && who.scopes == Scopes::All => {
                Some(Self { who, user, session })
            }
            _ => None,
        }
    }
}

/// Where a request stands.
#[expect(clippy::large_enum_variant, reason = "one a request, and moved once")]
pub(super) enum Stage<'a> {
    /// It is answered already.
    Told(String),
    /// The person must sign in first.
    SignIn(Ticket, Request),
    /// The person is there.
    There(Box<There<'a>>),
}

/// A request whose person is signed in as it asks.
pub(super) struct There<'a> {
    pub(super) ticket: Ticket,
    pub(super) request: Request,
    pub(super) browser: InBrowser<'a>,
    /// What the tokens would be limited to: what was asked for and the person may have.
    pub(super) scopes: Scopes,
}

impl Auth {
    /// Judges an authorization request: its query as it came, or `ticket=…` when a page leads back. `who` is the
    /// principal of the session cookie; no other credential counts here.
    ///
    /// ```
    /// # use portcullis::{auth::{Actor, Authorization, ClientRequest, GrantType}, testing::{FixedClock, auth}};
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let auth = auth(&FixedClock::at("2026-01-01T00:00:00Z")).start().await?;
    /// let mut app = ClientRequest::new("app", "An app");
    /// app.settings.first_party = true;
    /// app.settings.grant_types = [GrantType::AuthorizationCode].into();
    /// app.settings.redirect_uris = vec!["https://app.example/cb".parse()?];
    /// auth.register_client(&Actor::system(), app).await?;
    /// let query = "client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code\
    ///     &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    /// let next = auth.authorize(None, query).await.map_err(|refused| format!("{refused:?}"))?;
    /// assert!(matches!(next, Authorization::SignIn { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`AuthorizationRefused`]: the person stays here, and a page of ours says why.
    pub async fn authorize(
        &self,
        who: Option<&Principal>,
        query: &str,
    ) -> Result<Authorization, AuthorizationRefused> {
        let (ticket, is_back) = match ticket_of(query) {
            None => (Ticket::new(query, self.now()), false),
            Some(text) => {
                let ticket = self.read_ticket(&text)?;
                (ticket.ok_or(AuthorizationRefused::Ticket)?, true)
            }
        };
        match self.stage(who, ticket, is_back).await? {
            Stage::Told(target) => Ok(Authorization::Redirect(target)),
            Stage::SignIn(ticket, request) => Ok(Authorization::SignIn {
                ticket: self.write_ticket(&ticket)?,
                login_hint: request.login_hint,
            }),
            Stage::There(there) => {
                let consented = self.is_consented(&there).await?;
                match (consented, there.request.prompt.none) {
                    (true, _) => self.answer_with_code(*there).await,
                    (false, true) => {
                        let fault = ("consent_required", "The person must be asked first.");
                        Ok(Authorization::Redirect(there.request.answer.error(fault)))
                    }
                    (false, false) => {
                        Ok(Authorization::Consent { ticket: self.write_ticket(&there.ticket)? })
                    }
                }
            }
        }
    }

    /// How far a request has come.
    pub(super) async fn stage<'a>(
        &self,
        who: Option<&'a Principal>,
        ticket: Ticket,
        is_back: bool,
    ) -> Result<Stage<'a>, AuthorizationRefused> {
        let request = match self.read_request(&ticket.query).await {
            Ok(request) => request,
            Err(Unfit::Stays(refused)) => return Err(refused),
            Err(Unfit::Told(target)) => return Ok(Stage::Told(target)),
        };
        let browser = InBrowser::of(who).filter(|browser| {
            let Some(at) = browser.who.authenticated_at else { return false };
            // Who signed in since the request came has done what it asks for.
            let since = is_back && at >= ticket.asked_at();
            let age = self.now().duration_since(at).as_secs();
            let young = request.max_age.is_none_or(|most| age <= most);
            since || (young && !request.prompt.login)
        });
        let Some(browser) = browser else {
            if request.prompt.none {
                let fault = ("login_required", "Nobody is signed in as it was asked for.");
                return Ok(Stage::Told(request.answer.error(fault)));
            }
            return Ok(Stage::SignIn(ticket, request));
        };
        let may = self.within(&browser.who.access, &request.scopes);
        let scopes = match &request.scopes {
            Scopes::All => Scopes::All,
            Scopes::Only(_) => Scopes::only(may),
        };
        if scopes.limit().is_some_and(std::collections::BTreeSet::is_empty) {
            let fault = ("invalid_scope", "The person may have none of these scopes.");
            return Ok(Stage::Told(request.answer.error(fault)));
        }
        Ok(Stage::There(Box::new(There { ticket, request, browser, scopes })))
    }

    /// Whether the person need not be asked.
    async fn is_consented(&self, there: &There<'_>) -> Result<bool, AuthorizationRefused> {
        let client = &there.request.client;
        if there.request.prompt.consent {
            return Ok(false);
        }
        if client.settings.first_party {
            return Ok(true);
        }
        let given = sql::consents(&self.0.db, there.browser.user, &client.id).await?;
        // Without a limit a stranger's client would have all that the person has.
        Ok(there.scopes.limit().is_some_and(|asked| asked.is_subset(&given)))
    }

    /// Sends the client a code.
    pub(super) async fn answer_with_code(
        &self,
        there: There<'_>,
    ) -> Result<Authorization, AuthorizationRefused> {
        let answer = there.request.answer.clone();
        let actor = Actor::of(there.browser.who);
        let code = self.issue_code(&actor, &there).await?;
        Ok(Authorization::Redirect(answer.code(code.expose())))
    }
}

/// The ticket of a query that is nothing else.
fn ticket_of(query: &str) -> Option<String> {
    let pairs = form_pairs(query)?;
    match pairs.as_slice() {
        [(name, text)] if name == "ticket" => Some(text.clone()),
        _ => None,
    }
}
