//! The binary, in a folder of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use base64::Engine as _;
use serde_json::Value;

/// A good password.
pub(crate) const PASSWORD: &str = "down-the-rabbit-hole";

/// The master secret where the database is on a server, which has no file beside it.
const MASTER_SECRET: &str = "hVq0-8Zc0vX2nB5mK8pL1sD4fG6hJ9wE3";

/// A folder, and the binary run in it.
pub(crate) struct Folder {
    folder: tempfile::TempDir,
    /// The schema of its own, where the tests run on PostgreSQL.
    url: Option<String>,
}

/// What a command answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) error: String,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            error: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Answer {
    /// What it printed, where it did what it was asked.
    #[track_caller]
    pub(crate) fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        assert_eq!(self.error, "", "{self:?}");
        self.out
    }

    /// The JSON it printed.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.good()).unwrap()
    }

    /// What it said, where it refused, with all of these words in it.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, words: &[&str]) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        for word in words {
            assert!(self.error.contains(word), "{word:?} is not in {}", self.error);
        }
        self.error
    }
}

impl Folder {
    /// Keeps its database in a file, or on the server that the tests run on.
    pub(crate) fn new() -> Self {
        Self { url: portcullis::testing::database_url(), ..Self::with_a_file() }
    }

    /// Keeps its database in a file, for tests about the file.
    pub(crate) fn with_a_file() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), url: None }
    }

    /// Whether its database is on a server.
    pub(crate) fn is_on_a_server(&self) -> bool {
        self.url.is_some()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.current_dir(self.folder.path()).args(split(words));
        command.env_clear().env("PATH", "/usr/bin:/bin");
        if let Some(url) = &self.url {
            command.env("PORTCULLIS_DATABASE_URL", url);
            command.env("PORTCULLIS_TOKENS_MASTER_SECRET", MASTER_SECRET);
            // The demo takes its database from a flag alone.
            if words.starts_with("demo") && !words.contains("--database") {
                command.args(["--database", url]);
            }
        }
        command
    }

    /// Runs a command; a word may be quoted by `'`.
    pub(crate) fn run(&self, words: &str) -> Answer {
        self.run_with(words, "")
    }

    /// Runs a command with this on standard input.
    pub(crate) fn run_with(&self, words: &str, input: &str) -> Answer {
        self.finish(self.command(words), input)
    }

    /// Runs a command with variables in its environment.
    pub(crate) fn run_in(&self, variables: &[(&str, &str)], words: &str) -> Answer {
        let mut command = self.command(words);
        command.envs(variables.iter().copied());
        self.finish(command, "")
    }

    #[expect(clippy::unused_self, reason = "the folder must outlive the command")]
    fn finish(&self, mut command: Command, input: &str) -> Answer {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that does not read it may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    /// Makes a user with the usual password.
    #[track_caller]
    pub(crate) fn add_user(&self, words: &str) {
        self.run_with(&format!("user add {words}"), &format!("{PASSWORD}\n")).good();
    }

    /// Makes the roles that some tests speak of: guest, user (may read the audit log) and moderator
    /// (may manage clients).
    #[track_caller]
    pub(crate) fn add_sample_roles(&self) {
        self.run("migrate").good();
        self.run("role add guest").good();
        self.run("role add user --include guest --permission audit:read").good();
        self.run("role add moderator --include user --permission clients:manage").good();
    }

    /// Starts a server, and kills it after this time.
    pub(crate) fn kill_after(&self, words: &str, time: Duration) {
        let mut command = self.command(&format!("{words} --listen 127.0.0.1:0"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(time);
        let _ = child.kill();
        child.wait().unwrap();
    }

    /// What the server that was started last has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap()
    }

    /// Waits until the server has logged these words.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, words: &str) -> String {
        for _ in 0..500 {
            if self.log().contains(words) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let log = self.log();
        assert!(log.contains(words), "{words:?} is not in the log:\n{log}");
        log
    }

    /// Starts a server, and waits until it says that it listens.
    pub(crate) fn start(&self, words: &str) -> Running {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = self.command(&format!("{words} --listen 127.0.0.1:{port}"));
        let log = std::fs::File::create(self.path("log")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains(&format!(":{port}")) {
            let read = out.read_line(&mut greeting).unwrap();
            assert!(read > 0, "it ended: {greeting}{}", self.log());
        }
        // The rest is read as it comes, so that a full pipe holds nothing up.
        let rest = std::thread::spawn(move || {
            let mut rest = String::new();
            let _ = out.read_to_string(&mut rest);
            rest
        });
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Running { child, address, greeting, rest: Some(rest) }
    }
}

/// A server that runs until it is dropped.
pub(crate) struct Running {
    child: Child,
    address: SocketAddr,
    greeting: String,
    rest: Option<std::thread::JoinHandle<String>>,
}

impl Running {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The status and body of an answer; `credential` is a line such as `Authorization: …`.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        lines: &[String],
        body: &str,
    ) -> (u16, Value) {
        let (status, body) = self.answer(method, path, lines, body);
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    fn answer(&self, method: &str, path: &str, lines: &[String], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let lines = lines.iter().fold(String::new(), |all, line| format!("{all}{line}\r\n"));
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{lines}\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// The status and text of an answer to a GET.
    pub(crate) fn text(&self, path: &str, lines: &[String]) -> (u16, String) {
        self.answer("GET", path, lines, "")
    }

    pub(crate) fn get(&self, path: &str, lines: &[String]) -> u16 {
        self.ask("GET", path, lines, "").0
    }

    /// Signs in, and answers the token endpoint's answer.
    pub(crate) fn token(&self, username: &str) -> Value {
        let form = vec!["Content-Type: application/x-www-form-urlencoded".to_owned()];
        let body = format!("grant_type=password&username={username}&password={PASSWORD}");
        let (status, answer) = self.ask("POST", "/token", &form, &body);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Asks until the status is this one, for at most 200 ms after `since`: how soon a change made
    /// elsewhere counts.
    #[track_caller]
    pub(crate) fn soon(&self, path: &str, lines: &[String], status: u16) {
        let until = std::time::Instant::now() + Duration::from_millis(200);
        loop {
            let began = std::time::Instant::now();
            let answered = self.get(path, lines);
            if answered == status {
                return;
            }
            assert!(began < until, "{path} still answers {answered}, not {status}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends it a signal, such as `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let number = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &number]).status().unwrap();
        assert!(sent.success());
    }

    /// Asks it to end, and returns all it printed.
    pub(crate) fn stop(mut self) -> String {
        let stopped = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(stopped.success());
        assert!(self.child.wait().unwrap().success());
        self.greeting.clone() + &self.rest.take().unwrap().join().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn basic(username: &str) -> Vec<String> {
    let pair = format!("{username}:{PASSWORD}");
    vec![format!("Authorization: Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))]
}

pub(crate) fn bearer(token: &str) -> Vec<String> {
    vec![format!("Authorization: Bearer {token}")]
}

/// Words as a shell would split them; `'` quotes.
fn split(line: &str) -> Vec<String> {
    line.split('\'')
        .enumerate()
        .flat_map(|(position, part)| match position % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
            _ => vec![part.to_owned()],
        })
        .collect()
}
