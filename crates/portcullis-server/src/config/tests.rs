//! Layers, names, mistakes: the configuration as an operator meets it.

use super::*;
use crate::config::tokens::AccessFormat;

/// What a test gives: flags, variables, a file.
#[derive(Default)]
struct Case {
    given: Given,
}

impl Case {
    fn file(mut self, text: &str) -> Self {
        self.given.file = Some(("portcullis.toml".into(), text.to_owned()));
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.given.environment.push((name.into(), value.into()));
        self
    }

    fn flag(mut self, setting: &'static str, value: &str) -> Self {
        self.given.flags.push((setting, "--flag", value.to_owned()));
        self
    }

    fn read(&self) -> Settings {
        match Settings::read(&self.given) {
            Ok((settings, _)) => settings,
            Err(error) => panic!("{error}"),
        }
    }

    /// The faults, as `setting: wrong. Fix: fix`.
    fn faults(&self) -> Vec<String> {
        match Settings::read(&self.given) {
            Ok(_) => vec![],
            Err(error) => error.faults.iter().map(ToString::to_string).collect(),
        }
    }
}

fn case() -> Case {
    Case::default()
}

#[track_caller]
fn assert_only_fault(case: &Case, words: &[&str]) {
    let faults = case.faults();
    assert_eq!(faults.len(), 1, "{faults:#?}");
    for word in words {
        assert!(faults[0].contains(word), "{:?} lacks {word:?}", faults[0]);
    }
}

#[test]
fn nothing_at_all_is_a_good_configuration() {
    let settings = case().read();
    assert_eq!(settings.server.public_url().as_str(), "http://127.0.0.1:8000");
    assert_eq!(settings.database.url.file(), Some(Path::new("portcullis.db")));
    assert_eq!(settings.database.url.secret_file(), Some("portcullis.db.secret".into()));
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"";
    let port = |case: Case| case.read().server.listen.port();
    assert_eq!(port(case()), 8000);
    assert_eq!(port(case().file(file)), 1);
    let both = || case().file(file).variable("PORTCULLIS_SERVER_LISTEN", "127.0.0.1:2");
    assert_eq!(port(both()), 2);
    assert_eq!(port(both().flag("server.listen", "127.0.0.1:3")), 3);
}

#[test]
fn a_list_is_comma_separated_in_the_environment() {
    let settings =
        case().variable("PORTCULLIS_CORS_ORIGINS", "https://a.example, https://b.example").read();
    assert_eq!(settings.cors.origins, ["https://a.example", "https://b.example"]);
    assert!(case().variable("PORTCULLIS_CORS_ORIGINS", "").read().cors.origins.is_empty());
}

#[test]
fn words_and_durations_are_read_from_the_file() {
    let settings =
        case().file("[tokens]\naccess_format = \"opaque\"\naccess_ttl = \"1h30m\"").read();
    assert_eq!(settings.tokens.access_format, AccessFormat::Opaque);
    assert_eq!(settings.tokens.access_ttl.as_secs(), 5400);
}

#[test]
fn an_unknown_key_names_its_line_and_the_nearest() {
    assert_only_fault(
        &case().file("[server]\n\nlisten_on = \"127.0.0.1:1\""),
        &["server.listen_on", "line 3 of portcullis.toml", "`listen`"],
    );
    assert_only_fault(
        &case().file("[sevrer]\nlisten = \"127.0.0.1:1\""),
        &["line 1", "`[server]`"],
    );
    assert_only_fault(
        &case().file("listen = \"127.0.0.1:1\""),
        &["line 1", "`listen` in `[server]`"],
    );
    assert_only_fault(
        &case().file("[server]\naccess_ttl = \"15m\""),
        &["line 2", "`access_ttl` in `[tokens]`"],
    );
    assert_only_fault(
        &case().file("[server]\nzzzzzz = 1"),
        &["line 2", "docs/generated/config.md"],
    );
}

#[test]
fn an_unknown_variable_names_the_nearest() {
    assert_only_fault(
        &case().variable("PORTCULLIS_SERVER_LISTENS", "x"),
        &["PORTCULLIS_SERVER_LISTENS", "`PORTCULLIS_SERVER_LISTEN`"],
    );
}

#[test]
fn variables_that_kubernetes_sets_for_a_service_of_our_name_are_let_be() {
    for name in [
        "PORTCULLIS_SERVICE_HOST",
        "PORTCULLIS_SERVICE_PORT",
        "PORTCULLIS_SERVICE_PORT_HTTP",
        "PORTCULLIS_PORT",
        "PORTCULLIS_PORT_8000_TCP",
        "PORTCULLIS_PORT_8000_TCP_ADDR",
        "PORTCULLIS_SERVER_SERVICE_HOST",
    ] {
        assert_eq!(case().variable(name, "x").faults(), [""; 0], "{name}");
    }
    assert_eq!(case().variable("PORTCULLIS_PORTS", "x").faults().len(), 1);
    assert_eq!(case().variable("PORTCULLIS_PORT_X_TCP", "x").faults().len(), 1);
}

#[test]
fn every_mistake_is_said_at_once_with_its_place() {
    let case = case()
        .file("[server]\nlisten = 8000\nbody_limit = \"big\"\n[tokens]\naccess_ttl = 15\nfoo = 1\n[cors]\norigins = \"*\"")
        .variable("PORTCULLIS_TOKENS_ALGORITHM", "none")
        .variable("PORTCULLIS_NONSENSE", "x");
    let faults = case.faults();
    let all = faults.join("\n");
    for words in [
        "server.listen: 8000 in line 2",
        "server.body_limit: \"big\" in line 3",
        "tokens.access_ttl: 15 in line 5",
        "tokens.foo",
        "cors.origins: \"*\" in line 8",
        "tokens.algorithm: \"none\" in PORTCULLIS_TOKENS_ALGORITHM",
        "PORTCULLIS_NONSENSE",
    ] {
        assert!(all.contains(words), "{words} is not in\n{all}");
    }
    assert_eq!(faults.len(), 7, "{all}");
}

#[test]
fn what_is_not_toml_is_named_by_its_line() {
    assert_only_fault(
        &case().file("[server]\nlisten = hush-hush\n"),
        &["portcullis.toml", "line 2 is not TOML"],
    );
    assert_only_fault(
        &case().file("[server]\nlog = \"info\"\nlog = \"warn\"\n"),
        &["portcullis.toml", "line 3"],
    );
}

#[test]
fn a_secret_is_never_echoed() {
    for case in [
        case().variable("PORTCULLIS_DATABASE_URL", "mysql://u:hush@h/d"),
        case().file("[database]\nurl = \"mysql://u:hush@h/d\""),
        case().variable("PORTCULLIS_TOKENS_MASTER_SECRET", "hush"),
        case().file("[tokens]\nmaster_secret = \"hush\nmore\""),
    ] {
        let faults = case.faults();
        assert!(!faults.is_empty());
        assert!(!faults.join("\n").contains("hush"), "{faults:#?}");
    }
    let settings =
        case().variable("PORTCULLIS_TOKENS_MASTER_SECRET", "hush-8Zc0vX2nB5mK8pL1sD4fG6hJ9wE3");
    assert!(!format!("{:?}", settings.read()).contains("hush"));
    let faults = settings.variable("PORTCULLIS_DATABASE_URL", "postgres://u:hush@h/d").faults();
    assert!(!faults.join("\n").contains("hush"), "{faults:#?}");
}

#[test]
fn a_secret_is_read_from_the_file_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("url");
    std::fs::write(&path, "sqlite://other.db\n").unwrap();
    let name = path.to_str().unwrap();
    let by_variable = || case().variable("PORTCULLIS_DATABASE_URL_FILE", name);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_only_fault(&by_variable(), &["database.url", "everybody", "chmod o="]);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let other = Some(Path::new("other.db"));
    assert_eq!(by_variable().read().database.url.file(), other);
    let by_file = case().file(&format!("[database]\nurl_file = {name:?}"));
    assert_eq!(by_file.read().database.url.file(), other);
    // A variable is above the file, whichever of its two names it goes by.
    let above = by_variable().file("[database]\nurl = \"sqlite://lower.db\"");
    assert_eq!(above.read().database.url.file(), other);
    let twice = by_variable().variable("PORTCULLIS_DATABASE_URL", "sqlite://other.db");
    assert_only_fault(&twice, &["both", "PORTCULLIS_DATABASE_URL_FILE"]);
}

#[test]
fn cleartext_beyond_loopback_is_refused() {
    let beyond = || {
        case()
            .flag("server.listen", "0.0.0.0:8000")
            .variable("PORTCULLIS_SERVER_PUBLIC_URL", "https://auth.example.org")
    };
    let faults = beyond().faults().join("\n");
    assert!(faults.contains("server.listen") && faults.contains("cleartext"), "{faults}");
    let proxied = beyond().variable("PORTCULLIS_SERVER_TRUSTED_PROXIES", "10.0.0.0/8");
    assert_eq!(proxied.faults(), [""; 0]);
    let cleartext = case().variable("PORTCULLIS_SERVER_PUBLIC_URL", "http://auth.example.org");
    assert_only_fault(&cleartext, &["server.public_url", "https://auth.example.org"]);
    let nobody = case().variable("PORTCULLIS_SERVER_PUBLIC_URL", "https://auth.example.org");
    assert_only_fault(&nobody, &["server.public_url", "nothing ends TLS"]);
    let nameless = case()
        .flag("server.listen", "0.0.0.0:8000")
        .variable("PORTCULLIS_SERVER_TRUSTED_PROXIES", "10.1.2.3");
    assert_only_fault(&nameless, &["server.public_url", "needed"]);
    let everybody = case().variable("PORTCULLIS_SERVER_TRUSTED_PROXIES", "0.0.0.0/0");
    assert_only_fault(&everybody, &["server.trusted_proxies", "everybody"]);
}

#[test]
fn a_certificate_needs_its_key_and_a_key_that_is_private() {
    assert_only_fault(
        &case().variable("PORTCULLIS_SERVER_TLS_CERT_FILE", "/x/cert.pem"),
        &["server.tls_key_file", "no key"],
    );
    assert_only_fault(
        &case().variable("PORTCULLIS_SERVER_TLS_KEY_FILE", "/x/key.pem"),
        &["server.tls_cert_file", "no certificate"],
    );
    let faults = case()
        .variable("PORTCULLIS_SERVER_TLS_CERT_FILE", "/x/cert.pem")
        .variable("PORTCULLIS_SERVER_TLS_KEY_FILE", "/x/key.pem")
        .faults();
    assert_eq!(faults.len(), 2, "{faults:#?}");
}

#[test]
fn bounds_and_orders_are_checked() {
    for (name, value, setting) in [
        ("PORTCULLIS_TOKENS_ACCESS_TTL", "1s", "tokens.access_ttl"),
        ("PORTCULLIS_TOKENS_ACCESS_TTL", "2d", "tokens.access_ttl"),
        ("PORTCULLIS_TOKENS_SESSION_TTL", "1d", "tokens.refresh_ttl"),
        ("PORTCULLIS_TOKENS_REFRESH_WINDOW", "1h", "tokens.refresh_window"),
        ("PORTCULLIS_TOKENS_ISSUER", "auth.example.org", "tokens.issuer"),
        ("PORTCULLIS_TOKENS_MASTER_SECRET", "short", "tokens.master_secret"),
        (
            "PORTCULLIS_TOKENS_MASTER_SECRET",
            "changemechangemechangemechangeme",
            "tokens.master_secret",
        ),
        ("PORTCULLIS_DATABASE_URL", "postgres://h/d", "tokens.master_secret"),
        ("PORTCULLIS_DATABASE_CONNECTIONS", "0", "database.connections"),
        ("PORTCULLIS_DATABASE_LOCK_TIMEOUT", "1ms", "database.lock_timeout"),
        ("PORTCULLIS_CLUSTER_MAX_STALENESS", "90s", "cluster.max_staleness"),
        ("PORTCULLIS_SERVER_REQUEST_TIMEOUT", "0s", "server.request_timeout"),
        ("PORTCULLIS_SERVER_BODY_LIMIT", "1", "server.body_limit"),
        ("PORTCULLIS_PASSWORDS_MIN_LENGTH", "4", "passwords.min_length"),
        ("PORTCULLIS_PASSWORDS_MEMORY", "8MiB", "passwords.memory"),
        ("PORTCULLIS_PASSWORDS_ITERATIONS", "11", "passwords.iterations"),
        ("PORTCULLIS_MAIL_URL", "smtps://u:p@h", "mail.from"),
        ("PORTCULLIS_SERVER_LOG", "verbose", "server.log"),
        ("PORTCULLIS_SERVER_HEALTH_LISTEN", "127.0.0.1:8000", "server.health_listen"),
    ] {
        assert_only_fault(&case().variable(name, value), &[&format!("{setting}:")]);
    }
}

#[test]
fn a_default_that_cannot_be_read_is_not_blamed_for_what_follows() {
    assert_only_fault(
        &case().file("[server]\ntls_cert_file = 1\ntls_key_file = \"/x/key.pem\""),
        &["server.tls_cert_file", "line 2"],
    );
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let flags = SharedFlags { config: Some("/x/portcullis.toml".into()), ..SharedFlags::default() };
    let error = Given::collect(&flags, vec![]).unwrap_err();
    assert_eq!(error.faults[0].setting, "/x/portcullis.toml");
}
