//! Every route of the server, in one table.

use axum::Router;
use axum::response::Response;
use http::HeaderMap;
use portcullis::auth::{Auth, routes};
use portcullis::cors::Cors;
use portcullis::extract::Path;
use portcullis::gate::Gate;
use portcullis::openapi::Info;
use portcullis::policy::public;
use portcullis::problem::{ConfigError, Problem};
use portcullis::router::{App, Routes};

use super::countries::Countries;
use super::{Kind, forward_auth, gate, greeting, health};
use crate::config::Settings;
use crate::demo::hello;
use crate::demo::items::{self, Items};
use crate::pages::{docs, sign_in};
use crate::telemetry::Metrics;

/// The application, ready to be served.
#[derive(Debug)]
pub(crate) struct Application {
    /// The whole of it.
    pub(crate) finished: App,
    /// The health probes alone, for a listener of their own.
    pub(crate) health: Router,
    /// The database of countries that the gate asks.
    pub(super) countries: Option<Countries>,
}

/// Puts every route behind the gate. `items` is the demo's resource; with it come the tutorial's other routes.
///
/// # Errors
/// A [`ConfigError`] with every mistake.
pub(crate) fn application(
    settings: &Settings,
    kind: Kind,
    auth: &Auth,
    items: Option<Items>,
) -> Result<Application, ConfigError> {
    let (gate, cookie, countries) = gate::gate(settings, auth)?;
    let ours = greeting::table(&gate)
        .merge(routes::session::table(&gate, &cookie))
        .merge(routes::accounts::table(&gate))
        .merge(routes::oauth::table(&gate))
        .merge(routes::openid::table(&gate))
        .merge(forward_auth::table(&gate, gate::public_host(settings)))
        .merge(sign_in::table(&gate, &cookie, gate::own_site(settings)?))
        .merge(routes::me::table(&gate))
        .merge(routes::api_keys::table(&gate))
        .merge(routes::users::table(&gate))
        .merge(routes::invitations::table(&gate))
        .merge(routes::grants::table(&gate))
        .merge(routes::roles::table(&gate))
        .merge(routes::evaluation::table(&gate))
        .merge(routes::clients::table(&gate))
        .merge(routes::audit::table(&gate));
    // Elsewhere than on loopback the probes stand on a listener of their own.
    let measured = health::Measured {
        metrics: Metrics::start()?,
        database: settings.database.url.file().map(Into::into),
    };
    let public_health = settings.server.listen.ip().is_loopback();
    let ours = if public_health {
        ours.merge(health::table_for_this_machine(&gate, measured.clone()))
    } else {
        ours
    };
    let mut all: Routes<()> = ours.with_state(auth.clone());
    if let Some(items) = items {
        all = all.merge(hello::table(&gate).with_state(auth.clone()));
        all = all.merge(items::table(&gate).with_state(items));
    }
    // No cookie counts at the token endpoint, so none need be let through to it.
    let origins = &settings.cors.origins;
    let token =
        if origins.is_empty() { Cors::closed() } else { Cors::token_endpoint(origins.clone()) };
    let finished = all
        .merge(explorer(&gate))
        .openapi("/openapi.json", public("what this API can do"))
        .about(about(kind))
        .cors("/token", token.clone())
        .cors("/userinfo", token)
        // A browser comes here itself: no page may read what it is answered (RFC 9700 §2.6).
        .cors("/authorize", Cors::closed())
        .cors("/login", Cors::closed())
        .cors("/consent", Cors::closed())
        .cors("/logout", Cors::closed())
        .cors("/.well-known/openid-configuration", Cors::public_metadata())
        .cors("/.well-known/jwks.json", Cors::public_metadata())
        .cors("/.well-known/oauth-authorization-server", Cors::public_metadata())
        .cors("/.well-known/oauth-protected-resource", Cors::public_metadata())
        .finish()?;
    let health = health::table(&gate, measured).with_state::<()>(auth.clone()).finish()?.router;
    Ok(Application { finished, health, countries })
}

fn about(kind: Kind) -> Info {
    let title = match kind {
        Kind::Serve => "portcullis",
        Kind::Demo => "portcullis demo",
    };
    Info::new(title, env!("CARGO_PKG_VERSION")).description(
        "Who may call each route is said once: it is enforced, and written here under `security` \
         and `x-requires`.",
    )
}

fn explorer(gate: &Gate) -> Routes<()> {
    let why = || public("the explorer");
    gate.routes()
        .tag("docs")
        .get("/docs", why(), read_explorer)
        .get("/docs/", why(), read_explorer_with_slash)
        .get("/docs/{file}", why(), read_explorer_file)
}

async fn read_explorer(headers: HeaderMap) -> Result<docs::Page, Problem> {
    docs::page(&headers)
}

async fn read_explorer_with_slash(headers: HeaderMap) -> Result<docs::Page, Problem> {
    docs::page(&headers)
}

async fn read_explorer_file(
    headers: HeaderMap,
    Path(file): Path<String>,
) -> Result<Response, Problem> {
    docs::answer(&file, &headers)
}
