//! The configuration: a file a section, flag over environment over file over default, every mistake at once.

pub(crate) mod accounts;
mod checks;
pub(crate) mod client;
pub(crate) mod cluster;
pub(crate) mod cors;
pub(crate) mod database;
#[cfg(test)]
pub(crate) mod document;
pub(crate) mod geo;
mod layers;
#[cfg(test)]
mod limits;
pub(crate) mod mail;
pub(crate) mod passwords;
pub(crate) mod private_file;
pub(crate) mod public_url;
pub(crate) mod server;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod throttle;
pub(crate) mod tokens;
pub(crate) mod value;
mod weak_secret;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use portcullis::problem::ConfigError;

pub(crate) use self::layers::Source;
use self::layers::{CONFIG_VARIABLE, Given, Layers};
use self::table::Section;

/// The file that is read where none is named.
const DEFAULT_FILE: &str = "portcullis.toml";

/// No configuration is longer than this.
const LONGEST_FILE: u64 = 1024 * 1024;

/// The options that every command shares.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct SharedFlags {
    /// The configuration file [default: portcullis.toml, if it is there]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// The database: sqlite://FILE, or postgres://USER@HOST/NAME
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) database: Option<String>,
    /// Where to listen
    #[arg(long, value_name = "ADDR:PORT", global = true)]
    pub(crate) listen: Option<String>,
}

impl SharedFlags {
    /// The configuration file that is read, where there is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        let environment = || std::env::var_os(CONFIG_VARIABLE).map(PathBuf::from);
        let named = self.config.clone().or_else(environment);
        named.or_else(|| Some(DEFAULT_FILE.into()).filter(|file: &PathBuf| file.exists()))
    }
}

/// Every setting, read and found to agree.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// `[server]`.
    pub(crate) server: server::Server,
    /// `[database]`.
    pub(crate) database: database::Database,
    /// `[cluster]`.
    pub(crate) cluster: cluster::Cluster,
    /// `[tokens]`.
    pub(crate) tokens: tokens::Tokens,
    /// `[accounts]`.
    pub(crate) accounts: accounts::Accounts,
    /// `[geo]`.
    pub(crate) geo: geo::Geo,
    /// `[cors]`.
    pub(crate) cors: cors::Cors,
    /// `[passwords]`.
    pub(crate) passwords: passwords::Passwords,
    /// `[throttle]`.
    pub(crate) throttle: throttle::Throttle,
    /// `[mail]`.
    pub(crate) mail: mail::Mail,
    /// `[[client]]`.
    pub(crate) clients: Vec<client::Client>,
}

impl Settings {
    /// Every section there is, in the order documented.
    pub(crate) const SECTIONS: &[Section] = &[
        server::Server::SECTION,
        database::Database::SECTION,
        cluster::Cluster::SECTION,
        tokens::Tokens::SECTION,
        accounts::Accounts::SECTION,
        geo::Geo::SECTION,
        cors::Cors::SECTION,
        passwords::Passwords::SECTION,
        throttle::Throttle::SECTION,
        mail::Mail::SECTION,
    ];

    /// Every table that may stand in the file several times.
    pub(crate) const TABLES: &[Section] = &[client::Client::SECTION];

    /// Reads flags, the environment and the file.
    ///
    /// # Errors
    /// Every mistake there is, each with its fix.
    pub(crate) fn load(flags: &SharedFlags) -> Result<Self, ConfigError> {
        Self::load_with_sources(flags).map(|(settings, _)| settings)
    }

    /// The same, with every setting that was not left at its default, and where it was found.
    ///
    /// # Errors
    /// Every mistake there is, each with its fix.
    pub(crate) fn load_with_sources(
        flags: &SharedFlags,
    ) -> Result<(Self, Vec<Source>), ConfigError> {
        Self::read(&Given::collect(flags, std::env::vars_os().collect())?)
    }

    /// Reads what was given.
    ///
    /// # Errors
    /// Every mistake there is, each with its fix.
    fn read(given: &Given) -> Result<(Self, Vec<Source>), ConfigError> {
        let mut layers = Layers::open(given, Self::SECTIONS, Self::TABLES);
        let settings = Self {
            server: server::Server::read(&mut layers),
            database: database::Database::read(&mut layers),
            cluster: cluster::Cluster::read(&mut layers),
            tokens: tokens::Tokens::read(&mut layers),
            accounts: accounts::Accounts::read(&mut layers),
            geo: geo::Geo::read(&mut layers),
            cors: cors::Cors::read(&mut layers),
            passwords: passwords::Passwords::read(&mut layers),
            throttle: throttle::Throttle::read(&mut layers),
            mail: mail::Mail::read(&mut layers),
            clients: layers.tables("client", client::Client::read),
        };
        if layers.is_whole {
            checks::check(&settings, &mut layers.faults);
        }
        layers.faults.into_result((settings, layers.sources))
    }
}

impl Given {
    /// Takes the flags and the environment, and reads the file they name.
    ///
    /// # Errors
    /// Where a file was named and cannot be read.
    fn collect(
        flags: &SharedFlags,
        environment: Vec<(OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let from_environment = environment
            .iter()
            .find(|(name, _)| name == CONFIG_VARIABLE)
            .map(|(_, path)| path.into());
        let named = flags.config.clone().or(from_environment);
        let path = named.clone().unwrap_or_else(|| DEFAULT_FILE.into());
        let file = match read_file(&path) {
            Ok(text) => Some((path, text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => None,
            Err(error) => {
                return Err(ConfigError::one(
                    &path.display().to_string(),
                    format!("it cannot be read: {error}"),
                    "name a file in UTF-8 that is there and that this user may read",
                ));
            }
        };
        let flag = |setting, name, value: &Option<String>| {
            value.clone().map(|value| (setting, name, value))
        };
        let flags = [
            flag("database.url", "--database", &flags.database),
            flag("server.listen", "--listen", &flags.listen),
        ];
        Ok(Self { flags: flags.into_iter().flatten().collect(), environment, file })
    }
}

fn read_file(path: &Path) -> io::Result<String> {
    use io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(LONGEST_FILE + 1).read_to_string(&mut text)?;
    if let Some(rest) = text.strip_prefix('\u{feff}') {
        text = rest.to_owned();
    }
    if text.len() as u64 > LONGEST_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 1 MiB"));
    }
    Ok(text)
}
