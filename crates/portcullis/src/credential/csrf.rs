//! When a cookie counts: `Sec-Fetch-Site`, then `Origin` against where the request arrived.
//!
//! A browser sends a site's cookies along with requests that *other* sites make: an image, a form
//! that submits itself, a `fetch` with `no-cors`. CORS does not stop them, it only keeps the answer
//! from the page. So a cookie counts on a request that may change something only where the browser
//! says that our own site made the request.
//!
//! - `GET`, `HEAD` and `OPTIONS` pass: they must not change anything (RFC 9110 §9.2.1). A WebSocket
//!   handshake is a `GET` that any site may make and read from, so it does not pass by this.
//! - `Sec-Fetch-Site: same-origin` passes, and so does `none`, a person's own doing. Anything else
//!   passes only where `Origin` is among those trusted. A page cannot forge this header.
//! - Browsers from before 2023, and plain http beyond loopback, do not send it. Then `Origin` must be
//!   our public origin where one is configured, else name the host the request was sent to.
//!   A proxy that rewrites `Host` makes that comparison fail, never pass: configure the public origin.
//! - Neither header: no browser in use sends an unsafe cross-site request without either. It is a
//!   program that was given the cookie on purpose, and it passes.
//! - `Origin: null` does not pass on its own. A page sends it along with its own forms under
//!   `Referrer-Policy: no-referrer`; browsers with `Sec-Fetch-Site` are not hurt by that.
//! - A header that is there twice or cannot be read is refused. `Referer` is not looked at.
//!
//! Basic is remembered by the browser too, once it has asked for the password in a box of its own, and
//! is then sent along like a cookie. A page sets `Authorization` itself only in a `fetch` whose
//! `Sec-Fetch-Mode` is `cors`, and only where the rules on other origins let it. So on an unsafe request
//! of another site Basic counts only in that mode and for an origin that those rules list: any other
//! site could have it sent without asking ([`remembered`]).
//!
//! A method named in a header, a query or a form (`X-HTTP-Method-Override`, `_method`) is never
//! honoured: the method is the request line's.

use std::sync::Arc;

use http::header::{HOST, HeaderName, ORIGIN, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::Rejection;
use crate::edge::ListedOrigin;
use crate::problem::{Problem, ProblemKind};
use crate::types::{Origin, OriginRule};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// What is known of our own site, and which others may use its cookies. Cheap to clone.
///
/// ```
/// use portcullis::credential::csrf::Csrf;
///
/// let csrf = Csrf::new()
///     .public_origin("https://api.example".parse()?)
///     .trust(["https://app.example".parse()?]);
/// let (parts, ()) = http::Request::post("/users/me")
///     .header("sec-fetch-site", "cross-site")
///     .header("origin", "https://evil.example")
///     .body(())?
///     .into_parts();
/// assert!(csrf.check(&parts).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Csrf {
    public_origin: Option<Origin>,
    trusted: Arc<[OriginRule]>,
    strict: bool,
}

impl Csrf {
    /// Trusts no other site, and knows itself by `Host`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows itself by this origin, whatever `Host` says; for use behind a proxy.
    pub fn public_origin(mut self, origin: Origin) -> Self {
        self.public_origin = Some(origin);
        self
    }

    /// Lets pages of these origins use the cookie too. Those that CORS lets send credentials belong
    /// here: they could otherwise read and not write.
    pub fn trust(mut self, origins: impl IntoIterator<Item = OriginRule>) -> Self {
        self.trusted = self.trusted.iter().cloned().chain(origins).collect();
        self
    }

    /// Takes the cookie from browsers alone: an unsafe request that says nothing of where it began,
    /// neither by `Sec-Fetch-Site` nor by `Origin`, is refused too. Programs that were given a cookie
    /// must then send `Origin`.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Checks that no other site made this request.
    ///
    /// # Errors
    /// [`CrossSite`] where one did, or where it cannot be told.
    pub fn check(&self, parts: &Parts) -> Result<(), CrossSite> {
        let says_nothing = || {
            let headers = &parts.headers;
            !headers.contains_key(SEC_FETCH_SITE) && !headers.contains_key(ORIGIN)
        };
        if self.strict && !is_safe(parts) && says_nothing() {
            return Err(CrossSite::Unsaid);
        }
        check(parts, self.public_origin.as_ref(), &self.trusted)
    }
}

/// Checks that no other site made this request; see the [module](self) for the rule.
///
/// # Errors
/// [`CrossSite`] where one did, or where it cannot be told.
pub fn check(
    parts: &Parts,
    public_origin: Option<&Origin>,
    trusted: &[OriginRule],
) -> Result<(), CrossSite> {
    if is_safe(parts) {
        return Ok(());
    }
    let site = sole(&parts.headers, &SEC_FETCH_SITE)?;
    let origin = sole(&parts.headers, &ORIGIN)?;
    let is_trusted = || {
        origin.is_some_and(|origin| {
            origin != b"null" && trusted.iter().any(|rule| rule.matches(origin))
        })
    };
    match (site, origin) {
        (Some(b"same-origin" | b"none"), _) | (None, None) => Ok(()),
        (Some(_), _) if is_trusted() => Ok(()),
        (Some(_), _) => Err(CrossSite::Declared),
        (None, Some(origin)) if is_ours(origin, parts, public_origin)? || is_trusted() => Ok(()),
        (None, Some(_)) => Err(CrossSite::OtherOrigin),
    }
}

/// Whether it changes nothing (RFC 9110 §9.2.1), and opens no channel through which that could be.
fn is_safe(parts: &Parts) -> bool {
    let safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    safe && !parts.headers.contains_key(UPGRADE)
}

/// Checks that an `Authorization` header is not what a browser remembered and another site makes use
/// of: a form of that site, say, which could never have set the header itself.
///
/// # Errors
/// [`CrossSite::Declared`] where it is.
pub fn remembered(parts: &Parts) -> Result<(), CrossSite> {
    let every = |name: HeaderName, known: &[&[u8]]| {
        parts.headers.get_all(&name).iter().all(|value| known.contains(&value.as_bytes()))
    };
    let safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || every(SEC_FETCH_SITE, &[b"same-origin", b"none"]) {
        return Ok(());
    }
    let set_by_script =
        parts.headers.contains_key(SEC_FETCH_MODE) && every(SEC_FETCH_MODE, &[b"cors"]);
    let set_by_script = set_by_script && parts.extensions.get::<ListedOrigin>().is_some();
    if set_by_script { Ok(()) } else { Err(CrossSite::Declared) }
}

/// Whether `origin` is where this request arrived.
fn is_ours(
    origin: &[u8],
    parts: &Parts,
    public_origin: Option<&Origin>,
) -> Result<bool, CrossSite> {
    if let Some(public) = public_origin {
        return Ok(public.as_str().as_bytes() == origin);
    }
    let host = match parts.uri.authority() {
        Some(authority) => Some(authority.as_str().as_bytes()),
        None => sole(&parts.headers, &HOST)?,
    };
    let (named, own_port) = if let Some(rest) = origin.strip_prefix(b"https://") {
        (rest, &b":443"[..])
    } else if let Some(rest) = origin.strip_prefix(b"http://") {
        (rest, &b":80"[..])
    } else {
        return Ok(false);
    };
    // Which scheme the request came by is not known here, so it is not compared: set a public
    // origin, or HSTS, to keep the cleartext twin of a site apart from it.
    Ok(!named.is_empty()
        && host.is_some_and(|host| host.strip_suffix(own_port).unwrap_or(host) == named))
}

/// The one value of a header.
fn sole<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a [u8]>, CrossSite> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(CrossSite::Repeated);
    }
    Ok(value.map(http::HeaderValue::as_bytes))
}

/// Another site made the request, or it cannot be told which did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CrossSite {
    /// The browser says so in `Sec-Fetch-Site`.
    #[error("`Sec-Fetch-Site` says that another site made the request")]
    Declared,
    /// `Origin` is not where the request arrived.
    #[error("`Origin` is not where the request was sent to")]
    OtherOrigin,
    /// Nothing says where the request began, and the rules are strict.
    #[error("neither `Sec-Fetch-Site` nor `Origin` says where the request began")]
    Unsaid,
    /// A header that decides is there more than once.
    #[error("`Sec-Fetch-Site`, `Origin` or `Host` is there more than once")]
    Repeated,
}

impl From<CrossSite> for Rejection {
    fn from(_: CrossSite) -> Self {
        Self::CrossSite
    }
}

impl From<CrossSite> for Problem {
    fn from(reason: CrossSite) -> Self {
        Self::new(ProblemKind::CrossSite).source(reason)
    }
}

#[cfg(test)]
mod tests;
