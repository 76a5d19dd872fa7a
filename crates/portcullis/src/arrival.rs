//! Where a request came from: address, scheme and host, by the one rule for proxies.
//!
//! A header says what whoever sent it likes. It counts only where the connection comes from a
//! proxy that was declared, and then the rightmost address that is not such a proxy is the
//! client's: everything left of it was there before the first trusted proxy saw the request.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use http::request::Parts;
use http::{HeaderMap, Uri};
use ipnet::IpNet;

/// The proxies whose word counts.
///
/// ```
/// use portcullis::arrival::Proxies;
///
/// let none = Proxies::none();
/// let one = Proxies::trusting(["10.0.0.0/8".parse()?]);
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    country_header: Option<http::HeaderName>,
}

impl Proxies {
    /// None: the connection alone says where a request came from.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Those in these networks.
    #[must_use]
    pub fn trusting(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self { trusted: networks.into_iter().collect(), country_header: None }
    }

    /// The header in which a trusted proxy says the client's country, two letters.
    #[must_use]
    pub fn country_header(mut self, name: http::HeaderName) -> Self {
        self.country_header = Some(name);
        self
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trusted.is_empty()
    }

    /// Whether this one's word counts.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }
}

/// Where a request came from. Put into the request's extensions once, and read by everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arrival {
    /// The client's address. `None` where the server was asked without a socket and nobody said.
    pub address: Option<IpAddr>,
    /// Whether the client spoke TLS, to us or to a trusted proxy.
    pub secure: bool,
    /// The host the client asked for, with its port where one was named.
    pub host: Option<Arc<str>>,
    /// The client's country, two capital letters, where a trusted proxy said so.
    pub country: Option<[u8; 2]>,
    /// Whether the connection comes from a trusted proxy.
    pub through_proxy: bool,
}

/// A mark that a listener leaves on a request that came over TLS.
#[derive(Clone, Copy, Debug)]
pub struct OverTls;

impl Arrival {
    /// Reads the request by the rule.
    #[must_use]
    pub fn of(parts: &Parts, proxies: &Proxies) -> Self {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|ConnectInfo(peer)| peer.ip().to_canonical());
        let direct = Self {
            address: peer,
            secure: parts.extensions.get::<OverTls>().is_some(),
            host: asked_host(&parts.headers, &parts.uri),
            country: None,
            through_proxy: false,
        };
        match peer {
            Some(proxy) if proxies.trusts(proxy) => direct.told_by(proxy, &parts.headers, proxies),
            _ => direct,
        }
    }

    fn told_by(mut self, proxy: IpAddr, headers: &HeaderMap, proxies: &Proxies) -> Self {
        self.through_proxy = true;
        let hops = if headers.contains_key("forwarded") {
            forwarded(headers)
        } else {
            x_forwarded(headers)
        };
        self.address = Some(proxy);
        // From right to left: each hop was added by the one on its right.
        for hop in hops.into_iter().rev() {
            if let Some(secure) = hop.secure {
                self.secure = secure;
            }
            if let Some(host) = hop.host {
                self.host = Some(host);
            }
            match hop.address {
                Some(address) => {
                    self.address = Some(address);
                    if !proxies.trusts(address) {
                        break;
                    }
                }
                // A hop that hides itself: what stands left of it cannot be believed.
                None if hop.hidden => {
                    self.address = None;
                    break;
                }
                None => {}
            }
        }
        self.country = proxies.country_header.as_ref().and_then(|name| country(headers, name));
        self
    }
}

/// What one proxy said of the hop before it.
#[derive(Default)]
struct Hop {
    address: Option<IpAddr>,
    hidden: bool,
    secure: Option<bool>,
    host: Option<Arc<str>>,
}

fn asked_host(headers: &HeaderMap, uri: &Uri) -> Option<Arc<str>> {
    let header = headers.get(http::header::HOST).and_then(|value| value.to_str().ok());
    uri.authority().map(http::uri::Authority::as_str).or(header).map(Into::into)
}

fn listed<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect()
}

/// RFC 7239.
fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let read = |element: &str| {
        let mut hop = Hop::default();
        for pair in element.split(';') {
            let Some((name, value)) = pair.split_once('=') else { continue };
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => {
                    hop.address = address(value);
                    hop.hidden = hop.address.is_none();
                }
                "proto" => hop.secure = Some(value.eq_ignore_ascii_case("https")),
                "host" => hop.host = Some(value.into()),
                _ => {}
            }
        }
        hop
    };
    listed(headers, "forwarded").into_iter().map(read).collect()
}

/// The older headers, of which only the rightmost value of proto and host is the near proxy's.
fn x_forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let mut hops: Vec<Hop> = listed(headers, "x-forwarded-for")
        .into_iter()
        .map(|text| {
            let address = address(text);
            Hop { address, hidden: address.is_none(), ..Hop::default() }
        })
        .collect();
    if hops.is_empty() {
        hops.push(Hop::default());
    }
    if let Some(near) = hops.last_mut() {
        near.secure = listed(headers, "x-forwarded-proto")
            .last()
            .map(|proto| proto.eq_ignore_ascii_case("https"));
        near.host = listed(headers, "x-forwarded-host").last().map(|host| (*host).into());
    }
    hops
}

/// An address, perhaps with a port, perhaps in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    text.parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
        .map(|address| address.to_canonical())
}

fn country(headers: &HeaderMap, name: &http::HeaderName) -> Option<[u8; 2]> {
    let mut values = headers.get_all(name).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    match value.as_bytes() {
        [first, second] if first.is_ascii_alphabetic() && second.is_ascii_alphabetic() => {
            Some([first.to_ascii_uppercase(), second.to_ascii_uppercase()])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(peer: &str, trusted: &[&str], headers: &[(&str, &str)]) -> Arrival {
        let mut request = http::Request::builder().uri("/").header("host", "api.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        let peer: IpAddr = peer.parse().unwrap();
        parts.extensions.insert(ConnectInfo(SocketAddr::from((peer, 5))));
        let proxies = Proxies::trusting(trusted.iter().map(|net| net.parse().unwrap()));
        Arrival::of(&parts, &proxies)
    }

    fn address_of(arrival: &Arrival) -> String {
        arrival.address.map(|address| address.to_string()).unwrap_or_default()
    }

    #[test]
    fn without_a_trusted_proxy_no_header_counts() {
        let told = [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "https")];
        let arrival = arrival("192.0.2.1", &["10.0.0.0/8"], &told);
        assert_eq!(address_of(&arrival), "192.0.2.1");
        assert!(!arrival.secure && !arrival.through_proxy);
    }

    #[test]
    fn the_rightmost_untrusted_address_is_the_clients() {
        let told = [("x-forwarded-for", "127.0.0.1, 203.0.113.7, 10.0.0.2")];
        assert_eq!(address_of(&arrival("10.0.0.1", &["10.0.0.0/8"], &told)), "203.0.113.7");
    }

    #[test]
    fn the_standard_header_is_read_with_ports_and_brackets() {
        let told = [("forwarded", r#"for="[2001:db8::7]:4711";proto=https;host=shop.example"#)];
        let arrival = arrival("10.0.0.1", &["10.0.0.0/8"], &told);
        assert_eq!(address_of(&arrival), "2001:db8::7");
        assert!(arrival.secure);
        assert_eq!(arrival.host.as_deref(), Some("shop.example"));
    }

    #[test]
    fn a_client_cannot_speak_for_the_proxy_it_comes_through() {
        // The client wrote the left element, the proxy the right one.
        let told = [("forwarded", "for=127.0.0.1;proto=https, for=203.0.113.7;proto=http")];
        let arrival = arrival("10.0.0.1", &["10.0.0.0/8"], &told);
        assert_eq!(address_of(&arrival), "203.0.113.7");
        assert!(!arrival.secure);
    }

    #[test]
    fn a_hop_that_hides_itself_leaves_the_address_unknown() {
        let told = [("forwarded", "for=127.0.0.1, for=_hidden")];
        assert_eq!(arrival("10.0.0.1", &["10.0.0.0/8"], &told).address, None);
        let told = [("x-forwarded-for", "127.0.0.1, nonsense")];
        assert_eq!(arrival("10.0.0.1", &["10.0.0.0/8"], &told).address, None);
    }

    #[test]
    fn a_trusted_proxy_that_says_nothing_is_the_client() {
        assert_eq!(address_of(&arrival("10.0.0.1", &["10.0.0.0/8"], &[])), "10.0.0.1");
    }
}
