//! Every ready-made route behind one gate, on a SQLite file of its own, or on the server that tests use.

use portcullis::auth::{
    AccessTokenVerifier, ApiKeyVerifier, Auth, AuthBuilder, ClientVerifier, Database,
    PasswordVerifier, Registration, SessionVerifier, Settings, routes,
};
use portcullis::clock::Sources;
use portcullis::credential::{SessionCookie, api_key_header, basic, bearer, cookie};
use portcullis::crypto::{MasterSecret, PasswordSettings};
use portcullis::gate::Gate;
use portcullis::identity::{VerifiedBy, first_of};
use portcullis::router::App;
use portcullis::testing::database;
use portcullis::types::ScopeBook;
use tempfile::TempDir;

/// An application, its rules, and the folder its database lives in as long as this does.
pub(crate) struct Server {
    pub(crate) finished: App,
    pub(crate) auth: Auth,
    pub(crate) folder: TempDir,
}

pub(crate) fn scopes() -> ScopeBook {
    ScopeBook::new().register_for("items:read", "Read items.", "read").register_for(
        "items:write",
        "Make and change items.",
        "write",
    )
}

/// Rules over a fresh database, with the cheapest hashes.
pub(crate) async fn auth(sources: Sources) -> (AuthBuilder, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = database();
    if !store.is_shared() {
        let url = format!("sqlite://{}/test.db", folder.path().display());
        store = Database::connect(&url).await.unwrap();
    }
    store.migrate().await.unwrap();
    let master = MasterSecret::generate(&Sources::system()).unwrap();
    let mut settings = Settings::new("http://127.0.0.1:8000");
    settings.registration = Registration::Verified;
    let builder = Auth::builder(store, master)
        .sources(sources)
        .settings(settings)
        .passwords(PasswordSettings::cheap())
        .scopes(scopes());
    (builder, folder)
}

/// The name of the session's cookie over plain http on loopback.
pub(crate) fn session_cookie() -> SessionCookie {
    cookie("__Host-portcullis").over_plain_loopback()
}

/// A gate that takes Basic, bearer tokens and the session cookie.
pub(crate) fn gate(auth: &Auth, sources: Sources) -> Gate {
    let clients = ClientVerifier::new(auth.clone(), &["/introspect"]);
    let passwords = first_of(clients).or(PasswordVerifier::new(auth.clone()));
    Gate::builder()
        .scheme("basic", basic("portcullis").verified_by(passwords))
        .scheme("bearer", bearer().verified_by(AccessTokenVerifier::new(auth.clone())))
        .scheme(
            "api_key",
            api_key_header("X-API-Key").verified_by(ApiKeyVerifier::new(auth.clone())),
        )
        .scheme("cookie", session_cookie().verified_by(SessionVerifier::new(auth.clone())))
        .scopes(scopes())
        .sources(sources)
        .observer(auth.clone())
        .build()
        .unwrap()
}

/// All ready-made routes.
pub(crate) async fn server(sources: Sources) -> Server {
    let (builder, folder) = auth(sources.clone()).await;
    let auth = builder.start().await.unwrap();
    Server { finished: mount(&auth, sources), auth, folder }
}

/// All ready-made routes over these auth.
pub(crate) fn mount(auth: &Auth, sources: Sources) -> App {
    let gate = gate(auth, sources);
    gate.routes()
        .merge(routes::session::table(&gate, &session_cookie()))
        .merge(routes::accounts::table(&gate))
        .merge(routes::invitations::table(&gate))
        .merge(routes::me::table(&gate))
        .merge(routes::users::table(&gate))
        .merge(routes::api_keys::table(&gate))
        .merge(routes::roles::table(&gate))
        .merge(routes::grants::table(&gate))
        .merge(routes::oauth::table(&gate))
        .merge(routes::evaluation::table(&gate))
        .merge(routes::clients::table(&gate))
        .merge(routes::audit::table(&gate))
        .with_state(auth.clone())
        .finish()
        .unwrap()
}
