//! `portcullis check`: every mistake at once, and what was read from where.

use std::path::Path;

use portcullis::problem::ConfigError;

use super::show::table;
use super::{Failure, routes};
use crate::app::Kind;
use crate::config::{Settings, SharedFlags};
use crate::serve::tls::Certificate;

/// Reads the configuration as `serve` would, and touches nothing.
pub(super) async fn check(flags: &SharedFlags) -> Result<String, Failure> {
    let (settings, sources) = Settings::load_with_sources(flags)?;
    let mut faults = ConfigError::none();
    faults.take(folder_of_the_database(&settings));
    if let Some((chain, key)) = settings.server.tls_files() {
        faults.take(Certificate::load(chain, key));
    }
    match routes::application(&settings, Kind::Serve).await {
        Ok(_) => {}
        Err(Failure::Config(mut others)) => faults.faults.append(&mut others.faults),
        Err(other) => return Err(other),
    }
    faults.into_result(())?;
    let rows: Vec<Vec<String>> =
        sources.into_iter().map(|one| vec![one.setting, one.value, one.place]).collect();
    let nothing = "nothing is set: every setting is at its default";
    Ok(format!(
        "the configuration is good\n\n{}",
        table(&["SETTING", "VALUE", "READ FROM"], &rows, nothing)
    ))
}

fn folder_of_the_database(settings: &Settings) -> Result<(), ConfigError> {
    let Some(file) = settings.database.url.file() else { return Ok(()) };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if folder.is_dir() {
        return Ok(());
    }
    Err(ConfigError::one(
        "database.url",
        format!("there is no folder {}", folder.display()),
        format!("`mkdir -p {}`, or name a file in another", folder.display()),
    ))
}
