//! What only assembling finds: files that hold something else, lists that do not go together. Nothing
//! is opened or started for it, so every fault is found, whatever else is wrong.

use std::path::Path;

use portcullis::problem::ConfigError;

use super::{gate, open};
use crate::config::Settings;
use crate::serve::tls::Certificate;

/// Everything in the settings that would keep the server from starting. What could not be read
/// stands here as its default.
pub(crate) fn faults(settings: &Settings) -> ConfigError {
    let mut faults = ConfigError::none();
    faults.take(folder_of_the_database(settings));
    if let Some((chain, key)) = settings.server.tls_files() {
        faults.take(Certificate::load(chain, key));
    }
    faults.take(gate::check(settings));
    faults.take(open::check(settings));
    faults
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
