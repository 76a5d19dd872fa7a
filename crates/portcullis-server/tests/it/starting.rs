//! The first start, and files that are not what a command takes them for.

use std::time::Duration;

use crate::portcullis::{Folder, PASSWORD, basic};

/// Faults §5, row 3.
#[test]
fn an_empty_file_is_made_a_database_by_those_commands_alone_that_make_one() {
    let folder = Folder::with_a_file();
    folder.write("portcullis.db", "");
    for words in [
        "user list",
        "user show ada",
        "role list",
        "role add editor",
        "client list",
        "client add shop",
        "key list",
        "audit list",
        "audit verify",
        "why - GET /users",
    ] {
        folder.run(words).refused(1, &["portcullis.db is empty", "portcullis migrate"]);
    }
    assert_eq!(folder.path("portcullis.db").metadata().unwrap().len(), 0);
    assert!(!folder.path("portcullis.db.secret").exists(), "and no secret is left behind");
    folder.run("check").good();
    folder.run("migrate").good();
    assert_eq!(folder.run("user list").good(), "there is no user\n");
}

/// Faults §15, row 3, and §12: a secret that does not open this database.
#[test]
fn a_database_without_its_secret_is_refused_and_nothing_is_left_behind() {
    let folder = Folder::with_a_file();
    folder.add_user("ada --role admin");
    assert!(!folder.path("portcullis.db-wal").exists(), "a command closes its database");
    let elsewhere = Folder::with_a_file();
    std::fs::copy(folder.path("portcullis.db"), elsewhere.path("portcullis.db")).unwrap();
    for words in ["user list", "check", "serve", "user add bob"] {
        let said = elsewhere.run_with(words, &format!("{PASSWORD}\n"));
        said.refused(1, &["tokens.master_secret", "portcullis.db.secret is not there", "fix: "]);
    }
    assert!(!elsewhere.path("portcullis.db.secret").exists());
    let other = ("PORTCULLIS_TOKENS_MASTER_SECRET", "kJx1Tq7n0v9cZ3mYwB4rLd8sHf2gPaQe6uVtXiNo");
    let said = elsewhere.run_in(&[other], "check");
    said.refused(1, &["tokens.master_secret", "does not open portcullis.db"]);
    folder.run("check").good();
}

/// Faults §6, row 2.
#[test]
fn several_first_starts_at_once_all_work() {
    let folder = Folder::new();
    let folder = &folder;
    std::thread::scope(|scope| {
        let servers: Vec<_> = (0..4).map(|_| scope.spawn(|| folder.start("serve"))).collect();
        let users: Vec<_> = ["ann", "ben", "cat", "dan"]
            .map(|name| scope.spawn(move || folder.add_user(&format!("{name} --role admin"))))
            .into_iter()
            .collect();
        for user in users {
            user.join().unwrap();
        }
        for server in servers {
            let server = server.join().unwrap();
            server.soon("/users", &basic("ann"), 200);
            server.stop();
        }
    });
    folder.run("audit verify").good();
}

/// Faults §6, row 1.
#[test]
fn a_first_start_that_was_killed_is_completed_by_the_next() {
    for round in 0..10_u64 {
        let folder = Folder::new();
        folder.kill_after("serve", Duration::from_millis(4 * round));
        folder.add_user("ada --role admin");
        let server = folder.start("serve");
        assert_eq!(server.get("/users", &basic("ada")), 200);
        server.stop();
        let folder = Folder::with_a_file();
        folder.kill_after("demo", Duration::from_millis(40 * round));
        let server = folder.start("demo");
        assert_eq!(server.get("/user", &basic("alice")), 200);
        server.stop();
        let grants = "user permissions nick --database sqlite://portcullis-demo.db --json";
        assert_eq!(folder.run(grants).json().as_array().unwrap().len(), 1);
    }
}
