//! The database and the rules, for one command.

use portcullis::auth::{Auth, Database, User};
use portcullis::clock::Sources;
use portcullis::crypto::MasterSecret;
use portcullis::problem::Problem;
use portcullis::types::{ClientId, Page, PageRequest, Subject};

use super::Failure;
use crate::app::{self, DatabaseFile, Kind, OpenError};
use crate::config::Settings;

/// What becomes of a command where there is no database yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Without {
    /// It makes one.
    Make,
    /// It is refused: a name was mistyped, rather.
    Refuse,
}

/// Runs a command over the database of the settings, and closes it: the command leaves one whole file
/// behind, and nothing of it in a `-wal` beside.
pub(super) async fn with<T>(
    settings: &Settings,
    without: Without,
    command: impl AsyncFnOnce(&Auth) -> Result<T, Failure>,
) -> Result<T, Failure> {
    with_kind(settings, Kind::Serve, without, command).await
}

/// Does the same as one of the two servers, with its scopes.
pub(super) async fn with_kind<T>(
    settings: &Settings,
    kind: Kind,
    without: Without,
    command: impl AsyncFnOnce(&Auth) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let auth = open(settings, kind, without).await?;
    let done = command(&auth).await;
    auth.close().await;
    done
}

/// Opens the database of the settings, for a server.
pub(super) async fn open(
    settings: &Settings,
    kind: Kind,
    without: Without,
) -> Result<Auth, Failure> {
    look(settings, without).await?;
    Ok(app::open(settings, kind).await?)
}

/// Refuses a database that is not there, where the command makes none.
pub(super) async fn look(settings: &Settings, without: Without) -> Result<(), Failure> {
    if without == Without::Refuse
        && let Some(wrong) = missing(settings).await?
    {
        let fix = "name another by `--database URL`, or make it by `portcullis migrate`";
        return Err(Failure::wrong(wrong, fix));
    }
    Ok(())
}

/// Says that there is no database yet, where there is none.
async fn missing(settings: &Settings) -> Result<Option<String>, Failure> {
    let Some(file) = settings.database.url.file() else {
        let database = app::connect(settings).await?;
        let empty = database.is_empty().await?;
        database.close().await;
        return Ok(empty.then(|| "the database is empty: no schema was made in it".to_owned()));
    };
    Ok(match DatabaseFile::look(file).await {
        DatabaseFile::Missing => Some(format!("there is no database {}", file.display())),
        DatabaseFile::Empty => {
            Some(format!("{} is empty: no database was made in it", file.display()))
        }
        DatabaseFile::Used => None,
    })
}

/// Whether there is a database already.
pub(super) async fn is_there(settings: &Settings) -> Result<bool, Failure> {
    Ok(missing(settings).await?.is_none())
}

/// Rules that remember nothing: to see what the settings amount to, and touch no database.
pub(super) async fn in_memory(settings: &Settings, kind: Kind) -> Result<Auth, Failure> {
    let master = MasterSecret::generate(&Sources::system()).map_err(Problem::internal)?;
    Ok(app::open_over(settings, kind, Database::in_memory(), master).await?)
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Config(faults) => faults.into(),
            OpenError::Connect(error) => error.into(),
            OpenError::Start(error) => error.into(),
            OpenError::Problem(problem) => problem.into(),
        }
    }
}

/// Every row of a list that is read by pages.
pub(super) async fn every_row<T>(
    page_of: impl AsyncFn(&PageRequest) -> Result<Page<T>, Problem>,
) -> Result<Vec<T>, Failure> {
    let mut page = PageRequest { after: None, limit: PageRequest::LARGEST };
    let mut rows = Vec::new();
    loop {
        let next = page_of(&page).await?;
        rows.extend(next.items);
        match next.next {
            Some(cursor) => page.after = Some(cursor),
            None => return Ok(rows),
        }
    }
}

/// Somebody, by username, e-mail address or id.
pub(super) async fn user(auth: &Auth, name: &str) -> Result<User, Failure> {
    if let Some(Subject::User(id)) = auth.user_named(name).await? {
        return Ok(auth.user(id).await?);
    }
    Err(Failure::wrong(
        format!("there is no user {name:?}"),
        "`portcullis user list` names them all",
    ))
}

/// Somebody, or a client, as one to whom roles and permissions may be given.
pub(super) async fn subject(auth: &Auth, name: &str, of: Noun) -> Result<Subject, Failure> {
    match of {
        Noun::User => Ok(Subject::User(user(auth, name).await?.id)),
        Noun::Client => Ok(Subject::Client(auth.client(&ClientId::from(name)).await?.id)),
    }
}

/// Whom a command is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Noun {
    /// A person.
    User,
    /// A program.
    Client,
}
