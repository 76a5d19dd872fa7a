//! `portcullis audit …`.

use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};

use crate::portcullis::{Answer, Folder, PASSWORD, basic};

/// What somebody with the file does first.
const OPEN: &str = "DROP TRIGGER audit_refuses_update; DROP TRIGGER audit_refuses_delete;
    DROP TRIGGER audit_head_refuses_delete; DROP TRIGGER audit_head_goes_on;";

/// Changes the database as somebody would who has its file.
fn tamper(folder: &Folder, sql: &str) {
    tamper_in(folder, "portcullis.db", &format!("{OPEN} {sql}"));
}

/// Runs this in a database of the folder.
pub(crate) fn tamper_in(folder: &Folder, database: &str, sql: &str) {
    let url = format!("sqlite://{}", folder.path(database).display());
    let sql = sql.to_owned();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let mut shell = SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut shell).await.unwrap();
        shell.close().await.unwrap();
    });
}

/// A database in which something happened.
fn used(folder: Folder) -> Folder {
    folder.add_user("ada --role admin");
    folder.add_sample_roles();
    folder.add_user("alice --role user");
    folder.run("user permissions alice deny delete").good();
    folder.run("user roles alice add moderator").good();
    folder.run("user roles alice remove user").good();
    folder.run("user disable ada").refused(1, &["last"]);
    folder
}

fn lines(answer: Answer) -> Vec<Value> {
    answer.good().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The places of the rows that these filters leave.
fn places(folder: &Folder, words: &str) -> Vec<u64> {
    let list = folder.run(&format!("audit list --json {words}")).json();
    list["items"].as_array().unwrap().iter().map(|row| row["seq"].as_u64().unwrap()).collect()
}

#[test]
fn it_is_listed_by_page_and_by_filter() {
    let folder = used(Folder::new());
    let all = places(&folder, "");
    assert!(all.is_sorted_by(|a, b| a > b) && all.last() == Some(&1), "{all:?}");
    let mut paged = Vec::new();
    let mut before = String::new();
    loop {
        let page = folder.run(&format!("audit list --json --limit 2 {before}")).json();
        let rows = page["items"].as_array().unwrap();
        paged.extend(rows.iter().map(|row| row["seq"].as_u64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        assert_eq!(rows.len(), 2);
        before = format!("--before {next}");
    }
    assert_eq!(paged, all);

    let rows = |words: &str| -> Vec<(String, String)> {
        let list = folder.run(&format!("audit list --json {words}")).json();
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let name = |row: &Value| text(&row["subject"], "name");
        let rows = list["items"].as_array().unwrap().iter();
        rows.map(|row| (text(row, "action"), name(row))).collect()
    };
    let alice = rows("--whom alice");
    let actions: Vec<&str> = alice.iter().map(|(action, _)| &**action).collect();
    assert_eq!(actions, ["role.unassigned", "role.assigned", "grant.made", "user.created"]);
    assert_eq!(rows("--action 'user.*' --outcome success").len(), 2);
    assert_eq!(rows("--outcome failure"), [("user.disabled".to_owned(), "ada".to_owned())]);
    assert_eq!(rows("--who nobody"), []);
    let text = folder.run("audit list --action user.created --limit 1").good();
    let heading = text.lines().next().unwrap();
    assert!(heading.starts_with("ROW") && heading.contains("OUTCOME"), "{text}");
    assert!(text.contains("command line   user alice"), "{text}");
    let next = text.lines().last().unwrap().strip_prefix("more: ").unwrap();
    let text = folder.run(&format!("audit list --action user.created {next}")).good();
    assert!(text.contains("user ada") && !text.contains("more:"), "{text}");

    let moment = folder.run("audit list --json --limit 1").json()["items"][0]["at"].clone();
    let moment = moment.as_str().unwrap();
    assert_eq!(places(&folder, &format!("--since {moment}")), all[..1]);
    assert_eq!(places(&folder, &format!("--until {moment}")), all[1..]);
    folder.run("audit list --since yesterday").refused(2, &["--since"]);
    folder.run("audit list --outcome maybe").refused(2, &["success"]);
    folder.run("audit list --limit 0").refused(2, &["--limit"]);
    folder.run("audit list --database sqlite://none.db").refused(1, &["no database"]);
}

#[test]
fn it_is_exported_as_lines_and_goes_on_where_it_ended() {
    let folder = used(Folder::new());
    let rows = lines(folder.run("audit export"));
    let places: Vec<u64> = rows.iter().map(|row| row["seq"].as_u64().unwrap()).collect();
    assert_eq!(places, (1..=rows.len() as u64).collect::<Vec<_>>());
    assert_eq!(rows[0]["action"], "audit.begun");
    folder.add_user("bob");
    let more = lines(folder.run(&format!("audit export --after {}", rows.len())));
    assert_eq!(more.len(), 1);
    assert_eq!(more[0]["subject"]["name"], "bob");
    assert!(!folder.run("audit export").good().contains(PASSWORD));
}

#[test]
fn what_happens_at_a_running_server_is_in_it_also_what_came_last() {
    let folder = used(Folder::new());
    let server = folder.start("serve");
    server.token("ada");
    assert_eq!(server.get("/users", &basic("alice")), 403);
    let wrong = vec!["Authorization: Basic YWRhOndyb25n".to_owned()];
    assert_eq!(server.get("/users", &wrong), 401);
    server.stop();
    let rows = folder.run("audit list --json --limit 5").json();
    let row = |action: &str| {
        let rows = rows["items"].as_array().unwrap();
        rows.iter().find(|row| row["action"] == action).unwrap().clone()
    };
    assert_eq!(row("login")["actor"]["name"], "ada");
    assert_eq!(row("login")["address"], "127.0.0.1");
    assert_eq!(row("login.failed")["outcome"], "failure");
    assert_eq!(row("access.refused")["subject"]["id"], "GET /users");
    folder.run("audit verify").good();
}

#[test]
fn a_row_that_was_changed_removed_or_cut_off_is_named() {
    let folder = used(Folder::with_a_file());
    let whole = folder.run("audit verify").good();
    assert!(whole.starts_with("the audit log is whole: "), "{whole}");
    let known = whole.lines().last().unwrap().trim();
    let last: u64 =
        known.strip_prefix("--known ").unwrap().split(':').next().unwrap().parse().unwrap();
    for (change, said) in [
        ("UPDATE audit SET actor_name = 'mallory' WHERE seq = 3", "row 3 was changed".to_owned()),
        ("DELETE FROM audit WHERE seq = 4", "row 4 is missing".to_owned()),
        (
            "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
            format!("row {last} is missing"),
        ),
        ("DELETE FROM audit; DELETE FROM audit_head", "before row 1 was written".to_owned()),
    ] {
        let folder = used(Folder::with_a_file());
        tamper(&folder, change);
        folder.run("audit verify").refused(1, &[&said, "export"]);
    }
    // The whole database is put back to an older state: only what was kept elsewhere tells.
    // A process that ends leaves its last rows in the `-wal` file.
    tamper_in(&folder, "portcullis.db", "PRAGMA wal_checkpoint(TRUNCATE)");
    std::fs::copy(folder.path("portcullis.db"), folder.path("old.db")).unwrap();
    folder.add_user("bob");
    let later = folder.run(&format!("audit verify {known}")).good();
    let later = later.lines().last().unwrap().trim();
    for file in ["portcullis.db-wal", "portcullis.db-shm"] {
        let _ = std::fs::remove_file(folder.path(file));
    }
    std::fs::copy(folder.path("old.db"), folder.path("portcullis.db")).unwrap();
    folder.run("audit verify").good();
    folder.run(&format!("audit verify {later}")).refused(1, &["noted elsewhere"]);
    folder.run("audit verify --known 12").refused(2, &["ROW:HASH"]);
}

/// Faults §8, last row.
#[test]
fn it_is_archived_and_both_parts_are_verified() {
    let folder = used(Folder::new());
    let rows = places(&folder, "--limit 100").len();
    folder.run("audit archive a.jsonl --until 3").good();
    assert!(!places(&folder, "--limit 100").contains(&3));
    let said = folder.run("audit verify --archive a.jsonl").good();
    assert!(said.contains("rows 1 to 3") && said.contains("the audit log is whole"), "{said}");
    // A file that is there stays.
    folder.run("audit archive a.jsonl").refused(1, &["a.jsonl", "there already"]);
    folder.run("audit archive b.jsonl").good();
    let said = folder.run("audit verify --archive a.jsonl --archive b.jsonl").good();
    assert!(said.contains("rows 4 to") && said.contains("the audit log is whole"), "{said}");
    folder.run("audit verify --archive b.jsonl --archive a.jsonl").refused(1, &["in the order"]);
    // The archiving itself is what is left, and nothing is left to archive but that.
    assert!(places(&folder, "").len() < rows);
    let changed =
        std::fs::read_to_string(folder.path("a.jsonl")).unwrap().replacen("ada", "eve", 1);
    std::fs::write(folder.path("c.jsonl"), changed).unwrap();
    folder.run("audit verify --archive c.jsonl").refused(1, &["row", "was changed"]);
}

/// Faults §15, row 5.
#[test]
fn a_lost_master_secret_is_given_up_by_a_command_that_says_so() {
    let folder = used(Folder::with_a_file());
    std::fs::remove_file(folder.path("portcullis.db.secret")).unwrap();
    folder.run("audit verify").refused(1, &["portcullis.db.secret", "is not there"]);
    folder.run("secret replace-lost").refused(1, &["--yes"]);
    folder.run("secret replace-lost --yes").good();
    let said = folder.run("audit verify").good();
    assert!(said.contains("the master secret was lost"), "{said}");
    folder.run("user list").good();
    folder.run("secret replace-lost --yes").refused(1, &["nothing was replaced"]);
}
