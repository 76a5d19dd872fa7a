//! `portcullis migrate`.

use super::Failure;
use super::open::{self, Without};
use crate::config::Settings;
use crate::config::value::Value as _;

/// Brings the database to the newest schema, and gives an empty one its first roles and key.
pub(super) async fn migrate(settings: &Settings) -> Result<String, Failure> {
    open::with(settings, Without::Make, async |_| Ok(())).await?;
    Ok(format!("{} has the newest schema\n", settings.database.url.to_text()))
}
