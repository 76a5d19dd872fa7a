//! Identifiers. All are unguessable, and none is ever given to somebody else.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_id! {
    /// Who a user is, for ever. A username may change hands; this may not.
    UserId
}
uuid_id! {
    /// One sign-in of one user at one client: what a log-out ends.
    SessionId
}
uuid_id! {
    /// One access token (`jti`) or API key.
    TokenId
}
uuid_id! {
    /// One direct grant of a permission to a user or client.
    GrantId
}

/// The public name of an OAuth client, as in `client_id`.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct ClientId(pub Arc<str>);

impl ClientId {
    /// The client of a first-party login, where the user speaks to us without a third party.
    #[must_use]
    pub fn first_party() -> Self {
        Self("portcullis".into())
    }
}

impl From<&str> for ClientId {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
