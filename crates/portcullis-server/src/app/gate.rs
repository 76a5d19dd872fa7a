//! The gate, as the settings have it.

use portcullis::auth::{
    AccessTokenVerifier, ApiKeyVerifier, Auth, ClientVerifier, PasswordVerifier, SessionVerifier,
};
use portcullis::cors::Cors;
use portcullis::credential::{
    CredentialSource, SessionCookie, api_key_header, basic, bearer, cookie, csrf::Csrf,
    oauth2_password,
};
use portcullis::edge::{CountryDatabase, ForwardedHeader, Proxies};
use portcullis::gate::{Gate, GateBuilder};
use portcullis::identity::{VerifiedBy, first_of};
use portcullis::problem::ConfigError;
use portcullis::types::Origin;

use super::countries::{self, Countries};
use crate::config::{Settings, server};

/// What of `[cors]`, `[geo]` and the addresses cannot work.
///
/// # Errors
/// All of it.
pub(super) fn check(settings: &Settings) -> Result<(), ConfigError> {
    let mut faults = ConfigError::none();
    if settings.cors.origins.is_empty() {
        // They count for nothing until an origin is set, and are judged all the same.
        let any = Cors::closed().origins(["https://app.example"]);
        if let Err(wrong) = with_rules(any, settings).build() {
            faults.faults.extend(wrong.faults);
        }
    }
    match cors(settings).build() {
        Ok(cors) => {
            faults.take(cors.check_authorization());
            faults.take(session_cookie(settings));
        }
        Err(mut wrong) => {
            faults.faults.append(&mut wrong.faults);
            faults.take(public_origin(settings));
        }
    }
    faults.take(proxies(settings));
    faults.take(countries(settings));
    faults.into_result(())
}

/// The schemes of the contract, its cookie, and what stands around every route.
///
/// # Errors
/// A [`ConfigError`] with every mistake of `[cors]` and `[server]`.
pub(super) fn gate(
    settings: &Settings,
    auth: &Auth,
) -> Result<(Gate, SessionCookie, Option<Countries>), ConfigError> {
    let cookie = session_cookie(settings)?;
    let mut proxies = proxies(settings)?;
    let countries = settings.geo.database_file.as_deref().map(Countries::follow).transpose()?;
    if let Some(countries) = countries.clone() {
        proxies = proxies.countries(countries);
    }
    let sentences =
        auth.scope_book().rules.iter().map(|(name, rule)| (name.as_str(), &*rule.sentence));
    let flow = oauth2_password("/token", sentences).describe();
    let mut gate = bounds(settings, Gate::builder()).proxies(proxies).cors(cors(settings));
    if settings.server.basic {
        // An API that asks about a token is a client, and shows its secret (RFC 7662 §2.1).
        let clients = ClientVerifier::new(auth.clone(), &["/introspect"]);
        let verifiers = first_of(clients).or(PasswordVerifier::new(auth.clone()));
        gate = gate.scheme("basic", basic("portcullis").verified_by(verifiers));
    }
    let gate = gate
        .scheme("bearer", bearer().verified_by(AccessTokenVerifier::new(auth.clone())))
        .documented_also("oauth2", "bearer", flow)
        .scheme("cookie", cookie.clone().verified_by(SessionVerifier::new(auth.clone())))
        .scheme(
            "api_key",
            api_key_header("X-API-Key").verified_by(ApiKeyVerifier::new(auth.clone())),
        )
        .auth(auth)
        .observer(auth.clone())
        .build()?;
    Ok((gate, cookie, countries))
}

fn bounds(settings: &Settings, gate: GateBuilder) -> GateBuilder {
    let server = &settings.server;
    gate.body_limit(usize::try_from(server.body_limit.0).unwrap_or(usize::MAX))
        .public_body_limit(usize::try_from(server.public_body_limit.0).unwrap_or(usize::MAX))
        .bodies_in_flight(usize::try_from(server.bodies_in_flight.0).unwrap_or(usize::MAX))
        .uri_limit(usize::try_from(server.uri_limit.0).unwrap_or(usize::MAX))
        .header_limit(usize::try_from(server.header_limit.0).unwrap_or(usize::MAX))
        .request_timeout(server.request_timeout)
        .require_host(true)
}

/// The proxies of `[server]`, and where the country comes from by `[geo]`.
fn proxies(settings: &Settings) -> Result<Proxies, ConfigError> {
    let mut faults = ConfigError::none();
    let mut proxies = Proxies::trusting(settings.server.trusted_proxies.iter().copied());
    match settings.server.forwarded_header {
        None => {}
        Some(_) if proxies.is_empty() => faults.add(
            "server.forwarded_header",
            "there is no proxy whose word counts",
            "name the proxy that writes it in `server.trusted_proxies`",
        ),
        Some(server::ForwardedHeader::Standard) => {
            proxies = proxies.writing(ForwardedHeader::Standard);
        }
        Some(server::ForwardedHeader::XForwarded) => {
            proxies = proxies.writing(ForwardedHeader::XForwarded);
        }
    }
    if let Some(name) = &settings.geo.country_header {
        match name.parse() {
            Ok(name) if !proxies.is_empty() => proxies = proxies.country_header(name),
            Ok(_) => faults.add(
                "geo.country_header",
                "there is no proxy whose word counts",
                "name the proxy that sets it in `server.trusted_proxies`",
            ),
            Err(_) => faults.add(
                "geo.country_header",
                format!("{name:?} is no name of a header"),
                "write it like `CF-IPCountry`",
            ),
        }
    }
    faults.into_result(proxies)
}

/// The database of `geo.database_file`.
///
/// # Errors
/// Where the file cannot be read or is none.
pub(crate) fn countries(settings: &Settings) -> Result<Option<CountryDatabase>, ConfigError> {
    let Some(file) = &settings.geo.database_file else { return Ok(None) };
    countries::read(file).map(Some)
}

/// The rules on other origins of `[cors]`.
pub(crate) fn cors(settings: &Settings) -> Cors {
    let cors = &settings.cors;
    if cors.origins.is_empty() {
        return Cors::closed();
    }
    with_rules(Cors::closed().origins(cors.origins.clone()), settings)
}

/// With what a page may send and read.
fn with_rules(of_origins: Cors, settings: &Settings) -> Cors {
    let cors = &settings.cors;
    of_origins
        .methods(cors.methods.clone())
        .headers(cors.headers.clone())
        .expose_headers(cors.expose_headers.clone())
        .credentials(cors.credentials)
        .max_age(cors.max_age.as_secs())
}

/// The origin of `server.public_url`, where one is given.
fn public_origin(settings: &Settings) -> Result<Option<Origin>, ConfigError> {
    let Some(given) = &settings.server.public_url else { return Ok(None) };
    let origin = Origin::of_url(given.as_str())
        .map_err(|fault| ConfigError::one("server.public_url", fault.to_string(), fault.fix))?;
    Ok(Some(origin))
}

/// The host and port that people see.
pub(super) fn public_host(settings: &Settings) -> Option<String> {
    let url = settings.server.public_url();
    let host = url.as_str().split_once("://")?.1;
    Some(host.split('/').next().unwrap_or_default().to_owned())
}

/// How this site knows itself where a page sends a form: it trusts no other.
///
/// # Errors
/// Where `server.public_url` has no origin.
pub(super) fn own_site(settings: &Settings) -> Result<Csrf, ConfigError> {
    let own = Csrf::new();
    Ok(match public_origin(settings)? {
        Some(origin) => own.public_origin(origin),
        None => own,
    })
}

/// `__Host-portcullis`; over plain http, which is loopback, `portcullis`.
fn session_cookie(settings: &Settings) -> Result<SessionCookie, ConfigError> {
    let url = settings.server.public_url();
    let trusted = cors(settings).build()?.base().credentialed_origins().to_vec();
    let mut csrf = Csrf::new().trust(trusted).strict(settings.server.strict_cookies);
    if let Some(origin) = public_origin(settings)? {
        csrf = csrf.public_origin(origin);
    }
    let cookie = cookie("__Host-portcullis").csrf(csrf);
    let cookie = if url.is_https() { cookie } else { cookie.over_plain_loopback() };
    cookie.check()?;
    Ok(cookie)
}
