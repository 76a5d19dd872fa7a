//! How tokens and sessions are made.

use crate::problem::ConfigError;
use crate::types::Role;

/// The form of access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AccessFormat {
    /// A signed JWT (RFC 9068).
    #[default]
    Jwt,
    /// A random string that only this server can look up.
    Opaque,
    /// A signed JWT, encrypted for this server alone (RFC 7516).
    Jwe,
}

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Registration {
    /// Everybody. The answer is the account, or that a name is taken; an address counts unverified.
    Open,
    /// Everybody. The answer is the same whether or not the name or the address was free, and an address
    /// is the account's once the token of its e-mail was shown.
    Verified,
    /// Whoever brings an invitation.
    Invite,
    /// Nobody: an administrator makes accounts.
    #[default]
    Closed,
}

/// How tokens and sessions are made. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `iss` of JWTs: the server's public address.
    pub issuer: String,
    /// `aud` of JWTs: the API they are for.
    pub audience: String,
    /// The form of access tokens.
    pub access_format: AccessFormat,
    /// How long an access token lives: 30 to 86 400 seconds.
    pub access_ttl: u32,
    /// How long a session lives without being used.
    pub idle_ttl: u32,
    /// How long a session lives at the most.
    pub session_ttl: u32,
    /// How long a refresh token that was used yields the very same successor again: 0 to 600.
    pub refresh_window: u32,
    /// How old the key that signs may grow before a successor is made; never where it is 0.
    pub key_rotation: u32,
    /// How long an API key lives where whoever makes it does not say.
    pub api_key_ttl: u32,
    /// How long an API key may live at the most: a year at the most.
    pub api_key_longest_ttl: u32,
    /// The roles of somebody who registers.
    pub registration_roles: Vec<Role>,
    /// Who may register.
    pub registration: Registration,
    /// Usernames that nobody can register, nor an administrator give over HTTP, however they are
    /// written: only the process itself and its command line make such accounts.
    pub reserved_names: Vec<String>,
    /// The role whose last active holder cannot be removed.
    pub administrator: Option<Role>,
    /// Whether the application has the pages of the authorization code flow, at `/authorize`, `/userinfo` and
    /// `/logout`: the metadata names them then (feature `oauth-server`).
    pub authorization_endpoint: bool,
    /// How long memory may answer without having read the feed of changes, in milliseconds: 100 to
    /// 60 000. A change of another process counts after this time at the latest.
    pub max_staleness: u32,
}

impl Settings {
    /// The names that are reserved where nothing is said: whoever has one is taken for the service
    /// itself (RFC 2142, and what others keep back).
    pub const RESERVED_NAMES: [&str; 32] = [
        "abuse",
        "account",
        "admin",
        "administrator",
        "anonymous",
        "everyone",
        "guest",
        "help",
        "helpdesk",
        "hostmaster",
        "info",
        "mailer-daemon",
        "moderator",
        "no-reply",
        "nobody",
        "null",
        "official",
        "operator",
        "owner",
        "portcullis",
        "postmaster",
        "root",
        "security",
        "service",
        "staff",
        "support",
        "superuser",
        "sysadmin",
        "system",
        "team",
        "undefined",
        "webmaster",
    ];

    /// The longest an access token may live, in seconds: how long an ended session must be
    /// remembered.
    pub const LONGEST_ACCESS_TTL: u32 = 86_400;

    /// The shortest time between two rotations of the signing key, in seconds.
    pub const SHORTEST_KEY_ROTATION: u32 = 3600;

    /// The longest an API key may live, in seconds: a year.
    pub const LONGEST_API_KEY_TTL: u32 = 366 * 86_400;

    /// Settings for an API at this address that is its own audience.
    #[must_use]
    pub fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audience: issuer.to_owned(),
            access_format: AccessFormat::Jwt,
            access_ttl: 15 * 60,
            idle_ttl: 30 * 86_400,
            session_ttl: 90 * 86_400,
            refresh_window: 60,
            key_rotation: 90 * 86_400,
            api_key_ttl: 90 * 86_400,
            api_key_longest_ttl: Self::LONGEST_API_KEY_TTL,
            registration_roles: Vec::new(),
            registration: Registration::Closed,
            reserved_names: Self::RESERVED_NAMES.iter().map(ToString::to_string).collect(),
            administrator: Some("admin".into()),
            authorization_endpoint: false,
            max_staleness: 1000,
        }
    }

    /// The form of a token that is asked for in this one: a JWT only ever encrypted where tokens
    /// are.
    pub(super) fn form_of(&self, asked: Option<AccessFormat>) -> AccessFormat {
        match (asked, self.access_format) {
            (None | Some(AccessFormat::Jwt), AccessFormat::Jwe) => AccessFormat::Jwe,
            (Some(asked), _) => asked,
            (None, usual) => usual,
        }
    }

    /// Says everything that is wrong with them. They are checked at start as well.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault and its fix.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut faults = ConfigError::none();
        self.note_faults(&mut faults);
        faults.into_result(())
    }

    fn note_faults(&self, faults: &mut ConfigError) {
        if self.issuer.is_empty() {
            faults.add("tokens.issuer", "it is empty", "give the server's public address");
        }
        if self.audience.is_empty() {
            faults.add("tokens.audience", "it is empty", "name the API the tokens are for");
        }
        if !(30..=Self::LONGEST_ACCESS_TTL).contains(&self.access_ttl) {
            faults.add("tokens.access_ttl", "it is not from 30s to 1d", "15m is a good choice");
        }
        if self.idle_ttl < self.access_ttl {
            faults.add(
                "tokens.refresh_ttl",
                "it is shorter than tokens.access_ttl",
                "make it longer: 30d is a good choice",
            );
        }
        if self.session_ttl < self.idle_ttl {
            faults.add(
                "tokens.session_ttl",
                "it is shorter than tokens.refresh_ttl",
                "make it longer: 90d is a good choice",
            );
        }
        if self.key_rotation != 0 && self.key_rotation < Self::SHORTEST_KEY_ROTATION {
            faults.add(
                "tokens.key_rotation",
                "it is shorter than an hour",
                "90d is a good choice, 0s where keys are rotated by hand",
            );
        }
        if !(1..=Self::LONGEST_API_KEY_TTL).contains(&self.api_key_longest_ttl) {
            faults.add(
                "tokens.api_key_longest_ttl",
                "it is not from 1s to 366d",
                "366d is the longest an API key may live",
            );
        }
        if !(1..=self.api_key_longest_ttl).contains(&self.api_key_ttl) {
            faults.add(
                "tokens.api_key_ttl",
                "it is longer than tokens.api_key_longest_ttl, or nothing",
                "90d is a good choice",
            );
        }
        if !(100..=60_000).contains(&self.max_staleness) {
            faults.add(
                "cluster.max_staleness",
                "it is not from 100ms to 60s",
                "1s is a good choice",
            );
        }
        if self.refresh_window > 600 {
            faults.add(
                "tokens.refresh_window",
                "it is longer than 10m: a stolen token would live that long",
                "60s is a good choice",
            );
        }
    }
}
