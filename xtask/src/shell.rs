//! Running programs: shown as they run, their last words kept.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// What became of it; where it failed, why.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// How the runners begin the line that counts their tests.
const SUMMARIES: [&str; 6] =
    ["test result:", "Summary [", "ℹ tests", "ℹ pass", "ℹ fail", "ℹ skipped"];

/// Runs programs in the root of the workspace.
#[derive(Debug)]
pub(crate) struct Shell {
    root: PathBuf,
    summaries: Vec<String>,
}

/// Writes a line to standard output. Who closed it does not want to read it.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

impl Shell {
    /// A shell in the root of the workspace.
    pub(crate) fn at_root() -> Outcome<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no parent")?;
        Ok(Self { root: root.to_owned(), summaries: Vec::new() })
    }

    /// A path in the workspace.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A program that cargo has built, such as `portcullis`.
    pub(crate) fn built(&self, program: &str) -> PathBuf {
        let folder = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
        self.root.join(folder).join("debug").join(program)
    }

    /// The lines in which the runners counted their tests.
    pub(crate) fn summaries(&self) -> &[String] {
        &self.summaries
    }

    /// A program, to be run in the root.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>, words: &str) -> Command {
        let mut command = Command::new(program);
        command.args(words.split_whitespace()).current_dir(&self.root);
        command
    }

    /// Runs cargo, the one that runs us.
    pub(crate) fn cargo(&mut self, words: &str) -> Outcome {
        let command = self.command(std::env::var_os("CARGO").unwrap_or("cargo".into()), words);
        self.run(command)
    }

    /// Runs a program, shows what it says, and keeps the lines that count tests.
    pub(crate) fn run(&mut self, mut command: Command) -> Outcome {
        let shown = show(&command);
        say(&format!("$ {shown}"));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("`{shown}` cannot be run: {error}"))?;
        let kept = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            if let Some(output) = child.stdout.take() {
                scope.spawn(|| copy(output, std::io::stdout(), &kept));
            }
            if let Some(output) = child.stderr.take() {
                scope.spawn(|| copy(output, std::io::stderr(), &kept));
            }
        });
        self.summaries.extend(kept.into_inner().unwrap_or_default());
        let status = child.wait().map_err(|error| format!("`{shown}` was lost: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("`{shown}` ended with {status}")) }
    }

    /// What a program prints, where it is there and succeeds.
    pub(crate) fn asked(&self, program: &str, words: &str) -> Option<String> {
        let output = self.command(program, words).stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Sees to it that a program is there; installs a package of Debian's where it is not.
    pub(crate) fn need(&mut self, program: &str, check: &str, packages: &str) -> Outcome {
        if self.asked(program, check).is_some() {
            return Ok(());
        }
        let how = format!("`{program} {check}` does not run: install {packages}");
        if self.asked("apt-get", "--version").is_none() {
            return Err(how);
        }
        let as_root = |error| format!("{how} (this needs root: {error})");
        let mut update = self.command("apt-get", "update -q");
        update.env("DEBIAN_FRONTEND", "noninteractive");
        self.run(update).map_err(as_root)?;
        let words = format!("install -q -y --no-install-recommends {packages}");
        let mut install = self.command("apt-get", &words);
        install.env("DEBIAN_FRONTEND", "noninteractive");
        let installed = without_services(|| self.run(install));
        installed.map_err(as_root)?;
        self.asked(program, check).map(drop).ok_or(how)
    }

    /// Does `make` where what it depends on has changed since it last succeeded. `stamp` is kept
    /// beside what is made.
    pub(crate) fn once_for(
        &mut self,
        recipe: &[PathBuf],
        stamp: &Path,
        make: impl FnOnce(&mut Self) -> Outcome,
    ) -> Outcome {
        let mut wanted = Vec::new();
        for path in recipe {
            let text = std::fs::read(path);
            wanted.extend(text.map_err(|error| format!("{}: {error}", path.display()))?);
        }
        if std::fs::read(stamp).is_ok_and(|made| made == wanted) {
            return Ok(());
        }
        make(self)?;
        std::fs::write(stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))
    }
}

/// Debian's way to have a package start no service when it is installed: a server of ours must not
/// find its port taken, and nobody asked for one.
fn without_services<T>(install: impl FnOnce() -> T) -> T {
    const POLICY: &str = "/usr/sbin/policy-rc.d";
    let ours = !Path::new(POLICY).exists()
        && std::fs::write(POLICY, "#!/bin/sh\nexit 101\n").is_ok()
        && make_executable(POLICY);
    let done = install();
    if ours {
        // Left behind it would keep later packages from starting what they should.
        let _ = std::fs::remove_file(POLICY);
    }
    done
}

fn make_executable(path: &str) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).is_ok()
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Copies line by line, and keeps those that count tests.
fn copy(from: impl Read, mut to: impl Write, kept: &Mutex<Vec<String>>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let _ = to.write_all(&line).and_then(|()| to.flush());
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        // pytest frames its count with `=`.
        let of_pytest = text.starts_with('=') && text.contains(" in ") && text.ends_with('=');
        let counts = SUMMARIES.iter().any(|start| text.starts_with(start)) || of_pytest;
        if let (true, Ok(mut kept)) = (counts, kept.lock()) {
            kept.push(text.to_owned());
        }
        line.clear();
    }
}
