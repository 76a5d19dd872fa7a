//! Running the application until it is asked to stop.

use std::time::Duration;

use portcullis::auth::Auth;
use portcullis::problem::ConfigError;

use super::{Application, Reload};
use crate::config::Settings;
use crate::serve::signals::{HangUp, Signals};
use crate::serve::tls::Certificate;
use crate::serve::{BindError, Bounds, Ended, Listener, raise_file_limit, serve};

/// How long a change made by another process may take to count here.
pub(crate) const FOLLOWED_EVERY: Duration = Duration::from_millis(100);

/// Why the server could not be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("the system lets this process take no signals: {0}")]
    Signals(#[from] std::io::Error),
}

/// Listens, says so through `ready`, and serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`ServeError`].
pub(crate) async fn run(
    settings: &Settings,
    auth: Auth,
    application: Application,
    reload: Reload,
    ready: impl FnOnce(&str),
) -> Result<Ended, ServeError> {
    let server = &settings.server;
    raise_file_limit(server.max_connections);
    let (mut signals, hang_up) = (Signals::listen()?, HangUp::listen()?);
    let certificate = match server.tls_files() {
        None => None,
        Some((chain, key)) => Some(Certificate::load(chain, key)?),
    };
    if let Some(certificate) = certificate.clone() {
        tokio::spawn(async move { certificate.follow().await });
    }
    tokio::spawn(reload.follow(hang_up, certificate.clone(), application.countries));
    let scheme = if certificate.is_some() { "https" } else { "http" };
    let main = Listener::bind(server.listen, certificate, application.finished.router)?
        .behind(server.trusted_proxies.clone());
    let address = main.address()?;
    let mut listeners = vec![main];
    if let Some(health) = server.health_listen {
        listeners.push(Listener::bind(health, None, application.health)?.for_probes());
    }
    tokio::spawn(auth.clone().sync(FOLLOWED_EVERY));
    ready(&format!("{scheme}://{address}"));
    let ended = serve(listeners, Bounds::from(server), async move { signals.next().await }).await;
    auth.close().await;
    Ok(ended)
}
