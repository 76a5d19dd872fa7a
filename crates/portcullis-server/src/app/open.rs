//! The store and the rules, as the settings have them.

use std::path::Path;

use portcullis::auth::{
    AccessFormat, Auth, AuthBuilder, ConnectError, Database, DatabaseSettings, Registration,
    Settings as RulesSettings, StartError, ThrottleSettings, UserFilter,
};
use portcullis::clock::Sources;
use portcullis::crypto::{Algorithm, MasterSecret, PasswordSettings, Secret, SigningKey};
use portcullis::policy::Conditions;
use portcullis::problem::{ConfigError, Problem};
use portcullis::types::{PageRequest, Role};
use secrecy::ExposeSecret;

use super::{DatabaseFile, Kind, mail};
use crate::config::{Settings, accounts, private_file, tokens};

/// Why the application could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("{0}")]
    Problem(#[from] Problem),
}

/// What of the tokens, the passwords and the mail server cannot work.
///
/// # Errors
/// All of it.
pub(super) fn check(settings: &Settings) -> Result<(), ConfigError> {
    let mut faults = ConfigError::none();
    faults.take(key_file(settings));
    faults.take(mail::read(&settings.mail));
    faults.take(rules_settings(settings, Kind::Serve).check());
    if let Err(wrong) = passwords(settings).check() {
        for fault in wrong.faults {
            faults.add(named_here(&fault.setting), fault.wrong, fault.fix);
        }
    }
    faults.into_result(())
}

/// What the setting is called here that the library calls so.
fn named_here(setting: &str) -> &str {
    match setting {
        "passwords.memory_kib" => "passwords.memory",
        "passwords.min_characters" => "passwords.min_length",
        "passwords.max_characters" => "passwords.max_length",
        "passwords.limits" => "passwords.iterations",
        same => same,
    }
}

/// Whether no user is there yet.
async fn is_new(auth: &Auth) -> Result<bool, Problem> {
    let first = PageRequest { after: None, limit: 1 };
    Ok(auth.users(&UserFilter::default(), &first).await?.items.is_empty())
}

/// Opens the database as it is.
///
/// # Errors
/// [`OpenError`].
pub(crate) async fn connect(settings: &Settings) -> Result<Database, OpenError> {
    let given = &settings.database;
    let mut limits = DatabaseSettings::default();
    limits.connections = given.connections;
    limits.acquire_timeout = given.acquire_timeout;
    limits.statement_timeout = given.statement_timeout;
    limits.lock_timeout = given.lock_timeout;
    let url = given.url.to_connect();
    Ok(Database::connect_with(url.expose_secret(), &limits).await?)
}

/// Opens the database, and brings it to the newest schema.
///
/// # Errors
/// [`OpenError`].
pub(crate) async fn database(settings: &Settings) -> Result<Database, OpenError> {
    let store = connect(settings).await?;
    store.migrate().await?;
    Ok(store)
}

/// Opens the database and assembles the rules over it. An empty one gets the first roles.
///
/// # Errors
/// [`OpenError`].
pub(crate) async fn open(settings: &Settings, kind: Kind) -> Result<Auth, OpenError> {
    // Before the schema: a start that is cut off in between is completed by the next one.
    let master = master(settings, &Sources::system(), Lost::No).await?;
    let store = database(settings).await?;
    open_over(settings, kind, store, master).await
}

/// Opens the database with another master secret in the place of one that was lost.
///
/// # Errors
/// [`OpenError`]; also where the secret opens the database.
pub(crate) async fn replace_lost_secret(settings: &Settings) -> Result<Auth, OpenError> {
    let master = master(settings, &Sources::system(), Lost::Yes).await?;
    let store = database(settings).await?;
    let builder = builder(settings, Kind::Serve, store, master)?;
    Ok(builder.replace_lost_secret().start().await?)
}

/// The same over any store.
///
/// # Errors
/// [`OpenError`].
pub(crate) async fn open_over(
    settings: &Settings,
    kind: Kind,
    store: Database,
    master: MasterSecret,
) -> Result<Auth, OpenError> {
    let auth = builder(settings, kind, store, master)?.start().await?;
    // The demo's sample users need every sample role; of `serve` all but the first are the operator's.
    // Where nobody is there yet, the first start may have been cut off half-way.
    if kind == Kind::Demo || auth.roles().records().next().is_none() || is_new(&auth).await? {
        auth.add_missing_roles(kind.roles()).await?;
        // Another process may have made them meanwhile.
        auth.catch_up().await?;
    }
    Ok(auth)
}

fn builder(
    settings: &Settings,
    kind: Kind,
    store: Database,
    master: MasterSecret,
) -> Result<AuthBuilder, OpenError> {
    let mut builder = Auth::builder(store, master)
        .sources(Sources::system())
        .settings(rules_settings(settings, kind))
        .passwords(passwords(settings))
        .throttle(ThrottleSettings {
            account_attempts: settings.throttle.account_attempts,
            address_attempts: settings.throttle.address_attempts,
            window: seconds(settings.throttle.window),
            account_changes: settings.throttle.account_changes,
            address_changes: settings.throttle.address_changes,
        })
        .scopes(kind.scopes())
        .conditions(Conditions::new().without_second_factor())
        .algorithm(algorithm(settings.tokens.algorithm));
    if let Some(key) = key_file(settings)? {
        builder = builder.signing_key(key);
    }
    if let Some(smtp) = mail::smtp(&settings.mail)? {
        builder = builder.mailer(smtp);
    }
    Ok(builder)
}

fn rules_settings(settings: &Settings, kind: Kind) -> RulesSettings {
    let tokens = &settings.tokens;
    let issuer =
        tokens.issuer.clone().unwrap_or_else(|| settings.server.public_url().as_str().to_owned());
    let mut auth = RulesSettings::new(&issuer);
    if let Some(audience) = &tokens.audience {
        auth.audience.clone_from(audience);
    }
    auth.access_format = match tokens.access_format {
        tokens::AccessFormat::Jwt => AccessFormat::Jwt,
        tokens::AccessFormat::Opaque => AccessFormat::Opaque,
        tokens::AccessFormat::Jwe => AccessFormat::Jwe,
    };
    auth.access_ttl = seconds(tokens.access_ttl);
    auth.idle_ttl = seconds(tokens.refresh_ttl);
    auth.session_ttl = seconds(tokens.session_ttl);
    auth.refresh_window = seconds(tokens.refresh_window);
    auth.key_rotation = seconds(tokens.key_rotation);
    auth.reserved_names.clone_from(&settings.accounts.reserved_names);
    auth.registration = match (settings.accounts.registration, kind) {
        (Some(accounts::Registration::Open), _) | (None, Kind::Demo) => Registration::Open,
        (Some(accounts::Registration::Verified), _) => Registration::Verified,
        (Some(accounts::Registration::Invite), _) => Registration::Invite,
        (Some(accounts::Registration::Closed), _) | (None, Kind::Serve) => Registration::Closed,
    };
    let staleness = settings.cluster.max_staleness.as_millis();
    auth.max_staleness = u32::try_from(staleness).unwrap_or(u32::MAX);
    auth.authorization_endpoint = true;
    if kind == Kind::Demo {
        auth.registration_roles = vec![Role::from("user")];
    }
    auth
}

fn passwords(settings: &Settings) -> PasswordSettings {
    let given = &settings.passwords;
    let mut passwords = PasswordSettings::default();
    passwords.memory_kib = u32::try_from(given.memory.0 / 1024).unwrap_or(u32::MAX);
    passwords.passes = given.iterations;
    passwords.threads = (given.threads > 0).then_some(given.threads as usize);
    passwords.waiting = Some(given.queue as usize);
    passwords.min_characters = given.min_length as usize;
    passwords.max_characters = given.max_length as usize;
    passwords
}

/// Refuses a master secret that does not open the keys of this file. Nothing is made or changed.
///
/// # Errors
/// A [`ConfigError`] where it is another one, or where it is not there.
pub(crate) async fn secret_opens(settings: &Settings, file: &Path) -> Result<(), OpenError> {
    refuse_missing_secret(settings, file)?;
    let store = Database::connect(&format!("sqlite://{}", file.display())).await?;
    secret_opens_keys(settings, store, &file.display().to_string()).await
}

/// Refuses a server that cannot be used, and a master secret that does not open the keys there. Nothing
/// is made or changed.
///
/// # Errors
/// [`OpenError`].
pub(crate) async fn server_is_good(settings: &Settings) -> Result<(), OpenError> {
    let store = connect(settings).await?;
    if store.is_empty().await.map_err(Problem::from)? {
        store.close().await;
        return Ok(());
    }
    secret_opens_keys(settings, store, "this database").await
}

async fn secret_opens_keys(
    settings: &Settings,
    store: Database,
    name: &str,
) -> Result<(), OpenError> {
    let sources = Sources::system();
    let master = master(settings, &sources, Lost::No).await?;
    let found = store.key_under_another_secret(&master, sources.now()).await;
    store.close().await;
    match found {
        Ok(Some(id)) => Err(ConfigError::one(
            "tokens.master_secret",
            format!("it does not open {name}: the signing key {id} is kept under another one"),
            "give the secret this database was made with",
        )
        .into()),
        _ => Ok(()),
    }
}

/// Refuses where the secret of a database that is there is neither set nor beside it: a new one would
/// open nothing.
fn refuse_missing_secret(settings: &Settings, file: &Path) -> Result<(), ConfigError> {
    match (&settings.tokens.master_secret, settings.database.url.secret_file()) {
        (None, Some(path)) if !path.exists() => Err(ConfigError::one(
            "tokens.master_secret",
            format!(
                "{} was made with a secret, and {} is not there",
                file.display(),
                path.display()
            ),
            "put that file back, or set PORTCULLIS_TOKENS_MASTER_SECRET_FILE as for the server",
        )),
        _ => Ok(()),
    }
}

/// Whether the secret of a database that is there was lost, so that another is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    No,
    Yes,
}

/// The master secret: the setting, or the file beside the database, made with a new database alone.
async fn master(
    settings: &Settings,
    sources: &Sources,
    lost: Lost,
) -> Result<MasterSecret, OpenError> {
    let bytes = match (&settings.tokens.master_secret, settings.database.url.secret_file()) {
        (Some(given), _) => given.expose_secret().as_bytes().to_vec(),
        (None, Some(path)) => {
            if let (Lost::No, Some(file)) = (lost, settings.database.url.file())
                && DatabaseFile::look(file).await == DatabaseFile::Used
            {
                refuse_missing_secret(settings, file)?;
            }
            let fresh = || {
                let secret = MasterSecret::generate(sources).map_err(std::io::Error::other)?;
                Ok(secret.expose().to_vec())
            };
            private_file::read_or_make(&path, fresh).map_err(|fault| {
                ConfigError::one("tokens.master_secret", fault.to_string(), fault.fix(&path))
            })?
        }
        (None, None) => {
            let fix = "set PORTCULLIS_TOKENS_MASTER_SECRET_FILE";
            return Err(ConfigError::one("tokens.master_secret", "it is not set", fix).into());
        }
    };
    Ok(MasterSecret::new(&Secret::new(bytes))?)
}

fn key_file(settings: &Settings) -> Result<Option<SigningKey>, ConfigError> {
    let Some(path) = &settings.tokens.key_file else { return Ok(None) };
    let algorithm = algorithm(settings.tokens.algorithm);
    let unread = |fault: private_file::FileFault| {
        ConfigError::one("tokens.key_file", fault.to_string(), fault.fix(path))
    };
    Ok(Some(if algorithm.is_symmetric() {
        let bytes = private_file::read_bytes(path).map_err(unread)?;
        SigningKey::from_hmac_bytes(&Secret::new(bytes), algorithm)?
    } else {
        SigningKey::from_pem(&private_file::read_text(path).map_err(unread)?, algorithm)?
    }))
}

fn algorithm(setting: tokens::Algorithm) -> Algorithm {
    use tokens::Algorithm as Set;
    match setting {
        Set::EdDsa => Algorithm::EdDsa,
        Set::Es256 => Algorithm::Es256,
        Set::Es384 => Algorithm::Es384,
        Set::Rs256 => Algorithm::Rs256,
        Set::Rs384 => Algorithm::Rs384,
        Set::Rs512 => Algorithm::Rs512,
        Set::Ps256 => Algorithm::Ps256,
        Set::Ps384 => Algorithm::Ps384,
        Set::Ps512 => Algorithm::Ps512,
        Set::Hs256 => Algorithm::Hs256,
        Set::Hs384 => Algorithm::Hs384,
        Set::Hs512 => Algorithm::Hs512,
    }
}

fn seconds(duration: std::time::Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}
