//! Clients in Python: an environment of their own under `target/`, then pytest.

use crate::rust;
use crate::shell::{Outcome, Shell};

const TESTS: &str = "tests/clients/python";
const PROXIES: &str = "tests/clients/python/proxies";

pub(crate) fn test(shell: &mut Shell) -> Outcome {
    run(shell, &without_proxies(), None)
}

/// Runs the clients with this variable, which says where the server keeps its data.
pub(crate) fn test_on(shell: &mut Shell, variable: &str, value: &str) -> Outcome {
    run(shell, &without_proxies(), Some((variable, value)))
}

fn without_proxies() -> String {
    format!("{TESTS} --ignore={PROXIES}")
}

pub(crate) fn test_proxies(shell: &mut Shell) -> Outcome {
    shell.need("nginx", "-v", "nginx-light")?;
    shell.need("caddy", "version", "caddy")?;
    run(shell, PROXIES, None)
}

fn run(shell: &mut Shell, tests: &str, variable: Option<(&str, &str)>) -> Outcome {
    rust::build_binary(shell)?;
    shell.need("python3", "-m ensurepip --version", "python3 python3-venv")?;
    let home = shell.path("target/clients/python");
    let python = home.join("bin/python");
    let list = shell.path("tests/clients/python/requirements.txt");
    let stamp = home.join("stamp");
    shell.once_for(std::slice::from_ref(&list), &stamp, |shell| {
        let mut make = shell.command("python3", "-m venv --clear");
        make.arg(&home);
        shell.run(make)?;
        let mut install = shell.command(&python, "-m pip install --quiet --no-deps --requirement");
        install.arg(&list);
        shell.run(install)
    })?;
    let mut pytest = shell.command(&python, "-m pytest -p no:cacheprovider");
    pytest.args(tests.split_whitespace());
    pytest.env("BINARY_UNDER_TEST", shell.built("portcullis"));
    pytest.env("PYTHONDONTWRITEBYTECODE", "1");
    pytest.envs(variable);
    shell.run(pytest)
}
