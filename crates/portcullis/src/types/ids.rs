//! Identifiers. All are unguessable, and none is ever given to somebody else.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares an id. One that stands in tokens has a short form as well.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, in tokens) => {
        uuid_id!($(#[$doc])* $name, read as |text| from_claim(text).map_or_else(|| text.parse(), Ok));

        impl $name {
            /// The form it has in a token and wherever else clients are told of it: 22 characters
            /// of base64url, since every request carries them. `FromStr` reads both forms.
            #[must_use]
            pub fn to_claim(self) -> String {
                URL_SAFE_NO_PAD.encode(self.0.as_bytes())
            }
        }
    };
    ($(#[$doc:meta])* $name:ident) => {
        uuid_id!($(#[$doc])* $name, read as |text| text.parse());
    };
    ($(#[$doc:meta])* $name:ident, read as |$text:ident| $read:expr) => {
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

            fn from_str($text: &str) -> Result<Self, Self::Err> {
                let read: Result<Uuid, uuid::Error> = $read;
                read.map(Self)
            }
        }
    };
}

/// Reads the form that an id has in a token. One id has one such form, and no UUID has 22 characters.
fn from_claim(text: &str) -> Option<Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    Uuid::from_slice(&bytes).ok()
}

uuid_id! {
    /// Who a user is, for ever. A username may change hands; this may not.
    UserId
}
uuid_id! {
    /// One sign-in of one user at one client: what a log-out ends.
    SessionId, in tokens
}
uuid_id! {
    /// One access token (`jti`) or API key.
    TokenId, in tokens
}
uuid_id! {
    /// One direct grant of a permission to a user or client.
    GrantId
}
uuid_id! {
    /// One invitation to register.
    InvitationId
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_tokens_is_read_in_both_its_forms_and_in_no_other() {
        let id = TokenId(Uuid::from_bytes([0xfb; 16]));
        let short = id.to_claim();
        assert_eq!(short, "-_v7-_v7-_v7-_v7-_v7-w");
        assert_eq!(short.parse::<TokenId>().unwrap(), id);
        assert_eq!(id.to_string().parse::<TokenId>().unwrap(), id);
        // The last character's spare bits are not zero; padded; too short; the other alphabet.
        for wrong in [
            "-_v7-_v7-_v7-_v7-_v7-x",
            "-_v7-_v7-_v7-_v7-_v7-w==",
            "-_v7",
            "",
            "+/v7+/v7+/v7+/v7+/v7+w",
        ] {
            assert!(wrong.parse::<TokenId>().is_err(), "{wrong}");
        }
        // A user's id stands in no token in this form.
        assert!(short.parse::<UserId>().is_err());
    }
}
