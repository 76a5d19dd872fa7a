//! Fetching an issuer's documents: bounded in size and time, and never led elsewhere.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderMap, StatusCode};
use reqwest::{Client, Url, redirect, retry};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;
use serde::Deserialize;

use super::RemoteFault;
use super::address::{address_named_by, metadata};
use crate::crypto::VerifyingKey;
use crate::problem::ConfigError;

/// The most bytes of an answer that are read.
const LARGEST: usize = 256 * 1024;

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// How long keys are kept at the least, at the most, and where the answer does not say.
const SHORTEST: Duration = Duration::from_secs(5 * 60);
const LONGEST: Duration = Duration::from_secs(24 * 3600);
const USUAL: Duration = Duration::from_secs(3600);

/// Where an issuer's keys are.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Where its metadata says, which is found from its own address.
    Discovery(Url),
    /// Here.
    Jwks(Url),
}

/// Keys as they were published.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) keys: Vec<VerifyingKey>,
    /// The text they were read from: the same text means the same keys.
    pub(super) text: Vec<u8>,
    /// How long they may be kept.
    pub(super) keep_for: Duration,
}

/// An issuer's metadata (RFC 8414 §2), as far as it is needed.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// Fetches. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Fetcher(Client);

impl Fetcher {
    /// Trusts the operating system's authorities; `secure` says that they are needed.
    pub(super) fn new(secure: bool) -> Result<Self, ConfigError> {
        let trusting = begun().and_then(BuilderVerifierExt::with_platform_verifier);
        let trusting = match trusting {
            Err(error) if secure => return Err(no_tls(&error)),
            // Every issuer is on loopback: whatever is https all the same, nobody vouches for.
            Err(_) => begun()
                .map_err(|error| no_tls(&error))?
                .with_root_certificates(RootCertStore::empty()),
            Ok(trusting) => trusting,
        };
        Self::over(trusting.with_no_client_auth())
    }

    /// A client over this TLS and no other: what the process has installed elsewhere does not
    /// count.
    fn over(tls: ClientConfig) -> Result<Self, ConfigError> {
        let loopback: [SocketAddr; 2] =
            [(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()];
        Client::builder()
            .tls_backend_preconfigured(tls)
            .resolve_to_addrs("localhost", &loopback)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .referer(false)
            .connect_timeout(CONNECT)
            .pool_max_idle_per_host(0)
            .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(Self)
            .map_err(|error| no_tls(&error))
    }

    /// The keys of `issuer`; every answer within `patience`.
    pub(super) async fn keys(
        &self,
        issuer: &str,
        place: &Place,
        patience: Duration,
    ) -> Result<Published, RemoteFault> {
        let found;
        let url = match place {
            Place::Jwks(url) => url,
            Place::Discovery(home) => {
                found = self.discover(issuer, home, patience).await?;
                &found
            }
        };
        let (headers, text) = self.get(url, patience).await?;
        let keys = VerifyingKey::from_jwks(&text)
            .map_err(|source| RemoteFault::BadKeys { url: url.to_string(), source })?;
        Ok(Published { keys, text, keep_for: keep_for(&headers) })
    }

    /// Where the issuer's metadata says its keys are.
    async fn discover(
        &self,
        issuer: &str,
        home: &Url,
        patience: Duration,
    ) -> Result<Url, RemoteFault> {
        let [first, second] = metadata(home);
        let (from, text) = match self.get(&first, patience).await {
            Ok((_, text)) => (first, text),
            Err(RemoteFault::Status { status: 400..=499, .. }) => {
                let (_, text) = self.get(&second, patience).await?;
                (second, text)
            }
            Err(fault) => return Err(fault),
        };
        let url = || from.to_string();
        let found: Metadata =
            serde_json::from_slice(&text).map_err(|_| RemoteFault::NotMetadata { url: url() })?;
        if found.issuer != issuer {
            return Err(RemoteFault::WrongIssuer { url: url() });
        }
        address_named_by(home, &found.jwks_uri)
            .ok_or_else(|| RemoteFault::WrongAddress { url: url() })
    }

    async fn get(
        &self,
        url: &Url,
        patience: Duration,
    ) -> Result<(HeaderMap, Vec<u8>), RemoteFault> {
        let unreachable = |error: reqwest::Error| RemoteFault::Unreachable {
            url: url.to_string(),
            source: Box::new(error.without_url()),
        };
        let too_large = || RemoteFault::TooLarge { url: url.to_string() };
        let request = self.0.get(url.clone()).timeout(patience).header(ACCEPT, "application/json");
        let mut answer = request.send().await.map_err(unreachable)?;
        if answer.status() != StatusCode::OK {
            let status = answer.status().as_u16();
            return Err(RemoteFault::Status { url: url.to_string(), status });
        }
        let mut text = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if text.len() + chunk.len() > LARGEST {
                return Err(too_large());
            }
            text.extend_from_slice(&chunk);
        }
        Ok((std::mem::take(answer.headers_mut()), text))
    }
}

/// TLS with a provider of its own, since the process may have installed none.
fn begun() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
}

fn no_tls(error: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::one(
        "remote",
        format!("no connection over TLS can be made: {error}"),
        "install the operating system's certificates of authorities (ca-certificates)",
    )
}

/// How long an answer may be kept, by its `Cache-Control` (RFC 9111 §5.2.2).
fn keep_for(headers: &HeaderMap) -> Duration {
    let lines = headers.get_all(CACHE_CONTROL).into_iter().filter_map(|line| line.to_str().ok());
    let mut keep_for = USUAL;
    for directive in lines.flat_map(|line| line.split(',')) {
        let directive = directive.trim().to_ascii_lowercase();
        match directive.split_once('=') {
            None if directive == "no-store" || directive == "no-cache" => return SHORTEST,
            Some(("max-age", seconds)) => {
                // RFC 9111 §4.2.1: what cannot be read counts as stale.
                let seconds = seconds.trim_matches('"').parse().unwrap_or_default();
                keep_for = Duration::from_secs(seconds);
            }
            _ => {}
        }
    }
    keep_for.clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers one connection after the other with an empty key set, over TLS.
    fn serve_keys(listener: TcpListener, certified: &rcgen::CertifiedKey<rcgen::KeyPair>) {
        let chain = vec![certified.cert.der().clone()];
        let key = certified.signing_key.serialize_der().try_into().unwrap();
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let config = Arc::new(config);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut socket = socket.unwrap();
                let mut stream = rustls::Stream::new(&mut tls, &mut socket);
                // Whoever does not trust it hangs up here.
                if stream.read(&mut [0; 4096]).is_ok() {
                    let head = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n";
                    write!(stream, "{head}{{\"keys\":[]}}").unwrap();
                }
            }
        });
    }

    #[tokio::test]
    async fn only_those_whom_an_authority_vouches_for_are_heard() {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        serve_keys(listener, &certified);
        let mut roots = RootCertStore::empty();
        roots.add(certified.cert.der().clone()).unwrap();
        let trusting = begun().unwrap().with_root_certificates(roots).with_no_client_auth();

        let url = format!("https://localhost:{port}/jwks");
        let place = Place::Jwks(Url::parse(&url).unwrap());
        let patience = Duration::from_secs(5);
        let fetcher = Fetcher::over(trusting).unwrap();
        let published = fetcher.keys("urn:example", &place, patience).await.unwrap();
        assert!(published.keys.is_empty());

        // Another name than the one vouched for.
        let other = Place::Jwks(Url::parse(&url.replace("localhost", "127.0.0.1")).unwrap());
        let misnamed = fetcher.keys("urn:example", &other, patience).await;
        assert!(matches!(misnamed, Err(RemoteFault::Unreachable { .. })), "{misnamed:?}");
        let fetcher = Fetcher::new(false).unwrap();
        let stranger = fetcher.keys("urn:example", &place, patience).await;
        assert!(matches!(stranger, Err(RemoteFault::Unreachable { .. })), "{stranger:?}");
    }

    #[test]
    fn keys_are_kept_as_long_as_said_within_bounds() {
        let kept = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, line.parse().unwrap());
            keep_for(&headers).as_secs()
        };
        assert_eq!(keep_for(&HeaderMap::new()), USUAL);
        for (line, seconds) in [
            ("public", 3600),
            ("public, max-age=900", 900),
            ("Max-Age=\"1200\"", 1200),
            ("max-age=1", 300),
            ("max-age=31536000", 86_400),
            ("max-age=-1", 300),
            ("max-age=99999999999999999999999", 300),
            ("max-age=7200, no-cache", 300),
            ("no-store", 300),
        ] {
            assert_eq!(kept(line), seconds, "{line}");
        }
    }
}
