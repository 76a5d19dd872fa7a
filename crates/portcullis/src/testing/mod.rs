//! What tests need: ours, and those of whoever uses the library. Nothing else imports it.
//!
//! - [`TestApp`] asks a router without a socket, as nobody or as users with real accounts, roles,
//!   permissions and tokens.
//! - [`FixedClock`] stands still until a test moves it; [`SeededRng`] repeats itself;
//!   [`MailBox`] keeps e-mails.
//! - [`hostile()`] asks every route of the access table as nobody, with every kind of bad
//!   credential, as somebody who lacks what the route requires, and as somebody who has it.
//!   [`hostile_by()`] does the same for an application with users of its own.
//!
//! Without the feature `auth` there are no accounts: a client brings its credential as a header
//! ([`TestApp::without_auth`]).
//!
//! ```
//! # #[cfg(feature = "auth")] {
//! use portcullis::credential::bearer;
//! use portcullis::gate::Gate;
//! use portcullis::auth::AccessTokenVerifier;
//! use portcullis::identity::VerifiedBy;
//! use portcullis::policy::permission;
//! use portcullis::testing::{FixedClock, Setup, TestApp, auth, hostile};
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! let clock = FixedClock::at("2026-03-02T12:00:00Z");
//! let auth = auth(&clock).start().await.unwrap();
//! let gate = Gate::builder()
//!     .scheme("bearer", bearer().verified_by(AccessTokenVerifier::new(auth.clone())))
//!     .sources(clock.sources())
//!     .build()
//!     .unwrap();
//! let routes = gate.routes::<()>().get("/read", permission("read"), async || "You may read.");
//! let app = TestApp::new(routes.finish().unwrap(), auth);
//!
//! app.anon().get("/read").await.expect(401);
//! app.user("gus").get("/read").await.expect(403);
//! app.user("rita").with_permission("read").get("/read").await.expect(200);
//! hostile(&app, &Setup::new()).await;
//! # });
//! # }
//! ```

#[cfg(feature = "auth")]
mod account;
mod app;
mod client;
mod clock;
#[cfg(feature = "auth")]
mod database;
mod hostile;
#[cfg(feature = "auth")]
mod mail;
mod matrix;

pub use app::TestApp;
#[cfg(feature = "auth")]
pub use app::auth;
pub use client::{Answer, TestClient, TestRequest};
pub use clock::{FixedClock, SeededRng};
#[cfg(feature = "auth")]
pub use database::database;
#[cfg(feature = "postgres")]
pub use database::database_url;
#[cfg(feature = "auth")]
pub use hostile::hostile;
pub use hostile::{Covered, Held, Setup, hostile_by};
#[cfg(feature = "auth")]
pub use mail::MailBox;
pub use matrix::{assert_matrix, matrix};

/// Unwraps where a test cannot go on.
#[expect(clippy::panic, reason = "a test speaks by panicking")]
#[track_caller]
fn must<T, E: std::fmt::Debug>(what: &str, answer: Result<T, E>) -> T {
    answer.unwrap_or_else(|error| panic!("{what}: {error:?}"))
}
