//! Clean builds: how many crates, how much CPU time, how large a program; beside what else guards axum.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{circumstances, keep};
use crate::shell::{Outcome, Shell, say};

/// Where the wrapper of the compiler writes what each crate cost.
pub(crate) const LOG: &str = "PORTCULLIS_BENCH_LOG";

/// How many of the heaviest crates are named.
const HEAVIEST: usize = 5;

/// The same tokio for each.
const TOKIO: &str =
    "tokio = { version = \"1\", features = [\"rt-multi-thread\", \"macros\", \"net\"] }\n";

/// A program to be built, named, with its dependencies beside tokio and its text.
struct Program(&'static str, &'static str, &'static str);

const PROGRAMS: &[Program] = &[
    Program(
        "axum alone",
        "axum = \"0.8\"\n",
        r#"#[tokio::main]
async fn main() {
    let app = axum::Router::new().route("/", axum::routing::get(async || "Hello, world!"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
"#,
    ),
    Program(
        "portcullis, the guard alone",
        "portcullis = { path = \"PORTCULLIS\" }\nasync-trait = \"0.1\"\nhttp = \"1\"\nuuid = \"1\"\n",
        "README",
    ),
    Program(
        "axum-login, with sessions and CORS",
        "axum = \"0.8\"\naxum-login = \"0.18\"\ntower-sessions = \"0.14\"\n\
         tower-http = { version = \"0.6\", features = [\"cors\"] }\n",
        r#"use axum_login::tower_sessions::{MemoryStore, SessionManagerLayer};
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, UserId, login_required};

#[derive(Clone, Debug)]
struct Ann;

impl AuthUser for Ann {
    type Id = u64;
    fn id(&self) -> u64 {
        1
    }
    fn session_auth_hash(&self) -> &[u8] {
        b"a hash"
    }
}

#[derive(Clone)]
struct Users;

impl AuthnBackend for Users {
    type User = Ann;
    type Credentials = String;
    type Error = std::convert::Infallible;
    async fn authenticate(&self, given: String) -> Result<Option<Ann>, Self::Error> {
        Ok((given == "right").then_some(Ann))
    }
    async fn get_user(&self, _: &UserId<Self>) -> Result<Option<Ann>, Self::Error> {
        Ok(Some(Ann))
    }
}

#[tokio::main]
async fn main() {
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    let app = axum::Router::new()
        .route("/", axum::routing::get(async || "Hello, world!"))
        .route_layer(login_required!(Users, login_url = "/login"))
        .layer(AuthManagerLayerBuilder::new(Users, sessions).build())
        .layer(tower_http::cors::CorsLayer::permissive());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
"#,
    ),
    Program(
        "jwt-authorizer",
        "axum = \"0.8\"\njwt-authorizer = \"0.15\"\nserde = { version = \"1\", features = [\"derive\"] }\n",
        r#"use jwt_authorizer::{Authorizer, IntoLayer, JwtAuthorizer, JwtClaims};

#[derive(Clone, serde::Deserialize)]
struct User {
    sub: String,
}

#[tokio::main]
async fn main() {
    let jwt: Authorizer<User> = JwtAuthorizer::from_secret("a secret").build().await.unwrap();
    let hello = async |JwtClaims(user): JwtClaims<User>| format!("Hello, {}!", user.sub);
    let app = axum::Router::new().route("/", axum::routing::get(hello)).layer(jwt.into_layer());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
"#,
    ),
];

pub(super) fn run(shell: &mut Shell) -> Outcome {
    let mut rows = Vec::new();
    for program in PROGRAMS {
        say(&format!("builds {}", program.0));
        rows.push(build(shell, program)?);
    }
    keep(shell, "builds", &json!({"measured": circumstances(shell), "rows": rows}))
}

/// The first program of the README.
fn of_readme(shell: &Shell) -> Outcome<String> {
    let text = std::fs::read_to_string(shell.path("README.md"));
    let text = text.map_err(|error| format!("README.md: {error}"))?;
    let block = text.split_once("```rust,no_run\n").and_then(|(_, rest)| rest.split_once("\n```"));
    block.map(|(block, _)| block.to_owned()).ok_or_else(|| "README.md has no program".to_owned())
}

fn build(shell: &Shell, Program(name, dependencies, text): &Program) -> Outcome<Value> {
    let slug: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let folder = shell.path("target/bench/builds").join(&slug);
    let _ = std::fs::remove_dir_all(&folder);
    let write = |path: &str, text: &str| {
        let file = folder.join(path);
        let made = std::fs::create_dir_all(file.parent().unwrap_or(&folder));
        let written = made.and_then(|()| std::fs::write(&file, text));
        written.map_err(|error| format!("{}: {error}", file.display()))
    };
    let library = shell.path("crates/portcullis").display().to_string();
    let dependencies = dependencies.replace("PORTCULLIS", &library);
    // The workspace of its own keeps it out of ours.
    let manifest = format!(
        "[package]\nname = \"program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\n{TOKIO}{dependencies}"
    );
    write("Cargo.toml", &manifest)?;
    let text = if *text == "README" { of_readme(shell)? } else { (*text).to_owned() };
    write("src/main.rs", &text)?;

    let wrapper = std::env::current_exe().map_err(|error| format!("who am I: {error}"))?;
    let log = folder.join("crates.log");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--release", "--message-format=json", "--quiet"]).current_dir(&folder);
    cargo.env("CARGO_TARGET_DIR", folder.join("target")).env("RUSTC_WRAPPER", wrapper);
    cargo.env(LOG, &log).env_remove("CARGO_INCREMENTAL");
    let before = cpu_of_children();
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("{name} does not build"));
    }
    let seconds = cpu_of_children() - before;
    let text = String::from_utf8_lossy(&output.stdout);
    let packages: BTreeSet<String> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter_map(|message| message["package_id"].as_str().map(str::to_owned))
        .collect();
    let size = std::fs::metadata(folder.join("target/release/program"));
    let size = size.map_err(|error| format!("{name}: {error}"))?.len();
    let _ = std::fs::remove_dir_all(folder.join("target"));
    Ok(json!({
        "name": name,
        // The program itself is no dependency.
        "crates": packages.len() - 1,
        "cpu_seconds": seconds.round(),
        "binary_kib": size / 1024,
        "heaviest": heaviest(&log),
    }))
}

/// The crates whose compilation cost most, each with its seconds.
fn heaviest(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mut spent: BTreeMap<&str, f64> = BTreeMap::new();
    for (name, seconds) in text.lines().filter_map(|line| line.split_once(' ')) {
        *spent.entry(name).or_default() += seconds.parse().unwrap_or(0.0);
    }
    let mut all: Vec<_> = spent.into_iter().collect();
    all.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let named = all.into_iter().take(HEAVIEST);
    named.map(|(name, seconds)| json!({"crate": name, "cpu_seconds": seconds.round()})).collect()
}

/// The user and system time, in seconds, of all children that have ended.
fn cpu_of_children() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> =
        text.rsplit(") ").next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    (ticks(13).unwrap_or_default() + ticks(14).unwrap_or_default()) / 100.0
}

/// Stands in for the compiler while a build is measured: runs it, and notes what it cost.
pub(crate) fn compile(words: &[String], log: &std::ffi::OsStr) -> Outcome<i32> {
    use std::io::Write as _;
    let (rustc, arguments) = words.split_first().ok_or("no compiler is named")?;
    let status = Command::new(rustc).args(arguments).status();
    let status = status.map_err(|error| format!("{rustc} cannot be run: {error}"))?;
    let name = arguments.iter().skip_while(|word| *word != "--crate-name").nth(1);
    if let Some(name) = name {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log);
        let mut file = file.map_err(|error| format!("the log of crates: {error}"))?;
        let _ = writeln!(file, "{name} {:.2}", cpu_of_children());
    }
    Ok(status.code().unwrap_or(1))
}
