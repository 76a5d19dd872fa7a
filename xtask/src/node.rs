//! Clients in JavaScript: npm packages as locked, then Node's own test runner.

use crate::rust;
use crate::shell::{Outcome, Shell};

const HOME: &str = "tests/clients/node";
const CHROMIUM: &str = "/usr/bin/chromium";

pub(crate) fn test(shell: &mut Shell) -> Outcome {
    run(shell, "api")
}

pub(crate) fn test_browser(shell: &mut Shell) -> Outcome {
    shell.need(CHROMIUM, "--version", "chromium")?;
    shell.need("openssl", "version", "openssl")?;
    run(shell, "browser")
}

fn run(shell: &mut Shell, folder: &str) -> Outcome {
    rust::build_binary(shell)?;
    shell.need("node", "--version", "nodejs")?;
    shell.need("npm", "--version", "npm")?;
    let home = shell.path(HOME);
    let recipe = ["package.json", "package-lock.json"].map(|name| home.join(name));
    let stamp = home.join("node_modules/.stamp");
    shell.once_for(&recipe, &stamp, |shell| {
        let mut install = shell.command("npm", "ci --ignore-scripts --no-audit --no-fund");
        install.current_dir(&home);
        shell.run(install)
    })?;
    let files = test_files(&home.join(folder))?;
    let mut node = shell.command("node", "--test --test-concurrency=1 --test-reporter=spec");
    node.args(files).current_dir(&home);
    node.env("BINARY_UNDER_TEST", shell.built("portcullis"));
    node.env("EXAMPLE_UNDER_TEST", shell.built("examples/cross_origin"));
    node.env("CHROMIUM", CHROMIUM);
    shell.run(node)
}

/// The files named `*.test.mjs`, in order.
fn test_files(folder: &std::path::Path) -> Outcome<Vec<std::path::PathBuf>> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(format!("{} holds no test", folder.display()));
    }
    Ok(files)
}
