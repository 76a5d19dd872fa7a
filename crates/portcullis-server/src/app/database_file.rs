//! The database's file before it is opened: is there one, and is anything in it?

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

/// What is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseFile {
    /// Nothing.
    Missing,
    /// A file with no table in it.
    Empty,
    /// A database, or a file that is none: whoever opens it says so.
    Used,
}

impl DatabaseFile {
    /// Looks, and changes nothing.
    pub(crate) async fn look(file: &Path) -> Self {
        match std::fs::metadata(file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Self::Missing,
            Ok(facts) if facts.len() == 0 => return Self::Empty,
            _ => {}
        }
        match tables(file).await {
            Ok(0) => Self::Empty,
            _ => Self::Used,
        }
    }
}

async fn tables(file: &Path) -> Result<i64, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let mut connection = options.disable_statement_logging().connect().await?;
    let counted =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master").fetch_one(&mut connection).await;
    connection.close().await?;
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_without_a_table_is_empty_and_anything_else_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        assert_eq!(DatabaseFile::look(&path("none")).await, DatabaseFile::Missing);
        std::fs::write(path("touched"), "").unwrap();
        assert_eq!(DatabaseFile::look(&path("touched")).await, DatabaseFile::Empty);
        std::fs::write(path("text"), "this is no database, and long enough for that").unwrap();
        assert_eq!(DatabaseFile::look(&path("text")).await, DatabaseFile::Used);
        for (name, sql, found) in [
            ("bare", "PRAGMA user_version = 1", DatabaseFile::Empty),
            ("used", "CREATE TABLE a (b)", DatabaseFile::Used),
        ] {
            let options = SqliteConnectOptions::new().filename(path(name)).create_if_missing(true);
            let mut connection = options.connect().await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            assert_eq!(DatabaseFile::look(&path(name)).await, found, "{name}");
        }
    }
}
