//! The joints of an origin: scheme, host and port (URL standard §4.1, §4.5).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::InvalidOrigin;

/// Hosts under which strangers can get a name of their own, so that a pattern over all of them
/// trusts the whole world. Not complete: it holds what is most often met.
pub(super) const SHARED_SUFFIXES: &[&str] = &[
    "amazonaws.com",
    "appspot.com",
    "azurestaticapps.net",
    "azurewebsites.net",
    "blogspot.com",
    "cloudfront.net",
    "co.in",
    "co.jp",
    "co.kr",
    "co.nz",
    "co.uk",
    "co.za",
    "codesandbox.io",
    "com.au",
    "com.br",
    "com.cn",
    "com.mx",
    "com.tr",
    "deno.dev",
    "duckdns.org",
    "firebaseapp.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "glitch.me",
    "herokuapp.com",
    "netlify.app",
    "ngrok-free.app",
    "ngrok.app",
    "ngrok.io",
    "onrender.com",
    "org.uk",
    "pages.dev",
    "railway.app",
    "repl.co",
    "run.app",
    "sslip.io",
    "surge.sh",
    "vercel.app",
    "web.app",
    "workers.dev",
];

/// A text cut where an origin has its joints. The host is not looked at yet.
pub(super) struct Pieces<'a> {
    pub(super) scheme: &'a str,
    pub(super) host: &'a str,
}

impl<'a> Pieces<'a> {
    pub(super) fn of(text: &'a str) -> Result<Self, InvalidOrigin> {
        let invalid = |wrong, fix: String| Err(InvalidOrigin::new(wrong, fix));
        if text == "null" {
            return invalid("`null` is no site of anybody's", "name an origin".to_owned());
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return invalid("the scheme is missing", format!("write https://{text}"));
        };
        if !text.is_ascii() {
            return invalid(
                "a browser sends a host in punycode",
                "write each label that is not ASCII as its xn-- form".to_owned(),
            );
        }
        if rest.contains('@') {
            return invalid(
                "an origin has no user name",
                "leave out everything up to and with the `@`".to_owned(),
            );
        }
        if let Some(at) = rest.find(['/', '?', '#', '\\']) {
            let wrong =
                if &rest[at..] == "/" { "the trailing slash" } else { "an origin has no path" };
            return invalid(wrong, format!("write {scheme}://{}", &rest[..at]));
        }
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return invalid(
                "a browser sends an origin in lower case",
                format!("write {}", text.to_ascii_lowercase()),
            );
        }
        let mut letters = scheme.bytes();
        if !letters.next().is_some_and(|first| first.is_ascii_lowercase())
            || !letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.'))
        {
            return invalid("that is no scheme", "begin with https://".to_owned());
        }
        if matches!(scheme, "file" | "data" | "blob" | "about" | "javascript") {
            return invalid(
                "a page of this scheme has the origin `null`",
                "serve the page over https".to_owned(),
            );
        }
        let (host, port) = split_port(rest);
        if let Some(port) = port {
            let own = match scheme {
                "http" | "ws" => Some(80),
                "https" | "wss" => Some(443),
                _ => None,
            };
            match port.parse::<u16>() {
                Ok(number) if Some(number) == own => {
                    return invalid(
                        "a browser leaves out the port that is the scheme's own",
                        format!("write {scheme}://{host}"),
                    );
                }
                Ok(number) if number > 0 && number.to_string() == port => {}
                _ => {
                    return invalid(
                        "that is no port",
                        "use a number from 1 to 65535 without leading zeros, or none".to_owned(),
                    );
                }
            }
        }
        Ok(Self { scheme, host })
    }
}

pub(super) fn split_port(authority: &str) -> (&str, Option<&str>) {
    let after_address = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[after_address..].find(':') {
        Some(at) => {
            let colon = after_address + at;
            (&authority[..colon], Some(&authority[colon + 1..]))
        }
        None => (authority, None),
    }
}

/// Whether these bytes are one label of a host as a browser writes it.
pub(super) fn is_label(bytes: &[u8]) -> bool {
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        && bytes.first() != Some(&b'-')
        && bytes.last() != Some(&b'-')
}

/// Whether a browser would read the host as an address (URL standard, "ends in a number").
pub(super) fn is_address(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    host.starts_with('[')
        || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
        || last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|c| c.is_ascii_hexdigit()))
}

pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host == "[::1]"
}

pub(super) fn check_host(text: &str, host: &str) -> Result<(), InvalidOrigin> {
    if host.is_empty() {
        return Err(InvalidOrigin::new("the host is missing", "write https:// and a host"));
    }
    if host.ends_with('.') {
        return Err(InvalidOrigin::new(
            "a host with a trailing dot is another origin",
            format!("write {}", text.replacen(host, host.trim_end_matches('.'), 1)),
        ));
    }
    let written = if let Some(inside) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        inside.parse::<Ipv6Addr>().ok().map(|address| format!("[{}]", serialize(address)))
    } else if is_address(host) {
        host.parse::<Ipv4Addr>().ok().map(|address| address.to_string())
    } else if host.len() <= 253 && host.split('.').all(|label| is_label(label.as_bytes())) {
        return Ok(());
    } else {
        None
    };
    match written {
        Some(written) if written == host => Ok(()),
        Some(written) => Err(InvalidOrigin::new(
            "a browser writes this address differently",
            format!("write {}", text.replacen(host, &written, 1)),
        )),
        None => Err(InvalidOrigin::new(
            "that is no host",
            "use labels of a-z, 0-9, `-` and `_`, joined by dots, or an address",
        )),
    }
}

/// An IPv6 address as the URL standard writes it: never with an IPv4 tail.
fn serialize(address: Ipv6Addr) -> String {
    match address.to_ipv4_mapped() {
        Some(_) => {
            let [.., high, low] = address.segments();
            format!("::ffff:{high:x}:{low:x}")
        }
        None => address.to_string(),
    }
}
