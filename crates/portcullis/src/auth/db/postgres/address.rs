//! The URL of a server: what is in it, and whether the way there is safe.

use std::str::FromStr;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::super::connect::ConnectError;
use super::named;

/// Where a server is, and how to get in.
pub(super) struct Address {
    pub(super) options: PgConnectOptions,
    /// As people may read it: without user and password.
    pub(super) server: String,
}

impl Address {
    pub(super) fn read(url: &str) -> Result<Self, ConnectError> {
        // What the parser says of a wrong URL could repeat a part of it.
        let invalid = |_| ConnectError::Url { url: "postgres://…".to_owned() };
        let options = PgConnectOptions::from_str(url).map_err(invalid)?;
        let name = options.get_database().unwrap_or(options.get_username()).to_owned();
        let (here, server) = match options.get_socket() {
            Some(folder) => (true, format!("{name} at {}", folder.display())),
            None => {
                let host = options.get_host().to_owned();
                (is_here(&host), format!("{name} at {host}:{}", options.get_port()))
            }
        };
        let said = says_mode(url);
        let mode = match options.get_ssl_mode() {
            _ if !said && !here => PgSslMode::VerifyFull,
            PgSslMode::Prefer | PgSslMode::Allow if !here => {
                let wrong = "its sslmode lets whoever stands in between turn encryption off: write \
                    `sslmode=verify-full`, or `sslmode=disable` where the network itself is safe";
                return Err(ConnectError::Unfit { server, wrong });
            }
            mode => mode,
        };
        let options = named(options).ssl_mode(mode).disable_statement_logging();
        Ok(Self { options, server })
    }
}

/// Whether no network lies between: a socket, or a loopback address.
fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn says_mode(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| pair.starts_with("sslmode=") || pair.starts_with("ssl-mode="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> Result<String, String> {
        match Address::read(url) {
            Ok(address) => Ok(format!("{:?}", address.options.get_ssl_mode())),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn beyond_this_machine_the_certificate_is_verified_unless_the_url_says_otherwise() {
        assert_eq!(mode("postgres://u@db.example.org/p").unwrap(), "VerifyFull");
        assert_eq!(mode("postgres://u@127.0.0.1/p").unwrap(), "Prefer");
        assert_eq!(mode("postgres://u@[::1]/p").unwrap(), "Prefer");
        assert_eq!(mode("postgres:///p?host=/run/postgresql").unwrap(), "Prefer");
        assert_eq!(mode("postgres://u@db/p?sslmode=disable").unwrap(), "Disable");
        assert_eq!(mode("postgres://u@db/p?sslmode=require").unwrap(), "Require");
        for downgraded in ["prefer", "allow"] {
            let refused = mode(&format!("postgres://u@db/p?sslmode={downgraded}")).unwrap_err();
            assert!(refused.contains("verify-full"), "{refused}");
        }
    }

    #[test]
    fn an_error_and_a_name_hold_no_password() {
        for url in [
            "postgres://u:hush@db/p?sslmode=bogus-hush",
            "postgres://u:hush@db:99999999/p",
            "postgres://u:hush@db/p?sslmode=prefer",
            "postgres://u@db/p?sslmode=prefer&password=hush",
        ] {
            let error = Address::read(url).map(drop).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
        }
        let address = Address::read("postgres://u:hush@db/p").unwrap();
        assert_eq!(address.server, "p at db:5432");
    }
}
