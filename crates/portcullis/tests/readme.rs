//! The README's first program runs, and answers the command beside it.
//!
//! It is copied into an empty project with the `[dependencies]` that are given there.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "it is a test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The first block of this kind, without the lines that fence it.
fn block<'a>(readme: &'a str, kind: &str) -> &'a str {
    let (_, rest) = readme.split_once(&format!("```{kind}\n")).expect("a block");
    rest.split_once("\n```").expect("its end").0
}

/// An empty project with the `[dependencies]` of the README, and nothing else.
///
/// Only where the library is differs, since this version of it is in no registry yet. The lock and the
/// profiles are those of the workspace, so that what is built already is not built again.
fn project(folder: &Path, readme: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let workspace = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let profiles = workspace.find("[profile.dev]").map_or("", |at| &workspace[at..]);
    let dependencies = block(readme, "toml");
    assert!(dependencies.starts_with("[dependencies]\n"));
    assert!(dependencies.contains("\nportcullis = \"0.1\"\n"), "{dependencies}");
    let library = root.join("crates/portcullis");
    let here = format!("portcullis = {{ path = \"{}\" }}", library.display());
    let manifest = format!(
        "[package]\nname = \"of_readme\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         {}\n\n{profiles}",
        dependencies.replace("portcullis = \"0.1\"", &here)
    );
    std::fs::create_dir(folder.join("src")).unwrap();
    std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

/// Builds the project without a network, and says where the program is.
fn build(folder: &Path) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).expect("the folder of what is built");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--offline", "--quiet"]).current_dir(folder);
    cargo.env("CARGO_TARGET_DIR", target);
    let output = cargo.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "it does not build:\n{error}");
    target.join("debug/of_readme")
}

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ask(address: &str, path: &str, header: &str) -> String {
    let started = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(error) if started.elapsed() > Duration::from_secs(10) => panic!("{error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{header}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_first_program_answers_the_command_beside_it() {
    let readme = include_str!("../../../README.md");
    let folder = tempfile::tempdir().unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    project(folder.path(), readme);
    let code = block(readme, "rust,no_run").replace("127.0.0.1:8000", &address);
    std::fs::write(folder.path().join("src/main.rs"), code).unwrap();
    let binary = build(folder.path());

    let mut child = Command::new(&binary).stdout(Stdio::piped()).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let _running = Running(child);
    let printed: Vec<String> = out.lines().take(3).map(Result::unwrap).collect();
    assert_eq!(printed.join("\n"), block(readme, "text"), "the table in the README");

    let command = block(readme, "sh");
    let header = command.split('"').nth(1).expect("a header in the command");
    let path = command.split("127.0.0.1:8000").nth(1).expect("a path in the command");
    let answer = ask(&address, path, &format!("{header}\r\n"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("These are the reports, ann."), "{answer}");
    assert!(ask(&address, path, "").starts_with("HTTP/1.1 401"));
}
