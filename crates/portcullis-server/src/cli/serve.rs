//! `portcullis serve`.

use std::process::ExitCode;

use super::{Refusal, print};
use crate::app::{self, Kind};
use crate::config::server::{LogFormat, Server};
use crate::config::{Settings, SharedFlags};

pub(super) async fn run(flags: &SharedFlags) -> Result<ExitCode, Refusal> {
    let settings = Settings::load(flags)?;
    log(&settings.server);
    let rules = app::open(&settings, Kind::Serve).await?;
    let application = app::application(&settings, Kind::Serve, &rules, None)?;
    app::run(&settings, rules, application, |url| {
        print::line(format_args!("portcullis listens on {url}; the explorer is at {url}/docs"));
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the log to standard error, as the settings have it.
pub(super) fn log(server: &Server) {
    let filter = tracing_subscriber::EnvFilter::new(&server.log.0);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match server.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
