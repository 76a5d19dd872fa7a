//! The tests that keep something, a second time, on PostgreSQL: on the server that
//! `PORTCULLIS_TEST_POSTGRES_URL` names, or on one of our own that lives as long as they run.

use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::shell::{Outcome, Shell, say};
use crate::{python, rust};

/// Names the server that the tests use.
const URL: &str = "PORTCULLIS_TEST_POSTGRES_URL";
/// Where Debian keeps the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// What a database of tests need not do: survive.
const HASTE: &str = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off \
    -c max_connections=300 -c listen_addresses=127.0.0.1";

pub(crate) fn test(shell: &mut Shell) -> Outcome {
    if let Some(url) = std::env::var_os(URL).and_then(|url| url.into_string().ok()) {
        return test_on(shell, &url);
    }
    if programs().is_none() {
        shell.need("pg_lsclusters", "--help", "postgresql")?;
    }
    let programs = programs().ok_or("there is no initdb: install the package postgresql")?;
    let cluster = Cluster::start(shell, programs)?;
    let outcome = test_on(shell, &cluster.url);
    cluster.stop(shell);
    outcome
}

/// The topics by their own tests, and the URLs by a client.
fn test_on(shell: &mut Shell, url: &str) -> Outcome {
    let topics = rust::test_on(shell, URL, url);
    let urls = python::test_on(shell, URL, url);
    topics.and(urls)
}

/// The programs of the newest version.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(VERSIONS).ok()?;
    let mut found: Vec<_> = versions
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .map(|(version, folder)| (version, folder.join("bin")))
        .filter(|(_, folder)| folder.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, folder)| folder)
}

/// A server of our own, on loopback, in a temporary folder.
struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    url: String,
}

impl Cluster {
    fn start(shell: &mut Shell, programs: PathBuf) -> Outcome<Self> {
        let failed = |what: &Path, error| format!("{}: {error}", what.display());
        let folder = std::env::temp_dir().join(format!("portcullis-tests-{}", std::process::id()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(|error| failed(&folder, error))?;
        // Others on this machine can reach loopback too.
        let password = random().map_err(|error| failed(Path::new("/dev/urandom"), error))?;
        let file = folder.join("password");
        std::fs::write(&file, &password).map_err(|error| failed(&file, error))?;
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .map_err(|error| format!("no port is free: {error}"))?
            .port();
        let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
        let cluster = Self { programs, folder, url };
        cluster.own(shell)?;
        let (folder, data) = (cluster.folder.display(), cluster.folder.join("data"));
        let initdb = format!(
            "-D {} -U postgres -A scram-sha-256 --pwfile={folder}/password -E UTF8 --locale=C \
             --no-sync",
            data.display()
        );
        let options = format!("{HASTE} -p {port} -k {folder}");
        let log = format!("{folder}/log");
        let begun = cluster.run(shell, "initdb", &initdb, None).and_then(|()| {
            let start = format!("-D {} -l {log} -w start", data.display());
            cluster.run(shell, "pg_ctl", &start, Some(&options))
        });
        match begun {
            Ok(()) => Ok(cluster),
            Err(error) => {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                cluster.stop(shell);
                Err(format!("{error}\n{said}"))
            }
        }
    }

    /// PostgreSQL does not run as root: its own user has the folder then.
    fn own(&self, shell: &mut Shell) -> Outcome {
        if !is_root(shell) {
            return Ok(());
        }
        let words = format!("-R postgres {}", self.folder.display());
        let owned = shell.command("chown", &words);
        shell.run(owned)
    }

    fn run(&self, shell: &mut Shell, program: &str, words: &str, options: Option<&str>) -> Outcome {
        let program = self.programs.join(program);
        let mut command = if is_root(shell) {
            let mut command = shell.command("runuser", "-u postgres --");
            command.arg(program).args(words.split_whitespace());
            command
        } else {
            shell.command(program, words)
        };
        if let Some(options) = options {
            command.args(["-o", options]);
        }
        command.current_dir(&self.folder);
        shell.run(command)
    }

    fn stop(&self, shell: &mut Shell) {
        let stop = format!("-D {}/data -m immediate stop", self.folder.display());
        if let Err(error) = self.run(shell, "pg_ctl", &stop, None) {
            say(&error);
        }
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            say(&format!("{}: {error}", self.folder.display()));
        }
    }
}

fn is_root(shell: &Shell) -> bool {
    shell.asked("id", "-u").is_some_and(|number| number.trim() == "0")
}

/// What nobody guesses.
fn random() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}
