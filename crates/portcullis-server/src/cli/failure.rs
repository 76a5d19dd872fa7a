//! No, said at a shell: what is wrong, and what to do about it.

use std::fmt;
use std::io;
use std::process::ExitCode;

use portcullis::auth::{ConnectError, DatabaseError, StartError};
use portcullis::problem::{ConfigError, Problem, ProblemKind};

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// The settings cannot work.
    Config(ConfigError),
    /// It was refused.
    Refused(Problem),
    /// It was refused, with a fix of its own.
    Wrong {
        /// What is wrong.
        wrong: String,
        /// What to do about it.
        fix: String,
    },
    /// The command itself makes no sense.
    Usage {
        /// What is wrong.
        wrong: String,
        /// What to write instead.
        fix: String,
    },
    /// The database cannot be used.
    Database(ConnectError),
    /// Something could not be read or written.
    Io(String, io::Error),
}

impl Failure {
    /// A refusal with its fix.
    pub(super) fn wrong(wrong: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Wrong { wrong: wrong.into(), fix: fix.into() }
    }

    /// A command that makes no sense, with one that does.
    pub(super) fn usage(wrong: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Usage { wrong: wrong.into(), fix: fix.into() }
    }

    /// What the process ends with.
    pub(super) fn code(&self) -> ExitCode {
        match self {
            Self::Usage { .. } => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(faults) => faults.faults.iter().try_for_each(|fault| {
                said(f, &format!("{}: {}", fault.setting, fault.wrong), &fault.fix)
            }),
            Self::Refused(problem) => refused(f, problem),
            Self::Wrong { wrong, fix } | Self::Usage { wrong, fix } => said(f, wrong, fix),
            Self::Database(error) => said(f, &chain(error), database_fix(error)),
            Self::Io(what, error) => said(f, &format!("{what}: {error}"), ""),
        }
    }
}

fn said(f: &mut fmt::Formatter<'_>, wrong: &str, fix: &str) -> fmt::Result {
    writeln!(f, "error: {wrong}")?;
    if fix.is_empty() { Ok(()) } else { writeln!(f, "  fix: {fix}") }
}

/// What the HTTP answer would say, for somebody who does not see one.
fn refused(f: &mut fmt::Formatter<'_>, problem: &Problem) -> fmt::Result {
    if !problem.unfit().is_empty() {
        return problem.unfit().iter().try_for_each(|fault| {
            let place = fault.pointer.trim_start_matches('/').replace('/', " ");
            let colon = if place.is_empty() { "" } else { ": " };
            said(f, &format!("{place}{colon}{}", fault.detail), "")
        });
    }
    let fix = match problem.kind() {
        ProblemKind::Unavailable => {
            "look at the database of `database.url`: is the server up, is the disk full, is another \
             program writing to it?"
        }
        ProblemKind::Internal => {
            "was the master secret replaced? Put back the file that belongs to this database"
        }
        _ => "",
    };
    // Whoever is at this shell may know the cause.
    said(f, &chain(problem), fix)
}

fn database_fix(error: &ConnectError) -> &'static str {
    match error {
        ConnectError::Open { .. } => {
            "name a file in a folder that is there and that this user may write to: \
             `--database sqlite://PATH`"
        }
        ConnectError::Reach { .. } => {
            "is the server up, and do user, password and name in `database.url` fit? \
             `createdb --encoding=UTF8 NAME` makes one"
        }
        ConnectError::Migrate(_) => {
            "name another database, put back a copy of it, or let this role change its schema"
        }
        _ => "",
    }
}

/// An error and what lies behind it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{}: {text}", said.trim_end_matches('.'));
        }
        cause = error.source();
    }
    said
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Self::Database(error)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Config(faults) => Self::Config(faults),
            StartError::Database(problem) => Self::Refused(problem),
            other => Self::wrong(other.to_string(), ""),
        }
    }
}
