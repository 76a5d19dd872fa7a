//! `portcullis doctor URL`: a running server, looked at from outside.

mod checks;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use reqwest::redirect;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::Failure;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be looked at.
#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    /// Where clients reach the server, such as https://auth.example.org
    url: String,
}

/// What one look found.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    /// As it should be.
    Good(String),
    /// Not as it should be, and what to do about it.
    Wrong(String, String),
}

/// A server, and how it is asked.
struct Patient {
    client: reqwest::Client,
    base: String,
    secure: bool,
    loopback: bool,
}

impl Doctor {
    /// Asks a few harmless things, signs nobody in, and says what is wrong.
    pub(super) async fn run(self) -> Result<String, Failure> {
        let patient = Patient::new(&self.url)?;
        let findings = checks::all(&patient).await?;
        let mut text = String::new();
        let mut wrong = 0;
        for finding in &findings {
            let _ = match finding {
                Finding::Good(what) => writeln!(text, "good   {what}"),
                Finding::Wrong(what, fix) => {
                    wrong += 1;
                    writeln!(text, "wrong  {what}\n  fix: {fix}")
                }
            };
        }
        if wrong == 0 {
            return Ok(text);
        }
        super::show::print(&text)?;
        Err(Failure::wrong(format!("{wrong} of {} findings are wrong", findings.len()), ""))
    }
}

impl Patient {
    fn new(url: &str) -> Result<Self, Failure> {
        let unread = || {
            Failure::usage(
                format!("{url:?} is no address of a server"),
                "write it like https://auth.example.org",
            )
        };
        let uri: Uri = url.parse().map_err(|_| unread())?;
        let (Some(scheme @ ("http" | "https")), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(unread());
        };
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = address.eq_ignore_ascii_case("localhost")
            || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        Ok(Self {
            client: client()?,
            base: url.trim_end_matches('/').to_owned(),
            secure: scheme == "https",
            loopback,
        })
    }

    /// Asks for a path with these headers.
    async fn ask(
        &self,
        method: http::Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<reqwest::Response, Failure> {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.map_err(|error| {
            let fix = if error.is_connect() && self.secure {
                "does it run, does the certificate name this host, and is its chain complete?"
            } else {
                "does it run, and is this where clients reach it?"
            };
            Failure::wrong(format!("{} does not answer: {}", self.base, chain(&error)), fix)
        })
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said
}

fn client() -> Result<reqwest::Client, Failure> {
    let no_tls = |error: &dyn std::fmt::Display| {
        let fix = "install the operating system's certificates of authorities (ca-certificates)";
        Failure::wrong(format!("no connection over TLS can be made: {error}"), fix)
    };
    let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(rustls::ConfigBuilder::with_platform_verifier)
        .map_err(|error| no_tls(&error))?
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(PATIENCE)
        .user_agent(concat!("portcullis-doctor/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| no_tls(&error))
}
