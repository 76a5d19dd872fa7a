//! `portcullis why …` and `portcullis routes --matrix`.

use crate::portcullis::Folder;

#[test]
fn why_says_what_decided_and_what_would_help() {
    let folder = Folder::new();
    folder.add_user("--role admin ada");
    folder.add_user("bob");
    let said = folder.run("why ada GET /users").good();
    assert!(said.starts_with("GET /users\nuser ada ("), "{said}");
    assert!(said.contains("\nallowed\n"), "{said}");
    assert!(said.contains("users:manage allowed by role admin"), "{said}");
    let said = folder.run("why bob get /users?limit=1 --at 2026-03-02T09:00:00Z").good();
    assert!(said.contains("refused (403)"), "{said}");
    assert!(said.contains("would help: role admin"), "{said}");
    let said = folder.run("why - GET /users").good();
    assert!(said.contains("refused until signed in (401)"), "{said}");
    let json = folder.run("why bob GET /users --from 192.0.2.1 --json").json();
    assert_eq!(json["decision"], false);
    assert_eq!(json["outcome"], "forbid");
    folder.run("why bob GET /nowhere").refused(1, &["no route answers GET /nowhere"]);
    folder
        .run("why nobody GET /users")
        .refused(1, &["no user and no client \"nobody\"", "user list", "client list"]);
}

#[test]
fn why_knows_clients_and_takes_a_name_for_a_user_first() {
    let folder = Folder::new();
    folder.run("migrate").good();
    folder.run("client add shop --role admin").good();
    let said = folder.run("why shop GET /users").good();
    assert!(said.starts_with("GET /users\nclient shop\n"), "{said}");
    assert!(said.contains("users:manage allowed by role admin"), "{said}");
    folder.run("client permissions shop deny users:manage").good();
    let json = folder.run("why shop GET /users --json").json();
    assert_eq!(json["decision"], false);
    folder.add_user("--role admin shop");
    assert!(folder.run("why shop GET /users").good().contains("\nuser shop ("));
    assert!(folder.run("why --client shop GET /users").good().contains("\nclient shop\n"));
    folder.run("why --client nobody GET /users").refused(1, &["no client \"nobody\""]);
}

#[test]
fn why_asks_the_database_of_the_demo_where_the_demo_is_meant() {
    let folder = Folder::with_a_file();
    folder.add_user("--role admin ada");
    folder.run("why --demo ada GET /items").refused(1, &["no database portcullis-demo.db"]);
    drop(folder.start("demo"));
    let said = folder.run("why --demo alice GET /items").good();
    assert!(said.contains("user alice ("), "{said}");
    folder.run("why alice GET /users").refused(1, &["no user and no client"]);
    folder.run("why --demo ada GET /items --database sqlite://portcullis.db").good();
}

#[test]
fn why_says_when_it_would_be_allowed() {
    let folder = Folder::new();
    folder.add_user("nick");
    let hours = "'mon-fri 09:00-17:00 Europe/Berlin'";
    folder.run(&format!("user permissions nick allow audit:read --hours {hours}")).good();
    // A Saturday; on the night to Sunday clocks are put forward.
    let said = folder.run("why nick GET /audit --at 2026-03-28T12:00:00Z").good();
    assert!(said.contains("would be allowed from Monday 2026-03-30 09:00 Europe/Berlin"), "{said}");
    let json = folder.run("why nick GET /audit --at 2026-03-28T12:00:00Z --json").json();
    assert_eq!(json["opens"]["at"], "2026-03-30T07:00:00Z");
    let said = folder.run("why nick GET /audit --at 2026-03-30T07:00:00Z").good();
    assert!(said.contains("\nallowed\n") && !said.contains("from Monday"), "{said}");
    let said = folder.run("why nick GET /users --at 2026-03-28T12:00:00Z").good();
    assert!(!said.contains("would be allowed from"), "{said}");
}

#[test]
fn the_matrix_shows_what_each_role_opens() {
    let folder = Folder::new();
    let fresh = folder.run("routes --matrix --json").json();
    assert_eq!(fresh["columns"], serde_json::json!(["anyone", "signed in", "admin"]));
    folder.add_sample_roles();
    let matrix = folder.run("routes --matrix").good();
    let heading = matrix.lines().next().unwrap();
    let names: Vec<&str> = heading.split("  ").map(str::trim).filter(|n| !n.is_empty()).collect();
    assert_eq!(names, ["anyone", "signed in", "admin", "guest", "user", "moderator"]);
    let row = |start: &str| {
        let row = matrix
            .lines()
            .find(|line| line.split_whitespace().take(2).eq(start.split_whitespace()));
        row.unwrap().split_whitespace().skip(2).collect::<Vec<_>>()
    };
    assert_eq!(row("GET /users"), ["-", "-", "yes", "-", "-", "-"]);
    assert_eq!(row("GET /users/me"), ["-", "yes", "yes", "yes", "yes", "yes"]);
    assert_eq!(row("POST /token"), ["yes"; 6]);
    let json = folder.run("routes --matrix --json").json();
    assert_eq!(json["columns"][5], "moderator");
}
