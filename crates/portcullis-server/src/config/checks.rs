//! What no setting can say alone.

use std::time::Duration;

use portcullis::problem::ConfigError;
use secrecy::ExposeSecret;

use super::tokens::Algorithm;
use super::value::{ByteSize, Value};
use super::{Settings, accounts, private_file, weak_secret};

/// Notes every contradiction between settings, and every bound that is passed.
pub(super) fn check(settings: &Settings, faults: &mut ConfigError) {
    let mut check = Check { unsound: faults.clone(), faults };
    check.transport(settings);
    check.bounds(settings);
    check.tokens(settings);
    check.passwords_and_mail(settings);
    check.clients(settings);
    check.assembled(settings);
}

/// A fault of the first says nothing where the second is at fault itself.
const RESTS_ON: &[(&str, &str)] = &[
    ("cors.credentials", "cors.origins"),
    ("geo.country_header", "server.trusted_proxies"),
    ("server.forwarded_header", "server.trusted_proxies"),
    ("tokens.key_file", "tokens.algorithm"),
    ("passwords.memory", "passwords.iterations"),
    ("passwords.iterations", "passwords.memory"),
    ("tokens.refresh_ttl", "tokens.access_ttl"),
    ("tokens.session_ttl", "tokens.refresh_ttl"),
];

struct Check<'a> {
    faults: &'a mut ConfigError,
    /// What could not be read: its default stands in, of which nothing must be said.
    unsound: ConfigError,
}

impl Check<'_> {
    /// Notes a fault, unless a setting it is about could not be read in the first place.
    fn note(&mut self, about: &[&str], wrong: impl Into<String>, fix: impl Into<String>) {
        let read =
            |setting: &&str| self.unsound.faults.iter().all(|fault| fault.setting != **setting);
        if let (Some(first), true) = (about.first(), about.iter().all(read)) {
            self.faults.add(first, wrong, fix);
        }
    }

    fn clients(&mut self, settings: &Settings) {
        for (at, client) in settings.clients.iter().enumerate() {
            let (id, secret) = (format!("client[{at}].id"), format!("client[{at}].secret"));
            let before = &settings.clients[..at];
            if client.id.is_empty() {
                self.note(&[&id], "it is not there", "say what the client sends as `client_id`");
            } else if before.iter().any(|other| other.id == client.id) {
                self.note(&[&id], "two clients have it", "give each an id of its own");
            }
            let length = |secret: &secrecy::SecretString| secret.expose_secret().chars().count();
            if client.secret.as_ref().is_some_and(|secret| !(30..=200).contains(&length(secret))) {
                self.note(
                    &[&secret],
                    "it has fewer than 30 characters, or more than 200",
                    "draw one: `openssl rand -hex 32`",
                );
            }
        }
    }

    fn transport(&mut self, settings: &Settings) {
        let server = &settings.server;
        match (&server.tls_cert_file, &server.tls_key_file) {
            (Some(_), None) => self.note(
                &["server.tls_key_file", "server.tls_cert_file"],
                "there is a certificate and no key",
                "name the certificate's private key",
            ),
            (None, Some(_)) => self.note(
                &["server.tls_cert_file", "server.tls_key_file"],
                "there is a key and no certificate",
                "name the certificate chain",
            ),
            _ => {}
        }
        let (tls, proxied) = (server.tls_files().is_some(), !server.trusted_proxies.is_empty());
        if !server.listen.ip().is_loopback() {
            if !tls && !proxied {
                self.note(
                    &["server.listen", "server.tls_cert_file", "server.tls_key_file", "server.trusted_proxies"],
                    format!("passwords and tokens would cross the network in cleartext to {}", server.listen),
                    "set `tls_cert_file` and `tls_key_file`, or name the proxy that ends TLS in `trusted_proxies`, or listen on 127.0.0.1",
                );
            }
            if server.public_url.is_none() {
                self.note(
                    &["server.public_url", "server.listen"],
                    format!(
                        "beyond loopback it is needed, and {} is no address clients use",
                        server.listen
                    ),
                    "write the address clients use, such as `https://auth.example.org`",
                );
            }
        }
        if let Some(url) = &server.public_url {
            if tls && !url.is_https() {
                self.note(
                    &["server.public_url"],
                    "it says http, and this server speaks TLS only",
                    format!("write `{}`", url.as_str().replacen("http:", "https:", 1)),
                );
            } else if !url.is_https() && !url.is_loopback() {
                self.note(
                    &["server.public_url"],
                    "clients would send passwords and tokens in cleartext",
                    format!(
                        "write `{}` and end TLS here or at a proxy",
                        url.as_str().replacen("http:", "https:", 1)
                    ),
                );
            } else if url.is_https() && !tls && !proxied {
                self.note(
                    &["server.public_url", "server.trusted_proxies", "server.tls_cert_file"],
                    "it says https, and nothing ends TLS",
                    "set `tls_cert_file` and `tls_key_file`, or name the proxy that ends TLS in `trusted_proxies`, such as `[\"127.0.0.1\"]`",
                );
            }
        }
        for network in server.trusted_proxies.iter().filter(|network| network.prefix_len() == 0) {
            self.note(
                &["server.trusted_proxies"],
                format!("{network} is everybody: anyone could pose as any address"),
                "name the proxy's own address or network",
            );
        }
        if server.health_listen.is_some_and(|health| health == server.listen) {
            self.note(
                &["server.health_listen"],
                "it is the same as `listen`",
                "choose another port",
            );
        }
    }

    fn bounds(&mut self, settings: &Settings) {
        let server = &settings.server;
        let second = Duration::from_secs(1);
        let hour = Duration::from_hours(1);
        self.within("server.shutdown_timeout", server.shutdown_timeout, Duration::ZERO, hour);
        self.within("server.request_timeout", server.request_timeout, second, hour);
        self.within("server.connection_timeout", server.connection_timeout, second, hour);
        self.counts("server.max_connections", server.max_connections, 1, 1_000_000);
        if let Some(share) = server.connections_per_address {
            self.counts("server.connections_per_address", share, 1, 1_000_000);
            if share > server.max_connections {
                self.note(
                    &["server.connections_per_address", "server.max_connections"],
                    format!("{share} is more than `max_connections`, {}", server.max_connections),
                    "lower the one or raise the other",
                );
            }
        }
        let (kib, mib) = (ByteBound::KIB, ByteBound::MIB);
        self.sizes("server.body_limit", server.body_limit, kib, 64 * mib);
        self.sizes("server.public_body_limit", server.public_body_limit, kib, 64 * mib);
        self.sizes("server.bodies_in_flight", server.bodies_in_flight, mib, 64 * 1024 * mib);
        if server.bodies_in_flight.0 < 2 * server.body_limit.0.max(server.public_body_limit.0) {
            self.note(
                &["server.bodies_in_flight", "server.body_limit", "server.public_body_limit"],
                format!("{} does not hold two bodies", server.bodies_in_flight.to_text()),
                "raise it, or lower `body_limit` or `public_body_limit`",
            );
        }
        self.sizes("server.header_limit", server.header_limit, 8 * kib, mib);
        self.sizes("server.uri_limit", server.uri_limit, 256, 60 * kib);
        for entry in
            settings.cors.origins.iter().filter(|entry| entry.contains(char::is_whitespace))
        {
            let entries: Vec<_> = entry.split_whitespace().collect();
            self.note(
                &["cors.origins"],
                format!("{entry:?} is one entry with spaces in it"),
                format!(
                    "write each origin as an entry of its own: `[\"{}\"]` in the file, `{}` in the environment",
                    entries.join("\", \""),
                    entries.join(",")
                ),
            );
        }
        self.within("cors.max_age", settings.cors.max_age, Duration::ZERO, 24 * hour);
        let throttle = &settings.throttle;
        self.counts("throttle.account_attempts", throttle.account_attempts, 1, 1_000_000);
        self.counts("throttle.address_attempts", throttle.address_attempts, 1, 1_000_000);
        self.counts("throttle.account_changes", throttle.account_changes, 10, 1_000_000);
        self.counts("throttle.address_changes", throttle.address_changes, 10, 10_000_000);
        self.within("throttle.window", throttle.window, second, 24 * hour);
        let database = &settings.database;
        self.counts("database.connections", database.connections, 1, 1000);
        self.within("database.acquire_timeout", database.acquire_timeout, second / 10, hour);
        self.within("database.statement_timeout", database.statement_timeout, second, hour);
        self.within("database.lock_timeout", database.lock_timeout, second / 10, hour);
    }

    fn tokens(&mut self, settings: &Settings) {
        let tokens = &settings.tokens;
        let (second, day) = (Duration::from_secs(1), Duration::from_hours(24));
        self.within("tokens.access_ttl", tokens.access_ttl, 30 * second, day);
        self.within("tokens.refresh_ttl", tokens.refresh_ttl, 60 * second, 400 * day);
        self.within("tokens.session_ttl", tokens.session_ttl, 60 * second, 400 * day);
        self.within("tokens.refresh_window", tokens.refresh_window, Duration::ZERO, 600 * second);
        self.ordered(
            ("tokens.access_ttl", tokens.access_ttl),
            ("tokens.refresh_ttl", tokens.refresh_ttl),
        );
        self.ordered(
            ("tokens.refresh_ttl", tokens.refresh_ttl),
            ("tokens.session_ttl", tokens.session_ttl),
        );
        self.ordered(
            ("tokens.refresh_window", tokens.refresh_window),
            ("tokens.refresh_ttl", tokens.refresh_ttl),
        );
        if let Some(issuer) = &tokens.issuer
            && (!(issuer.starts_with("https://") || issuer.starts_with("http://"))
                || issuer.contains(['?', '#', ' ']))
        {
            self.note(
                &["tokens.issuer"],
                format!("{issuer:?} is not a URL without query and fragment"),
                "write it as `https://auth.example.org`, or leave it to `server.public_url`",
            );
        }
        let symmetric =
            matches!(tokens.algorithm, Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512);
        if let Some(path) = &tokens.key_file {
            match private_file::read_bytes(path) {
                Err(wrong) => self.note(&["tokens.key_file"], wrong.to_string(), wrong.fix(path)),
                Ok(bytes) if symmetric && bytes.len() < 32 => self.note(
                    &["tokens.key_file", "tokens.algorithm"],
                    format!("{} is shorter than 32 bytes", path.display()),
                    format!("`head -c 64 /dev/urandom > {}`", path.display()),
                ),
                Ok(_) => {}
            }
        }
        match &tokens.master_secret {
            Some(secret) if secret.expose_secret().chars().count() < 32 => self.note(
                &["tokens.master_secret"],
                "it is shorter than 32 characters",
                "write what `openssl rand -base64 48` prints",
            ),
            Some(secret) => {
                if let Some(why) = weak_secret::weakness(secret.expose_secret()) {
                    self.note(
                        &["tokens.master_secret"],
                        format!("it can be guessed: {why}"),
                        "write what `openssl rand -base64 48` prints",
                    );
                }
            }
            None => {}
        }
        if settings.database.url.file().is_none() && tokens.master_secret.is_none() {
            self.note(
                &["tokens.master_secret", "database.url"],
                "it is not set, and a database on a server has no file beside it to keep it in",
                "write what `openssl rand -base64 48` prints to a file of its own, and name it by \
                 `tokens.master_secret_file`; every node has the same",
            );
        }
    }

    fn passwords_and_mail(&mut self, settings: &Settings) {
        let passwords = &settings.passwords;
        self.counts("passwords.min_length", passwords.min_length, 8, 128);
        self.counts("passwords.max_length", passwords.max_length, 64, 1024);
        if passwords.min_length > passwords.max_length {
            self.note(
                &["passwords.min_length", "passwords.max_length"],
                "it is more than `max_length`",
                "lower the one or raise the other",
            );
        }
        let mib = ByteBound::MIB;
        self.sizes("passwords.memory", passwords.memory, 7 * mib, 1024 * mib);
        self.counts("passwords.iterations", passwords.iterations, 1, 10);
        self.counts("passwords.threads", passwords.threads, 0, 256);
        self.counts("passwords.queue", passwords.queue, 1, 100_000);
        let mail = &settings.mail;
        if settings.accounts.registration == Some(accounts::Registration::Verified)
            && mail.url.is_none()
        {
            self.note(
                &["accounts.registration", "mail.url"],
                "it is `verified`, and no e-mail can be sent",
                "give a mail server, or choose `invite`",
            );
        }
        if mail.url.is_some() && mail.from.is_none() {
            self.note(
                &["mail.from", "mail.url"],
                "there is a mail server and no sender",
                "write it as `Portcullis <no-reply@example.org>`",
            );
        }
    }

    /// What only assembling finds, unless something was said of that setting already.
    fn assembled(&mut self, settings: &Settings) {
        let known = self.faults.clone();
        for fault in crate::app::faults(settings).faults {
            let rests = RESTS_ON.iter().filter(|(of, _)| *of == fault.setting).map(|(_, on)| *on);
            let mut about = std::iter::once(&*fault.setting).chain(rests);
            if !about.any(|about| known.faults.iter().any(|one| one.setting == about)) {
                self.faults.faults.push(fault);
            }
        }
    }

    fn within(&mut self, setting: &str, value: Duration, least: Duration, most: Duration) {
        if value < least || value > most {
            self.note(
                &[setting],
                format!("{} is out of bounds", value.to_text()),
                format!("write {} to {}", least.to_text(), most.to_text()),
            );
        }
    }

    fn counts(&mut self, setting: &str, value: impl Into<u64>, least: u64, most: u64) {
        let value = value.into();
        if value < least || value > most {
            self.note(
                &[setting],
                format!("{value} is out of bounds"),
                format!("write {least} to {most}"),
            );
        }
    }

    fn sizes(&mut self, setting: &str, value: ByteSize, least: u64, most: u64) {
        if value.0 < least || value.0 > most {
            self.note(
                &[setting],
                format!("{} is out of bounds", value.to_text()),
                format!("write {} to {}", ByteSize(least).to_text(), ByteSize(most).to_text()),
            );
        }
    }

    fn ordered(&mut self, shorter: (&str, Duration), longer: (&str, Duration)) {
        if shorter.1 > longer.1 {
            self.note(
                &[shorter.0, longer.0],
                format!(
                    "{} is more than `{}`, which is {}",
                    shorter.1.to_text(),
                    longer.0,
                    longer.1.to_text()
                ),
                "lower the one or raise the other",
            );
        }
    }
}

/// Bounds of sizes, in bytes.
struct ByteBound;

impl ByteBound {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * 1024;
}
