//! The README's first program runs, and answers the command beside it.
//!
//! The program is compiled against the libraries this test was built with, as if it stood in a
//! project with the `[dependencies]` of the README.

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

/// The crates that the README lists.
fn dependencies(readme: &str) -> Vec<String> {
    let names = block(readme, "toml").lines().filter_map(|line| line.split_once(" = "));
    names.map(|(name, _)| name.replace('-', "_")).collect()
}

/// Libraries of this name, the newest first.
fn libraries(folder: &Path, name: &str) -> Vec<PathBuf> {
    let prefix = format!("lib{name}-");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let file = path.file_name().unwrap().to_string_lossy();
            let is_library = file.ends_with(".rlib") || file.ends_with(".so");
            file.starts_with(&prefix) && is_library
        })
        .collect();
    found.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    found.reverse();
    found
}

/// Every choice of one library for each name.
fn choices(folder: &Path, names: &[String]) -> Vec<Vec<(String, PathBuf)>> {
    names.iter().fold(vec![Vec::new()], |chosen, name| {
        let libraries = libraries(folder, name);
        let with = |before: &Vec<(String, PathBuf)>| -> Vec<Vec<(String, PathBuf)>> {
            let one = |library: &PathBuf| {
                let mut choice = before.clone();
                choice.push((name.clone(), library.clone()));
                choice
            };
            libraries.iter().map(one).collect()
        };
        chosen.iter().flat_map(with).collect()
    })
}

fn rustc(
    program: &Path,
    to: &Path,
    emit: &str,
    libraries: &[(String, PathBuf)],
) -> Result<(), String> {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
    rustc.args(["--edition", "2024", "--crate-type", "bin", "--emit", emit, "-o"]).arg(to);
    for (name, library) in libraries {
        rustc.arg("--extern").arg(format!("{name}={}", library.display()));
    }
    rustc.arg("-L").arg(format!("dependency={}", deps.display()));
    for entry in std::fs::read_dir(deps.parent().unwrap().join("build")).unwrap() {
        // Where build scripts put libraries in C.
        let out = entry.unwrap().path().join("out");
        rustc.arg("-L").arg(format!("native={}", out.display()));
    }
    let output = rustc.arg(program).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(text) }
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
    let program = folder.path().join("main.rs");
    let code = block(readme, "rust,no_run").replace("127.0.0.1:8000", &address);
    std::fs::write(&program, code).unwrap();

    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let mut messages = String::new();
    let fitting = choices(&deps, &dependencies(readme)).into_iter().find(|libraries| {
        let checked = rustc(&program, &folder.path().join("main.rmeta"), "metadata", libraries);
        checked.map_err(|message| messages = message).is_ok()
    });
    let libraries = fitting.unwrap_or_else(|| panic!("it does not compile:\n{messages}"));
    let binary = folder.path().join("main");
    rustc(&program, &binary, "link", &libraries).unwrap_or_else(|message| panic!("{message}"));

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
