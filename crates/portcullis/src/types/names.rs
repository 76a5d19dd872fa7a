//! Names of roles, permissions and scopes: short words, cheap to clone.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A name that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {name:?} is not a name: {why}")]
pub struct InvalidName {
    /// Which kind of name: role, permission or scope.
    pub what: &'static str,
    /// What was given.
    pub name: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// What is wrong with a permission such as `notes:*:read`, which would cover less than it says.
const WILDCARD: &str = "`*` can only be its whole last segment, as in `notes:*`";

/// The longest name of a role, permission or scope, in characters.
const LONGEST: usize = 100;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        // Without a name of its own in a document, where `Role` is what is told of a role.
        #[schemars(inline)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Takes a name from a stranger, checking its form.
            ///
            /// # Errors
            /// [`InvalidName`] where it is empty, longer than 100 characters or has a character
            /// that such a name cannot have.
            pub fn parse(name: &str) -> Result<Self, InvalidName> {
                let parsed = Self(name.into());
                parsed.check().map(|()| parsed)
            }

            /// Checks a name that was written in code.
            ///
            /// # Errors
            /// [`InvalidName`], as [`parse`](Self::parse).
            pub fn check(&self) -> Result<(), InvalidName> {
                let check: fn(&str) -> Result<(), &'static str> = $check;
                let name = self.as_str();
                check(name).map_err(|why| InvalidName { what: $what, name: name.to_owned(), why })
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(name.into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

name! {
    /// A role: a named bundle of permissions, such as `admin`.
    Role, "role", |name| plain(name, "-_.:")
}
name! {
    /// A permission: one thing that may be done, such as `write` or `items:delete`.
    ///
    /// A whole last segment may be `*`: `items:*` covers `items:delete` and `items:tags:edit`.
    ///
    /// ```
    /// use portcullis::types::Permission;
    ///
    /// let all = Permission::from("items:*");
    /// assert!(all.covers(&"items:delete".into()));
    /// assert!(!all.covers(&"itemsx:delete".into()));
    /// assert!(Permission::parse("it*ms").is_err());
    /// ```
    Permission, "permission", |name| {
        let stem = if name == "*" { return Ok(()) } else { name.strip_suffix(":*").unwrap_or(name) };
        if stem.contains('*') { Err(WILDCARD) } else { plain(stem, "-_.:") }
    }
}
name! {
    /// An OAuth scope (RFC 6749 §3.3), such as `items:read`: what a token is limited to.
    Scope, "scope", |name| {
        if name.is_empty() {
            Err("it is empty")
        } else if name.chars().count() > LONGEST {
            Err("it is longer than 100 characters")
        } else if name.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)) {
            Ok(())
        } else {
            Err("it has a character outside %x21 / %x23-5B / %x5D-7E (RFC 6749 §3.3)")
        }
    }
}

impl Permission {
    /// Whether holding `self` is holding `wanted`.
    #[must_use]
    pub fn covers(&self, wanted: &Self) -> bool {
        if self == wanted || self.as_str() == "*" {
            return true;
        }
        match self.as_str().strip_suffix('*') {
            Some(stem) => stem.ends_with(':') && wanted.as_str().starts_with(stem),
            None => false,
        }
    }

    /// Whether it is one of these, covers one of them, or is covered by one.
    #[must_use]
    pub fn is_among(&self, known: &BTreeSet<Self>) -> bool {
        known.contains(self) || known.iter().any(|one| one.covers(self) || self.covers(one))
    }

    /// Whether this names more than one permission.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.as_str() == "*" || self.as_str().ends_with(":*")
    }
}

fn plain(name: &str, marks: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        Err("it is empty")
    } else if name.chars().count() > LONGEST {
        Err("it is longer than 100 characters")
    } else if name.starts_with(':') || name.ends_with(':') || name.contains("::") {
        Err("a segment of it is empty")
    } else if name.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c)) {
        Ok(())
    } else {
        Err("it has a character other than letters, digits, '-', '_', '.' and ':'")
    }
}
