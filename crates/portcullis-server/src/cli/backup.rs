//! `portcullis backup` and `restore`: a copy of the database, made while it is used, and put back.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::Failure;
use super::open::{self, Without};
use crate::app::{self, DatabaseFile};
use crate::config::Settings;

/// The database is copied to a file that is not there yet.
#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    /// The file to make; it must not be there yet
    file: PathBuf,
}

/// A copy is put in the database's place.
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// The file that `portcullis backup` made
    file: PathBuf,
    /// There is a database already: move it aside, to a file whose name ends with `.replaced`
    #[arg(long)]
    replace: bool,
}

impl Backup {
    /// Copies the database as it is at one moment, whoever writes meanwhile, and verifies the copy.
    pub(super) async fn run(self, settings: &Settings) -> Result<String, Failure> {
        let database = database(settings)?;
        if DatabaseFile::look(database).await != DatabaseFile::Used {
            return Err(Failure::wrong(
                format!("there is no database {}", database.display()),
                "name another by `--database sqlite://FILE`",
            ));
        }
        refuse_existing(&self.file)?;
        let draft = beside(&self.file, ".part");
        let copied = copy_online(database, &draft).await;
        let settled = match copied {
            Ok(()) => settle(settings, &draft, &self.file).await,
            Err(failure) => Err(failure),
        };
        if settled.is_err() {
            let _ = std::fs::remove_file(&draft);
        }
        let rows = settled?;
        let secret = match (&settings.tokens.master_secret, settings.database.url.secret_file()) {
            (None, Some(secret)) => secret.display().to_string(),
            _ => "the master secret".to_owned(),
        };
        Ok(format!(
            "{} is a whole copy of {}: {rows} rows in the audit log\n\
             keep {secret} elsewhere: without it nobody can use the copy\n",
            self.file.display(),
            database.display()
        ))
    }
}

/// Verifies the draft and gives it its name.
async fn settle(settings: &Settings, draft: &Path, file: &Path) -> Result<u64, Failure> {
    let rows = verify(settings, draft).await?;
    let write = |error| Failure::Io(format!("{} cannot be written", file.display()), error);
    File::open(draft).and_then(|draft| draft.sync_all()).map_err(write)?;
    // A link fails where another file was made meanwhile.
    std::fs::hard_link(draft, file).map_err(write)?;
    std::fs::remove_file(draft).map_err(write)?;
    sync_folder(file).map_err(write)?;
    Ok(rows)
}

impl Restore {
    /// Verifies the copy, puts it in the database's place, and verifies that.
    pub(super) async fn run(self, settings: &Settings) -> Result<String, Failure> {
        let database = database(settings)?;
        if DatabaseFile::look(&self.file).await != DatabaseFile::Used {
            return Err(Failure::wrong(
                format!("{} is no backup", self.file.display()),
                "name a file that `portcullis backup` made",
            ));
        }
        let draft = beside(database, ".part");
        let copied = copy_file(&self.file, &draft).map_err(|error| {
            Failure::Io(format!("{} cannot be copied", self.file.display()), error)
        });
        let verified = match copied {
            Ok(()) => verify(settings, &draft).await,
            Err(failure) => Err(failure),
        };
        let moved = match verified {
            Ok(_) => make_way(database, self.replace).await,
            Err(failure) => Err(failure),
        };
        if moved.is_err() {
            let _ = std::fs::remove_file(&draft);
        }
        let aside = moved?;
        let write = |error| Failure::Io(format!("{} cannot be written", database.display()), error);
        std::fs::rename(&draft, database).map_err(write)?;
        sync_folder(database).map_err(write)?;
        let verdict =
            open::with(settings, Without::Refuse, async |auth| Ok(auth.verify_audit(None).await?))
                .await?;
        if let Some(fault) = verdict.fault {
            return Err(Failure::wrong(
                format!("the backup is restored, and its audit log is not whole: {fault}"),
                "compare it with an export that was kept elsewhere",
            ));
        }
        let aside = aside.map_or_else(String::new, |aside| {
            format!("the database that was there is now {}\n", aside.display())
        });
        Ok(format!(
            "{} is restored, and its audit log is whole: {} rows\n{aside}\
             sessions, tokens and keys that were ended after the backup count again: end them again,\n\
             or void every token by `portcullis key rotate` and `portcullis key retire --now KID`\n",
            database.display(),
            verdict.rows
        ))
    }
}

fn database(settings: &Settings) -> Result<&Path, Failure> {
    settings.database.url.file().ok_or_else(|| {
        let fix = "copy it by `pg_dump --format=custom --file=FILE URL`, and put it back by \
            `pg_restore --clean --if-exists --dbname=URL FILE`";
        Failure::wrong("the database is on a server, not in a file", fix)
    })
}

fn refuse_existing(file: &Path) -> Result<(), Failure> {
    if file.exists() {
        let wrong = format!("{} is there already", file.display());
        return Err(Failure::wrong(wrong, "name a file that is not there yet"));
    }
    Ok(())
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn broken(file: &Path) -> impl Fn(sqlx::Error) -> Failure + '_ {
    move |error| {
        Failure::wrong(
            format!("{} cannot be read or written: {error}", file.display()),
            "look for room on the disk, and at who may read and write there",
        )
    }
}

/// Copies by one reading transaction: what is written meanwhile is not in the copy.
async fn copy_online(database: &Path, draft: &Path) -> Result<(), Failure> {
    let write = |error| Failure::Io(format!("{} cannot be made", draft.display()), error);
    if draft.exists() {
        std::fs::remove_file(draft).map_err(write)?;
    }
    // SQLite fills an empty file, and this one is for its owner alone from the beginning.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft).map_err(write)?;
    let options = SqliteConnectOptions::new().filename(database).create_if_missing(false);
    let options = options.busy_timeout(std::time::Duration::from_secs(30));
    let mut connection =
        options.disable_statement_logging().connect().await.map_err(broken(database))?;
    let copied = sqlx::query("VACUUM INTO $1")
        .bind(draft.to_string_lossy().into_owned())
        .execute(&mut connection)
        .await;
    connection.close().await.map_err(broken(database))?;
    copied.map(drop).map_err(broken(draft))
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    if to.exists() {
        std::fs::remove_file(to)?;
    }
    let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    io::copy(&mut File::open(from)?, &mut target)?;
    target.sync_all()
}

/// Looks through a copy: every page, every reference, and whether the master secret opens its keys.
/// Says how many rows its audit log has.
async fn verify(settings: &Settings, copy: &Path) -> Result<u64, Failure> {
    let wrong = |what: String| {
        Failure::wrong(
            format!("{} is not whole: {what}", copy.display()),
            "make or take another copy",
        )
    };
    let mut connection = connect(copy).await?;
    let integrity: String = scalar(&mut connection, "PRAGMA integrity_check", copy).await?;
    if integrity != "ok" {
        return Err(wrong(integrity));
    }
    let dangling: i64 =
        scalar(&mut connection, "SELECT count(*) FROM pragma_foreign_key_check", copy).await?;
    if dangling > 0 {
        return Err(wrong(format!("{dangling} references lead nowhere")));
    }
    let rows: i64 = scalar(&mut connection, "SELECT count(*) FROM audit", copy).await?;
    connection.close().await.map_err(broken(copy))?;
    app::secret_opens(settings, copy).await?;
    // Without a write-ahead log the copy is one file, whoever looks at it.
    let mut connection = connect(copy).await?;
    let _: String = scalar(&mut connection, "PRAGMA journal_mode = DELETE", copy).await?;
    connection.close().await.map_err(broken(copy))?;
    Ok(u64::try_from(rows).unwrap_or_default())
}

async fn connect(file: &Path) -> Result<SqliteConnection, Failure> {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(false);
    options.disable_statement_logging().connect().await.map_err(broken(file))
}

async fn scalar<T>(
    connection: &mut SqliteConnection,
    statement: &'static str,
    file: &Path,
) -> Result<T, Failure>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + Unpin,
{
    sqlx::query_scalar(statement).fetch_one(connection).await.map_err(broken(file))
}

/// Moves the database that is there aside, where nobody has it open.
async fn make_way(database: &Path, replace: bool) -> Result<Option<PathBuf>, Failure> {
    match DatabaseFile::look(database).await {
        DatabaseFile::Missing => return Ok(None),
        DatabaseFile::Empty | DatabaseFile::Used => {}
    }
    if !replace {
        return Err(Failure::wrong(
            format!("there is a database {} already", database.display()),
            "`--replace` moves it aside; stop the server first",
        ));
    }
    let mut connection = connect(database).await?;
    // Leaving the write-ahead log takes the file for oneself, and writes all of it into the file.
    let alone = sqlx::query_scalar::<_, String>("PRAGMA journal_mode = DELETE")
        .fetch_one(&mut connection)
        .await;
    connection.close().await.map_err(broken(database))?;
    if alone.is_ok_and(|mode| mode == "delete") {
        let aside = beside(database, ".replaced");
        refuse_existing(&aside)?;
        std::fs::rename(database, &aside).map_err(|error| {
            Failure::Io(format!("{} cannot be moved", database.display()), error)
        })?;
        return Ok(Some(aside));
    }
    Err(Failure::wrong(
        format!("{} is in use", database.display()),
        "stop the server, and every other command that uses it",
    ))
}

fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
