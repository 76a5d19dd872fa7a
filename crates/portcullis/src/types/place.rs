//! Where something is held: everywhere, or in one place, such as a tenant.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One tenant, project or the like: the part of a path that names it, and its name there. Written
/// `tenant:acme`.
///
/// ```
/// use portcullis::types::Place;
///
/// let place = Place::new("tenant", "acme");
/// assert_eq!(place.to_string(), "tenant:acme");
/// assert_eq!("tenant:acme".parse(), Ok(place));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    part: Arc<str>,
    name: Arc<str>,
}

/// A text that names no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a place is written like `tenant:acme`")]
pub struct InvalidPlace;

/// The longest name of a place, in characters.
const LONGEST: usize = 200;

impl Place {
    /// What a path names `name` in its part `{part}`.
    #[must_use]
    pub fn new(part: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { part: part.into(), name: name.into() }
    }

    /// The part of a path that names it, such as `tenant`.
    #[must_use]
    pub fn part(&self) -> &str {
        &self.part
    }

    /// Its name there, such as `acme`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.part, self.name)
    }
}

impl std::str::FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let (part, name) = text.split_once(':').ok_or(InvalidPlace)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let fits = !part.is_empty()
            && part.chars().all(plain)
            && !name.is_empty()
            && name.chars().count() <= LONGEST
            && !name.contains(char::is_control);
        if fits { Ok(Self::new(part, name)) } else { Err(InvalidPlace) }
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Place {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Place".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "Where it is held, such as `tenant:acme`.",
            "pattern": "^[A-Za-z0-9_-]+:.+$",
        })
    }
}

/// The tenants, or places of another kind, in which a permission is held: for a list that is read by
/// SQL and paged there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenants {
    /// In all of them but these.
    AllBut(BTreeSet<Arc<str>>),
    /// In these alone.
    Only(BTreeSet<Arc<str>>),
}

impl Tenants {
    /// None of them.
    #[must_use]
    pub fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// Whether the permission is held in this one.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::AllBut(names) => !names.contains(name),
            Self::Only(names) => names.contains(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        for text in ["tenant:acme", "project:a b/ü", "tenant:a:b"] {
            assert_eq!(text.parse::<Place>().map(|place| place.to_string()), Ok(text.to_owned()));
        }
        for wrong in ["", "acme", ":acme", "tenant:", "ten ant:acme", "tenant:a\nb"] {
            assert_eq!(wrong.parse::<Place>(), Err(InvalidPlace), "{wrong:?}");
        }
        assert!(format!("tenant:{}", "x".repeat(201)).parse::<Place>().is_err());
    }
}
