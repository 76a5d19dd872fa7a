//! Mistakes that newcomers make do not compile, and the message says what to do.
//!
//! Runs the compiler itself on the short programs in `wrong_handlers/cases`, against the libraries
//! this test was built with. Beside each stands what the compiler says of it, without places and
//! types' lists: `BLESS=1` writes it anew.

#![expect(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a program may use by name. Each is found among the libraries of this test.
const LIBRARIES: [&str; 7] = ["portcullis", "axum", "http", "serde", "schemars", "garde", "tokio"];

/// A right program for each library: its types must be those that portcullis was built with.
const RIGHT: [&str; 7] = [
    "pub fn gate() -> portcullis::gate::GateBuilder { portcullis::gate::Gate::builder() }",
    "pub fn right(app: portcullis::router::App) -> axum::Router { app.router }",
    "pub fn right(rows: &portcullis::router::AccessRow) -> &http::Method { &rows.method }",
    "#[derive(serde::Deserialize)] pub struct Right;
     pub fn right() -> impl serde::Serialize { portcullis::types::Role::from(\"a\") }",
    "#[derive(schemars::JsonSchema)] pub struct Right;
     pub fn right() -> impl schemars::JsonSchema { portcullis::types::Role::from(\"a\") }",
    "#[derive(garde::Validate)] pub struct Right { #[garde(skip)] pub a: u8 }
     pub fn right() -> impl garde::Validate { portcullis::extract::Patch::<()>::Null }",
    "pub async fn right(app: portcullis::router::App, on: tokio::net::TcpListener) {
         let _ = app.serve(on).await;
     }",
];

/// Libraries of this name, the newest first.
fn libraries(folder: &Path, name: &str) -> Vec<PathBuf> {
    let prefix = format!("lib{name}-");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let file = path.file_name().unwrap().to_string_lossy();
            file.starts_with(&prefix) && file.ends_with(".rlib")
        })
        .collect();
    found.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    found.reverse();
    found
}

/// The compiler, and the libraries with which right programs compile.
struct Compiler {
    folder: PathBuf,
    libraries: Vec<(&'static str, PathBuf)>,
}

impl Compiler {
    fn new() -> Self {
        let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
        for portcullis in libraries(&folder, LIBRARIES[0]) {
            let first = (LIBRARIES[0], portcullis);
            let mut compiler = Self { folder: folder.clone(), libraries: vec![first] };
            if compiler.completes() {
                return compiler;
            }
        }
        panic!("the right programs do not compile");
    }

    /// Finds the other libraries, each by its right program.
    fn completes(&mut self) -> bool {
        for (name, right) in LIBRARIES.into_iter().zip(RIGHT).skip(1) {
            let found = libraries(&self.folder, name).into_iter().any(|library| {
                self.libraries.push((name, library));
                let fits = self.compile(right).is_ok();
                if !fits {
                    self.libraries.pop();
                }
                fits
            });
            if !found {
                return false;
            }
        }
        true
    }

    /// What the compiler says of a program that is wrong.
    fn compile(&self, program: &str) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program.rs");
        std::fs::write(&path, program).unwrap();
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
        rustc.args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata"]);
        for (name, library) in &self.libraries {
            rustc.arg("--extern").arg(format!("{name}={}", library.display()));
        }
        rustc.arg("-L").arg(format!("dependency={}", self.folder.display()));
        rustc.arg("--out-dir").arg(folder.path());
        let output = rustc.arg(&path).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(text) }
    }
}

/// What a compiler says of every message, and not of this mistake.
const FOREIGN: [&str; 11] = [
    "is not implemented for",
    "unsatisfied trait bound",
    "the full name for the type",
    "the full type name",
    "consider using `--verbose`",
    "the following",
    "required for",
    "redundant requirement",
    "in this macro invocation",
    "this error originates",
    "the method was found for",
];

/// The sentences of a message: what is wrong, and what is advised. Places in files, and lists of
/// types that might have been meant, change with every compiler.
fn sentences(message: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in message.lines() {
        let line = line.trim_start();
        let advice = line.strip_prefix("= note: ").or_else(|| line.strip_prefix("= help: "));
        let label = line.split_once("^ ").map(|(_, label)| label.trim_matches([' ', '-']));
        let sentence = match advice.or(label) {
            Some(sentence) => sentence,
            None if line.starts_with("error") && !line.contains("aborting due to") => line,
            None => continue,
        };
        let known = found.iter().any(|known| known == sentence);
        if !known && !FOREIGN.iter().any(|part| sentence.contains(part)) {
            found.push(sentence.to_owned());
        }
    }
    found
}

#[test]
fn each_mistake_is_named_and_the_message_is_kept() {
    let compiler = Compiler::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong_handlers/cases");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let cases: BTreeSet<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|kind| kind == "rs")).collect();
    assert!(cases.len() >= 20, "{}", cases.len());
    let mut faults = String::new();
    for case in cases {
        let name = case.file_stem().unwrap().to_string_lossy().into_owned();
        let program = std::fs::read_to_string(&case).unwrap();
        let Err(message) = compiler.compile(&program) else {
            writeln!(faults, "{name} compiles").unwrap();
            continue;
        };
        let kept = case.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&kept, sentences(&message).join("\n") + "\n").unwrap();
        }
        let kept = std::fs::read_to_string(&kept).unwrap_or_default();
        assert!(!kept.trim().is_empty(), "{name}: `BLESS=1` writes what the compiler says");
        for sentence in kept.lines().filter(|sentence| !message.contains(sentence)) {
            writeln!(faults, "{name}: {sentence:?} is missing in:\n{message}").unwrap();
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn no_suggestion_of_the_compiler_opens_a_route() {
    let text = Compiler::new()
        .compile(include_str!("wrong_handlers/cases/requirement_as_text.rs"))
        .expect_err("it compiles");
    assert!(text.contains("expected `Requirement`, found `&str`"), "{text}");
    for way_in in ["help: try", "help: consider", "help: call", "Public", ".into()"] {
        assert!(!text.contains(way_in), "{way_in:?} is suggested in:\n{text}");
    }
}
