//! `docs/performance.md` and its drawing, made of the figures that were kept.

use std::fmt::Write as _;

use serde_json::Value;

use super::kept;
use crate::shell::{Outcome, Shell};

/// What is to be reached: the CPU time of a bare handler that sends the same answer, divided by ours.
const TARGETS: &[(&str, f64)] = &[
    ("public route", 0.95),
    ("preflight", 0.95),
    ("401, nothing brought", 0.75),
    ("403", 0.75),
    ("Basic", 0.85),
    ("JWT, EdDSA", 0.88),
    ("JWT, ES256", 0.88),
    ("JWT, RS256", 0.88),
    ("JWT, HS256", 0.88),
    ("opaque token", 0.88),
    ("session cookie", 0.88),
    ("API key", 0.88),
    ("role, permission and condition", 0.86),
];

fn target(name: &str) -> Option<f64> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, target)| *target)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// When and where, in a sentence.
fn measured(figures: &Value) -> String {
    let on = &figures["measured"];
    format!(
        "Measured on {} with {} cores ({}), {}; the load of the machine was {} at the end.",
        text(&on["date"]),
        on["cores"],
        text(&on["machine"]),
        text(&on["rustc"]),
        text(&on["load"]),
    )
}

pub(super) fn write(shell: &Shell) -> Outcome {
    let mut page = String::from(
        "# Performance\n\n\
         Written by `cargo xtask bench` from the figures in [performance](performance). Do not edit.\n\n\
         Ratios say more than numbers: what is compared ran in turns on the same machine. What happens within \
         the process, and with a million users, is in [what was measured](measured.md).\n",
    );
    if let Some(wire) = kept(shell, "wire") {
        over_the_wire(&mut page, &wire);
        put(shell, "docs/performance/ratio.svg", &drawing(&wire))?;
    }
    if let Some(walk) = kept(shell, "walk") {
        stages(&mut page, &walk);
    }
    if let Some(builds) = kept(shell, "builds") {
        clean_builds(&mut page, &builds);
    }
    put(shell, "docs/performance.md", &page)
}

fn put(shell: &Shell, path: &str, text: &str) -> Outcome {
    std::fs::write(shell.path(path), text).map_err(|error| format!("{path}: {error}"))
}

fn over_the_wire(page: &mut String, wire: &Value) {
    let _ = write!(
        page,
        "\n## Over the wire\n\n`cargo xtask bench`: servers side by side over loopback, {} connections that stay \
         open, {} rounds that alternate. The *same answer* is a bare handler of axum that sends the same status, \
         headers and body to the same request. The ratio is its CPU time a request divided by ours: 1 is a guard that \
         costs nothing. CPU time is user and system time of the server's process, by the operating system.\n\n{}\n\n\
         ![The ratio of each request](performance/ratio.svg)\n\n\
         | request | CPU µs | same answer | ratio | target | requests a second | p50 µs | p99 µs |\n\
         |---|---|---|---|---|---|---|---|\n",
        text(&wire["connections"]),
        wire["rounds"],
        measured(wire),
    );
    let mut missed = Vec::new();
    for row in wire["rows"].as_array().into_iter().flatten() {
        let (name, ours, bare) = (text(&row["name"]), &row["ours"], &row["same_answer"]);
        let wanted = target(&name);
        if wanted.is_some_and(|wanted| row["ratio"].as_f64() < Some(wanted)) {
            missed.push(name.clone());
        }
        let wanted = wanted.map_or("—".to_owned(), |wanted| format!("{wanted:.2}"));
        let _ = writeln!(
            page,
            "| {name} | {} | {} | {} | {wanted} | {} | {} | {} |",
            ours["cpu_micros"],
            bare["cpu_micros"],
            row["ratio"],
            ours["requests_per_second"],
            ours["p50_micros"],
            ours["p99_micros"],
        );
    }
    page.push_str("\nBeside them, in the same rounds:\n\n| | CPU µs | requests a second | p50 µs | p99 µs |\n|---|---|---|---|---|\n");
    for one in wire["beside"].as_array().into_iter().flatten() {
        let figures = &one["figures"];
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            text(&one["name"]),
            figures["cpu_micros"],
            figures["requests_per_second"],
            figures["p50_micros"],
            figures["p99_micros"],
        );
    }
    let memory = &wire["memory_mib"];
    let _ = writeln!(
        page,
        "\nMemory of the process: {} MiB before the first request, {} MiB after the last; the bare handlers {} MiB.",
        memory["idle"], memory["after"], memory["bare"],
    );
    let writes = &wire["writes_millis"];
    let ratio = |one: &str, other: &str| {
        let (one, other) = (writes[one].as_f64(), writes[other].as_f64());
        one.zip(other).map_or(0.0, |(one, other)| one / other)
    };
    let _ = writeln!(
        page,
        "\n| in turns, without a socket | ms | beside it | ms | ratio | target |\n|---|---|---|---|---|---|\n\
         | a refresh on SQLite | {} | one durable commit | {} | {:.2} | at most 2 |\n\
         | `/token` by password | {} | the hash alone | {} | {:.2} | at most 1.05 |",
        writes["refresh"],
        writes["commit"],
        ratio("refresh", "commit"),
        writes["sign_in"],
        writes["hash"],
        ratio("sign_in", "hash"),
    );
    if !missed.is_empty() {
        let _ = writeln!(
            page,
            "\nBelow their targets are: {}. Where the time goes is in the next table.",
            missed.join("; ")
        );
    }
}

fn stages(page: &mut String, walk: &Value) {
    let _ = write!(
        page,
        "\n## Instructions\n\n`cargo xtask bench --compare` counts instructions and allocations by callgrind, without a \
         socket, and fails where a stage has grown by more than 3 %. `--record` makes a new record. {}\n\n\
         | stage | instructions | allocations |\n|---|---|---|\n",
        measured(walk),
    );
    for (stage, figures) in walk["stages"].as_object().into_iter().flatten() {
        let (instructions, allocations) = (&figures["instructions"], &figures["allocations"]);
        let _ = writeln!(page, "| {stage} | {instructions} | {allocations} |");
    }
}

fn clean_builds(page: &mut String, builds: &Value) {
    let _ = write!(
        page,
        "\n## A clean release build\n\n`cargo xtask bench --build`: a small program of each, built from nothing, \
         in one run. CPU seconds are those of all compilers, linkers and build scripts together. {}\n\n\
         | | crates | CPU seconds | program, KiB | heaviest crates, CPU seconds |\n|---|---|---|---|---|\n",
        measured(builds),
    );
    for row in builds["rows"].as_array().into_iter().flatten() {
        let heaviest = row["heaviest"].as_array().into_iter().flatten();
        let heaviest: Vec<String> =
            heaviest.map(|one| format!("{} {}", text(&one["crate"]), one["cpu_seconds"])).collect();
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            text(&row["name"]),
            row["crates"],
            row["cpu_seconds"],
            row["binary_kib"],
            heaviest.join(", "),
        );
    }
}

/// A bar for each request: how near it comes to the bare handler, and a mark where the target is.
fn drawing(wire: &Value) -> String {
    const LEFT: f64 = 250.0;
    const WIDE: f64 = 480.0;
    let rows: Vec<&Value> = wire["rows"].as_array().into_iter().flatten().collect();
    let high = rows.len() * 26 + 44;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 {high}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<title>CPU time of a bare handler that sends the same answer, divided by \
         that of portcullis</title>\n<rect width=\"800\" height=\"{high}\" fill=\"#ffffff\"/>\n"
    );
    for (at, row) in rows.iter().enumerate() {
        let (name, ratio) = (text(&row["name"]), row["ratio"].as_f64().unwrap_or_default());
        let (top, wide) = (at * 26 + 10, (ratio.min(1.1) * WIDE).round());
        let reached = target(&name).is_none_or(|wanted| ratio >= wanted);
        let colour = if reached { "#2b6cb0" } else { "#c05621" };
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>\
             <rect x=\"{LEFT}\" y=\"{top}\" width=\"{wide}\" height=\"18\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"{}\">{ratio:.2}</text>",
            LEFT - 8.0,
            top + 14,
            LEFT + wide + 6.0,
            top + 14,
        );
        if let Some(wanted) = target(&name) {
            let x = LEFT + wanted * WIDE;
            let _ = writeln!(
                svg,
                "<line x1=\"{x}\" x2=\"{x}\" y1=\"{}\" y2=\"{}\" stroke=\"#1a202c\" stroke-width=\"2\"/>",
                top - 2,
                top + 20,
            );
        }
    }
    let foot = high - 14;
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{foot}\">1.00 is the bare handler; a black line is the target</text>\n</svg>"
    );
    svg
}
