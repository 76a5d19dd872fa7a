//! An application under test.

#[cfg(feature = "auth")]
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
#[cfg(feature = "auth")]
use std::sync::atomic::{AtomicU16, Ordering};

use axum::Router;
#[cfg(feature = "auth")]
use serde_json::Value;

#[cfg(feature = "auth")]
use super::FixedClock;
use super::TestClient;
#[cfg(feature = "auth")]
use super::{database, must};
#[cfg(feature = "auth")]
use crate::auth::{Auth, AuthBuilder};
#[cfg(feature = "auth")]
use crate::clock::Sources;
#[cfg(feature = "auth")]
use crate::crypto::{MasterSecret, PasswordSettings};
use crate::openapi::OpenApi;
use crate::router::{AccessTable, App};

/// Rules for tests: a [`database`](super::database()) of their own, the cheapest hashes, this clock.
///
/// # Panics
/// Where the system has no randomness to give.
#[cfg(feature = "auth")]
pub fn auth(clock: &FixedClock) -> AuthBuilder {
    let master = must("a master secret", MasterSecret::generate(&Sources::system()));
    Auth::builder(database(), master).sources(clock.sources()).passwords(PasswordSettings::cheap())
}

/// An application under test: asked without a socket, through everything that stands around its
/// routes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TestApp(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    router: Router,
    access: AccessTable,
    openapi: OpenApi,
    #[cfg(feature = "auth")]
    document: Value,
    #[cfg(feature = "auth")]
    auth: Option<Auth>,
    #[cfg(feature = "auth")]
    addresses: AtomicU16,
}

impl Inner {
    fn of(app: App) -> Self {
        Self {
            router: app.router,
            access: app.access,
            #[cfg(feature = "auth")]
            document: app.openapi.to_value(),
            openapi: app.openapi,
            #[cfg(feature = "auth")]
            auth: None,
            #[cfg(feature = "auth")]
            addresses: AtomicU16::new(0),
        }
    }
}

impl TestApp {
    /// An application whose users these rules know. Give the rules
    /// [`PasswordSettings::cheap`](crate::crypto::PasswordSettings::cheap), or wait for each hash.
    #[cfg(feature = "auth")]
    #[must_use]
    pub fn new(app: App, auth: Auth) -> Self {
        let mut inner = Inner::of(app);
        inner.auth = Some(auth);
        Self(Arc::new(inner))
    }

    /// An application that knows its users by itself: ask as nobody, and bring the credential as a
    /// header.
    #[must_use]
    pub fn without_auth(app: App) -> Self {
        Self(Arc::new(Inner::of(app)))
    }

    #[cfg(feature = "auth")]
    /// The rules behind it.
    ///
    /// # Panics
    /// Where it was made without auth.
    #[must_use]
    #[track_caller]
    pub fn auth(&self) -> &Auth {
        must("accounts", self.0.auth.as_ref().ok_or("this application was made without accounts"))
    }

    /// Who may call which route.
    #[must_use]
    pub fn access(&self) -> &AccessTable {
        &self.0.access
    }

    /// The OpenAPI document.
    #[must_use]
    pub fn openapi(&self) -> &OpenApi {
        &self.0.openapi
    }

    /// Asks as nobody.
    pub fn anon(&self) -> TestClient {
        TestClient::new(self.clone())
    }

    #[cfg(feature = "auth")]
    /// Asks as this user, with an access token in the form the rules make by default. The account
    /// is made where there is none.
    pub fn user(&self, username: &str) -> TestClient {
        TestClient::of(self.clone(), username)
    }

    pub(super) fn router(&self) -> Router {
        self.0.router.clone()
    }

    #[cfg(feature = "auth")]
    pub(super) fn document(&self) -> &Value {
        &self.0.document
    }

    #[cfg(feature = "auth")]
    /// The name of the session's cookie, as the document says it.
    pub(super) fn cookie_name(&self) -> Option<&str> {
        let schemes = self.document()["components"]["securitySchemes"].as_object()?;
        let cookie = schemes.values().find(|scheme| scheme["in"] == "cookie")?;
        cookie["name"].as_str()
    }

    #[cfg(feature = "auth")]
    /// An address that no sign-in came from yet, so that many sign-ins are no flood.
    pub(super) fn fresh_address(&self) -> IpAddr {
        let number = self.0.addresses.fetch_add(1, Ordering::Relaxed);
        Ipv6Addr::new(0x2001, 0xdb8, 0, number, 0, 0, 0, 1).into()
    }
}
