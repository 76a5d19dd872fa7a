//! `portcullis check`, `routes`, `openapi` and `cors explain`.

use crate::portcullis::Folder;

#[test]
fn every_mistake_is_said_at_once_with_its_fix() {
    let folder = Folder::with_a_file();
    folder.write(
        "portcullis.toml",
        "[server]\nlisten = \"everywhere\"\nlisten_on = 1\n[tokens]\naccess_ttl = \"1y\"\n",
    );
    let said = folder.run_in(&[("PORTCULLIS_TOKENS_ALGORITHM", "none")], "check").refused(
        1,
        &["server.listen:", "server.listen_on", "tokens.access_ttl", "tokens.algorithm"],
    );
    assert_eq!(said.matches("error: ").count(), 4, "{said}");
    assert_eq!(said.matches("  fix: ").count(), 4, "{said}");
}

/// Each of them used to hide others, or to be hidden.
#[test]
fn no_mistake_hides_another() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::with_a_file();
    let weak = folder.write("weak.key", "short");
    std::fs::set_permissions(weak, std::fs::Permissions::from_mode(0o600)).unwrap();
    folder.write("no.mmdb", "this is no database");
    folder.write(
        "portcullis.toml",
        r#"
[server]
listn = "127.0.0.1:8000"
body_limit = true
request_timeout = "soon"
tls_cert_file = "cert.pem"
trusted_proxies = ["10.0.0.0/8", "here", "there"]
[database]
url = "sqlite://not/there/a.db"
[tokens]
algorithm = "HS256"
key_file = "weak.key"
access_format = "paseto"
access_ttl = "1s"
[geo]
database_file = "no.mmdb"
[cors]
origins = ["https://app.example.com/", "https://good.example.com", "app.example.com"]
allow_origins = []
allow_credentials = true
methods = ["FETCH ME"]
[passwords]
memory = "1KiB"
[mail]
url = "carrier-pigeon:"
from = "nobody"
[sevrer]
"#,
    );
    let said = folder.run("check").refused(
        1,
        &[
            "server.listn:",
            "did you mean `listen`?",
            "server.body_limit: true in line 4",
            "server.request_timeout: \"soon\"",
            "server.tls_key_file: there is a certificate and no key",
            "server.trusted_proxies: \"here\"",
            "server.trusted_proxies: \"there\"",
            "database.url: there is no folder not/there",
            "tokens.key_file: weak.key is shorter than 32 bytes",
            "tokens.access_format: \"paseto\"",
            "tokens.access_ttl: 1s is out of bounds",
            "geo.database_file: no.mmdb is no database of countries",
            "cors.origins: `https://app.example.com/`",
            "cors.origins: `app.example.com`",
            "cors.allow_origins:",
            "did you mean `origins`?",
            "cors.allow_credentials:",
            "did you mean `credentials`?",
            "cors.methods: `FETCH ME`",
            "passwords.memory: 1KiB is out of bounds",
            "write 7MiB to 1024MiB",
            "mail.url:",
            "mail.from:",
            "[sevrer]",
        ],
    );
    let faults = said.matches("error: ").count();
    assert_eq!(faults, 20, "{said}");
    assert_eq!(said.matches("  fix: ").count(), faults, "{said}");
    let start = folder.run("serve").refused(1, &[]);
    assert_eq!(start, said, "a start says the same");
    assert!(!folder.path("portcullis.db").exists());
}

#[test]
fn what_only_building_finds_is_said_too() {
    let folder = Folder::with_a_file();
    folder.write("portcullis.toml", "[cors]\norigins = [\"*\"]\ncredentials = true\n");
    folder.run("check").refused(1, &["cors.", "fix: "]);
    folder.write("portcullis.toml", "[database]\nurl = \"sqlite://not/there/a.db\"\n");
    folder.run("check").refused(1, &["database.url", "mkdir -p not/there"]);
}

#[test]
fn a_good_configuration_says_where_each_setting_comes_from_and_no_secret() {
    let folder = Folder::with_a_file();
    let plain = folder.run("check").good();
    assert!(plain.starts_with("the configuration is good\n"), "{plain}");
    assert!(plain.contains("every setting is at its default"), "{plain}");
    folder.write("portcullis.toml", "[tokens]\naccess_ttl = \"5m\"\n");
    let secret = "hush-hush-8Zc0vX2nB5mK8pL1sD4fG6hJ9wE3";
    let said = folder
        .run_in(&[("PORTCULLIS_TOKENS_MASTER_SECRET", secret)], "check --listen 127.0.0.1:8001")
        .good();
    for words in [
        "server.listen",
        "127.0.0.1:8001",
        "`--listen`",
        "tokens.access_ttl",
        "5m",
        "line 2 of portcullis.toml",
        "PORTCULLIS_TOKENS_MASTER_SECRET",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    assert!(!said.contains("hush"), "{said}");
    assert!(!folder.path("portcullis.db").exists(), "check touches no database");
}

#[test]
fn the_access_table_and_the_document_name_the_same_routes() {
    let folder = Folder::with_a_file();
    let table = folder.run("routes").good();
    assert!(
        table
            .lines()
            .any(|line| line.starts_with("GET") && line.ends_with("permission users:manage"))
    );
    let rows = folder.run("routes --json").json();
    let document = folder.run("openapi").json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for row in rows.as_array().unwrap() {
        let (method, path) = (row["method"].as_str().unwrap(), row["path"].as_str().unwrap());
        let operation = &document["paths"][path][method.to_lowercase()];
        assert!(operation.is_object(), "{method} {path} is not in the document");
    }
    let demo = folder.run("routes --demo").good();
    // The tutorial's routes, roles and scopes are the demo's alone.
    for path in ["/protected", "/admin", "/user", "/read", "/write", "/items", "/items/{id}"] {
        let has =
            |table: &str| table.lines().any(|line| line.split_whitespace().nth(1) == Some(path));
        assert!(has(&demo) && !has(&table), "{path}");
    }
    let flow = &document["components"]["securitySchemes"]["oauth2"]["flows"]["password"];
    assert_eq!(flow["scopes"], serde_json::json!({}), "the scopes are the demo's too");
    assert!(!folder.path("portcullis.db").exists());
}

#[test]
fn cors_is_explained() {
    let folder = Folder::with_a_file();
    folder.write("portcullis.toml", "[cors]\norigins = [\"https://*.example.com\"]\n");
    let ask = "cors explain --method DELETE --header Authorization /users/me --origin";
    let allowed = folder.run(&format!("{ask} https://app.example.com --json")).json();
    assert_eq!((&allowed["allowed"], &allowed["class"]), (&true.into(), &"preflighted".into()));
    let refused = folder.run(&format!("{ask} https://app.example.com.evil.test")).good();
    assert!(refused.starts_with("refused by cors.origins\n") && refused.contains("Fix: "));
    folder.run("cors explain --origin null /users/me").good();
    for wrong in ["notanorigin", "https://a.test/", "https://*.example.com"] {
        let said = folder.run(&format!("cors explain --origin {wrong} /users/me"));
        said.refused(2, &["--origin", wrong, "is no origin", "  fix: "]);
    }
    folder.run("cors explain --origin https://a.test users").refused(2, &["/users/me"]);
}

/// Faults §12: what `check` called good.
#[test]
fn what_cannot_be_meant_is_said() {
    let folder = Folder::with_a_file();
    let set = |text: &str| drop(folder.write("portcullis.toml", text));
    set("[mail]\nurl = \"smtp://u:p@mail.example.org:22\"\nfrom = \"a@example.org\"\n");
    std::fs::set_permissions(
        folder.path("portcullis.toml"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    folder.run("check").refused(1, &["mail.url", "port 22 is that of SSH", "587"]);
    set("[cors]\nmethods = [\"FETCH ME\"]\n");
    folder.run("check").refused(1, &["cors.methods", "FETCH ME"]);
    let spaced = "https://a.example https://b.example";
    set(&format!("[cors]\norigins = [\"{spaced}\"]\n"));
    let said = folder.run("check").refused(1, &["cors.origins", "an entry of its own"]);
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
    assert!(said.contains(r#"["https://a.example", "https://b.example"]"#), "{said}");
    set("");
    let said = folder.run_in(&[("PORTCULLIS_CORS_ORIGINS", spaced)], "check");
    said.refused(1, &["https://a.example,https://b.example"]);
    let weak = [("PORTCULLIS_TOKENS_MASTER_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")];
    folder.run_in(&weak, "check").refused(1, &["tokens.master_secret", "openssl rand"]);
}

/// Faults §10 and §13: what follows from good settings is said.
#[test]
fn notes_say_how_mail_goes_and_whose_cookies_are_lost() {
    let folder = Folder::with_a_file();
    assert!(folder.run("check").good().contains("so no e-mail is sent"));
    folder.write(
        "portcullis.toml",
        "[server]\npublic_url = \"https://auth.example.org\"\ntrusted_proxies = [\"127.0.0.1\"]\n\
         [cors]\norigins = [\"https://app.example.org\", \"https://shop.test\"]\ncredentials = true\n",
    );
    let mail = [
        ("PORTCULLIS_MAIL_URL", "smtp://u:p@mail.example.org:587"),
        ("PORTCULLIS_MAIL_FROM", "A <a@example.org>"),
    ];
    let said = folder.run_in(&mail, "check").good();
    assert!(said.contains("to mail.example.org:587 by STARTTLS, which is required"), "{said}");
    assert!(said.contains("pages of https://shop.test are of another site"), "{said}");
    assert!(!said.contains("pages of https://app.example.org"), "{said}");
    let ask = "cors explain --credentials /users/me --origin";
    let said = folder.run(&format!("{ask} https://shop.test")).good();
    assert!(said.contains("Without the session cookie: pages of https://shop.test"), "{said}");
    let json = folder.run(&format!("{ask} https://app.example.org --json")).json();
    assert!(json["without_cookie"].is_null(), "{json}");
}

/// Faults §13: Basic can be switched off.
#[test]
fn basic_can_be_switched_off() {
    let folder = Folder::with_a_file();
    folder.write("portcullis.toml", "[server]\nbasic = false\n");
    let document = folder.run("openapi").json();
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    assert!(!schemes.contains_key("basic") && schemes.contains_key("bearer"), "{schemes:?}");
    folder.add_user("ada --role admin");
    let server = folder.start("serve");
    assert_eq!(server.get("/users", &crate::portcullis::basic("ada")), 401);
    server.stop();
}
