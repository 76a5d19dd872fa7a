//! Who may import whom. The table is the one that `ARCHITECTURE.md` prints.

#![expect(clippy::expect_used, clippy::panic, reason = "it is a test")]

mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The modules that know no HTTP.
const NO_HTTP: [&str; 4] = ["types", "auth", "crypto", "policy"];

/// What in `auth` does know HTTP.
const KNOW_HTTP: [&str; 3] = ["routes", "verifiers", "observer"];

/// Module to what it may import; `None` for anything.
type Layers = BTreeMap<String, Option<BTreeSet<String>>>;

/// What stands between backquotes.
fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Reads the table, and checks that each row names only rows above it.
fn layers() -> Layers {
    let text = tree::read(&tree::root().join("ARCHITECTURE.md"));
    let (_, section) = text.split_once("\n## The layers\n").expect("a section on the layers");
    let section = section.split("\n## ").next().unwrap_or(section);
    let mut layers = Layers::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').collect();
        let may = (!cells[2].contains("anything")).then(|| BTreeSet::from_iter(names(cells[2])));
        for name in may.iter().flatten() {
            assert!(layers.contains_key(name), "`{name}` does not stand above this row: {row}");
        }
        for module in names(cells[1]) {
            assert!(layers.insert(module.clone(), may.clone()).is_none(), "`{module}` twice");
        }
    }
    layers
}

/// The top-level modules that a line names, by `crate::x` or by enough of `super::`.
fn named(line: &str, depth: usize) -> Vec<&str> {
    let supers = "super::".repeat(depth);
    let after = |prefix: &'static str| line.match_indices(prefix).map(|(at, _)| (at, prefix.len()));
    let absolute = after("crate::").chain(after("$crate::"));
    let relative = line.match_indices(&supers).map(|(at, _)| (at, supers.len()));
    let standing_alone =
        |at: &usize| !line[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    absolute
        .chain(relative)
        .filter(|(at, _)| standing_alone(at))
        .map(|(at, length)| {
            let rest = &line[at + length..];
            let end =
                rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(rest.len());
            // `crate::{a, b}` has no name here, and is refused as one that no row has.
            &rest[..end.max(usize::from(rest.starts_with('{')))]
        })
        .filter(|name| !name.is_empty() && *name != "super")
        .collect()
}

#[test]
fn each_module_imports_only_what_its_row_allows() {
    let layers = layers();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for path in tree::files(&src, ".rs") {
        let inner = path.strip_prefix(&src).expect("a file under src").with_extension("");
        let parts: Vec<_> = inner.iter().filter_map(|part| part.to_str()).collect();
        let module = parts[0];
        if module == "lib" || tree::is_test(&inner.with_extension("rs")) {
            continue;
        }
        let Some(may) = layers.get(module) else {
            wrong.push(format!("{module}: no row of the table has it"));
            continue;
        };
        seen.insert(module.to_owned());
        let depth = parts.len() - usize::from(parts.last() == Some(&"mod"));
        let text = tree::read(&path);
        for (number, line) in tree::code(&text) {
            let place = || format!("{}:{number}", inner.with_extension("rs").display());
            for name in named(line, depth).into_iter().filter(|name| *name != module) {
                if may.as_ref().is_some_and(|may| !may.contains(name)) {
                    wrong.push(format!("{}: `{module}` may not import `{name}`", place()));
                }
            }
            let knows = parts.iter().any(|part| KNOW_HTTP.contains(part));
            if NO_HTTP.contains(&module)
                && !(module == "auth" && knows)
                && (line.contains("axum") || line.contains("request::Parts"))
            {
                wrong.push(format!("{}: `{module}` does not know HTTP", place()));
            }
        }
    }
    wrong.extend(
        layers
            .keys()
            .filter(|row| !seen.contains(*row))
            .map(|row| format!("{row}: no such module")),
    );
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The topics of `auth` in their order, as `ARCHITECTURE.md` has them.
fn topics() -> Vec<String> {
    let text = tree::read(&tree::root().join("ARCHITECTURE.md"));
    let (_, section) = text.split_once("\n## The topics of `auth`\n").expect("a section on topics");
    let line = section.lines().find(|line| line.contains(" < ")).expect("the order of the topics");
    names(line)
}

/// The topics that a line names by `crate::auth::x` or `use super::super::x`.
fn topics_named<'t>(line: &str, topics: &'t [String]) -> Vec<&'t str> {
    let has = |topic: &str| {
        let path = format!("auth::{topic}::");
        line.contains(&path)
            || line.contains(&format!("crate::auth::{topic};"))
            || line
                .strip_prefix("use crate::auth::{")
                .is_some_and(|list| list.split(['{', '}', ',', ' ', ';']).any(|name| name == topic))
    };
    topics.iter().map(String::as_str).filter(|topic| has(topic)).collect()
}

#[test]
fn a_topic_of_auth_names_only_those_before_it() {
    let topics = topics();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/auth");
    let mut wrong = Vec::new();
    for (place, topic) in topics.iter().enumerate() {
        let folder = src.join(topic);
        assert!(folder.is_dir(), "there is no topic {topic}");
        for path in tree::files(&folder, ".rs") {
            if tree::is_test(&path) {
                continue;
            }
            for (number, line) in tree::code(&tree::read(&path)) {
                for named in topics_named(line.trim(), &topics[place + 1..]) {
                    wrong.push(format!("{}:{number}: `{topic}` names `{named}`", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn an_upward_name_of_a_topic_is_seen() {
    let topics = ["sessions".to_owned(), "accounts".to_owned()];
    let named = |line| topics_named(line, &topics);
    assert_eq!(named("use crate::auth::accounts::User;"), ["accounts"]);
    assert_eq!(named("use crate::auth::{Auth, sessions};"), ["sessions"]);
    assert_eq!(named("use crate::auth::{Auth, Settings};"), [""; 0]);
}

/// The files of `auth` that begin a transaction that writes: the write path, and the few beside it.
const WRITERS: [&str; 4] = ["write.rs", "last_used.rs", "sweep.rs", "audit/recorder.rs"];

#[test]
fn no_other_file_begins_a_transaction_that_writes() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/auth");
    let mut writers = BTreeSet::new();
    for path in tree::files(&src, ".rs") {
        let name = path.strip_prefix(&src).expect("a file of auth").display().to_string();
        if tree::is_test(&path) || name.starts_with("db/") {
            continue;
        }
        for (_, line) in tree::code(&tree::read(&path)) {
            let writes = ["begin_writing", "write_beside", "sqlx"];
            if writes.iter().any(|word| line.contains(word)) {
                writers.insert(name.clone());
            }
        }
    }
    assert_eq!(writers, WRITERS.map(str::to_owned).into());
}

#[test]
fn an_import_is_seen_however_it_is_written() {
    assert_eq!(named("use crate::auth::Users;", 2), ["auth"]);
    assert_eq!(named("    let x = crate::clock::now(crate::types::A);", 1), ["clock", "types"]);
    assert_eq!(named("use super::super::auth::Auth;", 2), ["auth"]);
    assert_eq!(named("use super::auth::Auth;", 2), [""; 0]);
    assert_eq!(named("use crate::{store, types};", 1), ["{"]);
    assert_eq!(named("use other_crate::store;", 1), [""; 0]);
}
