//! `portcullis check`: every mistake at once, and what was read from where.

use super::show::table;
use super::{Failure, routes};
use crate::app::{self, DatabaseFile, Kind};
use crate::config::{Settings, SharedFlags};

/// Reads the configuration as `serve` would, and changes nothing.
pub(super) async fn check(flags: &SharedFlags) -> Result<String, Failure> {
    let (settings, sources) = Settings::load_with_sources(flags)?;
    routes::application(&settings, Kind::Serve).await?;
    match settings.database.url.file() {
        None => app::server_is_good(&settings).await?,
        Some(file) if DatabaseFile::look(file).await == DatabaseFile::Used => {
            app::secret_opens(&settings, file).await?;
        }
        Some(_) => {}
    }
    let notes = app::notes(&settings);
    let notes = notes.iter().fold(String::new(), |text, note| format!("{text}note: {note}\n"));
    let rows: Vec<Vec<String>> =
        sources.into_iter().map(|one| vec![one.setting, one.value, one.place]).collect();
    let nothing = "nothing is set: every setting is at its default";
    Ok(format!(
        "the configuration is good\n{notes}\n{}",
        table(&["SETTING", "VALUE", "READ FROM"], &rows, nothing)
    ))
}
