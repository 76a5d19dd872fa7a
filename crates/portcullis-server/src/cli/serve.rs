//! `portcullis serve`.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use portcullis::auth::Auth;
use portcullis::store::UserFilter;
use portcullis::types::PageRequest;

use super::open::{self, Without};
use super::{Failure, show};
use crate::app::{self, Application, Kind, ServeError};
use crate::config::Settings;
use crate::config::server::{LogFormat, Server};
use crate::config::value::Value as _;

pub(super) async fn serve(settings: Settings) -> Result<String, Failure> {
    log(&settings.server);
    let rules = open::open(&settings, Without::Make).await?;
    let first = PageRequest { after: None, limit: 1 };
    let nobody = rules.users(&UserFilter::default(), &first).await?.items.is_empty();
    let application = app::application(&settings, Kind::Serve, &rules, None)?;
    let database = settings.database.url.to_text();
    run(&settings, rules, application, |url| {
        let public = settings.server.public_url.as_ref().map_or(url, |public| public.as_str());
        let mut text = format!("portcullis listens on {url}; the explorer is at {public}/docs\n");
        if nobody {
            let _ = write!(
                text,
                "There is no user yet. Make the first administrator, while this runs:\n  \
                 portcullis user add --database {database} --role admin NAME\n"
            );
        }
        text
    })
    .await
}

/// Serves until the process is asked to end.
pub(super) async fn run(
    settings: &Settings,
    rules: Auth,
    application: Application,
    greeting: impl FnOnce(&str) -> String,
) -> Result<String, Failure> {
    // Somebody who closed standard output is served all the same.
    let ready = |url: &str| drop(show::print(&greeting(url)));
    app::run(settings, rules, application, ready).await.map_err(|error| match error {
        ServeError::Config(faults) => faults.into(),
        other => Failure::wrong(other.to_string(), ""),
    })?;
    Ok(String::new())
}

/// Writes the log to standard error, as the settings have it.
pub(super) fn log(server: &Server) {
    let filter = tracing_subscriber::EnvFilter::new(&server.log.0);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Colours are for people; what reads a file or a pipe would stumble over them.
    let log = log.with_ansi(std::io::stderr().is_terminal());
    match server.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
