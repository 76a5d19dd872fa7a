//! When a grant counts, as data: what an administrator writes and the store keeps.

use std::borrow::Cow;
use std::fmt;

use ipnet::IpNet;
use jiff::civil::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Principal, Timestamp, ZonedDateTime};

/// A question about the circumstances of a request: an hour, a place, a recent login.
///
/// Pure: it reads no clock and does no I/O. Whatever it needs is in the [`Principal`].
///
/// ```
/// use std::borrow::Cow;
/// use portcullis::types::{Condition, Principal};
///
/// #[derive(Debug)]
/// struct FromLoopback;
///
/// impl Condition for FromLoopback {
///     fn explain(&self) -> Cow<'static, str> {
///         "from this machine".into()
///     }
///     fn holds(&self, who: &Principal) -> bool {
///         who.context.address.is_some_and(|address| address.is_loopback())
///     }
/// }
/// ```
pub trait Condition: fmt::Debug + Send + Sync + 'static {
    /// A phrase that fits behind "permission write, …": for OpenAPI, the access table and the 403.
    fn explain(&self) -> Cow<'static, str>;

    /// Whether it holds for this request.
    fn holds(&self, who: &Principal) -> bool;

    /// Whether what it looks at is known at all. Where it is not, an allowance under it does not
    /// count and a denial under it does, and its negation does not hold either.
    fn is_known(&self, _who: &Principal) -> bool {
        true
    }

    /// The next moment after that of the request at which its answer may be another though nothing
    /// but time has passed, in the time zone in which people think of it. `None` where time changes
    /// nothing. It is what tells when something will be allowed; a moment too many does no harm.
    fn turns(&self, _who: &Principal) -> Option<ZonedDateTime> {
        None
    }

    /// How many conditions it is made of, itself included where it is none but its own. What many
    /// conditions cost is bounded by it.
    fn members(&self) -> usize {
        1
    }

    /// How the caller could make it hold by signing in again, if that would do (RFC 9470).
    fn remedy(&self) -> Option<Remedy> {
        None
    }

    /// Everything a fresh sign-in would have to show for it to hold for this request. Empty where
    /// it holds, or where signing in again would not do.
    fn remedies(&self, who: &Principal) -> Vec<Remedy> {
        if self.holds(who) { Vec::new() } else { self.remedy().into_iter().collect() }
    }
}

/// What a fresh sign-in would have to show.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Remedy {
    /// A proof at most this many seconds old.
    RecentLogin(u32),
    /// A second factor.
    SecondFactor,
}

/// A stored condition. Its JSON is `{"<kind>": …}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ConditionSpec {
    /// Only at certain hours.
    Hours(Hours),
    /// Only from an address in one of these networks (CIDR, or a single address).
    Networks(#[schemars(with = "Vec<String>")] Vec<Network>),
    /// Only from this moment on.
    NotBefore(#[schemars(with = "String")] Timestamp),
    /// Only until this moment, itself excluded.
    NotAfter(#[schemars(with = "String")] Timestamp),
    /// Only if the password (or other proof) was given at most this many seconds ago.
    RecentLogin(u32),
    /// Only after a second factor.
    SecondFactor(bool),
    /// Only from one of these countries (ISO 3166-1, two letters).
    Countries(Vec<String>),
    /// All of these.
    All(Vec<ConditionSpec>),
    /// Any of these.
    Any(Vec<ConditionSpec>),
    /// Not this.
    Not(Box<ConditionSpec>),
    /// A condition of the application's own, by its registered name.
    Custom {
        /// The name under which the application registered it.
        name: String,
        /// What it is given.
        #[serde(default)]
        parameters: serde_json::Value,
    },
}

/// Hours of certain weekdays in a time zone.
///
/// `from` is included, `to` is not. Where `to` is not after `from`, the span runs over midnight
/// and belongs to the weekday it began on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The weekdays on which the span begins. All of them where left out.
    #[serde(default = "every_day")]
    pub weekdays: Vec<Weekday>,
    /// The first moment, such as `09:00`.
    #[schemars(with = "String")]
    pub from: Time,
    /// The first moment after, such as `17:00`.
    #[schemars(with = "String")]
    pub to: Time,
    /// An IANA time zone, such as `Europe/Berlin`.
    pub time_zone: String,
}

/// A day of the week.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// Monday to Sunday.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];
    /// Monday to Friday.
    pub const WORKING: [Self; 5] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday];
}

fn every_day() -> Vec<Weekday> {
    Weekday::ALL.to_vec()
}

/// A network in CIDR form; a single address is a network of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(pub IpNet);

impl Serialize for Network {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl std::str::FromStr for Network {
    type Err = InvalidCondition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let whole = || text.parse::<std::net::IpAddr>().map(IpNet::from);
        text.parse::<IpNet>().or_else(|_| whole()).map(Self).map_err(|_| {
            InvalidCondition(format!("{text:?} is no network: write it like 10.0.0.0/8 or ::1"))
        })
    }
}

/// A stored condition that cannot be one, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidCondition(pub String);
