//! Rust's own tools.

use crate::shell::{Outcome, Shell};

/// One set of features for all that is built, so that nothing is built twice.
const ALL: &str = "--workspace --all-features";

pub(crate) fn format(shell: &mut Shell) -> Outcome {
    shell.cargo("fmt --all --check")
}

pub(crate) fn lint(shell: &mut Shell) -> Outcome {
    shell.cargo(&format!("clippy {ALL} --all-targets --quiet -- -D warnings"))
}

pub(crate) fn test(shell: &mut Shell) -> Outcome {
    if shell.asked("cargo", "nextest --version").is_some() {
        shell.cargo(&format!(
            "nextest run {ALL} --no-fail-fast --status-level fail --final-status-level fail"
        ))?;
    } else {
        shell.cargo(&format!("test {ALL} --all-targets --no-fail-fast --quiet"))?;
    }
    shell.cargo(&format!("test {ALL} --doc --no-fail-fast --quiet"))
}

/// The modules that keep nothing: their tests say nothing else on another engine.
const KEEP_NOTHING: &str = "/^(clock|cors|credential|crypto|edge|extract|gate|identity|openapi|policy|problem|\
    router|testing|types)::/";

/// Runs the tests that keep something with this variable, which says where.
pub(crate) fn test_on(shell: &mut Shell, variable: &str, value: &str) -> Outcome {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut command = if shell.asked("cargo", "nextest --version").is_some() {
        let mut command = shell.command(
            cargo,
            &format!(
                "nextest run {ALL} --no-fail-fast --status-level fail --final-status-level fail"
            ),
        );
        command.args(["-E", &format!("not test({KEEP_NOTHING})")]);
        command
    } else {
        shell.command(cargo, &format!("test {ALL} --all-targets --no-fail-fast --quiet"))
    };
    command.env(variable, value);
    shell.run(command)
}

/// Builds the programs that the clients talk to, as the tests have built it.
pub(crate) fn build_binary(shell: &mut Shell) -> Outcome {
    shell.cargo(&format!(
        "build {ALL} --bin portcullis --example other_issuer --example cross_origin --quiet"
    ))
}

/// Builds the program alone.
pub(crate) fn build_server(shell: &mut Shell) -> Outcome {
    shell.cargo(&format!("build {ALL} --bin portcullis --quiet"))
}

/// Runs the tests that compare a generated page, with leave to rewrite it.
pub(crate) fn bless(shell: &mut Shell) -> Outcome {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut command = shell.command(cargo, &format!("test {ALL} --quiet up_to_date"));
    command.env("BLESS", "1").env("INSTA_UPDATE", "always");
    shell.run(command)
}

/// Fuzzes each target with cargo-fuzz, from its seeds and with the words of its grammar. Sanitizers
/// are asked for by an unstable flag, which is all that needs `RUSTC_BOOTSTRAP`.
pub(crate) fn fuzz(shell: &mut Shell, seconds: u32) -> Outcome {
    if shell.asked("cargo", "fuzz --version").is_none() {
        shell.cargo("install --locked cargo-fuzz")?;
    }
    let targets = shell.path("crates/portcullis/fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&targets)
        .map_err(|error| format!("no targets in {}: {error}", targets.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .collect();
    names.sort();
    for name in names {
        let words = format!(
            "fuzz run {name} fuzz/corpus/{name} fuzz/seeds/{name} -- -max_total_time={seconds} \
             -dict=fuzz/dictionaries/{name}.dict"
        );
        let corpus = shell.path(&format!("crates/portcullis/fuzz/corpus/{name}"));
        std::fs::create_dir_all(&corpus)
            .map_err(|error| format!("{} cannot be made: {error}", corpus.display()))?;
        let mut command = shell.command("cargo", &words);
        command.env("RUSTC_BOOTSTRAP", "1").current_dir(shell.path("crates/portcullis"));
        shell.run(command)?;
    }
    Ok(())
}
