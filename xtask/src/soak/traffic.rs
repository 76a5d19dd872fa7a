//! Users, administrators and attackers, each from addresses of their own, as a proxy says.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::http::{self, Answer};

/// Basic credentials of the demo's administrator: public, and good on loopback alone.
const ADA: &str = "Basic YWRhOmFuYWx5dGljYWw6ZW5naW5lOjE4NDM=";
/// Sample users of the demo and their passwords.
const USERS: [(&str, &str); 4] = [
    ("alice", "down-the-rabbit-hole"),
    ("mona", "moderate-every-thread"),
    ("rita", "reads-all-the-books-2"),
    ("will", "writes-all-the-books"),
];

/// What was seen of all answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) statuses: BTreeMap<(&'static str, u16), u64>,
    pub(super) unanswered: u64,
    pub(super) wrong: Vec<String>,
}

impl Seen {
    pub(super) fn answers(&self) -> u64 {
        self.statuses.values().sum()
    }
}

/// Something that was answered, and must stay so.
#[derive(Clone, Debug)]
enum Promise {
    /// This user is there.
    User(String),
    /// This token was ended.
    Ended(String),
}

/// Whether answers may say that the disk is full.
#[derive(Clone, Copy, Debug, Default)]
enum Full {
    #[default]
    No,
    Now,
    /// There is room again, and answers that are under way may not know.
    Until(Instant),
}

/// What the threads share.
pub(super) struct Shared {
    port: u16,
    pub(super) over: AtomicBool,
    pub(super) is_down: AtomicBool,
    full: Mutex<Full>,
    seen: Mutex<Seen>,
    latencies: Mutex<Vec<u32>>,
    promises: Mutex<Vec<Promise>>,
    numbers: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            over: AtomicBool::new(false),
            is_down: AtomicBool::new(false),
            full: Mutex::default(),
            seen: Mutex::default(),
            latencies: Mutex::default(),
            promises: Mutex::default(),
            numbers: AtomicU64::new(0),
        }
    }

    pub(super) fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    /// From now on the disk is full, for good or until a moment.
    pub(super) fn full_until(&self, until: Option<Instant>) {
        *lock(&self.full) = until.map_or(Full::Now, Full::Until);
    }

    fn may_be_full(&self) -> bool {
        match *lock(&self.full) {
            Full::No => false,
            Full::Now => true,
            Full::Until(moment) => Instant::now() < moment,
        }
    }

    /// How many signed-in requests were answered since the last call, and their 99th percentile.
    pub(super) fn take_latencies(&self) -> (u32, u32) {
        let mut all = std::mem::take(&mut *lock(&self.latencies));
        all.sort_unstable();
        let number = u32::try_from(all.len()).unwrap_or(u32::MAX);
        (number, all.get(all.len() * 99 / 100).copied().unwrap_or_default())
    }

    /// Asks, and judges the status. `None` where the server was down.
    fn ask(&self, who: &'static str, request: &str) -> Option<Answer> {
        let full_before = self.may_be_full();
        let answer = http::ask(self.port, request);
        let mut seen = lock(&self.seen);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                seen.unanswered += 1;
                drop(seen);
                // Nobody expects an answer of a server that was killed, and it is not asked in a hurry.
                std::thread::sleep(Duration::from_millis(50));
                if !self.is_down.load(Ordering::SeqCst)
                    && error.kind() == std::io::ErrorKind::TimedOut
                {
                    lock(&self.seen).wrong.push(format!("{who}: no answer in time"));
                }
                return None;
            }
        };
        *seen.statuses.entry((who, answer.status)).or_default() += 1;
        let full = full_before || self.may_be_full();
        if answer.status >= 500 && !(full && answer.status == 503) && seen.wrong.len() < 20 {
            let line = request.lines().next().unwrap_or_default().to_owned();
            seen.wrong.push(format!("{who}: {} to {line}: {}", answer.status, answer.body));
        }
        Some(answer)
    }

    fn promise(&self, promise: Promise) {
        lock(&self.promises).push(promise);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

/// A request from an address, as a proxy that ends TLS hands it on.
fn request(from: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\nx-forwarded-for: {from}\r\n\
         x-forwarded-proto: https\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
}

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// Begins all of it.
pub(super) fn begin(shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    let mut threads = Vec::new();
    let mut spawn = |run: Box<dyn Fn(&Shared) + Send>| {
        let shared = Arc::clone(shared);
        threads.push(std::thread::spawn(move || {
            while !shared.is_over() {
                run(&shared);
            }
        }));
    };
    for (number, (name, password)) in USERS.into_iter().enumerate() {
        spawn(Box::new(move |shared| user(shared, number, name, password)));
    }
    spawn(Box::new(administrator));
    spawn(Box::new(guesser));
    spawn(Box::new(forger));
    spawn(Box::new(flooder));
    spawn(Box::new(dawdler));
    threads
}

/// Signs in, looks around, refreshes, and signs out.
fn user(shared: &Shared, number: usize, name: &str, password: &str) {
    let from = format!("198.51.100.{}", number + 1);
    let ask = |method: &str, path: &str, headers: &str, body: &str| {
        shared.ask("user", &request(&from, method, path, headers, body))
    };
    let login = format!("grant_type=password&username={name}&password={password}");
    let Some(mut tokens) = ask("POST", "/token", FORM, &login) else { return };
    for _ in 0..3 {
        let (Some(access), Some(refresh)) =
            (tokens.member("access_token"), tokens.member("refresh_token"))
        else {
            return std::thread::sleep(Duration::from_millis(200));
        };
        let bearer = format!("authorization: Bearer {access}\r\n");
        for turn in 0..40 {
            let path = ["/protected", "/users/me", "/read", "/"][turn % 4];
            let began = Instant::now();
            if ask("GET", path, &bearer, "").is_some() {
                let micros = u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX);
                lock(&shared.latencies).push(micros);
            }
            if shared.is_over() {
                return;
            }
        }
        let Some(next) = ask(
            "POST",
            "/token",
            FORM,
            &format!("grant_type=refresh_token&refresh_token={refresh}"),
        ) else {
            return;
        };
        tokens = next;
    }
    let Some(access) = tokens.member("access_token") else { return };
    let bearer = format!("authorization: Bearer {access}\r\n");
    if ask("POST", "/auth/jwt/logout", &bearer, "").is_some_and(|answer| answer.status == 204) {
        shared.promise(Promise::Ended(access));
    }
}

/// Makes users, gives and takes roles, disables and deletes, reads the log.
fn administrator(shared: &Shared) {
    let ask = |method: &str, path: &str, body: &str| {
        let headers = format!("authorization: {ADA}\r\ncontent-type: application/json\r\n");
        shared.ask("administrator", &request("198.51.100.200", method, path, &headers, body))
    };
    let name = format!("soak-{}-{}", std::process::id(), shared.number());
    let body = format!("{{\"username\":\"{name}\",\"password\":\"a long walk through {name}\"}}");
    let Some(made) = ask("POST", "/users", &body) else { return };
    let Some(id) = made.member("id").filter(|_| made.status == 201) else {
        return std::thread::sleep(Duration::from_millis(100));
    };
    ask("PUT", &format!("/users/{id}/roles/moderator"), "");
    ask("POST", &format!("/users/{id}/grants"), "{\"permission\":\"write\"}");
    ask("GET", "/audit?limit=20", "");
    ask("PATCH", &format!("/users/{id}"), "{\"is_active\":false}");
    ask("DELETE", &format!("/users/{id}/roles/moderator"), "");
    if shared.number().is_multiple_of(3) {
        ask("DELETE", &format!("/users/{id}"), "");
    } else {
        shared.promise(Promise::User(id));
    }
    std::thread::sleep(Duration::from_millis(30));
}

/// Guesses passwords, from ever new addresses.
fn guesser(shared: &Shared) {
    let number = shared.number();
    let from = format!("203.0.113.{}", number % 200 + 1);
    let (name, _) = USERS[usize::try_from(number).unwrap_or(0) % USERS.len()];
    let body = format!("grant_type=password&username={name}&password=guess-{number}");
    shared.ask("guesser", &request(&from, "POST", "/token", FORM, &body));
    std::thread::sleep(Duration::from_millis(100));
}

/// Shows tokens that were never issued, and asks for what is not there.
fn forger(shared: &Shared) {
    let from = "203.0.113.250";
    for authorization in [
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Bearer pc_at_0000000000000000000000000000000000000000000000000",
        "Basic !!!",
        "Bearer",
    ] {
        let headers = format!("authorization: {authorization}\r\n");
        shared.ask("forger", &request(from, "GET", "/admin", &headers, ""));
    }
    shared.ask("forger", &request(from, "GET", "/../%2e%2e/etc/passwd", "", ""));
    shared.ask("forger", &request(from, "POST", "/users", "content-type: text/plain\r\n", "{"));
    std::thread::sleep(Duration::from_millis(20));
}

/// Sends bodies that are far too large.
fn flooder(shared: &Shared) {
    let body = "x".repeat(2 * 1024 * 1024);
    shared.ask("flooder", &request("203.0.113.251", "POST", "/token", FORM, &body));
    std::thread::sleep(Duration::from_millis(200));
}

/// Opens connections and says nothing more.
fn dawdler(shared: &Shared) {
    let open: Vec<TcpStream> = (0..40)
        .filter_map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", shared.port)).ok()?;
            stream.write_all(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ").ok()?;
            Some(stream)
        })
        .collect();
    std::thread::sleep(Duration::from_secs(2));
    drop(open);
}

/// Whether everything that was answered is still true: users that were made are there, tokens that were
/// ended count for nothing.
pub(super) fn check_what_was_answered(shared: &Shared) -> Result<String, String> {
    let promises = std::mem::take(&mut *lock(&shared.promises));
    let (mut users, mut tokens) = (0, 0);
    for promise in &promises {
        let (headers, path, wanted) = match promise {
            Promise::User(id) => {
                users += 1;
                (format!("authorization: {ADA}\r\n"), format!("/users/{id}"), 200)
            }
            Promise::Ended(token) => {
                tokens += 1;
                (format!("authorization: Bearer {token}\r\n"), "/users/me".to_owned(), 401)
            }
        };
        let text = request("198.51.100.201", "GET", &path, &headers, "");
        let answer = http::ask(shared.port, &text).map_err(|error| format!("{path}: {error}"))?;
        if answer.status != wanted {
            return Err(format!("{promise:?} was answered, and is now {}", answer.status));
        }
    }
    Ok(format!("what was answered is true: {users} users are there, {tokens} tokens stay ended"))
}
