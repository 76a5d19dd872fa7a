//! Instructions and allocations of each stage of the walk, counted by callgrind, against a record.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use super::{built, circumstances, keep, kept};
use crate::shell::{Outcome, Shell, say};

/// How much a stage may grow before it is a fault, in parts of a hundred.
const MOST: f64 = 3.0;

/// The function that the benchmark runs each stage in.
const COUNTED: &str = "*counted_stage*";

/// What allocates.
const ALLOCATORS: [&str; 5] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"];

struct Count {
    stage: String,
    instructions: f64,
    allocations: f64,
}

pub(super) fn run(shell: &mut Shell, record: bool) -> Outcome {
    shell.need("valgrind", "--version", "valgrind")?;
    let program = built(shell, "walk")?;
    let counts = count(shell, &program)?;
    let before = kept(shell, "walk");
    let mut faults = Vec::new();
    say(&format!("{:<44}{:>14}{:>9}{:>12}", "a stage", "instructions", "change", "allocations"));
    for Count { stage, instructions, allocations } in &counts {
        let was = before.as_ref().and_then(|all| all["stages"][stage]["instructions"].as_f64());
        let change = was.map(|was| (instructions / was - 1.0) * 100.0);
        let shown = change.map_or("new".to_owned(), |change| format!("{change:+.1} %"));
        say(&format!("{stage:<44}{instructions:>14.0}{shown:>9}{allocations:>12.1}"));
        if let Some(change) = change.filter(|change| *change > MOST) {
            faults.push(format!("{stage}: {change:+.1} % instructions"));
        }
    }
    if record {
        let stages: BTreeMap<&str, Value> = counts
            .iter()
            .map(|one| {
                let allocations = (one.allocations * 10.0).round() / 10.0;
                let figures =
                    json!({"instructions": one.instructions.round(), "allocations": allocations});
                (&*one.stage, figures)
            })
            .collect();
        return keep(shell, "walk", &json!({"measured": circumstances(shell), "stages": stages}));
    }
    if before.is_none() {
        return Err("there is no record: `cargo xtask bench --record` makes one".to_owned());
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
}

/// Runs the benchmark under callgrind, which writes a file at the end of each stage.
fn count(shell: &Shell, program: &Path) -> Outcome<Vec<Count>> {
    let folder = shell.path("target/bench/callgrind");
    let _ = std::fs::remove_dir_all(&folder);
    let made = std::fs::create_dir_all(&folder);
    made.map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut command = shell.command("valgrind", "--tool=callgrind --quiet --collect-atstart=no");
    command
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--dump-after={COUNTED}"))
        .arg(format!("--callgrind-out-file={}", folder.join("stage").display()))
        .arg(program)
        .arg("count");
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("valgrind cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("the benchmark ended with {}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let stages = text.lines().filter_map(|line| line.strip_prefix("stage ")?.split_once(' '));
    let mut names = BTreeMap::new();
    let mut counts = Vec::new();
    for (at, (times, stage)) in stages.enumerate() {
        let file = folder.join(format!("stage.{}", at + 1));
        let text = std::fs::read_to_string(&file)
            .map_err(|error| format!("callgrind wrote nothing of {stage}: {error}"))?;
        let times: f64 = times.parse().map_err(|_| format!("{times} is no number of times"))?;
        let (instructions, allocations) = read(&text, &mut names);
        counts.push(Count {
            stage: stage.to_owned(),
            instructions: instructions / times,
            allocations: allocations / times,
        });
    }
    Ok(counts)
}

/// The instructions and the calls of allocators in a file of callgrind's. Names are written once, with a
/// number that stands for them later.
fn read(text: &str, names: &mut BTreeMap<String, String>) -> (f64, f64) {
    let (mut instructions, mut allocations) = (0.0, 0.0);
    let mut allocates = false;
    for line in text.lines() {
        if let Some(total) = line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")) {
            instructions = total.trim().parse().unwrap_or(instructions);
        } else if let Some(named) = line.strip_prefix("fn=").or(line.strip_prefix("cfn=")) {
            let (number, name) = named.split_once(' ').unwrap_or((named, ""));
            if !name.is_empty() {
                names.insert(number.to_owned(), name.to_owned());
            }
            let name = names.get(number).map_or("", String::as_str);
            allocates = line.starts_with('c') && ALLOCATORS.contains(&name);
        } else if let Some(calls) = line.strip_prefix("calls=").filter(|_| allocates) {
            let calls = calls.split(' ').next().and_then(|calls| calls.parse::<f64>().ok());
            allocations += calls.unwrap_or_default();
        }
    }
    (instructions, allocations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_allocators_are_counted_by_name_and_by_number() {
        let text = "fn=(1) walk\n1 20\ncfn=(2) malloc\ncalls=3 0\n1 60\ncfn=(3) other\ncalls=9 0\n\
                    1 5\nfn=(4) next\ncfn=(2)\ncalls=4 0\n1 80\nfn=(2)\n7 100\ntotals: 265\n";
        assert_eq!(read(text, &mut BTreeMap::new()), (265.0, 7.0));
    }
}
