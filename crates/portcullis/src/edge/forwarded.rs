//! What proxies say of a request: `Forwarded` (RFC 7239) and the older `X-Forwarded-*`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Whose address the proxies name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Client {
    /// Nothing was said.
    #[default]
    Unsaid,
    /// Something was said, and it is no address, cannot be read or cannot be believed.
    Unknown,
    SubjectAccess(IpAddr),
}

/// What one way of saying it says.
#[derive(Debug, Default)]
pub(super) struct Forwarded {
    pub(super) client: Client,
    pub(super) secure: Option<bool>,
    pub(super) host: Option<Arc<str>>,
}

/// What one proxy said of the hop before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Hop {
    /// `None` where the hop hides itself or cannot be read.
    address: Option<IpAddr>,
    secure: Option<bool>,
    host: Option<Arc<str>>,
}

impl Forwarded {
    /// What both ways say together. One of them may be the client's own words, which its proxy let
    /// through: where they differ, neither is believed.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            client: match (self.client, other.client) {
                (Client::Unsaid, said) | (said, Client::Unsaid) => said,
                (one, other) if one == other => one,
                _ => Client::Unknown,
            },
            secure: match (self.secure, other.secure) {
                (Some(one), Some(other)) => Some(one && other),
                (one, other) => one.or(other),
            },
            host: match (self.host, other.host) {
                (Some(one), Some(other)) => (one == other).then_some(one),
                (one, other) => one.or(other),
            },
        }
    }

    /// The rightmost hop that is not trusted is the client: each hop was added by the one on its
    /// right, so what stands further left is hearsay.
    fn by(hops: Vec<Hop>, trusts: impl Fn(IpAddr) -> bool) -> Self {
        let mut forwarded = Self { client: Client::Unknown, ..Self::default() };
        for hop in hops.into_iter().rev() {
            forwarded.secure = hop.secure.or(forwarded.secure);
            forwarded.host = hop.host.or(forwarded.host);
            let Some(address) = hop.address else {
                forwarded.client = Client::Unknown;
                break;
            };
            forwarded.client = Client::SubjectAccess(address);
            if !trusts(address) {
                break;
            }
        }
        forwarded
    }
}

/// `Forwarded`. What cannot be read, or names no `for`, is a hop that hides itself.
pub(super) fn forwarded(headers: &HeaderMap, trusts: impl Fn(IpAddr) -> bool) -> Forwarded {
    if !headers.contains_key(FORWARDED) {
        return Forwarded::default();
    }
    // Line by line: a quotation that a client has left open must not swallow what its proxy added.
    let hops = headers.get_all(FORWARDED).iter().flat_map(|line| {
        let text = line.to_str().ok();
        text.and_then(elements).unwrap_or_else(|| vec![Hop::default()])
    });
    Forwarded::by(hops.collect(), trusts)
}

/// `X-Forwarded-For`; of `X-Forwarded-Proto` and `-Host` the last value, which is the near proxy's.
pub(super) fn x_forwarded(headers: &HeaderMap, trusts: impl Fn(IpAddr) -> bool) -> Forwarded {
    let forwarded = if headers.contains_key(X_FORWARDED_FOR) {
        let hops = values(headers, &X_FORWARDED_FOR)
            .map(|text| Hop { address: text.and_then(address), ..Hop::default() });
        Forwarded::by(hops.collect(), trusts)
    } else {
        Forwarded::default()
    };
    let last = |name| values(headers, name).last();
    Forwarded {
        secure: last(&X_FORWARDED_PROTO)
            .map(|proto| proto.is_some_and(|proto| proto.eq_ignore_ascii_case("https"))),
        host: last(&X_FORWARDED_HOST).flatten().map(Into::into),
        ..forwarded
    }
}

/// The values of a list, in order; `None` for one that is not text. None is left out, or the one
/// that a proxy added could be lost together with what a client wrote.
fn values<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = Option<&'a str>> + use<'a> {
    headers
        .get_all(name)
        .into_iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(|value| std::str::from_utf8(value).ok().map(str::trim))
}

/// The elements of one line; `None` where it is not as RFC 7239 §4 has it.
fn elements(line: &str) -> Option<Vec<Hop>> {
    let mut hops = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (hop, after) = element(rest)?;
        hops.extend(hop);
        rest = match after.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(hops)
}

/// The first element, and what stands after it. An empty one is none (RFC 9110 §5.6.1).
fn element(text: &str) -> Option<(Option<Hop>, &str)> {
    let mut hop = Hop::default();
    let mut seen: Vec<String> = Vec::new();
    let mut rest = text.trim_start();
    loop {
        if !rest.starts_with([',', ';']) && !rest.is_empty() {
            let (name, after) = rest.split_once('=')?;
            let name = name.to_ascii_lowercase();
            if name.is_empty() || !name.bytes().all(is_token) || seen.contains(&name) {
                return None;
            }
            let (value, after) = value(after)?;
            match &*name {
                "for" => hop.address = address(&value),
                "proto" => hop.secure = Some(value.eq_ignore_ascii_case("https")),
                "host" => hop.host = Some(value.into()),
                _ => {}
            }
            seen.push(name);
            rest = after.trim_start();
        }
        match rest.strip_prefix(';') {
            Some(after) => rest = after.trim_start(),
            None => break,
        }
    }
    Some(((!seen.is_empty()).then_some(hop), rest))
}

/// A value, quoted or not, and what stands after it. Many a proxy leaves the quotes off an address
/// with a port, and no harm is done by reading it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ';', '"', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (!value.is_empty()).then(|| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(letters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// An address, perhaps with a port, perhaps in brackets.
fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
        .map(|address| address.to_canonical())
}
