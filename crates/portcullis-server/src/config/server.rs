//! `[server]`: where it listens, behind what, and how long it waits.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::public_url::PublicUrl;
use super::table::settings;
use super::value::{ByteSize, Unfit, Value, choice};

settings! {
    /// Where the server listens, behind what, and how long it waits.
    Server reads "server" {
        /// Where to listen. Beyond loopback this needs TLS, here or at a declared proxy.
        listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 8000));
        /// The address that clients see: scheme, host and port. It names the issuer of tokens, stands in
        /// links, and is what the origin of a request is compared with. Needed beyond loopback.
        public_url: Option<PublicUrl> = None, otherwise "`http://` or `https://` and `listen`";
        /// A second listener, in plain http, for `/health/*`. Without it they answer on `listen` where that is loopback, and
        /// only to this machine: not through a proxy on it.
        health_listen: Option<SocketAddr> = None, otherwise "none";
        /// The addresses and networks of reverse proxies whose `Forwarded` and `X-Forwarded-*` headers are believed.
        /// From anybody else these headers count for nothing.
        trusted_proxies: Vec<IpNet> = vec![];
        /// The header that these proxies write. The other one then counts for nothing: a client may have written it. Where
        /// none is named and the two differ, the client's address is unknown.
        forwarded_header: Option<ForwardedHeader> = None, otherwise "both, and they must agree";
        /// The certificate chain in PEM, for TLS in this process. Read anew when the file changes.
        tls_cert_file: Option<PathBuf> = None, otherwise "none";
        /// The certificate's private key in PEM, readable by nobody else. Read anew when the file changes.
        tls_key_file: Option<PathBuf> = None, otherwise "none";
        /// Whether users may sign in by HTTP Basic. A browser's script is never asked for it: the browser would show its
        /// own box for a password.
        basic: bool = true;
        /// Whether the session cookie counts for browsers alone: a request that may change something and has neither
        /// `Sec-Fetch-Site` nor `Origin` is then a 403. A program that uses the cookie must send `Origin`.
        strict_cookies: bool = false;
        /// How long requests under way may take to end after SIGTERM or SIGINT. After it they are cut off.
        shutdown_timeout: Duration = Duration::from_secs(20);
        /// How long one request may take, from its header's end to the answer's beginning. Then it is a 504.
        request_timeout: Duration = Duration::from_secs(30);
        /// How long a request's header may take to arrive, a TLS handshake to end, and an answer to be taken.
        /// A connection between two requests is kept as long.
        connection_timeout: Duration = Duration::from_secs(30);
        /// How many connections are open at once. Where there is no room, the idlest goes for a new one; where all are
        /// at work, more of them wait to be accepted. The probes' listener has 64 of its own.
        max_connections: u32 = 4096;
        /// How many connections one address (of IPv6, one /64) may have. Where it has its share, its idlest goes for a new
        /// one. For those of `trusted_proxies` it does not count.
        connections_per_address: Option<u32> = None, otherwise "a quarter of `max_connections`";
        /// The largest request body. A larger one is a 413.
        body_limit: ByteSize = ByteSize::mib(1);
        /// The largest request body of a public route, where no credential counts. A larger one is a 413.
        public_body_limit: ByteSize = ByteSize::kib(64);
        /// How much of all request bodies together is in memory while they arrive; of it, one half for public routes. What
        /// goes beyond is a 503.
        bodies_in_flight: ByteSize = ByteSize::mib(64);
        /// The largest request header, all its lines together. A larger one is a 431.
        header_limit: ByteSize = ByteSize::kib(32);
        /// The longest path and query. A longer one is a 414.
        uri_limit: ByteSize = ByteSize::kib(8);
        /// What is logged: a level, or levels by module, such as `info,portcullis=debug`.
        log: LogFilter = LogFilter("info".to_owned());
        /// How it is logged.
        log_format: LogFormat = LogFormat::Text;
    }
}

impl Server {
    /// The certificate and key files, where TLS ends in this process.
    pub(crate) fn tls_files(&self) -> Option<(&PathBuf, &PathBuf)> {
        self.tls_cert_file.as_ref().zip(self.tls_key_file.as_ref())
    }

    /// The address that clients see.
    pub(crate) fn public_url(&self) -> PublicUrl {
        self.public_url
            .clone()
            .unwrap_or_else(|| PublicUrl::of_listener(self.listen, self.tls_files().is_some()))
    }
}

choice! {
    /// How proxies say whom a request comes from.
    ForwardedHeader {
        /// `Forwarded` (RFC 7239).
        Standard = "Forwarded",
        /// `X-Forwarded-For`, with `X-Forwarded-Proto` and `X-Forwarded-Host`.
        XForwarded = "X-Forwarded-For",
    }
}

choice! {
    /// How the log is written.
    LogFormat {
        /// A line for people.
        Text = "text",
        /// A JSON object a line, for machines.
        Json = "json",
    }
}

/// What is logged, in the notation of `tracing-subscriber`'s `EnvFilter`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogFilter(pub(crate) String);

impl Value for LogFilter {
    fn expects() -> String {
        "`error`, `warn`, `info`, `debug` or `trace`, or levels by module, such as `info,portcullis=debug`".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, Unfit> {
        // `EnvFilter` reads a bare word as the name of a module; a misspelt level must not silence the log.
        let is_level = |word: &str| word.parse::<tracing_subscriber::filter::LevelFilter>().is_ok();
        let every_word_fits =
            text.split(',').all(|word| word.contains('=') || is_level(word.trim()));
        tracing_subscriber::EnvFilter::try_new(text)
            .ok()
            .filter(|_| every_word_fits && !text.trim().is_empty())
            .map(|_| Self(text.to_owned()))
            .ok_or(Unfit)
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}
