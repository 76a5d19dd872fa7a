//! One application on a store that outlives it, and every kind of credential there is.

use portcullis::auth::{AccessFormat, Auth, Database, Settings};
use portcullis::clock::Sources;
use portcullis::crypto::{MasterSecret, PasswordSettings};
use portcullis::testing::{FixedClock, TestApp, TestClient, database};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{mount, scopes};

/// Where a stand keeps what it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Memory,
    File,
}

/// What outlives every process.
pub(crate) enum Kept {
    Memory(Database),
    File(TempDir),
}

impl Kept {
    pub(crate) fn at(place: Place) -> Self {
        match place {
            // A server keeps what a file keeps.
            Place::Memory => Self::Memory(database()),
            Place::File if database().is_shared() => Self::Memory(database()),
            Place::File => Self::File(tempfile::tempdir().unwrap()),
        }
    }

    /// The store as a fresh process opens it.
    pub(crate) async fn store(&self) -> Database {
        match self {
            Self::Memory(store) => store.clone(),
            Self::File(folder) => {
                let url = format!("sqlite://{}/test.db", folder.path().display());
                let store = Database::connect(&url).await.unwrap();
                store.migrate().await.unwrap();
                store
            }
        }
    }
}

/// An application that can be started again, or twice, over what it kept.
pub(crate) struct Stand {
    pub(crate) app: TestApp,
    pub(crate) clock: FixedClock,
    kept: Kept,
    master: MasterSecret,
    settings: Settings,
}

impl Stand {
    pub(crate) async fn new(place: Place, format: AccessFormat) -> Self {
        let mut settings = Settings::new("http://127.0.0.1:8000");
        settings.access_format = format;
        Self::with(place, settings).await
    }

    pub(crate) async fn with(place: Place, settings: Settings) -> Self {
        let kept = Kept::at(place);
        let master = MasterSecret::generate(&Sources::system()).unwrap();
        let clock = FixedClock::at("2026-03-02T12:00:00Z");
        let app = start(&kept, &master, &settings, &clock).await;
        Self { app, clock, kept, master, settings }
    }

    /// The file it is kept in.
    pub(crate) fn database(&self) -> Option<std::path::PathBuf> {
        match &self.kept {
            Kept::File(folder) => Some(folder.path().join("test.db")),
            Kept::Memory(_) => None,
        }
    }

    /// A second process on the same store.
    pub(crate) async fn another(&self) -> TestApp {
        start(&self.kept, &self.master, &self.settings, &self.clock).await
    }

    pub(crate) async fn restart(&mut self) {
        self.app = self.another().await;
    }

    /// Somebody who may administer, by password.
    pub(crate) fn root(&self) -> TestClient {
        let root = self.app.user("root").with_permission("users:manage");
        root.with_permission("roles:manage").with_permission("tokens:introspect").basic()
    }
}

async fn start(
    kept: &Kept,
    master: &MasterSecret,
    settings: &Settings,
    clock: &FixedClock,
) -> TestApp {
    let auth = Auth::builder(kept.store().await, master.clone())
        .sources(clock.sources())
        .settings(settings.clone())
        .passwords(PasswordSettings::cheap())
        .scopes(scopes())
        .start()
        .await
        .unwrap();
    TestApp::new(mount(&auth, clock.sources()), auth)
}

/// Every kind of credential that can be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Jwt,
    Jwe,
    Opaque,
    Cookie,
    ApiKey,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Jwt, Self::Jwe, Self::Opaque, Self::Cookie, Self::ApiKey];

    /// The form of access tokens where this kind is made.
    pub(crate) fn format(self) -> AccessFormat {
        if self == Self::Jwe { AccessFormat::Jwe } else { AccessFormat::Jwt }
    }

    fn is_signed(self) -> bool {
        matches!(self, Self::Jwt | Self::Jwe)
    }
}

/// A credential of ada's, as she was given it.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    pub(crate) kind: Kind,
    /// The token itself.
    pub(crate) text: String,
    /// The API key's id.
    pub(crate) id: Option<String>,
}

/// ada, by password.
pub(crate) fn ada(app: &TestApp) -> TestClient {
    app.user("ada").with_permission("read").with_permission("write").basic()
}

impl Credential {
    pub(crate) async fn of(app: &TestApp, kind: Kind) -> Self {
        let ada = ada(app);
        let mut id = None;
        let text = if kind == Kind::ApiKey {
            let made = ada.post("/users/me/api-keys").json(json!({"name": "deploy"})).await;
            let made: Value = made.expect(201).json();
            id = Some(made["id"].as_str().unwrap().to_owned());
            made["key"].as_str().unwrap().to_owned()
        } else {
            let client = match kind {
                Kind::Opaque => ada.opaque(),
                Kind::Cookie => ada.cookie(),
                _ => ada.jwt(),
            };
            let (_, value) = client.credential().await;
            let value = value.to_str().unwrap();
            value.split_once([' ', '=']).unwrap().1.to_owned()
        };
        match kind {
            Kind::Jwt => assert_eq!(text.split('.').count(), 3),
            Kind::Jwe => assert_eq!(text.split('.').count(), 5),
            Kind::Opaque => assert!(text.starts_with("pc_at_")),
            Kind::Cookie => assert!(text.starts_with("pc_st_")),
            Kind::ApiKey => assert!(text.starts_with("pc_key_")),
        }
        Self { kind, text, id }
    }

    /// Somebody who shows it.
    pub(crate) fn shown_to(&self, app: &TestApp) -> TestClient {
        match self.kind {
            Kind::Cookie => app
                .anon()
                .header("cookie", &format!("portcullis={}", self.text))
                .header("sec-fetch-site", "same-origin"),
            Kind::ApiKey => app.anon().header("x-api-key", &self.text),
            _ => app.anon().header("authorization", &format!("Bearer {}", self.text)),
        }
    }

    /// What `GET /users/me` answers.
    pub(crate) async fn status(&self, app: &TestApp) -> u16 {
        self.shown_to(app).get("/users/me").await.status.as_u16()
    }

    pub(crate) fn is_signed(&self) -> bool {
        self.kind.is_signed()
    }
}
