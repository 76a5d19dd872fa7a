//! SIGHUP: what is read again while the server runs, and what needs a new start.

use std::sync::Arc;

use portcullis::problem::ConfigError;

use super::countries::Countries;
use crate::config::{Settings, SharedFlags, Source};
use crate::serve::signals::HangUp;
use crate::serve::tls::Certificate;
use crate::telemetry::Logs;

/// What can be read again.
#[derive(Debug)]
pub(crate) struct Reload {
    /// Whence the settings come.
    pub(crate) flags: SharedFlags,
    /// What they were at the last look.
    pub(crate) known: Vec<Source>,
    /// The log, whose filter follows the settings.
    pub(crate) logs: Logs,
}

impl Reload {
    /// Reads again at every SIGHUP, for ever.
    pub(super) async fn follow(
        mut self,
        mut signal: HangUp,
        certificate: Option<Arc<Certificate>>,
        countries: Option<Countries>,
    ) {
        loop {
            signal.next().await;
            self.settings();
            if let Some(certificate) = &certificate {
                said("the certificate", certificate.reload());
            }
            if let Some(countries) = &countries {
                said("the database of countries", countries.reload().await);
            }
        }
    }

    /// Takes up the log's filter, and names what else has changed.
    fn settings(&mut self) {
        let (settings, sources) = match Settings::load_with_sources(&self.flags) {
            Ok(read) => read,
            Err(faults) => {
                tracing::error!(error = %faults, "SIGHUP: the settings have mistakes: those from before stay");
                return;
            }
        };
        let changed = changed(&self.known, &sources);
        self.known = sources;
        match self.logs.set_filter(&settings.server.log) {
            Ok(()) => tracing::info!(
                filter = settings.server.log.0,
                "SIGHUP: the log's filter was read again"
            ),
            Err(error) => tracing::error!(%error, "SIGHUP: the log's filter stays as it was"),
        }
        if !changed.is_empty() {
            tracing::warn!(
                "SIGHUP: these settings have changed and need a new start: {}",
                changed.join(", ")
            );
        }
    }
}

fn said(what: &str, outcome: Result<(), ConfigError>) {
    match outcome {
        Ok(()) => tracing::info!("SIGHUP: {what} was read again"),
        Err(faults) => {
            tracing::error!(error = %faults, "SIGHUP: {what} cannot be used: the one from before stays");
        }
    }
}

/// The settings that differ, but for those that are read again.
fn changed(before: &[Source], now: &[Source]) -> Vec<String> {
    let value = |sources: &[Source], setting: &str| {
        sources.iter().find(|one| one.setting == setting).map(|one| one.value.clone())
    };
    let mut names: Vec<&str> =
        before.iter().chain(now).map(|source| source.setting.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter(|name| *name != "server.log" && value(before, name) != value(now, name))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(setting: &str, value: &str) -> Source {
        Source { setting: setting.to_owned(), value: value.to_owned(), place: String::new() }
    }

    #[test]
    fn what_needs_a_new_start_is_named() {
        let before =
            [source("server.log", "info"), source("server.listen", "a"), source("b.c", "1")];
        let now = [source("server.log", "debug"), source("server.listen", "b"), source("d.e", "1")];
        assert_eq!(changed(&before, &now), ["b.c", "d.e", "server.listen"]);
        assert!(changed(&before, &before).is_empty());
    }
}
