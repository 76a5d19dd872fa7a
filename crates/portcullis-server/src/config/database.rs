//! `[database]`: where users, tokens and keys are kept.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::table::settings;
use super::value::{Unfit, Value};

settings! {
    /// Where users, roles, sessions and tokens are kept.
    Database reads "database" {
        /// `sqlite://` and the path of a file, made where there is none; or
        /// `postgres://user:password@host:5432/name`, which several nodes may share. Beyond this machine
        /// the way there is encrypted and the certificate verified, unless `?sslmode=` says otherwise;
        /// `?sslrootcert=FILE` names an authority of your own, `?options[search_path]=NAME` a schema.
        url: DatabaseUrl = DatabaseUrl::Sqlite("portcullis.db".into());
        /// How many connections of this process read at once: 1 to 1000. One more writes; with PostgreSQL
        /// one more listens.
        connections: u32 = 8;
        /// How long a request waits for a connection before the answer is 503.
        acquire_timeout: Duration = Duration::from_secs(5);
        /// How long one statement may take (PostgreSQL). A transaction that does nothing for so long is
        /// ended by the server, so that a node that is cut off holds nobody up.
        statement_timeout: Duration = Duration::from_secs(10);
        /// How long a change waits for others that write before the answer is 503.
        lock_timeout: Duration = Duration::from_secs(5);
    }
}

/// Which database. Its password, where it has one, is never shown.
#[derive(Clone)]
pub(crate) enum DatabaseUrl {
    /// A file of this machine.
    Sqlite(PathBuf),
    /// A server.
    Postgres(SecretString),
}

impl DatabaseUrl {
    /// The file, where it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }

    /// The whole URL, password and all: to connect, and for nothing else.
    pub(crate) fn to_connect(&self) -> SecretString {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()).into(),
            Self::Postgres(url) => url.clone(),
        }
    }

    /// The file beside the database that keeps the secret nobody configured.
    pub(crate) fn secret_file(&self) -> Option<PathBuf> {
        let mut path = self.file()?.as_os_str().to_owned();
        path.push(".secret");
        Some(path.into())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl Value for DatabaseUrl {
    const SECRET: bool = true;

    fn expects() -> String {
        "`sqlite://FILE` or `postgres://USER@HOST/NAME`".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, Unfit> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            // A query would be silently taken for a part of the name; the settings have it all.
            let is_name = !path.is_empty() && !path.ends_with('/') && !path.contains(['?', '\0']);
            return if is_name { Ok(Self::Sqlite(path.into())) } else { Err(Unfit) };
        }
        let is_postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if is_postgres { Ok(Self::Postgres(text.into())) } else { Err(Unfit) }
    }

    fn to_text(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(_) => "postgres://…".to_owned(),
        }
    }

    fn is_sensitive(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(url) => {
                let address = url.expose_secret();
                address.contains("password=")
                    || address
                        .split_once("://")
                        .and_then(|(_, rest)| rest.rsplit_once('@'))
                        .is_some_and(|(user, _)| user.contains(':'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_engines_are_read() {
        let file =
            |text| DatabaseUrl::from_text(text).ok().and_then(|url| Some(url.file()?.to_owned()));
        assert_eq!(file("sqlite://a.db"), Some("a.db".into()));
        assert_eq!(file("sqlite:///var/lib/a.db"), Some("/var/lib/a.db".into()));
        assert!(DatabaseUrl::from_text("postgres://u:p@h/d").is_ok());
        for wrong in
            ["", "a.db", "sqlite:a.db", "sqlite://", "sqlite://a.db?mode=ro", "mysql://h/d"]
        {
            assert!(DatabaseUrl::from_text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let url = DatabaseUrl::from_text("postgres://u:hush@h/d").unwrap();
        assert!(url.is_sensitive());
        assert!(!format!("{url:?} {}", url.to_text()).contains("hush"));
        assert!(!DatabaseUrl::from_text("postgres:///d?host=/run").unwrap().is_sensitive());
    }
}
