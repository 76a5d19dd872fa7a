//! `cargo xtask`: what is done to the project, each command doing its own set-up.

mod bench;
mod node;
mod postgres;
mod python;
mod rust;
mod shell;
mod soak;

use std::fmt::Write as _;
use std::process::ExitCode;

use shell::{Outcome, Shell};

const USAGE: &str = "\
cargo xtask test [--only STEP,…]   everything CI checks; installs what it needs
cargo xtask bless                  rewrites docs/generated from the code
cargo xtask bench                  portcullis beside bare axum over loopback: docs/performance.md
cargo xtask bench --compare        instructions of each stage against the record; --record makes one
cargo xtask bench --build          clean builds beside other crates
cargo xtask bench --inside         nanoseconds, a million users, a fresh process: docs/measured.md
cargo xtask fuzz [SECONDS]         fuzzes each target for so long, 60 where left out
cargo xtask soak [MINUTES]         the server under mixed traffic, kills and a full disk, 5 where left out
";

/// A step of `cargo xtask test`: its name, what it does, and how.
struct Step(&'static str, &'static str, fn(&mut Shell) -> Outcome);

/// The cheapest first: what is wrong shows early.
const STEPS: &[Step] = &[
    Step("format", "the code is formatted", rust::format),
    Step("lint", "clippy has nothing to say", rust::lint),
    Step("rust", "the tests of the workspace, and those in its documentation", rust::test),
    Step("postgres", "the tests that keep something, on PostgreSQL", postgres::test),
    Step("python", "clients in Python against the demo", python::test),
    Step("proxies", "the demo behind nginx and Caddy, and behind a cache", python::test_proxies),
    Step("node", "clients in JavaScript against the demo", node::test),
    Step("browser", "CORS, forged requests and the explorer in Chromium", node::test_browser),
];

/// The steps that run only where `--only` names them.
const BY_NAME: &[&str] = &["postgres"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(log) = std::env::var_os(bench::LOG) {
        return match bench::compile(&arguments, &log) {
            Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
            Err(error) => fail(&error),
        };
    }
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut shell = match Shell::at_root() {
        Ok(shell) => shell,
        Err(error) => return fail(&error),
    };
    let outcome = match words[..] {
        ["test"] => test(&mut shell, None),
        ["test", "--only", steps] => test(&mut shell, Some(steps)),
        ["bless"] => rust::bless(&mut shell),
        ["bench"] => bench::wire(&mut shell),
        ["bench", "--compare"] => bench::counted(&mut shell, false),
        ["bench", "--record"] => bench::counted(&mut shell, true),
        ["bench", "--build"] => bench::builds(&mut shell),
        ["bench", "--inside"] => bench::inside(&mut shell),
        ["fuzz"] => rust::fuzz(&mut shell, 60),
        ["fuzz", seconds] => match seconds.parse() {
            Ok(seconds) => rust::fuzz(&mut shell, seconds),
            Err(_) => Err(format!("{seconds:?} is not a number of seconds")),
        },
        ["soak"] => soak::soak(&mut shell, 5),
        ["soak", minutes] => match minutes.parse() {
            Ok(minutes) => soak::soak(&mut shell, minutes),
            Err(_) => Err(format!("{minutes:?} is not a number of minutes")),
        },
        _ => Err(format!("usage:\n{USAGE}\nsteps of `test`:\n{}", steps())),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &str) -> ExitCode {
    shell::say(&format!("\nFAILED: {error}"));
    ExitCode::FAILURE
}

fn steps() -> String {
    STEPS.iter().fold(String::new(), |mut list, Step(name, about, _)| {
        let _ = writeln!(list, "  {name:<8} {about}");
        list
    })
}

fn test(shell: &mut Shell, only: Option<&str>) -> Outcome {
    let wanted: Vec<&str> = only.map(|list| list.split(',').collect()).unwrap_or_default();
    if let Some(unknown) = wanted.iter().find(|name| STEPS.iter().all(|step| step.0 != **name)) {
        return Err(format!("there is no step {unknown:?}; the steps are\n{}", steps()));
    }
    let mut failed = Vec::new();
    for Step(name, about, run) in STEPS {
        if !wanted.contains(name) && (only.is_some() || BY_NAME.contains(name)) {
            continue;
        }
        shell::say(&format!("\n=== {name}: {about}"));
        // The other steps go on: one run says all that is wrong.
        if let Err(error) = run(shell) {
            shell::say(&format!("\n=== {name} FAILED: {error}"));
            failed.push(*name);
        }
    }
    shell::say("\n=== summary, in the runners' own words");
    for line in shell.summaries() {
        shell::say(line);
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join(", ")) }
}
