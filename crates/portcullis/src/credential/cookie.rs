//! A session cookie: how it is read, set and cleared (RFC 6265bis), and when it counts.

use std::fmt;

use http::HeaderValue;
use http::header::COOKIE;
use http::request::Parts;

use super::csrf::Csrf;
use super::{CredentialPlace, CredentialSource, Rejection, SecurityScheme};
use crate::crypto::Secret;
use crate::problem::{Challenge, ConfigError, Problem};

/// The most bytes a cookie's name and value may have together: browsers drop a longer one silently
/// (RFC 6265bis §5.6).
pub const LONGEST_COOKIE_PAIR: usize = 4096;

/// The longest `Max-Age` a browser keeps, in seconds: 400 days (RFC 6265bis §5.5).
pub const LONGEST_COOKIE_AGE: u64 = 400 * 24 * 60 * 60;

/// What a session cookie brought, not verified. Never printed; wiped when dropped.
#[derive(Clone)]
pub struct CookieCredential(pub Secret<String>);

impl fmt::Debug for CookieCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieCredential(…)")
    }
}

/// Finds the session in a cookie, and lets it count only where our own site made the request.
///
/// It also makes the `Set-Cookie` lines, so that what is set is what is read and what is cleared.
#[derive(Clone, Debug)]
#[must_use]
pub struct SessionCookie {
    name: Box<str>,
    attributes: CookieAttributes,
    csrf: Csrf,
}

/// A session cookie of this name.
///
/// A name that begins with `__Host-` is the safest: the browser then makes sure that only this very
/// host, over TLS, can have set it. Every cookie is `HttpOnly`, `Secure`, `SameSite=Lax` and
/// `Path=/`, and has no `Domain`.
///
/// ```
/// use portcullis::credential::cookie;
///
/// let session = cookie("__Host-session");
/// let line = session.set("opaque", Some(3600))?;
/// assert_eq!(
///     line.to_str()?,
///     "__Host-session=opaque; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn cookie(name: &str) -> SessionCookie {
    SessionCookie {
        name: name.into(),
        attributes: CookieAttributes::default(),
        csrf: Csrf::default(),
    }
}

impl SessionCookie {
    /// For plain http on loopback: takes the prefix off the name and leaves out `Secure`, since a
    /// browser would not keep the cookie otherwise.
    pub fn over_plain_loopback(mut self) -> Self {
        let bare = Prefix::of(&self.name).map_or(0, |prefix| prefix.as_str().len());
        self.name = self.name[bare..].into();
        self.attributes.secure = false;
        self
    }

    /// Which requests of other sites carry it. [`SameSite::Lax`] if not said.
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.attributes.same_site = same_site;
        self
    }

    /// Who made a request is judged by these auth. By [`Csrf::new`] if not said.
    pub fn csrf(mut self, csrf: Csrf) -> Self {
        self.csrf = csrf;
        self
    }

    /// The name as it stands in `Cookie`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rules by which it is judged who made a request; a login form needs them too, since
    /// signing somebody in under a stranger's name is an attack as well.
    pub fn csrf_rules(&self) -> &Csrf {
        &self.csrf
    }

    /// Checks the name. One that is not valid is never found in a request and never set.
    ///
    /// # Errors
    /// [`ConfigError`] with the reason.
    pub fn check(&self) -> Result<(), ConfigError> {
        check_name(&self.name, &self.attributes).map_err(|error| {
            ConfigError::one(
                "cookie.name",
                format!("`{}`: {error}", self.name.escape_default()),
                "use letters, digits, `-` and `_`, such as __Host-session",
            )
        })
    }

    /// The values of every cookie of this name.
    fn values<'a>(&'a self, parts: &'a Parts) -> impl Iterator<Item = &'a [u8]> {
        parts
            .headers
            .get_all(COOKIE)
            .into_iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| {
                pair.trim_ascii().strip_prefix(self.name.as_bytes())?.strip_prefix(b"=")
            })
            .filter(|_| !self.name.is_empty())
    }

    /// The `Set-Cookie` line that starts a session. Without `max_age`, in seconds, the browser
    /// forgets it when it is closed.
    ///
    /// # Errors
    /// [`CookieError`] where a browser would drop the cookie or read another one.
    pub fn set(&self, value: &str, max_age: Option<u64>) -> Result<HeaderValue, CookieError> {
        set_cookie(&self.name, value, &CookieAttributes { max_age, ..self.attributes })
    }

    /// The `Set-Cookie` line that ends it, with the same attributes.
    ///
    /// # Errors
    /// [`CookieError`] where the name is not valid.
    pub fn clear(&self) -> Result<HeaderValue, CookieError> {
        clear_cookie(&self.name, &self.attributes)
    }
}

impl SessionCookie {
    /// A value that a browser could have been given.
    fn readable<'a>(&self, value: &'a [u8]) -> Option<&'a str> {
        let text = std::str::from_utf8(value).ok().filter(|text| !text.is_empty())?;
        let fits = self.name.len() + text.len() <= LONGEST_COOKIE_PAIR;
        (fits && text.bytes().all(is_cookie_octet)).then_some(text)
    }
}

impl CredentialSource for SessionCookie {
    type Credential = CookieCredential;

    /// Looks through every `Cookie` header; other cookies may be as malformed as they like.
    ///
    /// Two cookies of the name are refused, even when equal: the browser does not say which of them
    /// this host has set, and a neighbouring subdomain may have planted the other. Under `__Host-`
    /// it cannot happen. An empty value counts as absent, and so does one that cannot be ours: nobody
    /// chose to send it.
    fn find(&self, parts: &Parts) -> Result<Option<CookieCredential>, Rejection> {
        let mut values = self.values(parts);
        let found = values.next();
        if values.next().is_some() {
            return Err(Rejection::Ambiguous);
        }
        let Some(text) = found.and_then(|value| self.readable(value)) else { return Ok(None) };
        self.csrf.check(parts)?;
        Ok(Some(CookieCredential(Secret::from(text))))
    }

    fn is_brought(&self, parts: &Parts) -> bool {
        self.values(parts).any(|value| self.readable(value).is_some())
    }

    fn describe(&self) -> SecurityScheme {
        SecurityScheme(serde_json::json!({
            "type": "apiKey",
            "in": "cookie",
            "name": &*self.name,
            "description": "The session a browser got at sign-in. \
                Requests that another site makes cannot use it to change anything.",
        }))
    }

    /// None: no `WWW-Authenticate` scheme is registered for cookies.
    fn challenge(&self) -> Option<Challenge> {
        None
    }

    fn place(&self) -> Option<CredentialPlace> {
        Some(CredentialPlace::Cookie(self.name.clone()))
    }
}

/// On which requests that begin at another site the browser sends a cookie along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SameSite {
    /// When a person follows a link here, and on nothing else.
    #[default]
    Lax,
    /// On none: somebody who follows a link here looks signed out at first.
    Strict,
}

/// What is said about a cookie besides name and value. Every cookie is also `HttpOnly` with
/// `Path=/`, and has no `Domain`: no other host ever sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieAttributes {
    /// On which requests that begin elsewhere it is sent.
    pub same_site: SameSite,
    /// How long it is kept, in seconds, at most [`LONGEST_COOKIE_AGE`]; `None`: until the browser
    /// is closed.
    pub max_age: Option<u64>,
    /// Over TLS only. `false` only for plain http on loopback.
    pub secure: bool,
}

impl Default for CookieAttributes {
    fn default() -> Self {
        Self { same_site: SameSite::Lax, max_age: None, secure: true }
    }
}

/// A `Set-Cookie` line. The header is marked sensitive, so that it is not printed.
///
/// # Errors
/// [`CookieError`] where a browser would drop the cookie or read another one.
pub fn set_cookie(
    name: &str,
    value: &str,
    attributes: &CookieAttributes,
) -> Result<HeaderValue, CookieError> {
    check_name(name, attributes)?;
    if value.is_empty() || !value.bytes().all(is_cookie_octet) {
        return Err(CookieError::Value);
    }
    let bytes = name.len() + value.len();
    if bytes > LONGEST_COOKIE_PAIR {
        return Err(CookieError::TooLong { bytes });
    }
    if attributes.max_age.is_some_and(|seconds| seconds > LONGEST_COOKIE_AGE) {
        return Err(CookieError::Age);
    }
    line(name, value, attributes, "")
}

/// The `Set-Cookie` line that makes the browser forget a cookie set with these attributes.
///
/// # Errors
/// [`CookieError`] where the name is not valid.
pub fn clear_cookie(name: &str, attributes: &CookieAttributes) -> Result<HeaderValue, CookieError> {
    check_name(name, attributes)?;
    let attributes = CookieAttributes { max_age: Some(0), ..*attributes };
    line(name, "", &attributes, "; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
}

fn line(
    name: &str,
    value: &str,
    attributes: &CookieAttributes,
    expires: &str,
) -> Result<HeaderValue, CookieError> {
    let age = attributes.max_age.map(|age| format!("; Max-Age={age}")).unwrap_or_default();
    let same_site = match attributes.same_site {
        SameSite::Lax => "Lax",
        SameSite::Strict => "Strict",
    };
    let secure = if attributes.secure { "; Secure" } else { "" };
    let text =
        format!("{name}={value}; Path=/{age}{expires}; HttpOnly; SameSite={same_site}{secure}");
    let mut header = HeaderValue::from_str(&text).map_err(|_| CookieError::Value)?;
    header.set_sensitive(true);
    Ok(header)
}

/// A beginning of a name that browsers hold to more (RFC 6265bis §4.1.3).
#[derive(Clone, Copy)]
enum Prefix {
    Host,
    Secure,
}

impl Prefix {
    const ALL: [Self; 2] = [Self::Host, Self::Secure];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "__Host-",
            Self::Secure => "__Secure-",
        }
    }

    /// Browsers compare it without regard to case.
    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|prefix| {
            name.get(..prefix.as_str().len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_str()))
        })
    }
}

fn check_name(name: &str, attributes: &CookieAttributes) -> Result<(), CookieError> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(CookieError::Name);
    }
    match Prefix::of(name) {
        Some(prefix) if !name.starts_with(prefix.as_str()) || name == prefix.as_str() => {
            Err(CookieError::Name)
        }
        Some(_) if !attributes.secure => Err(CookieError::Prefix),
        _ => Ok(()),
    }
}

/// RFC 6265bis §4.1.1.
fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2B | 0x2D..=0x3A | 0x3C..=0x5B | 0x5D..=0x7E)
}

/// Why a cookie is not set: a browser would drop it, or read another one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieError {
    /// The name is empty, has other characters than a token, or misspells a prefix.
    #[error("that is no name for a cookie")]
    Name,
    /// The name promises `Secure`, and the cookie is for plain http.
    #[error("a name with the prefix __Host- or __Secure- needs TLS")]
    Prefix,
    /// The value is empty, or has characters a cookie cannot carry.
    #[error("the value has characters that a cookie cannot carry")]
    Value,
    /// Name and value are longer than [`LONGEST_COOKIE_PAIR`].
    #[error(
        "name and value have {bytes} bytes and browsers drop cookies of more than \
         {LONGEST_COOKIE_PAIR}: put less into the session, or only its id"
    )]
    TooLong {
        /// How long they are.
        bytes: usize,
    },
    /// Browsers cut an age above [`LONGEST_COOKIE_AGE`].
    #[error("browsers keep no cookie for more than 400 days")]
    Age,
}

impl From<CookieError> for Problem {
    fn from(error: CookieError) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests;
