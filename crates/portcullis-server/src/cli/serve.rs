//! `portcullis serve`.

use std::fmt::Write as _;
use std::path::Path;

use portcullis::auth::{Actor, Auth, Registration, UserFilter};
use portcullis::types::PageRequest;

use super::open::{self, Without};
use super::{Failure, show};
use crate::app::{self, Application, Kind, Reload, ServeError};
use crate::config::{Settings, SharedFlags};
use crate::telemetry::Logs;

pub(super) async fn serve(flags: &SharedFlags) -> Result<String, Failure> {
    let (settings, known) = Settings::load_with_sources(flags)?;
    let logs = Logs::start(&settings.server);
    let auth = open::open(&settings, Kind::Serve, Without::Make).await?;
    for client in &settings.clients {
        auth.declare_client(&Actor::system(), client.request()).await?;
    }
    let first = PageRequest { after: None, limit: 1 };
    let nobody = auth.users(&UserFilter::default(), &first).await?.items.is_empty();
    let application = app::application(&settings, Kind::Serve, &auth, None)?;
    let registration = auth.settings().registration;
    let reload = Reload { flags: flags.clone(), known, logs };
    run(&settings, auth, application, reload, |url| {
        let public = settings.server.public_url.as_ref().map_or(url, |public| public.as_str());
        let mut text = format!("portcullis listens on {url}; the explorer is at {public}/docs\n");
        match registration {
            Registration::Closed => {
                text.push_str("Registration is closed (accounts.registration)\n");
            }
            Registration::Invite => {
                text.push_str("Registration needs an invitation: portcullis invite\n");
            }
            _ => {}
        }
        if nobody {
            let _ = write!(
                text,
                "There is no user yet. Make the first administrator, while this runs:\n  \
                 portcullis user add {}--role admin NAME\n",
                wherever_you_are(flags, &settings)
            );
        }
        text
    })
    .await
}

/// Serves until the process is asked to end.
pub(super) async fn run(
    settings: &Settings,
    auth: Auth,
    application: Application,
    reload: Reload,
    greeting: impl FnOnce(&str) -> String,
) -> Result<String, Failure> {
    // Somebody who closed standard output is served all the same.
    let ready = |url: &str| drop(show::print(&greeting(url)));
    app::run(settings, auth, application, reload, ready).await.map_err(|error| match error {
        ServeError::Config(faults) => faults.into(),
        other => Failure::wrong(other.to_string(), ""),
    })?;
    Ok(String::new())
}

/// The flags that lead to these settings and this database from any folder.
fn wherever_you_are(flags: &SharedFlags, settings: &Settings) -> String {
    let absolute = |path: &Path| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        quoted(&path.display().to_string())
    };
    let mut text = String::new();
    if let Some(file) = flags.file() {
        let _ = write!(text, "--config {} ", absolute(&file));
    }
    match settings.database.url.file() {
        Some(file) => {
            let _ = write!(text, "--database sqlite://{} ", absolute(file));
        }
        // Its password does not belong on a screen, nor in a shell's history.
        None => text.push_str("--database \"$PORTCULLIS_DATABASE_URL\" "),
    }
    text
}

/// As a shell reads it back.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_where_a_shell_would_split_it() {
        for (path, shown) in [
            ("/srv/portcullis.db", "/srv/portcullis.db"),
            ("/srv/my files/a.db", "'/srv/my files/a.db'"),
            ("/it's", "'/it'\\''s'"),
        ] {
            assert_eq!(quoted(path), shown);
        }
    }
}
