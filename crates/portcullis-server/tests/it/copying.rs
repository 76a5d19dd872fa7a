//! `portcullis copy`, and databases on a server that cannot be reached.

use crate::portcullis::Folder;

#[test]
fn everything_is_copied_to_another_database_and_compared() {
    let folder = Folder::with_a_file();
    folder.add_sample_roles();
    folder.add_user("ann --role user");
    let target = portcullis::testing::database_url();
    let target = target.unwrap_or_else(|| "sqlite://other.db".to_owned());
    let said = folder.run(&format!("copy --from sqlite://portcullis.db --to {target}")).good();
    assert!(said.contains("compared row by row") && said.contains("master secret"), "{said}");
    let secret = [("PORTCULLIS_TOKENS_MASTER_SECRET_FILE", "portcullis.db.secret")];
    let listed = folder.run_in(&secret, &format!("user list --database {target}")).good();
    assert!(listed.contains("ann"), "{listed}");
    folder.run_in(&secret, &format!("audit verify --database {target}")).good();
    folder.run_in(&secret, &format!("check --database {target}")).good();
    // Nothing is ever written over, and nothing is read from where nothing is.
    folder.run(&format!("copy --to {target}")).refused(1, &["not empty"]);
    folder.run(&format!("copy --from sqlite://none.db --to {target}")).refused(1, &["none.db"]);
    folder.run("copy").refused(2, &["--from"]);
}

#[test]
fn a_server_that_is_away_is_named_without_its_password() {
    let folder = Folder::with_a_file();
    let url = "postgres://portcullis:hush@127.0.0.1:1/auth";
    let set = [
        ("PORTCULLIS_DATABASE_URL", url),
        ("PORTCULLIS_DATABASE_ACQUIRE_TIMEOUT", "200ms"),
        ("PORTCULLIS_TOKENS_MASTER_SECRET", "0Vq8-8Zc0vX2nB5mK8pL1sD4fG6hJ9wE3"),
    ];
    for command in ["check", "migrate", "user list", "serve", "audit verify", "routes --matrix"] {
        let said = folder.run_in(&set, command).refused(1, &["auth at 127.0.0.1:1"]);
        assert!(!said.contains("hush"), "{command}: {said}");
    }
    let said = folder.run_in(&set, "backup b.db").refused(1, &["pg_dump"]);
    assert!(!said.contains("hush"), "{said}");
    let said = folder.run_in(&set, "restore b.db").refused(1, &["pg_restore"]);
    assert!(!said.contains("hush"), "{said}");
    // From a file, as every secret.
    let named = folder.write("url", url);
    std::fs::set_permissions(&named, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let set = [("PORTCULLIS_DATABASE_URL_FILE", named.to_str().unwrap()), set[1], set[2]];
    let said = folder.run_in(&set, "check").refused(1, &["auth at 127.0.0.1:1"]);
    assert!(!said.contains("hush"), "{said}");
    // Without the master secret no node could share it.
    folder.run(&format!("check --database {url}")).refused(1, &["tokens.master_secret"]);
}
