//! The log, on standard error. Its filter can be replaced while it is written.

use std::io::IsTerminal as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt};

use super::writer::LogWriter;
use crate::config::server::{LogFilter, LogFormat, Server};

/// The log that is being written.
#[derive(Clone, Debug)]
pub(crate) struct Logs(reload::Handle<EnvFilter, Registry>);

impl Logs {
    /// Begins to write the log, as the settings have it. Where something else writes one already,
    /// as in a test, that one goes on.
    pub(crate) fn start(server: &Server) -> Self {
        let (filter, handle) = reload::Layer::new(EnvFilter::new(&server.log.0));
        // Colours are for people; what reads a file or a pipe would stumble over them.
        let lines = fmt::layer()
            .with_writer(LogWriter::standard_error())
            .with_ansi(std::io::stderr().is_terminal());
        let lines = match server.log_format {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().boxed(),
        };
        let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
        Self(handle)
    }

    /// Goes by this filter from here on.
    ///
    /// # Errors
    /// Where the log is not written any more.
    pub(crate) fn set_filter(&self, filter: &LogFilter) -> Result<(), reload::Error> {
        self.0.reload(EnvFilter::new(&filter.0))
    }
}
