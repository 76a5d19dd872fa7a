//! Where a person may be sent back to: read once, and then compared character by character.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The longest one, in bytes.
const LONGEST: usize = 500;

/// Where the port is the program's own choice (RFC 8252 §7.3).
const LOOPBACK: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

/// What an answer adds to a redirect URI: one that says it already could be taken for the answer.
const ANSWERS: [&str; 6] = ["code", "state", "iss", "error", "error_description", "error_uri"];

/// A URI that a client is registered with, for answers to be sent to.
///
/// It has the scheme `https`, `http` on loopback, or a private one with a dot in it (RFC 8252 §7.1); no
/// fragment, no user information. It is kept as it was written, and a request must name it exactly so. Of
/// `127.0.0.1` and `[::1]` the port may be another: a program on a person's machine takes whichever is free.
///
/// ```
/// use portcullis::auth::RedirectUri;
///
/// let app: RedirectUri = "http://127.0.0.1/cb".parse()?;
/// assert!(app.matches("http://127.0.0.1:49152/cb"));
/// assert!(!app.matches("http://127.0.0.1:49152@evil.example/cb"));
/// assert!(!app.matches("http://127.0.0.1/cb/"));
/// assert!("http://app.example/cb".parse::<RedirectUri>().is_err());
/// # Ok::<(), portcullis::auth::InvalidRedirectUri>(())
/// ```
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct RedirectUri(String);

/// A text that cannot be a redirect URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRedirectUri(&'static str);

impl RedirectUri {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a request that names `asked` means this one.
    #[must_use]
    pub fn matches(&self, asked: &str) -> bool {
        if self.0 == asked {
            return true;
        }
        let of = |text: &'_ str| -> Option<(usize, String)> {
            let (at, rest) = LOOPBACK
                .iter()
                .enumerate()
                .find_map(|(at, host)| text.strip_prefix(host).map(|rest| (at, rest)))?;
            let Some(rest) = rest.strip_prefix(':') else {
                return Some((at, rest.to_owned()));
            };
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (port, rest) = rest.split_at(digits);
            let is_port = !port.starts_with('0') && port.parse::<u16>().is_ok();
            is_port.then(|| (at, rest.to_owned()))
        };
        let begins = |rest: &str| rest.is_empty() || rest.starts_with(['/', '?']);
        match (of(&self.0), of(asked)) {
            (Some(ours), Some(theirs)) => ours == theirs && begins(&theirs.1),
            _ => false,
        }
    }
}

impl FromStr for RedirectUri {
    type Err = InvalidRedirectUri;

    fn from_str(text: &str) -> Result<Self, InvalidRedirectUri> {
        check(text).map_err(InvalidRedirectUri)?;
        Ok(Self(text.to_owned()))
    }
}

fn check(text: &str) -> Result<(), &'static str> {
    if text.len() > LONGEST {
        return Err("must have at most 500 characters");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic())
        || text.contains(['\\', '"', '<', '>', '`'])
    {
        return Err("must be of visible ASCII characters, others percent-encoded");
    }
    let url = Url::parse(text)
        .map_err(|_| "must be a whole URI, such as https://app.example/callback")?;
    if text.contains('#') {
        return Err("must have no fragment");
    }
    if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
        return Err("must have no user information");
    }
    if url.query_pairs().any(|(name, _)| ANSWERS.contains(&&*name)) {
        return Err("must not have a parameter that an answer adds, such as code or state");
    }
    // What a browser would go to must be what stands there: no dot segments, capital hosts, default ports.
    if matches!(url.scheme(), "http" | "https")
        && url.as_str() != text
        && url.as_str() != format!("{text}/")
    {
        return Err(
            "must be written as a browser would write it, such as https://app.example/callback",
        );
    }
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
        None => false,
    };
    match url.scheme() {
        "https" if url.host().is_some() => Ok(()),
        "http" if is_loopback => Ok(()),
        "http" => Err("must have https: http is for 127.0.0.1, [::1] and localhost alone"),
        // RFC 8252 §7.1: the name of a domain in reverse order, and no other scheme has a dot.
        private if private.contains('.') => Ok(()),
        _ => Err("must have the scheme https, or a private one such as com.example.app"),
    }
}

/// What stands between `//` and the path.
fn authority(text: &str) -> &str {
    let after = text.split_once("//").map_or("", |(_, after)| after);
    after.split(['/', '?']).next().unwrap_or_default()
}

impl TryFrom<String> for RedirectUri {
    type Error = InvalidRedirectUri;

    fn try_from(text: String) -> Result<Self, InvalidRedirectUri> {
        text.parse()
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> RedirectUri {
        text.parse().unwrap()
    }

    #[test]
    fn a_uri_that_could_lead_elsewhere_cannot_be_registered() {
        for wrong in [
            "",
            "/cb",
            "app.example/cb",
            "//app.example/cb",
            "http://app.example/cb",
            "http://127.0.0.2/cb",
            "http://localhost.evil.example/cb",
            "https://app.example/cb#",
            "https://app.example/cb#part",
            "https://user@app.example/cb",
            "https://user:word@app.example/cb",
            "https://@app.example/cb",
            "https://app.example/a/../cb",
            "https://app.example/%2e%2e/cb",
            "https://APP.example/cb",
            "https://app.example:443/cb",
            "https://app.example\\@evil.example/cb",
            "https://app.example/a b",
            "https://app.example/ü",
            "https://app.example/cb?code=1",
            "https://app.example/cb?x=1&st%61te=2",
            "https://",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "urn:ietf:wg:oauth:2.0:oob",
            "ftp://app.example/",
        ] {
            assert!(wrong.parse::<RedirectUri>().is_err(), "{wrong}");
        }
        for right in [
            "https://app.example/cb",
            "https://app.example",
            "https://app.example:8443/cb?tenant=a%20b",
            "http://localhost:9777/cb",
            "http://127.0.0.1:9777/cb",
            "http://[::1]/cb",
            "com.example.app:/cb",
            "com.example.app://cb",
        ] {
            assert!(right.parse::<RedirectUri>().is_ok(), "{right}");
        }
        assert!(format!("https://a.example/{}", "a".repeat(500)).parse::<RedirectUri>().is_err());
    }

    #[test]
    fn a_request_means_the_uri_that_is_written_exactly_so() {
        let web = uri("https://app.example/cb?tenant=1");
        assert!(web.matches("https://app.example/cb?tenant=1"));
        for other in [
            "https://app.example/cb",
            "https://app.example/cb?tenant=1&x=2",
            "https://app.example/cb?tenant=1#x",
            "https://app.example:443/cb?tenant=1",
            "https://app.example:8443/cb?tenant=1",
            "https://app.example/CB?tenant=1",
            "https://app.example/cb/?tenant=1",
            "https://app.example/%63b?tenant=1",
            "https://app.example/x/../cb?tenant=1",
            "https://app.example@evil.example/cb?tenant=1",
            "https://sub.app.example/cb?tenant=1",
            "http://app.example/cb?tenant=1",
            " https://app.example/cb?tenant=1",
            "https://app.example/cb?tenant=1\n",
            "",
        ] {
            assert!(!web.matches(other), "{other}");
        }
    }

    #[test]
    fn on_loopback_the_port_alone_may_be_another() {
        for ours in ["http://127.0.0.1:9777/cb", "http://127.0.0.1/cb"] {
            let ours = uri(ours);
            for port in ["", ":1", ":80", ":9777", ":65535"] {
                assert!(ours.matches(&format!("http://127.0.0.1{port}/cb")), "{port}");
            }
            for other in [
                "http://127.0.0.1:/cb",
                "http://127.0.0.1:0/cb",
                "http://127.0.0.1:080/cb",
                "http://127.0.0.1:65536/cb",
                "http://127.0.0.1:9777@evil.example/cb",
                "http://127.0.0.1:9777.evil.example/cb",
                "http://127.0.0.1.evil.example/cb",
                "http://127.0.0.1:9777/cb2",
                "http://127.0.0.1:9777/cb#x",
                "http://127.0.0.1:9777",
                "http://user@127.0.0.1:9777/cb",
                "http://localhost:9777/cb",
                "http://[::1]:9777/cb",
                "https://127.0.0.1:9777/cb",
            ] {
                assert!(!ours.matches(other), "{other}");
            }
        }
        assert!(uri("http://[::1]/cb").matches("http://[::1]:5000/cb"));
        // A name may be sent elsewhere by whoever answers for names.
        assert!(!uri("http://localhost:9777/cb").matches("http://localhost:9778/cb"));
        // With no path, nothing but a port may follow.
        assert!(!uri("http://127.0.0.1").matches("http://127.0.0.1:80@evil.example"));
    }
}
