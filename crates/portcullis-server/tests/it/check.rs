//! `portcullis check`, `routes`, `openapi` and `cors explain`.

use crate::portcullis::Folder;

#[test]
fn every_mistake_is_said_at_once_with_its_fix() {
    let folder = Folder::new();
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

#[test]
fn what_only_building_finds_is_said_too() {
    let folder = Folder::new();
    folder.write("portcullis.toml", "[cors]\norigins = [\"*\"]\ncredentials = true\n");
    folder.run("check").refused(1, &["cors.", "fix: "]);
    folder.write("portcullis.toml", "[database]\nurl = \"sqlite://not/there/a.db\"\n");
    folder.run("check").refused(1, &["database.url", "mkdir -p not/there"]);
}

#[test]
fn a_good_configuration_says_where_each_setting_comes_from_and_no_secret() {
    let folder = Folder::new();
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
    let folder = Folder::new();
    let table = folder.run("routes").good();
    assert!(table.lines().any(|line| line.starts_with("GET") && line.ends_with("role admin")));
    let rows = folder.run("routes --json").json();
    let document = folder.run("openapi").json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for row in rows.as_array().unwrap() {
        let (method, path) = (row["method"].as_str().unwrap(), row["path"].as_str().unwrap());
        let operation = &document["paths"][path][method.to_lowercase()];
        assert!(operation.is_object(), "{method} {path} is not in the document");
    }
    let demo = folder.run("routes --demo").good();
    assert!(demo.contains("/items/{id}") && !table.contains("/items"), "{demo}");
    assert!(!folder.path("portcullis.db").exists());
}

#[test]
fn cors_is_explained() {
    let folder = Folder::new();
    folder.write("portcullis.toml", "[cors]\norigins = [\"https://*.example.com\"]\n");
    let ask = "cors explain --method DELETE --header Authorization /users/me --origin";
    let allowed = folder.run(&format!("{ask} https://app.example.com --json")).json();
    assert_eq!((&allowed["allowed"], &allowed["class"]), (&true.into(), &"preflighted".into()));
    let refused = folder.run(&format!("{ask} https://app.example.com.evil.test")).good();
    assert!(refused.starts_with("refused by cors.origins\n") && refused.contains("Fix: "));
    folder.run("cors explain --origin https://a.test items").refused(2, &["/items"]);
}
