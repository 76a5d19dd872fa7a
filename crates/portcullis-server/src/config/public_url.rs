//! The address that clients see.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use http::Uri;

use super::value::{Unfit, Value};

/// Scheme, host and port, as they stand in an `Origin` header: in lower case, a default port left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicUrl {
    text: String,
    https: bool,
    loopback: bool,
}

impl PublicUrl {
    /// What a client on this machine would write for this listener.
    pub(crate) fn of_listener(listen: SocketAddr, tls: bool) -> Self {
        let scheme = if tls { "https" } else { "http" };
        let default_port = if tls { 443 } else { 80 };
        let host = match listen.ip() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        let port = match listen.port() {
            port if port == default_port => String::new(),
            port => format!(":{port}"),
        };
        Self {
            text: format!("{scheme}://{host}{port}"),
            https: tls,
            loopback: listen.ip().is_loopback(),
        }
    }

    /// Its text, without a slash at its end.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether clients come over TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// Whether it can only be reached from this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.loopback
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Value for PublicUrl {
    fn expects() -> String {
        "a scheme and a host without a path, such as `https://auth.example.org`".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, Unfit> {
        let uri: Uri = text.parse().map_err(|_| Unfit)?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(Unfit),
        };
        let authority = uri.authority().ok_or(Unfit)?;
        let bare = uri.path() == "/" && uri.query().is_none() && !text.contains(['#', '?']);
        if !bare || authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(Unfit);
        }
        let host = authority.host().to_ascii_lowercase();
        let port = match (authority.port_u16(), https) {
            (None, _) if authority.as_str().ends_with(':') => return Err(Unfit),
            (None | Some(80), false) | (None | Some(443), true) => String::new(),
            (Some(port), _) => format!(":{port}"),
        };
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let loopback = address.map_or_else(
            |_| host == "localhost" || host.ends_with(".localhost"),
            |address| address.is_loopback(),
        );
        let scheme = if https { "https" } else { "http" };
        Ok(Self { text: format!("{scheme}://{host}{port}"), https, loopback })
    }

    fn to_text(&self) -> String {
        self.text.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_an_origin() {
        for (written, read) in [
            ("https://Auth.Example.org/", "https://auth.example.org"),
            ("https://auth.example.org:443", "https://auth.example.org"),
            ("http://localhost:8000", "http://localhost:8000"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(
                PublicUrl::from_text(written).ok().map(|url| url.text).as_deref(),
                Some(read)
            );
        }
        for wrong in [
            "",
            "auth.example.org",
            "ftp://auth.example.org",
            "https://a.example/path",
            "https://a.example/?q",
            "https://a.example#top",
            "https://user@a.example",
            "https://",
            "//a.example",
        ] {
            assert!(PublicUrl::from_text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn loopback_is_told_from_the_rest() {
        let is_loopback = |text| PublicUrl::from_text(text).is_ok_and(|url| url.is_loopback());
        assert!(is_loopback("http://127.0.0.1:8000"));
        assert!(is_loopback("http://[::1]:8000"));
        assert!(is_loopback("http://localhost"));
        assert!(!is_loopback("http://localhost.example.org"));
        assert!(!is_loopback("http://128.0.0.1"));
    }
}
