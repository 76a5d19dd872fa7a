//! `[[client]]`: clients that the settings file declares.

use portcullis::auth::{ClientRequest, ClientSettings, GrantType, RedirectUri};
use portcullis::crypto::Secret;
use portcullis::types::{ClientId, Role, Scope, Scopes};
use secrecy::{ExposeSecret, SecretString};

use super::table::settings;
use super::value::{Unfit, Value};

settings! {
    /// A program that gets tokens. Made at the start of `serve`, and kept as it is declared; one that is taken out of
    /// the file stays registered until `portcullis client delete`. There may be several.
    Client reads "client" {
        /// What it sends as `client_id`.
        id: String = String::new(), otherwise "none: it must be there";
        /// A name for people.
        name: Option<String> = None, otherwise "`id`";
        /// At least 30 characters that nobody can guess. A client that has one is confidential, and must show it.
        secret: Option<SecretString> = None, otherwise "none: a public client";
        /// Whether it is ours: its users are not asked for consent.
        first_party: bool = false;
        /// How it gets tokens.
        grant_types: Vec<Grant> = vec![];
        /// Where a person may be sent with a code: compared character by character, but for the port of `127.0.0.1` and `[::1]`.
        redirect_uris: Vec<Redirect> = vec![];
        /// Where a person may be sent after signing out.
        post_logout_redirect_uris: Vec<Redirect> = vec![];
        /// The scopes that its tokens may have.
        scopes: Option<Vec<String>> = None, otherwise "all there are";
        /// The roles that it has where it speaks for itself.
        roles: Vec<String> = vec![];
    }
}

impl Client {
    /// As the library takes it.
    pub(crate) fn request(&self) -> ClientRequest {
        let uris = |uris: &[Redirect]| uris.iter().map(|uri| uri.0.clone()).collect();
        let name = self.name.clone().unwrap_or_else(|| self.id.clone());
        ClientRequest {
            roles: self.roles.iter().map(|role| Role::from(&**role)).collect(),
            settings: ClientSettings {
                confidential: self.secret.is_some(),
                first_party: self.first_party,
                grant_types: self.grant_types.iter().map(|grant| grant.0).collect(),
                redirect_uris: uris(&self.redirect_uris),
                post_logout_redirect_uris: uris(&self.post_logout_redirect_uris),
                scopes: match &self.scopes {
                    None => Scopes::All,
                    Some(scopes) => Scopes::only(scopes.iter().map(|scope| Scope::from(&**scope))),
                },
            },
            secret: self.secret.as_ref().map(|secret| Secret::from(secret.expose_secret())),
            ..ClientRequest::new(ClientId::from(&*self.id), name)
        }
    }
}

/// A grant, as RFC 6749 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant(pub(crate) GrantType);

impl Value for Grant {
    fn expects() -> String {
        let names: Vec<_> = GrantType::ALL.iter().map(|grant| format!("`{grant}`")).collect();
        format!("one of {}", names.join(", "))
    }

    fn from_text(text: &str) -> Result<Self, Unfit> {
        GrantType::of_name(text).map(Self).ok_or(Unfit)
    }

    fn to_text(&self) -> String {
        self.0.to_string()
    }
}

/// Where a person may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redirect(pub(crate) RedirectUri);

impl Value for Redirect {
    fn expects() -> String {
        "a URI such as `https://app.example/callback`, without fragment; http on loopback alone"
            .to_owned()
    }

    fn from_text(text: &str) -> Result<Self, Unfit> {
        text.parse().map(Self).map_err(|_| Unfit)
    }

    fn to_text(&self) -> String {
        self.0.to_string()
    }
}
