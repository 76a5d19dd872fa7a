//! What an operator meets: signals, the log, the first administrator.

use crate::portcullis::{Folder, PASSWORD, basic};

/// Faults §15, row 1.
#[test]
fn a_hang_up_reads_again_what_can_be_and_says_what_cannot() {
    let folder = Folder::new();
    folder.write("portcullis.toml", "[server]\nlog = \"info\"\n");
    let server = folder.start("serve");
    assert_eq!(server.get("/health/live", &[]), 200);
    folder.write("portcullis.toml", "[server]\nlog = \"warn\"\n[tokens]\naccess_ttl = \"5m\"\n");
    server.signal("HUP");
    let log = folder.wait_for_log("tokens.access_ttl");
    assert!(log.contains("need a new start"), "{log}");
    let lines = folder.log().matches("answered").count();
    assert_eq!(lines, 1, "{log}");
    assert_eq!(server.get("/health/live", &[]), 200, "it lives");
    assert_eq!(folder.log().matches("answered").count(), lines, "only warnings are logged now");
    folder.write("portcullis.toml", "[server]\nlog = \"loud\"\n");
    server.signal("HUP");
    folder.wait_for_log("the settings have mistakes");
    assert_eq!(server.get("/health/live", &[]), 200, "it lives");
    server.stop();
}

/// Faults §15, row 2.
#[test]
fn every_answer_has_a_line_with_who_route_status_and_reason() {
    let folder = Folder::new();
    folder.add_user("alice");
    let id = folder.run("user show alice --json").json()["id"].as_str().unwrap().to_owned();
    let server = folder.start("serve");
    assert_eq!(server.get("/users", &basic("alice")), 403);
    assert_eq!(server.get("/users", &[]), 401);
    assert_eq!(server.get("/nowhere?secret=1", &[]), 404);
    assert_eq!(server.get("/users/me", &basic("alice")), 200);
    let asked = ["Origin: https://a.test", "Access-Control-Request-Method: GET"].map(str::to_owned);
    assert_eq!(server.ask("OPTIONS", "/users", &asked, "").0, 204);
    server.stop();
    let log = folder.log();
    let line = |words: &[&str]| {
        let found = log.lines().filter(|line| words.iter().all(|word| line.contains(word)));
        assert_eq!(found.count(), 1, "{words:?} in\n{log}");
    };
    let who = format!("who=user:{id}");
    line(&[
        "portcullis::access",
        "status=403",
        &who,
        "route=\"/users\"",
        "reason=\"forbidden\"",
        "ms=",
    ]);
    line(&["status=401", "who=-", "route=\"/users\"", "reason=\"unauthenticated\""]);
    line(&["status=404", "path=\"/nowhere\"", "reason=\"not-found\""]);
    line(&["status=200", &who, "route=\"/users/me\""]);
    line(&["portcullis::access", "method=OPTIONS", "path=\"/users\"", "status=204"]);
    assert!(!log.contains("secret=1") && !log.contains(PASSWORD), "{log}");
}

/// Faults §11, row 3, and §15: whatever is logged while a request is answered names its id.
#[test]
fn the_line_of_a_fault_of_ours_holds_the_id_of_the_request() {
    let folder = Folder::with_a_file();
    let server = folder.start("demo");
    crate::audit::tamper_in(&folder, "portcullis-demo.db", "DROP TABLE demo_items");
    let (status, body) = server.ask("GET", "/items", &basic("alice"), "");
    assert_eq!(status, 503);
    let id = body["instance"].as_str().unwrap();
    let log = folder.wait_for_log("a fault of ours");
    let line = log.lines().find(|line| line.contains("a fault of ours")).unwrap();
    assert!(line.contains(id), "{id} is not in {line}");
    server.stop();
}

/// Faults §8: strangers' bodies.
#[test]
fn a_strangers_body_is_held_to_a_limit_of_its_own() {
    let folder = Folder::new();
    folder.add_user("ada --role admin");
    let server = folder.start("serve");
    let form = vec!["Content-Type: application/x-www-form-urlencoded".to_owned()];
    let large = format!("grant_type=password&username={}", "a".repeat(70_000));
    assert_eq!(server.ask("POST", "/token", &form, &large).0, 413);
    let mut json = basic("ada");
    json.push("Content-Type: application/json".to_owned());
    let body = format!(r#"{{"name": "{}"}}"#, "a".repeat(70_000));
    assert_eq!(server.ask("POST", "/roles", &json, &body).0, 422, "it is read whole");
    assert_eq!(server.ask("POST", "/roles", &[], &body).0, 401, "and a stranger's is not read");
    server.stop();
}

/// Faults §15, row 3.
#[test]
fn the_printed_command_makes_the_first_administrator_from_any_folder() {
    let folder = Folder::with_a_file();
    folder.write("portcullis.toml", "[passwords]\nmin_length = 16\n");
    let server = folder.start("serve");
    let said = server.stop();
    let server = folder.start("serve");
    let line = said.lines().find(|line| line.contains("user add")).unwrap();
    let words = line.trim().strip_prefix("portcullis ").unwrap().replace("NAME", "ada");
    let elsewhere = Folder::with_a_file();
    elsewhere.run_with(&words, &format!("{PASSWORD}\n")).good();
    server.soon("/users", &basic("ada"), 200);
    assert_eq!(std::fs::read_dir(elsewhere.path("")).unwrap().count(), 0, "nothing is left behind");
    server.stop();
}
