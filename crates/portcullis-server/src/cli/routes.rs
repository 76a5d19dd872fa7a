//! `portcullis routes` and `openapi`: what would be served, without serving it.

use std::path::Path;

use portcullis::auth::Auth;
use portcullis::clock::Sources;
use serde::Serialize;

use super::Failure;
use super::demo;
use super::open::{self, Without};
use super::show::{self, Form};
use crate::app::{self, Application, Kind};
use crate::config::{Settings, SharedFlags};
use crate::demo::items::Items;

/// The application as the settings have it, over nothing.
pub(super) async fn application(settings: &Settings, kind: Kind) -> Result<Application, Failure> {
    let auth = open::in_memory(settings, kind).await?;
    let items = match kind {
        Kind::Serve => None,
        Kind::Demo => {
            let items = Items::open(Path::new(":memory:"), Sources::system()).await;
            Some(items.map_err(|error| Failure::wrong(error.to_string(), ""))?)
        }
    };
    Ok(app::application(settings, kind, &auth, items)?)
}

/// Whose routes.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Whose {
    /// Those of the demo, which has the tutorial's routes as well and keeps its data in
    /// portcullis-demo.db
    #[arg(long)]
    demo: bool,
}

impl Whose {
    /// The settings that count there: the demo keeps its data elsewhere, unless it is told.
    pub(super) fn settings(self, flags: &SharedFlags) -> Result<Settings, Failure> {
        if self.demo { demo::settings(flags) } else { Ok(Settings::load(flags)?) }
    }

    pub(super) fn kind(self) -> Kind {
        if self.demo { Kind::Demo } else { Kind::Serve }
    }
}

/// A route as it is printed.
#[derive(Serialize)]
struct Shown {
    method: String,
    path: String,
    who: String,
}

/// Prints the access table.
pub(super) async fn routes(
    settings: &Settings,
    whose: Whose,
    form: Form,
) -> Result<String, Failure> {
    let table = application(settings, whose.kind()).await?.finished.access;
    let rows: Vec<Shown> = table
        .iter()
        .map(|row| Shown {
            method: row.method.to_string(),
            path: row.path.to_string(),
            who: row.who.to_string(),
        })
        .collect();
    form.show(&rows, || table.to_string())
}

/// Prints what each role opens. The roles are those of the database, where there is one.
pub(super) async fn matrix(
    settings: &Settings,
    whose: Whose,
    form: Form,
) -> Result<String, Failure> {
    let table = application(settings, whose.kind()).await?.finished.access;
    let matrix = async |auth: &Auth| Ok(table.matrix(&auth.roles(), auth.scope_book()));
    let matrix = if open::is_there(settings).await? {
        open::with_kind(settings, whose.kind(), Without::Refuse, matrix).await?
    } else {
        matrix(&open::in_memory(settings, whose.kind()).await?).await?
    };
    form.show(&matrix, || matrix.to_string())
}

/// Prints the OpenAPI document.
pub(super) async fn openapi(settings: &Settings, whose: Whose) -> Result<String, Failure> {
    show::json(&application(settings, whose.kind()).await?.finished.openapi.to_value())
}
