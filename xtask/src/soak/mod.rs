//! `cargo xtask soak`: the real server under users, administrators and attackers at once, killed by `-9`
//! and run into a full disk again and again. It ends with an audit log that is whole, with everything that
//! was answered still true, and with no 5xx but while the disk was full.

mod chart;
mod http;
mod traffic;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::rust;
use crate::shell::{Outcome, Shell, say};
use traffic::{Seen, Shared};

/// What happens in every minute: killed at this second, then the disk is full from one to another.
const KILLED_AT: u64 = 15;
const FULL: std::ops::Range<u64> = 30..38;
/// How long after that 5xx may still be on their way.
const GRACE: Duration = Duration::from_secs(3);

/// One second of the run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Second {
    pub(crate) answers: u32,
    pub(crate) p99_micros: u32,
    pub(crate) memory_kib: u32,
    pub(crate) file_kib: u32,
    pub(crate) is_full: bool,
}

pub(crate) fn soak(shell: &mut Shell, minutes: u64) -> Outcome {
    if shell.asked("prlimit", "--version").is_none() {
        return Err("prlimit is not there: install util-linux".to_owned());
    }
    rust::build_server(shell)?;
    let folder = shell.path("target/soak");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut server = Server::new(shell.built("portcullis"), folder.clone())?;
    let shared = Arc::new(Shared::new(server.port));
    server.start()?;
    let traffic = traffic::begin(&shared);
    let seconds = drive(&mut server, &shared, minutes * 60);
    shared.over.store(true, Ordering::Relaxed);
    for thread in traffic {
        thread.join().map_err(|_| "a thread of the traffic panicked")?;
    }
    let seconds = seconds?;
    let checked = traffic::check_what_was_answered(&shared);
    server.stop();
    let verdict = server.verify();
    std::fs::write(folder.join("soak.svg"), chart::draw(&seconds))
        .map_err(|error| format!("soak.svg: {error}"))?;
    report(&shared.seen(), &seconds, &folder);
    say(&verdict?);
    say(&checked?);
    let wrong = shared.seen().wrong;
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Runs the minutes, and measures every second.
fn drive(server: &mut Server, shared: &Shared, length: u64) -> Outcome<Vec<Second>> {
    let (began, mut seconds) = (Instant::now(), Vec::new());
    for at in 1..=length {
        let next = began + Duration::from_secs(at);
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        match at % 60 {
            KILLED_AT => {
                shared.is_down.store(true, Ordering::SeqCst);
                server.kill();
                server.start()?;
                shared.is_down.store(false, Ordering::SeqCst);
            }
            second if second == FULL.start => {
                shared.full_until(None);
                server.limit_files(true)?;
            }
            second if second == FULL.end => {
                server.limit_files(false)?;
                shared.full_until(Some(Instant::now() + GRACE));
            }
            _ => {}
        }
        let (answers, p99_micros) = shared.take_latencies();
        let second = Second {
            answers,
            p99_micros,
            memory_kib: server.memory_kib(),
            file_kib: server.file_kib(),
            is_full: FULL.contains(&(at % 60)),
        };
        if at % 10 == 0 {
            say(&format!("{at} s: {second:?}"));
        }
        seconds.push(second);
    }
    Ok(seconds)
}

fn report(seen: &Seen, seconds: &[Second], folder: &Path) {
    say(&format!("\n{} answers in {} seconds:", seen.answers(), seconds.len()));
    for ((who, status), number) in &seen.statuses {
        say(&format!("  {who:<14} {status} {number}"));
    }
    say(&format!("  {:<14} not answered: the server was down", seen.unanswered));
    let most = |of: fn(&Second) -> u32| seconds.iter().map(of).max().unwrap_or_default();
    let mut p99: Vec<u32> = seconds.iter().map(|second| second.p99_micros).collect();
    p99.sort_unstable();
    let middle = p99.get(p99.len() / 2).copied().unwrap_or_default();
    say(&format!(
        "  most memory {} KiB, most on disk {} KiB",
        most(|s| s.memory_kib),
        most(|s| s.file_kib)
    ));
    say(&format!("  p99 of a signed-in request, the median of all seconds: {middle} µs"));
    say(&format!("  drawn in {}", folder.join("soak.svg").display()));
}

/// `portcullis demo` in a folder of its own.
struct Server {
    binary: PathBuf,
    folder: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Server {
    fn new(binary: PathBuf, folder: PathBuf) -> Outcome<Self> {
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr());
        let port = free.map_err(|error| format!("no port is free: {error}"))?.port();
        Ok(Self { binary, folder, port, child: None })
    }

    fn start(&mut self) -> Outcome {
        let failed = |error: std::io::Error| format!("the server cannot be started: {error}");
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log"));
        let log = log.map_err(failed)?;
        // A file that may not grow raises a signal that would end the process; ignored, it is an error of
        // the write, as on a full disk. A shell passes on what it ignores.
        let child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
            .arg(&self.binary)
            .args(["demo", "--listen", &format!("127.0.0.1:{}", self.port)])
            .env("PORTCULLIS_SERVER_TRUSTED_PROXIES", "127.0.0.1")
            .env("PORTCULLIS_SERVER_LOG", "warn,portcullis::access=off")
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            .spawn()
            .map_err(failed)?;
        self.child = Some(child);
        let began = Instant::now();
        while began.elapsed() < Duration::from_mins(1) {
            if http::get(self.port, "/health/ready").is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.kill();
        Err(format!(
            "the server was not ready within a minute: see {}",
            self.folder.join("log").display()
        ))
    }

    /// `kill -9`.
    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asked to end, as an operator does.
    fn stop(&mut self) {
        if let Some(child) = &self.child {
            let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        }
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }

    fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Lets no file grow any more, or lets them grow again.
    fn limit_files(&self, full: bool) -> Outcome {
        // Every file of the database is longer: whatever is written, there is no room for it.
        let most = if full { "1:unlimited" } else { "unlimited:unlimited" };
        let done = Command::new("prlimit")
            .args(["--pid", &self.pid().to_string(), &format!("--fsize={most}")])
            .status();
        match done {
            Ok(status) if status.success() => Ok(()),
            other => Err(format!("prlimit did not set the limit: {other:?}")),
        }
    }

    fn memory_kib(&self) -> u32 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
    }

    fn file_kib(&self) -> u32 {
        let size = |name: &str| {
            std::fs::metadata(self.folder.join(name)).map_or(0, |facts| facts.len() / 1024)
        };
        let both = size("portcullis-demo.db") + size("portcullis-demo.db-wal");
        u32::try_from(both).unwrap_or(u32::MAX)
    }

    /// Whether the audit log is whole, in the words of the command.
    fn verify(&self) -> Outcome<String> {
        let output = Command::new(&self.binary)
            .args(["audit", "verify", "--database", "sqlite://portcullis-demo.db"])
            .current_dir(&self.folder)
            .output()
            .map_err(|error| format!("audit verify: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        Err(format!("the audit log: {said}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
