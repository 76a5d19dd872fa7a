//! Web origins, written as browsers write them (URL standard §4.5, RFC 6454 §6.2).

mod syntax;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use syntax::{Pieces, SHARED_SUFFIXES, check_host, is_address, is_label, is_loopback, split_port};

/// An origin: scheme, host and port, exactly as a browser writes it into `Origin`.
///
/// ```
/// use portcullis::types::Origin;
///
/// let origin: Origin = "https://app.example:8443".parse()?;
/// assert_eq!(origin.host(), "app.example");
/// assert!("https://app.example/".parse::<Origin>().is_err());
/// # Ok::<(), portcullis::types::InvalidOrigin>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(Box<str>);

impl Origin {
    /// The origin of an address: `https://api.example/v1` is at `https://api.example`.
    ///
    /// # Errors
    /// [`InvalidOrigin`] where what comes before the path is not an origin.
    pub fn of_url(url: &str) -> Result<Self, InvalidOrigin> {
        let start = url.find("://").map_or(0, |at| at + 3);
        let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
        url[..end].parse()
    }

    /// As a browser writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `https`, say.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.split_once("://").map_or("", |(scheme, _)| scheme)
    }

    /// The host and, where it is not the scheme's own, the port: what `Host` says.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// The host without the port. An IPv6 address stands in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        split_port(self.authority()).0
    }

    /// Whether the network in between can read and change what passes.
    #[must_use]
    pub fn is_cleartext(&self) -> bool {
        self.scheme() == "http"
    }

    /// Whether the host is this very machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }
}

impl AsRef<str> for Origin {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let pieces = Pieces::of(text)?;
        if pieces.host.contains('*') {
            return Err(InvalidOrigin::new(
                "a `*` stands for nothing here",
                "name one origin, or use a pattern such as https://*.example.com where one fits",
            ));
        }
        check_host(text, pieces.host)?;
        Ok(Self(text.into()))
    }
}

/// Which origins a line of a list means: one, or those directly below a host.
///
/// - `https://app.example` means itself and nothing else.
/// - `https://*.example.com` means `https://` + one label + `.example.com`. One label only, as in
///   a TLS certificate: neither `https://example.com` nor `https://a.b.example.com`.
/// - `null` means the origin of pages that have none: sandboxed frames, `file:`, `data:`.
///
/// ```
/// use portcullis::types::OriginRule;
///
/// let rule: OriginRule = "https://*.example.com".parse()?;
/// assert!(rule.matches(b"https://shop.example.com"));
/// assert!(!rule.matches(b"https://shop.example.com.evil.example"));
/// assert!(!rule.matches(b"https://a.b.example.com"));
/// # Ok::<(), portcullis::types::InvalidOrigin>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum OriginRule {
    /// This origin.
    Exact(Origin),
    /// The origins one label below a host.
    Below(OriginPattern),
    /// `null`, which every sandboxed frame can be.
    Null,
}

/// The origins one label below a host, such as `https://*.example.com`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginPattern {
    /// `https://`
    before: Box<str>,
    /// `.example.com`, with the port if one is named.
    after: Box<str>,
}

impl OriginRule {
    /// Whether it means this origin, compared byte for byte.
    #[must_use]
    pub fn matches(&self, origin: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => exact.as_str().as_bytes() == origin,
            Self::Below(pattern) => pattern.matches(origin),
            Self::Null => origin == b"null",
        }
    }

    /// Whether the network in between can read and change what passes, beyond this machine.
    #[must_use]
    pub fn is_open_to_the_network(&self) -> bool {
        match self {
            Self::Exact(origin) => origin.is_cleartext() && !origin.is_loopback(),
            Self::Below(pattern) => {
                &*pattern.before == "http://" && !is_loopback(split_port(&pattern.after).0)
            }
            Self::Null => false,
        }
    }
}

impl OriginPattern {
    fn matches(&self, origin: &[u8]) -> bool {
        origin
            .strip_prefix(self.before.as_bytes())
            .and_then(|rest| rest.strip_suffix(self.after.as_bytes()))
            .is_some_and(is_label)
    }
}

impl From<Origin> for OriginRule {
    fn from(origin: Origin) -> Self {
        Self::Exact(origin)
    }
}

impl fmt::Display for OriginRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(origin) => origin.fmt(f),
            Self::Below(OriginPattern { before, after }) => write!(f, "{before}*{after}"),
            Self::Null => f.write_str("null"),
        }
    }
}

impl FromStr for OriginRule {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        if text == "null" {
            return Ok(Self::Null);
        }
        let pieces = Pieces::of(text)?;
        if !pieces.host.contains('*') {
            return text.parse().map(Self::Exact);
        }
        let Some(below) = pieces.host.strip_prefix("*.").filter(|rest| !rest.contains('*')) else {
            let wrong = if pieces.host == "*" {
                "the pattern means every host there is"
            } else {
                "a `*` may only stand for the whole first label of a host"
            };
            return Err(InvalidOrigin::new(wrong, "write it as https://*.example.com"));
        };
        if !matches!(pieces.scheme, "http" | "https") {
            return Err(InvalidOrigin::new(
                "a pattern needs the scheme http or https",
                "name each origin of another scheme in full",
            ));
        }
        check_host(text, below)?;
        if is_address(below) {
            return Err(InvalidOrigin::new(
                "an address has nothing below it",
                "name each origin in full",
            ));
        }
        if below != "localhost" && (!below.contains('.') || SHARED_SUFFIXES.contains(&below)) {
            return Err(InvalidOrigin::new(
                format!("the pattern is too wide: anybody can get a name below `{below}`"),
                format!("put your own name between, such as https://*.yours.{below}"),
            ));
        }
        let (before, after) = text.split_once('*').unwrap_or((text, ""));
        Ok(Self::Below(OriginPattern { before: before.into(), after: after.into() }))
    }
}

/// Why a text is not an origin as browsers write it, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{wrong}")]
pub struct InvalidOrigin {
    /// What is wrong with it.
    pub wrong: Cow<'static, str>,
    /// What to write instead.
    pub fix: Cow<'static, str>,
}

impl InvalidOrigin {
    fn new(wrong: impl Into<Cow<'static, str>>, fix: impl Into<Cow<'static, str>>) -> Self {
        Self { wrong: wrong.into(), fix: fix.into() }
    }
}

#[cfg(test)]
mod tests;
