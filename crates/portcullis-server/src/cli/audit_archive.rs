//! `portcullis audit archive`: the older rows to a file, and off the log.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use portcullis::auth::{Actor, ArchiveFault, ArchiveReader, AuditArchive, Auth};
use portcullis::problem::Problem;
use portcullis::types::Timestamp;

use super::Failure;

/// How many rows are read at once.
const BATCH: u32 = 500;

/// No line of an archive is longer: the longest row is far shorter.
const LONGEST_LINE: usize = 1024 * 1024;

/// Which rows go to which file.
#[derive(Debug, clap::Args)]
pub(super) struct Archive {
    /// The file. It must not be there yet
    file: PathBuf,
    /// Only the rows from before this moment, such as 2026-01-31T09:00:00Z
    #[arg(long, value_name = "MOMENT")]
    before: Option<Timestamp>,
    /// Only the rows up to this one
    #[arg(long, value_name = "ROW")]
    until: Option<u64>,
}

impl Archive {
    pub(super) async fn run(self, auth: &Auth) -> Result<String, Failure> {
        let shown = self.file.display().to_string();
        let written = self.write(auth).await;
        let archive = match written {
            Ok(archive) => archive,
            Err(failure) => {
                // What is not whole must not be taken for an archive.
                let _ = std::fs::remove_file(draft(&self.file));
                return Err(failure);
            }
        };
        // As somebody reads it who has the file alone.
        if read(auth, &self.file)? != archive {
            return Err(Failure::wrong(
                format!("{shown} does not hold what was written"),
                "nothing was cut off the log: write to another disk",
            ));
        }
        let AuditArchive { first, last, .. } = archive;
        let gone = auth.cut_audit(&Actor::command_line(), archive).await?;
        Ok(format!(
            "rows {first} to {last} are in {shown}, and {gone} rows are off the log\n\
             keep the file: `portcullis audit verify --archive {shown}` reads it, with the same master secret\n"
        ))
    }

    /// Writes the file, whole or not at all, and has it on the disk.
    async fn write(&self, auth: &Auth) -> Result<AuditArchive, Failure> {
        let failed = |error: io::Error| {
            Failure::Io(format!("{} cannot be written", self.file.display()), error)
        };
        if self.file.exists() {
            return Err(Failure::wrong(
                format!("{} is there already", self.file.display()),
                "name a file that is not there yet",
            ));
        }
        let draft = draft(&self.file);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = BufWriter::new(options.open(&draft).map_err(failed)?);
        let mut writer = auth.begin_archive().await?;
        file.write_all(writer.first_line()?.as_bytes()).map_err(failed)?;
        let (mut after, _) = auth.archived().await?;
        'rows: loop {
            let links = auth.audit_chain(after, BATCH).await?;
            if links.is_empty() {
                break;
            }
            for link in links {
                after = link.seq;
                let Some(record) = link.record else {
                    return Err(Failure::wrong(
                        format!("row {after} cannot be read: it was changed"),
                        "`portcullis audit verify` says what is wrong with the log",
                    ));
                };
                let beyond = self.until.is_some_and(|until| record.seq > until)
                    || self.before.is_some_and(|before| record.entry.at >= before);
                if beyond {
                    break 'rows;
                }
                file.write_all(writer.row(&record)?.as_bytes()).map_err(failed)?;
            }
        }
        let (line, archive) = writer.finish(auth)?;
        file.write_all(line.as_bytes()).map_err(failed)?;
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        // A link appears whole, and fails where a file is there by now.
        std::fs::hard_link(&draft, &self.file).map_err(failed)?;
        std::fs::remove_file(&draft).map_err(failed)?;
        let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
        Ok(archive)
    }
}

fn draft(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".draft");
    name.into()
}

/// What an archive holds, if it is whole and sealed by the master secret.
pub(super) fn read(auth: &Auth, path: &Path) -> Result<AuditArchive, Failure> {
    let unread =
        |error: io::Error| Failure::Io(format!("{} cannot be read", path.display()), error);
    let broken = |fault: ArchiveFault| {
        Failure::wrong(
            format!("{}: {fault}", path.display()),
            "compare it with another copy, and see that the master secret is the one it was sealed with",
        )
    };
    let mut reader = ArchiveReader::new();
    let mut file = BufReader::new(File::open(path).map_err(unread)?);
    let mut text = String::new();
    loop {
        text.clear();
        let line = io::Read::take(&mut file, LONGEST_LINE as u64).read_line(&mut text);
        if line.map_err(unread)? == 0 {
            return reader.finish(auth).map_err(broken);
        }
        reader.line(text.trim_end_matches('\n')).map_err(broken)?;
    }
}

/// Reads archives in their order, the log behind them: each must go on where the one before it ends.
pub(super) async fn verify(auth: &Auth, files: &[PathBuf]) -> Result<String, Failure> {
    let mut said = Vec::new();
    let mut end = None;
    for path in files {
        let archive = read(auth, path)?;
        if end.is_some_and(|end| end != (archive.first - 1, archive.previous)) {
            return Err(Failure::wrong(
                format!("{} does not go on where the archive before it ends", path.display()),
                "name the archives in the order of their rows, and all of them in between",
            ));
        }
        let AuditArchive { first, last, .. } = archive;
        said.push(format!("{} is whole: rows {first} to {last}\n", path.display()));
        end = Some((archive.last, archive.hash));
    }
    let begins: Result<_, Problem> = auth.archived().await;
    let begins = begins?;
    match end {
        Some(end) if end.0 < begins.0 => {
            let (next, last) = (end.0 + 1, begins.0);
            said.push(format!("rows {next} to {last} lie in archives that were not named\n"));
            Ok(said.concat())
        }
        Some(end) if end != begins => Err(Failure::wrong(
            "the log does not go on where the last archive ends",
            "the archive is of another database, or the database was put back to an older state",
        )),
        _ => Ok(said.concat()),
    }
}
