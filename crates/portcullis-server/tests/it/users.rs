//! `portcullis user …`.

use std::os::unix::fs::PermissionsExt;

use crate::portcullis::{Folder, PASSWORD};

#[test]
fn the_first_administrator_is_made_in_a_folder_with_nothing_in_it() {
    let folder = Folder::with_a_file();
    let said = folder.run_with("user add --role admin ada", &format!("{PASSWORD}\n")).good();
    assert_eq!(said, "ada is made, with admin\n");
    let shown = folder.run("user show ada --json").json();
    assert_eq!(shown["roles"], serde_json::json!(["admin"]));
    assert_eq!(shown["is_active"], true);
    for file in ["portcullis.db", "portcullis.db.secret"] {
        let mode = folder.path(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is for its owner alone");
    }
    let kept = std::fs::read(folder.path("portcullis.db")).unwrap();
    let password = PASSWORD.as_bytes();
    assert!(!kept.windows(password.len()).any(|window| window == password));
}

#[test]
fn a_user_is_made_listed_shown_changed_and_deleted() {
    let folder = Folder::new();
    folder.add_sample_roles();
    folder
        .add_user("alice --role user --email alice@example.org --email-verified --name 'Alice L.'");
    folder.add_user("ïvan --role user --disabled");
    let list = folder.run("user list").good();
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines[0].starts_with("USERNAME   STATE      ROLES   E-MAIL"), "{list}");
    assert!(lines[1].starts_with("alice      active     user    alice@example.org"), "{list}");
    assert!(lines[2].starts_with("ïvan       disabled   user "), "{list}");
    assert_eq!(folder.run("user list --disabled --json").json()[0]["username"], "ïvan");
    assert_eq!(folder.run("user list --active --json").json().as_array().unwrap().len(), 1);
    assert_eq!(folder.run("user list --prefix bob").good(), "there is no user\n");

    let by_address = folder.run("user show ALICE@example.org --json").json();
    assert_eq!(by_address["is_verified"], true);
    assert_eq!(by_address["name"], "Alice L.");
    let id = by_address["id"].as_str().unwrap();
    assert!(folder.run(&format!("user show {id}")).good().contains("alice@example.org (verified)"));

    folder.run("user disable alice").good();
    assert_eq!(folder.run("user show alice --json").json()["is_active"], false);
    folder.run("user enable alice").good();
    assert_eq!(folder.run("user show alice --json").json()["is_active"], true);
    folder.run("user delete alice").good();
    folder.run("user show alice").refused(1, &["no user \"alice\"", "user list"]);
}

#[test]
fn roles_are_given_and_taken_away() {
    let folder = Folder::new();
    folder.add_sample_roles();
    folder.add_user("mona");
    assert_eq!(folder.run("user roles mona").good(), "mona has no role\n");
    folder.run("user roles mona add moderator guest").good();
    assert_eq!(
        folder.run("user roles mona --json").json(),
        serde_json::json!(["guest", "moderator"])
    );
    folder.run("user roles mona remove guest").good();
    folder.run("user roles mona remove guest").refused(1, &["does not have the role guest"]);
    folder.run("user roles mona add boss").refused(1, &["\"boss\"", "admin", "role add"]);
    folder.run("user add --role boss bob").refused(1, &["\"boss\""]);
    folder.run("user show bob").refused(1, &["no user"]);
}

#[test]
fn permissions_are_allowed_denied_and_taken_back() {
    let folder = Folder::new();
    folder.add_user("nick");
    folder
        .run("user permissions nick allow write --hours 'mon-fri 09:00-17:00 Europe/Berlin' --from 10.0.0.0/8,::1")
        .good();
    folder.run("user permissions nick deny delete").good();
    folder.run("user permissions nick deny delete").good();
    folder.run(r#"user permissions nick allow read --condition '{"recent_login": 300}'"#).good();
    let grants = folder.run("user permissions nick --json").json();
    assert_eq!(grants.as_array().unwrap().len(), 3, "the same denial is kept once");
    assert_eq!(grants[0]["condition"]["all"][0]["hours"]["time_zone"], "Europe/Berlin");
    let text = folder.run("user permissions nick").good();
    assert!(text.contains("Monday to Friday 09:00–17:00 Europe/Berlin"), "{text}");
    assert!(text.contains("deny     delete       everywhere   always"), "{text}");
    assert!(folder.run("user show nick").good().contains("deny delete"));

    folder.run("user permissions nick remove delete").good();
    folder.run("user permissions nick remove delete").refused(1, &["neither allowed nor denied"]);
    let wrong = "user permissions nick allow write";
    folder.run(&format!("{wrong} --hours 'nine to five'")).refused(2, &["mon-fri 09:00-17:00"]);
    folder.run(&format!("{wrong} --hours '09:00-17:00 Mars/Base'")).refused(1, &["time zone"]);
    folder.run(&format!("{wrong} --from home")).refused(2, &["10.0.0.0/8"]);
    folder.run(&format!("{wrong} --condition '{{\"x\": 1}}'")).refused(2, &["recent_login"]);
    // Faults §15: nothing here gives a second factor.
    for condition in [r#"{"second_factor": true}"#, r#"{"any": [{"second_factor": true}]}"#] {
        let said = folder.run(&format!("{wrong} --condition '{condition}'"));
        said.refused(1, &["nothing here gives a second factor"]);
    }
    folder.run("user permissions nick allow 'a b'").refused(1, &["permission"]);
}

#[test]
fn roles_and_permissions_are_held_in_a_tenant() {
    let folder = Folder::new();
    folder.add_sample_roles();
    folder.add_user("mona");
    folder.run("user roles mona add guest").good();
    folder.run("user roles mona add moderator --in tenant:acme").good();
    let text = folder.run("user roles mona").good();
    assert!(text.contains("guest       everywhere"), "{text}");
    assert!(text.contains("moderator   tenant:acme"), "{text}");
    let there = folder.run("user roles mona --in tenant:acme --json").json();
    assert_eq!(there, serde_json::json!(["moderator"]));
    let elsewhere = folder.run("user roles mona --in tenant:globex --json").json();
    assert_eq!(elsewhere, serde_json::json!([]));
    assert_eq!(folder.run("user roles mona --json").json(), serde_json::json!(["guest"]));
    folder.run("user roles mona remove moderator").refused(1, &["does not have the role"]);
    folder.run("user roles mona remove moderator --in tenant:acme").good();
    folder.run("user roles mona add guest --in acme").refused(2, &["tenant:acme"]);

    folder.run("user permissions mona allow notes:read --in tenant:acme").good();
    folder.run("user permissions mona allow notes:read").good();
    assert!(folder.run("user show mona").good().contains("allow notes:read in tenant:acme"));
    folder.run("user permissions mona remove notes:read --in tenant:acme").good();
    let left = folder.run("user permissions mona --json").json();
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["place"], serde_json::Value::Null);
}

#[test]
fn a_password_is_read_from_a_file_or_a_line_and_is_never_an_argument() {
    let folder = Folder::new();
    let file = folder.write("password", "clockwork tangerine umbrella\n");
    let shared = format!("user add alice --password-file {}", file.display());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    folder.run(&shared).refused(1, &["everybody", "chmod o="]);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    folder.run(&shared).good();

    folder.run("user add bob").refused(1, &["standard input", "one line"]);
    folder.run("user add bob --password secret-secret-secret").refused(2, &["--password"]);
    let said = folder.run_with("user add bob", "short\n").refused(1, &["password"]);
    assert!(!said.contains("short\n"), "{said}");
    folder.run_with("user add bob", "bob-is-my-name-really\n").good();
    folder.run_with("user password bob", "looking-glass-wednesday\n").good();
    folder.run_with("user password nobody", "looking-glass-wednesday\n").refused(1, &["no user"]);
}

#[test]
fn mistakes_are_said_with_what_to_do() {
    let folder = Folder::with_a_file();
    folder.run("user list").refused(1, &["no database portcullis.db", "portcullis migrate"]);
    assert!(!folder.path("portcullis.db").exists(), "a look must not make a database");
    folder.run("").refused(2, &["Usage: portcullis"]);
    folder.run("usr list").refused(2, &["usr", "'user'"]);
    folder.run("user lst").refused(2, &["lst"]);
    folder.add_user("alice --role admin");
    let again = folder.run_with("user add ALICE", &format!("{PASSWORD}\n"));
    again.refused(1, &["this username already", "choose another username"]);
    folder.run_with("user add a:b", &format!("{PASSWORD}\n")).refused(1, &["colon"]);
    for last in ["user disable alice", "user delete alice", "user roles alice remove admin"] {
        folder.run(last).refused(1, &["last active holder", "first"]);
    }
    folder
        .run("user list --database sqlite:///nowhere/at/all.db")
        .refused(1, &["database.url", "no folder /nowhere/at", "mkdir -p"]);
    folder
        .run("migrate --database sqlite:///nowhere/at/all.db")
        .refused(1, &["database.url", "no folder /nowhere/at", "mkdir -p"]);
    folder.run("user list --database mysql://h/d").refused(1, &["database.url", "sqlite://FILE"]);
    folder.write("broken.db", "this is not a database, and long enough to be sure of that");
    folder.run("user list --database sqlite://broken.db").refused(1, &["error: "]);
}
