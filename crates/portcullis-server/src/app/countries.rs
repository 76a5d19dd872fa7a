//! The database of countries, read anew when its file changes.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use portcullis::edge::{CountryDatabase, CountryOf};
use portcullis::problem::ConfigError;

use crate::serve::tls::Stamp;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// The database of `geo.database_file`, as the file last was when it was good.
#[derive(Clone, Debug)]
pub(super) struct Countries(Arc<Followed>);

#[derive(Debug)]
struct Followed {
    file: PathBuf,
    current: ArcSwap<CountryDatabase>,
}

impl Countries {
    /// Reads the file, and looks at it again for as long as somebody asks this one. Where it is
    /// broken then, what was read before stays, and the log says why.
    ///
    /// # Errors
    /// Where the file cannot be read or is none.
    pub(super) fn follow(file: &Path) -> Result<Self, ConfigError> {
        let taken = Stamp::of([file]);
        let current = ArcSwap::from_pointee(read(file)?);
        let followed = Arc::new(Followed { file: file.into(), current });
        tokio::spawn(follow(Arc::downgrade(&followed), taken));
        Ok(Self(followed))
    }

    /// Reads the file again.
    ///
    /// # Errors
    /// Where it cannot be read or is none; the old one stays then.
    pub(super) async fn reload(&self) -> Result<(), ConfigError> {
        let followed = Arc::clone(&self.0);
        // It may be large, and requests are served meanwhile.
        let fresh = tokio::task::spawn_blocking(move || {
            read(&followed.file).map(|fresh| followed.current.store(Arc::new(fresh)))
        });
        let broken = |error: tokio::task::JoinError| {
            ConfigError::one("geo.database_file", error.to_string(), "send SIGHUP again")
        };
        fresh.await.map_err(broken)?
    }
}

impl CountryOf for Countries {
    fn country_of(&self, address: IpAddr) -> Option<[u8; 2]> {
        self.0.current.load().country_of(address)
    }
}

async fn follow(followed: Weak<Followed>, mut taken: Stamp) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(followed) = followed.upgrade() else { return };
        let seen = Stamp::of([&*followed.file]);
        if seen == taken {
            continue;
        }
        taken = seen;
        // It may be large, and requests are served meanwhile.
        let fresh = tokio::task::spawn_blocking(move || {
            read(&followed.file).map(|fresh| followed.current.store(Arc::new(fresh)))
        });
        match fresh.await {
            Ok(Ok(())) => tracing::info!("a new database of countries is in use"),
            Ok(Err(faults)) => {
                tracing::error!(error = %faults, "the new database of countries cannot be used: the old one stays");
            }
            Err(error) => tracing::error!(%error, "the database of countries could not be read"),
        }
    }
}

/// Reads the file.
///
/// # Errors
/// Where it cannot be read or is none.
pub(super) fn read(file: &Path) -> Result<CountryDatabase, ConfigError> {
    let fault = |wrong: String, fix: &str| ConfigError::one("geo.database_file", wrong, fix);
    let shown = Path::display(file);
    let bytes = std::fs::read(file).map_err(|error| {
        let fix = "name a file that is there and that this user may read";
        fault(format!("{shown} cannot be read: {error}"), fix)
    })?;
    CountryDatabase::new(bytes).map_err(|error| {
        let fix = "download it again, and take one of countries, such as GeoLite2-Country.mmdb";
        fault(format!("{shown} is no database of countries: {error}"), fix)
    })
}
