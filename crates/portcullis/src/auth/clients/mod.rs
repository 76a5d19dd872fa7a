//! Clients: programs that are registered. They speak for themselves with an API key or a secret, or ask
//! for tokens of people.

mod authentication;
mod declared;
mod operations;
mod redirect_uri;
pub mod routes;
mod secrets;
pub(in crate::auth) mod sql;

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use authentication::ClientRefused;
pub use redirect_uri::{InvalidRedirectUri, RedirectUri};
pub use secrets::{CLIENT_SECRETS, ClientSecret};

pub(in crate::auth) use authentication::ClientState;

use crate::crypto::Secret;
use crate::types::{ClientId, Role, Scopes, Timestamp};

/// How many redirect URIs of each kind a client may have.
pub const REDIRECT_URIS: usize = 20;

/// A registered program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its public name.
    pub id: ClientId,
    /// A name for people.
    pub name: String,
    /// Whether it may do anything at all.
    pub active: bool,
    /// When it was registered.
    pub created_at: Timestamp,
    /// What it may ask for.
    pub settings: ClientSettings,
}

/// How a client gets tokens (RFC 6749 §1.3, RFC 7591 §2).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A person signs in at this server and sends a code.
    AuthorizationCode,
    /// The client speaks for itself.
    ClientCredentials,
    /// A person types their password into the client: for first-party clients alone.
    Password,
    /// The client gets new tokens of a session without the person.
    RefreshToken,
}

impl GrantType {
    /// Every one there is.
    pub const ALL: [Self; 4] =
        [Self::AuthorizationCode, Self::ClientCredentials, Self::Password, Self::RefreshToken];

    /// As it stands in `grant_type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::Password => "password",
            Self::RefreshToken => "refresh_token",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == name)
    }
}

impl fmt::Display for GrantType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a client may ask for. Nothing by default: it has API keys alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// Whether it can keep a secret: then it must show one wherever it asks for a token.
    pub confidential: bool,
    /// Whether it is ours: its users are not asked for consent, and it may take their passwords where
    /// it has that grant.
    pub first_party: bool,
    /// How it gets tokens.
    pub grant_types: BTreeSet<GrantType>,
    /// Where a person may be sent with a code. Compared exactly.
    pub redirect_uris: Vec<RedirectUri>,
    /// Where a person may be sent after signing out.
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// The scopes that its tokens may have.
    pub scopes: Scopes,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            confidential: false,
            first_party: false,
            grant_types: BTreeSet::new(),
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            scopes: Scopes::All,
        }
    }
}

/// What is to be changed of a client. `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct ClientChange {
    /// The name for people.
    pub name: Option<String>,
    /// Whether it may do anything at all.
    pub active: Option<bool>,
    /// What it may ask for, all of it.
    pub settings: Option<ClientSettings>,
}

/// A client to be registered.
#[derive(Clone, Debug)]
pub struct ClientRequest {
    /// Its public name.
    pub id: ClientId,
    /// A name for people.
    pub name: String,
    /// The roles it has from the start.
    pub roles: Vec<Role>,
    /// What it may ask for.
    pub settings: ClientSettings,
    /// A secret that somebody chose, where a settings file holds it: see [`Auth::declare_client`].
    ///
    /// [`Auth::declare_client`]: super::Auth::declare_client
    pub secret: Option<Secret<String>>,
}

impl ClientRequest {
    /// A client that has API keys alone.
    #[must_use]
    pub fn new(id: impl Into<ClientId>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            roles: Vec::new(),
            settings: ClientSettings::default(),
            secret: None,
        }
    }
}
