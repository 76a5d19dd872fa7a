//! `cargo xtask bench`: what portcullis costs, beside what it is compared with.

mod builds;
mod counted;
mod page;
mod wire;

pub(crate) use builds::{LOG, compile};

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::shell::{Outcome, Shell};

/// Where the figures are kept that the page is made of.
const FIGURES: &str = "docs/performance";

/// Over loopback, side by side.
pub(crate) fn wire(shell: &mut Shell) -> Outcome {
    wire::run(shell)?;
    page::write(shell)
}

/// Clean builds.
pub(crate) fn builds(shell: &mut Shell) -> Outcome {
    builds::run(shell)?;
    page::write(shell)
}

/// Instructions and allocations of each stage: against the record, or as the new record.
pub(crate) fn counted(shell: &mut Shell, record: bool) -> Outcome {
    counted::run(shell, record)?;
    if record { page::write(shell) } else { Ok(()) }
}

/// Within the process: nanoseconds, a million users, a fresh process.
pub(crate) fn inside(shell: &mut Shell) -> Outcome {
    let words = "bench --workspace --all-features --bench walk --bench scale --bench start";
    shell.cargo(words)
}

/// Builds a benchmark of the library as it is released, and says where it is.
fn built(shell: &Shell, bench: &str) -> Outcome<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let words = format!(
        "bench -p portcullis --all-features --bench {bench} --no-run --message-format=json"
    );
    let mut command = shell.command(cargo, &words);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cargo cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut executables = messages
        .filter(|message| message["target"]["name"] == bench)
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    executables.next().ok_or_else(|| format!("the benchmark {bench} is not built"))
}

/// Keeps figures under this name.
fn keep(shell: &Shell, name: &str, figures: &Value) -> Outcome {
    let folder = shell.path(FIGURES);
    std::fs::create_dir_all(&folder).map_err(|error| format!("{FIGURES}: {error}"))?;
    let text = format!("{figures:#}\n");
    let file = folder.join(format!("{name}.json"));
    std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Figures that were kept, where there are any.
fn kept(shell: &Shell, name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(shell.path(&format!("{FIGURES}/{name}.json"))).ok()?;
    serde_json::from_str(&text).ok()
}

/// When and on what it was measured.
fn circumstances(shell: &Shell) -> Value {
    let said = |program, words| shell.asked(program, words).unwrap_or_default().trim().to_owned();
    serde_json::json!({
        "date": said("date", "-u +%F"),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "machine": said("uname", "-sm"),
        "rustc": said("rustc", "--version"),
        "load": std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next(),
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
