//! Servers side by side over loopback: what each request costs the process that answers it.
//!
//! The CPU time of a server is read from the operating system before and after each round of load,
//! and divided by the requests that were answered. It hardly hangs on what else the machine does.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::{built, circumstances, keep, median};
use crate::shell::{Outcome, Shell, say};

const ROUNDS: usize = 3;
const SECONDS: &str = "2s";
const CONNECTIONS: &str = "64";

/// A server of ours that ends with this value.
struct Server {
    child: Child,
    exchanges: Vec<Value>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(program: &Path, what: &str, given: &Path) -> Outcome<Self> {
        let mut command = Command::new(program);
        command.args(["serve", what]).arg(given);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{what} cannot be started: {error}"))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            let read = BufReader::new(output).read_line(&mut line);
            read.map_err(|error| format!("{what} says nothing: {error}"))?;
        }
        let mut server = Self { child, exchanges: Vec::new() };
        server.exchanges = serde_json::from_str(&line)
            .map_err(|error| format!("{what} does not serve: {error}"))?;
        Ok(server)
    }

    /// User and system time so far, in seconds, in steps of a hundredth.
    fn cpu(&self) -> Outcome<f64> {
        let file = format!("/proc/{}/stat", self.child.id());
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
        // The name in brackets may have spaces; the times are the 12th and 13th field after it.
        let fields: Vec<&str> =
            text.rsplit(") ").next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
        let (Some(user), Some(system)) = (ticks(11), ticks(12)) else {
            return Err(format!("{file} cannot be read"));
        };
        Ok((user + system) / 100.0)
    }

    /// Resident memory in MiB.
    fn memory(&self) -> f64 {
        let file = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
        kib.unwrap_or_default() / 1024.0
    }
}

/// What one round of load came to.
#[derive(Clone, Copy)]
struct Sample {
    requests: f64,
    per_second: f64,
    cpu_micros: f64,
    p50: f64,
    p99: f64,
}

/// A script for wrk that makes this request.
fn script(exchange: &Value) -> String {
    let text = |value: &Value| format!("[==[{}]==]", value.as_str().unwrap_or_default());
    let mut lua = format!("wrk.method = {}\n", text(&exchange["method"]));
    for header in exchange["headers"].as_array().into_iter().flatten() {
        let _ = writeln!(lua, "wrk.headers[{}] = {}", text(&header[0]), text(&header[1]));
    }
    if exchange["body"].as_str().is_some_and(|body| !body.is_empty()) {
        let _ = writeln!(lua, "wrk.body = {}", text(&exchange["body"]));
    }
    lua + "done = function(summary, latency)\n\
           local e = summary.errors\n\
           io.write(string.format('RESULT %d %d %d %d %d %d\\n', summary.requests, summary.duration,\n\
           e.connect + e.read + e.write + e.timeout, e.status,\n\
           latency:percentile(50), latency:percentile(99)))\nend\n"
}

/// Loads one server with one request, and says what it cost.
fn load(shell: &Shell, server: &Server, exchange: &Value) -> Outcome<Sample> {
    let name = &exchange["name"];
    let file = shell.path("target/bench/request.lua");
    std::fs::write(&file, script(exchange))
        .map_err(|error| format!("{}: {error}", file.display()))?;
    let (address, path) = (&exchange["address"], &exchange["path"]);
    let url =
        format!("http://{}{}", address.as_str().unwrap_or_default(), path.as_str().unwrap_or("/"));
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", "-c", CONNECTIONS, "-d", SECONDS, "-s"]).arg(&file).arg(url);
    let before = server.cpu()?;
    let output = wrk.output().map_err(|error| format!("wrk cannot be run: {error}"))?;
    let spent = server.cpu()? - before;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("RESULT "));
    let numbers: Vec<f64> =
        line.unwrap_or_default().split(' ').filter_map(|number| number.parse().ok()).collect();
    let &[requests, micros, lost, refused, p50, p99] = &numbers[..] else {
        return Err(format!("wrk says nothing of {name}: {text}"));
    };
    let expected = if exchange["status"].as_u64() < Some(400) { 0.0 } else { requests };
    if lost > 0.0 || (refused - expected).abs() > 0.5 || requests < 1.0 {
        return Err(format!("{name}: of {requests} requests {lost} were lost, {refused} refused"));
    }
    let (per_second, cpu_micros) = (requests * 1e6 / micros, spent * 1e6 / requests);
    Ok(Sample { requests, per_second, cpu_micros, p50, p99 })
}

fn of(samples: &[Sample], what: fn(&Sample) -> f64) -> f64 {
    median(samples.iter().map(what).collect())
}

fn figures(samples: &[Sample]) -> Value {
    let rounded = |value: f64| (value * 100.0).round() / 100.0;
    json!({
        "requests": samples.iter().map(|one| one.requests).sum::<f64>(),
        "requests_per_second": of(samples, |one| one.per_second).round(),
        "cpu_micros": rounded(of(samples, |one| one.cpu_micros)),
        "p50_micros": of(samples, |one| one.p50),
        "p99_micros": of(samples, |one| one.p99),
    })
}

pub(super) fn run(shell: &mut Shell) -> Outcome {
    shell.need("which", "wrk", "wrk")?;
    let program = built(shell, "wire")?;
    let folder = shell.path("target/bench");
    let _ = std::fs::remove_dir_all(&folder);
    let made = std::fs::create_dir_all(&folder);
    made.map_err(|error| format!("{}: {error}", folder.display()))?;
    let database = format!("sqlite://{}", folder.join("bench.db").display());
    let ours = Server::start(&program, "ours", Path::new(&database))?;
    let idle = ours.memory();
    let answers = folder.join("answers.json");
    let text = Value::Array(ours.exchanges.clone()).to_string();
    std::fs::write(&answers, text).map_err(|error| format!("{}: {error}", answers.display()))?;
    let bare = Server::start(&program, "bare", &answers)?;
    let others = ["hello", "naive"].map(|what| Server::start(&program, what, Path::new("")));
    let others: Vec<Server> = others.into_iter().collect::<Result<_, _>>()?;

    let count = ours.exchanges.len();
    let mut samples = vec![(Vec::new(), Vec::new()); count];
    let mut beside = vec![Vec::new(); others.len()];
    for round in 0..ROUNDS {
        for (server, samples) in others.iter().zip(&mut beside) {
            samples.push(load(shell, server, &server.exchanges[0])?);
        }
        for (at, (mine, theirs)) in samples.iter_mut().enumerate() {
            // Each comes first as often as the other.
            if round % 2 == 0 {
                theirs.push(load(shell, &bare, &bare.exchanges[at])?);
                mine.push(load(shell, &ours, &ours.exchanges[at])?);
            } else {
                mine.push(load(shell, &ours, &ours.exchanges[at])?);
                theirs.push(load(shell, &bare, &bare.exchanges[at])?);
            }
        }
        say(&format!("round {} of {ROUNDS} is done", round + 1));
    }
    let rows = samples.iter().enumerate().map(|(at, (mine, theirs))| {
        let ratios =
            mine.iter().zip(theirs).map(|(mine, theirs)| theirs.cpu_micros / mine.cpu_micros);
        let ratio = (median(ratios.collect()) * 1000.0).round() / 1000.0;
        let (name, status) = (&ours.exchanges[at]["name"], &ours.exchanges[at]["status"]);
        let (ours, bare) = (figures(mine), figures(theirs));
        json!({"name": name, "status": status, "ours": ours, "same_answer": bare, "ratio": ratio})
    });
    let rows: Vec<Value> = rows.collect();
    let writes = Command::new(&program).args(["serve", "writes"]).arg(&folder).output();
    let writes = writes.map_err(|error| format!("the writes cannot be measured: {error}"))?;
    let writes: Value = serde_json::from_slice(&writes.stdout)
        .map_err(|error| format!("the writes were not measured: {error}"))?;
    let millis = |name: &str| {
        let all = writes[name].as_array().into_iter().flatten().filter_map(Value::as_f64);
        (median(all.collect()) * 100.0).round() / 100.0
    };
    let beside = others.iter().zip(&beside).map(|(server, samples)| {
        json!({"name": server.exchanges[0]["name"], "figures": figures(samples)})
    });
    let beside: Vec<Value> = beside.collect();
    let round = |value: f64| (value * 10.0).round() / 10.0;
    let all = json!({
        "measured": circumstances(shell),
        "connections": CONNECTIONS,
        "rounds": ROUNDS,
        "memory_mib": {"idle": round(idle), "after": round(ours.memory()), "bare": round(bare.memory())},
        "beside": beside,
        "writes_millis": {
            "commit": millis("commit"), "refresh": millis("refresh"),
            "hash": millis("hash"), "sign_in": millis("sign_in"),
        },
        "rows": rows,
    });
    keep(shell, "wire", &all)
}
