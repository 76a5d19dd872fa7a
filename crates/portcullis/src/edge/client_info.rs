//! Where a request came from: address, scheme and host, by the one rule for proxies.
//!
//! A header says what whoever sent it likes. It counts only where the connection comes from a
//! proxy that was declared, and then the rightmost address that is not such a proxy is the
//! client's: everything left of it was there before the first trusted proxy saw the request.
//!
//! What the lists beside it say, such as `X-Forwarded-Proto`, counts at the client's place too: not
//! what the last proxy says of the one before it, nor what the client wrote.
//!
//! Most proxies write one of `Forwarded` and `X-Forwarded-For` and let the other through as the
//! client sent it. [`Proxies::writing`] names the one that counts. Where none is named, and both are
//! there and differ, the address is unknown: no condition on it holds, and all unknown ones are
//! throttled together.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use http::request::Parts;
use http::{HeaderMap, Uri};
use ipnet::IpNet;

use super::forwarded::{self, Client};

/// The proxies whose word counts.
///
/// ```
/// use portcullis::edge::Proxies;
///
/// let none = Proxies::none();
/// let one = Proxies::trusting(["10.0.0.0/8".parse()?]);
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    writing: Option<ForwardedHeader>,
    country_header: Option<http::HeaderName>,
    countries: Option<Arc<dyn CountryOf>>,
}

/// The way in which proxies say whom a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// `Forwarded` (RFC 7239).
    Standard,
    /// `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.
    XForwarded,
}

/// Something that knows which country an address is in, at once and without asking anybody.
pub trait CountryOf: fmt::Debug + Send + Sync + 'static {
    /// Two capital letters (ISO 3166-1); `None` where it does not know.
    fn country_of(&self, address: IpAddr) -> Option<[u8; 2]>;
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
        Self { trusted: networks.into_iter().collect(), ..Self::default() }
    }

    /// The one way that the proxies write. The other counts for nothing: a client may have written it.
    #[must_use]
    pub fn writing(mut self, header: ForwardedHeader) -> Self {
        self.writing = Some(header);
        self
    }

    /// The header in which a trusted proxy says the client's country, two letters.
    #[must_use]
    pub fn country_header(mut self, name: http::HeaderName) -> Self {
        self.country_header = Some(name);
        self
    }

    /// What is asked for the country of the client's address, where no trusted proxy says it.
    #[must_use]
    pub fn countries(mut self, countries: impl CountryOf) -> Self {
        self.countries = Some(Arc::new(countries));
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
pub struct ClientInfo {
    /// The client's address. `None` where the server was asked without a socket and nobody said, and
    /// where what a trusted proxy says of it cannot be believed.
    pub address: Option<IpAddr>,
    /// Whether the client spoke TLS, to us or to a trusted proxy.
    pub secure: bool,
    /// The host the client asked for, with its port where one was named.
    pub host: Option<Arc<str>>,
    /// The client's country, two capital letters, where a trusted proxy said so or what is asked for
    /// the countries of addresses knows it.
    pub country: Option<[u8; 2]>,
    /// Whether the connection comes from a trusted proxy.
    pub through_proxy: bool,
}

/// A mark that a listener leaves on a request that came over TLS.
#[derive(Clone, Copy, Debug)]
pub struct OverTls;

/// A mark that the rules on other origins leave on a request of a page that they list by its origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListedOrigin;

impl ClientInfo {
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
        let mut client = match peer {
            Some(proxy) if proxies.trusts(proxy) => {
                direct.forwarded_by(proxy, &parts.headers, proxies)
            }
            _ => direct,
        };
        if let (None, Some(address), Some(countries)) =
            (client.country, client.address, &proxies.countries)
        {
            client.country = countries.country_of(address);
        }
        client
    }

    fn forwarded_by(mut self, proxy: IpAddr, headers: &HeaderMap, proxies: &Proxies) -> Self {
        let trusts = |address| proxies.trusts(address);
        let forwarded = match proxies.writing {
            Some(ForwardedHeader::Standard) => forwarded::forwarded(headers, trusts),
            Some(ForwardedHeader::XForwarded) => forwarded::x_forwarded(headers, trusts),
            None => {
                forwarded::forwarded(headers, trusts).and(forwarded::x_forwarded(headers, trusts))
            }
        };
        self.through_proxy = true;
        self.address = match forwarded.client {
            // It asks on its own behalf.
            Client::Unsaid => Some(proxy),
            Client::Unknown => None,
            Client::Known(address) => Some(address),
        };
        self.secure = forwarded.secure.unwrap_or(self.secure);
        self.host = forwarded.host.or(self.host);
        self.country = proxies.country_header.as_ref().and_then(|name| country(headers, name));
        self
    }
}

fn asked_host(headers: &HeaderMap, uri: &Uri) -> Option<Arc<str>> {
    let header = headers.get(http::header::HOST).and_then(|value| value.to_str().ok());
    uri.authority().map(http::uri::Authority::as_str).or(header).map(Into::into)
}

fn country(headers: &HeaderMap, name: &http::HeaderName) -> Option<[u8; 2]> {
    let mut values = headers.get_all(name).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    code(value.as_bytes())
}

/// A country's two letters.
pub(super) fn code(text: &[u8]) -> Option<[u8; 2]> {
    match text {
        [first, second] if first.is_ascii_alphabetic() && second.is_ascii_alphabetic() => {
            Some([first.to_ascii_uppercase(), second.to_ascii_uppercase()])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
