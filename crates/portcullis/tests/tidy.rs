//! What a reviewer would have to look for by hand: sizes, names, links, reasons.

#![expect(clippy::expect_used, clippy::panic, reason = "it is a test")]

mod tree;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The most lines of code that a file may have, and from where on it is worth a look.
const MOST: usize = 400;
const MANY: usize = 300;

/// Names that say nothing of what a thing does. Tower's `Service` is a name of its field.
const EMPTY_WORDS: [&str; 5] = ["manager", "helper", "helpers", "util", "utils"];

fn rust_files() -> Vec<PathBuf> {
    let root = tree::root();
    ["crates", "xtask"].iter().flat_map(|folder| tree::files(&root.join(folder), ".rs")).collect()
}

fn short(path: &Path) -> String {
    path.strip_prefix(tree::root()).unwrap_or(path).display().to_string()
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let mut wrong = Vec::new();
    for path in rust_files() {
        let text = tree::read(&path);
        let lines = tree::code(&text).len();
        if lines > MANY {
            println!("{lines} lines of code: {}", short(&path));
        }
        if lines > MOST {
            wrong.push(format!("{}: {lines} lines of code, and {MOST} is the most", short(&path)));
        }
    }
    assert_none(&wrong);
}

#[test]
fn nothing_is_left_for_later() {
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
    let mut wrong = Vec::new();
    let texts = rust_files().into_iter().chain(markdown());
    for path in texts {
        for (number, line) in tree::read(&path).lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                wrong.push(format!("{}:{}: {line}", short(&path), number + 1));
            }
        }
    }
    assert_none(&wrong);
}

/// The words of an identifier, in either case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        if letter == '_' || letter.is_uppercase() {
            words.push(String::new());
        }
        if let Some(last) = words.last_mut().filter(|_| letter != '_') {
            last.extend(letter.to_lowercase());
        }
    }
    words
}

/// What the line declares, if it declares something, and whether that is a function.
fn declared(line: &str) -> Option<(&str, bool)> {
    let mut tokens =
        line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|token| !token.is_empty());
    let kind = tokens.find(|token| ["fn", "struct", "enum", "trait", "mod"].contains(token))?;
    Some((tokens.next()?, kind == "fn"))
}

#[test]
fn a_name_says_what_the_thing_does() {
    let mut wrong = Vec::new();
    for path in rust_files() {
        let text = tree::read(&path);
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let names = tree::code(&text).into_iter().filter_map(|(_, line)| declared(line));
        for (name, is_function) in names.chain([(stem, false)]) {
            let words = words(name);
            let towers = text.contains(&format!(" for {name}<")) && text.contains(" Service<");
            // It is what the chapter of the guide is called, and what people look for.
            if name == "existing_service" {
                continue;
            }
            if EMPTY_WORDS.iter().any(|empty| words.iter().any(|word| word == empty))
                || words.iter().any(|word| {
                    word == "service" && !towers && !is_function && name != "existing_service"
                })
            {
                wrong.push(format!("{}: {name}", short(&path)));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn lengths_of_text_are_counted_in_characters() {
    let mut wrong = Vec::new();
    for path in rust_files().into_iter().filter(|path| !tree::is_test(path)) {
        let text = tree::read(&path);
        let lines = tree::code(&text);
        for (at, (number, line)) in lines.iter().enumerate() {
            let counts = line.contains("garde(") && line.contains("length(");
            if !counts || line.matches("length(").count() == line.matches("length(chars").count() {
                continue;
            }
            // A plain `length` counts the members of a list, and the bytes of a text.
            let field =
                lines[at + 1..].iter().find(|(_, line)| !line.trim_start().starts_with('#'));
            let list = ["Vec<", "Set<", "Map<"];
            if !field.is_some_and(|(_, field)| list.iter().any(|kind| field.contains(kind))) {
                wrong.push(format!("{}:{number}: write `length(chars, …)`", short(&path)));
            }
        }
    }
    assert_none(&wrong);
}

fn markdown() -> Vec<PathBuf> {
    let root = tree::root();
    let own = std::fs::read_dir(&root).into_iter().flatten().filter_map(Result::ok);
    let own =
        own.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "md"));
    own.chain(["docs", "crates"].iter().flat_map(|folder| tree::files(&root.join(folder), ".md")))
        .collect()
}

/// Where the links of a text lead, code left out.
fn links(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        if !fenced {
            let ends = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            found.extend(ends.map(str::to_owned));
        }
    }
    found
}

/// The anchors of a text: its headings, as they are made into links.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let letter = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        _ => None,
    };
    headings
        .map(|line| {
            line.trim_start_matches('#').trim().to_lowercase().chars().filter_map(letter).collect()
        })
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for path in markdown() {
        let text = tree::read(&path);
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target =
                if file.is_empty() { path.clone() } else { path.with_file_name("").join(file) };
            let leads = target.exists()
                && (anchor.is_empty() || anchors(&tree::read(&target)).contains(anchor));
            if !leads {
                wrong.push(format!("{}: {link}", short(&path)));
            }
        }
    }
    assert_none(&wrong);
}

/// The lines of a manifest's tables of dependencies.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.trim_end_matches(']').ends_with("dependencies");
        } else if inside && line.contains('=') && !line.starts_with('#') {
            found.push(line);
        }
    }
    found
}

#[test]
fn every_dependency_has_its_reason() {
    let root = tree::root();
    let mut wrong = Vec::new();
    for path in tree::files(&root.join("crates"), "Cargo.toml")
        .into_iter()
        .chain([root.join("Cargo.toml"), root.join("xtask/Cargo.toml")])
    {
        let manifest = tree::read(&path);
        for line in dependencies(&manifest) {
            let ours = line.starts_with("portcullis");
            let said_once = line.contains("workspace = true");
            if !ours && !said_once && !line.contains(" # ") {
                wrong.push(format!("{}: {line}", short(&path)));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn migrations_have_one_number_each_and_are_alike_in_every_engine() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut engines: Vec<Vec<String>> = Vec::new();
    for engine in std::fs::read_dir(&folder).expect("the folder of migrations") {
        let files = tree::files(&engine.expect("an engine").path(), ".sql");
        let name =
            |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        engines.push(files.iter().filter_map(name).collect());
    }
    for names in &engines {
        // A number may be kept for work that lands later: what counts is that none is there twice.
        let number = |name: &String| name.split_once('_')?.0.parse::<u32>().ok();
        let numbers: Vec<u32> = names.iter().map(|name| number(name).expect(name)).collect();
        assert_eq!(numbers.first(), Some(&1));
        assert!(numbers.is_sorted_by(|one, next| one < next), "{names:?}");
        assert_eq!(names, &engines[0]);
    }
}

#[test]
fn every_page_of_a_folder_is_listed_in_its_index() {
    let mut wrong = Vec::new();
    for folder in ["docs/decisions", "docs/guide"] {
        let folder = tree::root().join(folder);
        let listed = links(&tree::read(&folder.join("README.md")));
        let pages =
            tree::files(&folder, ".md").into_iter().filter(|path| !path.ends_with("README.md"));
        let missing = pages.filter(|path| !listed.iter().any(|link| path.ends_with(link)));
        wrong.extend(missing.map(|path| format!("{}: not in README.md beside it", short(&path))));
    }
    assert_none(&wrong);
}

#[test]
fn the_tests_that_the_documentation_names_are_there() {
    let root = tree::root();
    let sources = rust_files().into_iter().chain(
        [".py", ".js", ".mjs"].iter().flat_map(|ending| tree::files(&root.join("tests"), ending)),
    );
    let mut there = BTreeSet::new();
    for path in sources {
        for line in tree::read(&path).lines() {
            let mut tokens = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            if tokens.any(|token| token == "fn" || token == "def") {
                there.extend(tokens.find(|token| !token.is_empty()).map(str::to_owned));
            }
        }
    }
    let mut wrong = Vec::new();
    for (page, column) in
        [("docs/demands.md", 3), ("docs/limits.md", 5), ("docs/specifications.md", 3)]
    {
        for row in tree::read(&root.join(page)).lines().filter(|line| line.starts_with("| ")) {
            let cell = row.split('|').nth(column).unwrap_or_default();
            let names = cell.split('`').skip(1).step_by(2);
            wrong.extend(
                names.filter(|name| !there.contains(*name)).map(|name| format!("{page}: {name}")),
            );
        }
    }
    assert_none(&wrong);
}
