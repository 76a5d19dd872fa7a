//! An authorization request, read and judged: first what says where the answer goes, then the rest.

use std::collections::BTreeSet;

use url::form_urlencoded;

use super::{AuthorizationRefused, LONGEST_REQUEST};
use crate::auth::{Auth, Client, GrantType, clients};
use crate::extract::form_pairs;
use crate::types::{ClientId, Scope, Scopes, is_openid_scope};

/// The length of a SHA-256 in base64url.
const CHALLENGE: usize = 43;

/// What a client may ask the page to do (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) none: bool,
    pub(super) login: bool,
    pub(super) consent: bool,
}

/// A request that can be answered.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) answer: Answer,
    pub(super) client: Client,
    /// The scopes asked for; all there are where a client of ours names none.
    pub(super) scopes: Scopes,
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
    pub(super) prompt: Prompt,
    pub(super) max_age: Option<i64>,
    pub(super) login_hint: Option<String>,
}

impl Request {
    /// Whether the tokens are to outlive the sign-in in the browser.
    pub(super) fn is_offline(&self) -> bool {
        self.scopes.limit().is_some_and(|scopes| scopes.contains("offline_access"))
    }
}

/// Where the answer goes, and what goes back with it.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) redirect_uri: String,
    state: Option<String>,
    issuer: String,
}

impl Answer {
    /// The address with these parameters, `state` and `iss` (RFC 9207).
    fn with(&self, parameters: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", &self.issuer);
        let joint = if self.redirect_uri.contains('?') { '&' } else { '?' };
        format!("{}{joint}{}", self.redirect_uri, query.finish())
    }

    pub(super) fn code(&self, code: &str) -> String {
        self.with(&[("code", code)])
    }

    pub(super) fn error(&self, (code, description): (&str, &str)) -> String {
        self.with(&[("error", code), ("error_description", description)])
    }
}

/// A request that cannot be answered as it was meant.
pub(super) enum Unfit {
    /// The person stays here.
    Stays(AuthorizationRefused),
    /// The client is told.
    Told(String),
}

impl<E: Into<AuthorizationRefused>> From<E> for Unfit {
    fn from(refused: E) -> Self {
        Self::Stays(refused.into())
    }
}

/// The parameters, and what is wrong with how they stand there.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The only value of a parameter; `None` where it is not there or empty. Twice is wrong (RFC 6749 §3.1).
    fn one(&self, name: &str) -> Result<Option<&str>, (&'static str, &'static str)> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        let value = values.next();
        if values.next().is_some() {
            return Err(("invalid_request", "A parameter is there twice."));
        }
        Ok(value.map(String::as_str).filter(|value| !value.is_empty()))
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(known, value)| known == name && !value.is_empty());
        named.map(|(_, value)| value.as_str())
    }
}

impl Auth {
    /// Reads a request.
    pub(super) async fn read_request(&self, query: &str) -> Result<Request, Unfit> {
        let pairs = form_pairs(query).filter(|_| query.len() <= LONGEST_REQUEST);
        let Some(pairs) = pairs else { return Err(AuthorizationRefused::Unreadable.into()) };
        let parameters = Parameters(pairs);
        let Ok(Some(id)) = parameters.one("client_id") else {
            return Err(AuthorizationRefused::Client.into());
        };
        let client = clients::sql::client(&self.0.db, &ClientId::from(id)).await;
        let client = client.map_err(AuthorizationRefused::from)?;
        let Some(client) = client.filter(|client| client.active) else {
            return Err(AuthorizationRefused::Client.into());
        };
        let Ok(Some(redirect_uri)) = parameters.one("redirect_uri") else {
            return Err(AuthorizationRefused::RedirectUri.into());
        };
        if !client.settings.redirect_uris.iter().any(|known| known.matches(redirect_uri)) {
            return Err(AuthorizationRefused::RedirectUri.into());
        }
        // From here on the answer has somewhere to go.
        let mut answer = Answer {
            redirect_uri: redirect_uri.to_owned(),
            state: None,
            issuer: self.0.settings.issuer.clone(),
        };
        let read = match parameters.one("state") {
            Ok(state) => {
                answer.state = state.map(str::to_owned);
                self.judge_request(&parameters, client, answer.clone())
            }
            Err(fault) => Err(fault),
        };
        read.map_err(|fault| Unfit::Told(answer.error(fault)))
    }

    fn judge_request(
        &self,
        parameters: &Parameters,
        client: Client,
        answer: Answer,
    ) -> Result<Request, (&'static str, &'static str)> {
        if parameters.one("request")?.is_some() {
            return Err(("request_not_supported", "Request objects are not supported."));
        }
        if parameters.one("request_uri")?.is_some() {
            return Err(("request_uri_not_supported", "Pushed requests are not supported."));
        }
        match parameters.one("response_type")? {
            Some("code") => {}
            Some(_) => return Err(("unsupported_response_type", "response_type must be code.")),
            None => return Err(("invalid_request", "response_type is missing.")),
        }
        if parameters.one("response_mode")?.is_some_and(|mode| mode != "query") {
            return Err(("invalid_request", "response_mode must be query."));
        }
        if !client.settings.grant_types.contains(&GrantType::AuthorizationCode) {
            return Err(("unauthorized_client", "This client was not registered for codes."));
        }
        let challenge = challenge(parameters)?.to_owned();
        let prompt = prompt(parameters)?;
        let max_age = match parameters.one("max_age")?.map(str::parse::<u32>) {
            None => None,
            Some(Ok(seconds)) => Some(i64::from(seconds)),
            Some(Err(_)) => {
                return Err(("invalid_request", "max_age must be a number of seconds."));
            }
        };
        if parameters.all("resource").any(|resource| resource != self.0.settings.audience) {
            return Err(("invalid_target", "There is no such resource."));
        }
        Ok(Request {
            scopes: self.scopes_asked(parameters, &client)?,
            nonce: parameters.one("nonce")?.map(str::to_owned),
            login_hint: parameters.one("login_hint")?.map(str::to_owned),
            answer,
            client,
            challenge,
            prompt,
            max_age,
        })
    }

    fn scopes_asked(
        &self,
        parameters: &Parameters,
        client: &Client,
    ) -> Result<Scopes, (&'static str, &'static str)> {
        let limit = &client.settings.scopes;
        let mut asked = BTreeSet::new();
        for name in parameters.one("scope")?.unwrap_or_default().split(' ') {
            let own = is_openid_scope(name) && self.signs_id_tokens();
            let known = self.0.scopes.rules.contains_key(name) && limit.carries(name);
            match name {
                "" => {}
                // OpenID Connect Core §11: ignored where there is no refresh token.
                "offline_access"
                    if !client.settings.grant_types.contains(&GrantType::RefreshToken) => {}
                name if own || known => {
                    asked.insert(Scope::from(name));
                }
                _ => return Err(("invalid_scope", "There is no such scope for this client.")),
            }
        }
        match (asked.is_empty(), limit) {
            (false, _) => Ok(Scopes::only(asked)),
            (true, Scopes::All) if client.settings.first_party => Ok(Scopes::All),
            (true, _) => Err(("invalid_scope", "scope is missing.")),
        }
    }
}

/// PKCE is asked of every client, and only by S256 (RFC 9700 §2.1.1).
fn challenge(parameters: &Parameters) -> Result<&str, (&'static str, &'static str)> {
    let Some(challenge) = parameters.one("code_challenge")? else {
        return Err(("invalid_request", "code_challenge is missing: PKCE is needed (RFC 7636)."));
    };
    if parameters.one("code_challenge_method")? != Some("S256") {
        return Err(("invalid_request", "code_challenge_method must be S256."));
    }
    let digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if challenge.len() != CHALLENGE || !challenge.bytes().all(digit) {
        return Err(("invalid_request", "code_challenge is not a SHA-256 in base64url."));
    }
    Ok(challenge)
}

fn prompt(parameters: &Parameters) -> Result<Prompt, (&'static str, &'static str)> {
    let mut prompt = Prompt::default();
    let words = parameters.one("prompt")?.unwrap_or_default();
    for word in words.split(' ') {
        match word {
            "none" => prompt.none = true,
            "login" | "select_account" => prompt.login = true,
            "consent" => prompt.consent = true,
            _ => {}
        }
    }
    if prompt.none && words.trim() != "none" {
        return Err(("invalid_request", "prompt=none stands alone."));
    }
    Ok(prompt)
}
