//! Who may import whom. The table is the one that `ARCHITECTURE.md` prints.

#![expect(clippy::expect_used, clippy::panic, reason = "it is a test")]

mod paths;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use paths::FullPath;

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

/// What others can see in the root of the crate and in that of `auth` by another name.
struct Exports(BTreeMap<FullPath, FullPath>);

impl Exports {
    fn read(src: &Path) -> Self {
        let mut exports = BTreeMap::new();
        for (file, module) in [("lib.rs", &[][..]), ("auth/mod.rs", &["auth"][..])] {
            let names = paths::named(&tree::read(&src.join(file)), module);
            for (name, leads) in names.exports {
                let mut here: FullPath = module.iter().map(|&part| part.to_owned()).collect();
                here.push(name);
                exports.insert(here, leads);
            }
        }
        Self(exports)
    }

    /// Where a path leads in the end.
    fn follow(&self, mut path: FullPath) -> FullPath {
        // Two roots, hence two steps at the most.
        for _ in 0..2 {
            let exported = (1..=path.len().min(2)).find_map(|length| {
                self.0.get(&path[..length]).map(|leads| [leads, &path[length..]].concat())
            });
            match exported {
                Some(leads) => path = leads,
                None => break,
            }
        }
        path
    }

    /// Every path into this crate that a file names, where it leads.
    fn named(&self, path: &Path, module: &[&str]) -> BTreeSet<FullPath> {
        let names = paths::named(&tree::read(path), module).all;
        names.into_iter().map(|name| self.follow(name)).collect()
    }
}

#[test]
fn each_module_imports_only_what_its_row_allows() {
    let layers = layers();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let exports = Exports::read(&src);
    let mut wrong = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for path in tree::files(&src, ".rs") {
        let inner = path.strip_prefix(&src).expect("a file under src").with_extension("");
        let mut parts: Vec<_> = inner.iter().filter_map(|part| part.to_str()).collect();
        let module = parts[0];
        if module == "lib" || tree::is_test(&inner.with_extension("rs")) {
            continue;
        }
        let Some(may) = layers.get(module) else {
            wrong.insert(format!("{module}: no row of the table has it"));
            continue;
        };
        seen.insert(module.to_owned());
        let knows = parts.iter().any(|part| KNOW_HTTP.contains(part));
        if parts.last() == Some(&"mod") {
            parts.pop();
        }
        let place = inner.with_extension("rs").display().to_string();
        for name in exports.named(&path, &parts) {
            let name = name.first().map_or("the root", String::as_str);
            if name != module && may.as_ref().is_some_and(|may| !may.contains(name)) {
                wrong.insert(format!("{place}: `{module}` may not import `{name}`"));
            }
        }
        if NO_HTTP.contains(&module) && !(module == "auth" && knows) {
            for (number, line) in tree::code(&tree::read(&path)) {
                if line.contains("axum") || line.contains("request::Parts") {
                    wrong.insert(format!("{place}:{number}: `{module}` does not know HTTP"));
                }
            }
        }
    }
    let rows = layers.keys().filter(|row| !seen.contains(*row));
    wrong.extend(rows.map(|row| format!("{row}: no such module")));
    assert!(wrong.is_empty(), "\n{}", Vec::from_iter(wrong).join("\n"));
}

/// The topics of `auth` in their order, as `ARCHITECTURE.md` has them.
fn topics() -> Vec<String> {
    let text = tree::read(&tree::root().join("ARCHITECTURE.md"));
    let (_, section) = text.split_once("\n## The topics of `auth`\n").expect("a section on topics");
    let line = section.lines().find(|line| line.contains(" < ")).expect("the order of the topics");
    names(line)
}

/// Which topic behind its own a topic names by this path. Everything of `auth` at once is named by a glob.
fn behind<'t>(path: &'t [String], later: &[String]) -> Option<&'t str> {
    match path {
        [auth, name, ..] if auth == "auth" => {
            (name == "*" || later.contains(name)).then_some(name.as_str())
        }
        _ => None,
    }
}

#[test]
fn a_topic_of_auth_names_only_those_before_it() {
    let topics = topics();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let exports = Exports::read(&src);
    let mut wrong = Vec::new();
    for (place, topic) in topics.iter().enumerate() {
        let folder = src.join("auth").join(topic);
        assert!(folder.is_dir(), "there is no topic {topic}");
        for path in tree::files(&folder, ".rs") {
            let inner = path.strip_prefix(&src).expect("a file under src").with_extension("");
            if tree::is_test(&inner.with_extension("rs")) {
                continue;
            }
            let mut parts: Vec<_> = inner.iter().filter_map(|part| part.to_str()).collect();
            if parts.last() == Some(&"mod") {
                parts.pop();
            }
            for name in exports.named(&path, &parts) {
                if let Some(named) = behind(&name, &topics[place + 1..]) {
                    wrong.push(format!("{}: `{topic}` names `{named}`", inner.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
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
    let named = |text: &str| {
        let names = paths::named(text, &["auth", "tokens", "rotation"]).all;
        names.into_iter().map(|path| path.join("::")).collect::<BTreeSet<_>>()
    };
    for (text, path) in [
        ("use crate::auth::accounts::User;", "auth::accounts::User"),
        (
            "use crate::{\n    clock,\n    auth::{accounts::{self, User}},\n};",
            "auth::accounts::User",
        ),
        ("use crate::{clock, auth::{accounts::{self, User}}};", "auth::accounts"),
        ("use super::super::accounts::User as Person;", "auth::accounts::User"),
        ("use super::super::*;", "auth::*"),
        ("fn a() { crate::clock::now(crate::types::A); }", "types::A"),
        ("use crate::auth; fn a(user: auth::User) {}", "auth::User"),
        ("mod inner { use super::super::super::clients::Client; }", "auth::clients::Client"),
        ("fn a() { debug_assert!(crate::auth::clients::any()); }", "auth::clients::any"),
        ("macro_rules! a { () => { $crate::auth::clients::any() } }", "auth::clients::any"),
    ] {
        assert!(named(text).contains(path), "{text}: {:?}", named(text));
    }
    for text in [
        "use other_crate::auth;",
        "#[cfg(test)] mod tests { use crate::auth::clients::Client; }",
        "pub(in crate::auth) fn a() {}",
        "/// [`crate::auth::clients`]\nfn a() {}",
    ] {
        assert!(named(text).is_empty(), "{text}: {:?}", named(text));
    }
}

#[test]
fn a_name_behind_a_root_export_and_an_upward_topic_are_seen() {
    let exports = Exports::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let path = |text: &str| -> FullPath { text.split("::").map(str::to_owned).collect() };
    assert_eq!(exports.follow(path("auth::Client")), path("auth::clients::Client"));
    let later = ["accounts".to_owned(), "clients".to_owned()];
    for upward in ["auth::Client", "auth::User", "auth::clients::sql", "auth::*"] {
        assert!(behind(&exports.follow(path(upward)), &later).is_some(), "{upward}");
    }
    for fine in ["auth::Auth", "auth::Session", "auth::sessions", "types::ClientId"] {
        assert_eq!(behind(&exports.follow(path(fine)), &later), None, "{fine}");
    }
}
