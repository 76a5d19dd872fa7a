//! How soon a fresh process answers, and what it takes in memory: `portcullis serve` on a database
//! that is there already, small and big.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark speaks on its output")]

#[path = "../../portcullis/benches/seed/mod.rs"]
mod seed;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use seed::{BIG, median, seed};

/// What a process has in memory, in MiB.
fn resident(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// A server, ended with no chance to tidy up when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ready(port: u16) -> bool {
    let Ok(mut wire) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let asked = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut answer = String::new();
    wire.write_all(asked).is_ok()
        && wire.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}

/// Starts it; says how many seconds went by until its first answer.
fn start(folder: &Path) -> (Server, f64) {
    // Free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let begun = Instant::now();
    let server = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let server = Server(server.unwrap());
    while !ready(port) {
        assert!(begun.elapsed() < Duration::from_mins(1), "it did not start");
        std::thread::sleep(Duration::from_millis(1));
    }
    (server, begun.elapsed().as_secs_f64())
}

fn measure(name: &str, folder: &Path) {
    let (mut seconds, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        let (server, first) = start(folder);
        seconds.push(first * 1000.0);
        std::thread::sleep(Duration::from_millis(500));
        memory.push(resident(server.0.id()));
    }
    let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    println!(
        "{name:<42}{:>9.0}{:>9.0}{:>12.1}{:>9.1}",
        median(seconds.clone()),
        most(&seconds),
        median(memory.clone()),
        most(&memory)
    );
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    drop(start(folder.path()));
    println!("{:<42}{:>9}{:>9}{:>12}{:>9}", "", "ms", "at most", "MiB idle", "at most");
    measure("serve, a small database", folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(seed(&folder.path().join("portcullis.db"), BIG, None));
    measure("serve, a million users, 10 000 roles", folder.path());
}
