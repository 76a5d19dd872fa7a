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
    Known(IpAddr),
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

    /// What the hop says at which the client stands. What stands left of it is hearsay.
    fn by(hops: &[Hop], trusts: impl Fn(IpAddr) -> bool) -> Self {
        let addresses: Vec<_> = hops.iter().map(|hop| hop.address).collect();
        let (client, from_right) = client_of(&addresses, trusts);
        let mut said = hops.iter().rev().take(from_right + 1).rev();
        Self {
            client,
            secure: said.clone().next().and_then(|hop| hop.secure),
            host: said.find_map(|hop| hop.host.clone()),
        }
    }
}

/// The client, and how many hops stand to its right. The rightmost address that is not trusted is
/// the client's: each hop was added by the one on its right.
fn client_of(hops: &[Option<IpAddr>], trusts: impl Fn(IpAddr) -> bool) -> (Client, usize) {
    let stops = |hop: &Option<IpAddr>| !hop.is_some_and(&trusts);
    let last = hops.len().saturating_sub(1);
    let from_right = hops.iter().rev().position(stops).unwrap_or(last);
    match hops.iter().rev().nth(from_right) {
        Some(Some(address)) => (Client::Known(*address), from_right),
        _ => (Client::Unknown, from_right),
    }
}

/// The values of a list that speak of the client's hop: the one at its place, or all of them where
/// the list is too short to say which.
fn at_hop<T>(values: &[T], from_right: Option<usize>) -> &[T] {
    let place = from_right.and_then(|from_right| values.len().checked_sub(from_right + 1));
    place.and_then(|place| values.get(place..=place)).unwrap_or(values)
}

/// Whether the scheme is one of a connection by TLS.
fn is_secure(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss")
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
    Forwarded::by(&hops.collect::<Vec<_>>(), trusts)
}

/// `X-Forwarded-For`; of `X-Forwarded-Proto` and `-Host` the value at the client's place. Where they
/// are shorter than `X-Forwarded-For`, all their values must say the same.
pub(super) fn x_forwarded(headers: &HeaderMap, trusts: impl Fn(IpAddr) -> bool) -> Forwarded {
    let (client, from_right) = if headers.contains_key(X_FORWARDED_FOR) {
        let hops = values(headers, &X_FORWARDED_FOR).map(|text| text.and_then(address));
        let (client, from_right) = client_of(&hops.collect::<Vec<_>>(), trusts);
        (client, Some(from_right))
    } else {
        (Client::Unsaid, None)
    };
    let schemes: Vec<_> = values(headers, &X_FORWARDED_PROTO).collect();
    let hosts: Vec<_> = values(headers, &X_FORWARDED_HOST).collect();
    let host = match at_hop(&hosts, from_right) {
        [Some(first), rest @ ..] if rest.iter().all(|host| *host == Some(first)) => Some(*first),
        _ => None,
    };
    Forwarded {
        client,
        secure: (!schemes.is_empty()).then(|| {
            at_hop(&schemes, from_right).iter().all(|scheme| scheme.is_some_and(is_secure))
        }),
        host: host.map(Into::into),
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
                "proto" => hop.secure = Some(is_secure(&value)),
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
