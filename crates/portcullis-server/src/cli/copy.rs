//! `portcullis copy`: everything from one database to another, of whichever engine.

use std::io::{IsTerminal as _, Write as _};

use portcullis::auth::{CopiedTable, CopyError, Database};

use super::Failure;
use super::show::table;
use crate::app::{self, DatabaseFile};
use crate::config::Settings;
use crate::config::database::DatabaseUrl;
use crate::config::value::Value as _;

/// Everything is copied to a database that is empty; the database of the settings stands for the one that is
/// left out.
#[derive(Debug, clap::Args)]
pub(super) struct Copy {
    /// Where it is read from: sqlite://FILE or postgres://USER@HOST/NAME
    #[arg(long, value_name = "URL", required_unless_present = "to")]
    from: Option<String>,
    /// Where it is written to; its schema is made where there is none
    #[arg(long, value_name = "URL")]
    to: Option<String>,
}

impl Copy {
    /// Copies in one transaction, and compares what was written before it is committed.
    pub(super) async fn run(self, settings: &Settings) -> Result<String, Failure> {
        let (from, to) = (of(settings, self.from)?, of(settings, self.to)?);
        if let Some(file) = from.database.url.file()
            && DatabaseFile::look(file).await != DatabaseFile::Used
        {
            let wrong = format!("there is no database {}", file.display());
            return Err(Failure::wrong(wrong, "name another by `--from`"));
        }
        let source = app::connect(&from).await?;
        // Both are brought to the newest schema: only then are they comparable.
        let copied = match source.migrate().await {
            Ok(()) => match app::connect(&to).await {
                Ok(target) => {
                    let copied = copy(&source, &target).await;
                    target.close().await;
                    copied
                }
                Err(error) => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        };
        source.close().await;
        let rows: Vec<Vec<String>> = copied?.into_iter().map(shown).collect();
        Ok(format!(
            "{} is a copy of {}, compared row by row\n\n{}\n\
             it opens with the same master secret: give it to the server that uses the copy\n",
            to.database.url.to_text(),
            from.database.url.to_text(),
            table(&["TABLE", "ROWS", "SHA-256"], &rows, "nothing")
        ))
    }
}

/// The settings with another database.
fn of(settings: &Settings, url: Option<String>) -> Result<Settings, Failure> {
    let mut settings = settings.clone();
    if let Some(url) = url {
        settings.database.url = DatabaseUrl::from_text(&url).map_err(|_| {
            Failure::usage(
                "a URL is of no database we know",
                format!("write {}", DatabaseUrl::expects()),
            )
        })?;
    }
    Ok(settings)
}

async fn copy(source: &Database, target: &Database) -> Result<Vec<CopiedTable>, Failure> {
    target.migrate().await?;
    // A line that is written over is for people; what reads a pipe gets none.
    let shown = std::io::stderr().is_terminal();
    let copied = source
        .copy_to(target, |table, rows| {
            if shown {
                let _ = write!(std::io::stderr(), "\r\x1b[K{table}: {rows} rows");
            }
        })
        .await;
    if shown {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    copied.map_err(|error| {
        let fix = match &error {
            CopyError::NotEmpty { .. } => "name a target that nothing was written to yet",
            CopyError::Database(_) => {
                "nothing was written; is one of the two in use by something that locks it?"
            }
            _ => "nothing was written; are both of this version?",
        };
        Failure::wrong(error.to_string(), fix)
    })
}

fn shown(table: CopiedTable) -> Vec<String> {
    let digest = table.digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    vec![table.name.to_owned(), table.rows.to_string(), digest]
}
