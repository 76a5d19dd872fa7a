//! Who may do what in the demo: every sample user, every route, at different hours and places.

use std::fmt::Write;

use http::Method;
use portcullis::auth::{Auth, AuthBuilder, Database, ThrottleSettings};
use portcullis::crypto::{MasterSecret, PasswordSettings};
use portcullis::router::AccessRow;
use portcullis::testing::{FixedClock, Setup, TestApp, TestClient, hostile};
use tempfile::TempDir;

use super::{USERS, items::Items, roles, sample, scopes};
use crate::app::{self, Kind};
use crate::config::{Settings, SharedFlags};

/// The demo at this clock, behind one trusted proxy, with what `assemble` gives its accounts.
pub(crate) async fn demo_with(
    clock: &FixedClock,
    assemble: impl FnOnce(AuthBuilder) -> AuthBuilder,
) -> (TestApp, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("demo.db");
    let url = format!("sqlite://{}", file.display());
    let flags = SharedFlags { database: Some(url.clone()), ..SharedFlags::default() };
    let mut settings = Settings::load(&flags).unwrap();
    settings.server.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let store = Database::connect(&url).await.unwrap();
    store.migrate().await.unwrap();
    let secret = MasterSecret::generate(&clock.sources()).unwrap();
    let builder = Auth::builder(store, secret)
        .sources(clock.sources())
        .passwords(PasswordSettings::cheap())
        .scopes(scopes());
    let auth = assemble(builder).start().await.unwrap();
    auth.add_missing_roles(roles()).await.unwrap();
    sample(&auth).await.unwrap();
    let items = Items::open(&file, clock.sources()).await.unwrap();
    let app = app::application(&settings, Kind::Demo, &auth, Some(items)).unwrap();
    (TestApp::new(app.finished, auth), folder)
}

async fn demo(clock: &FixedClock) -> (TestApp, TempDir) {
    // A fixed clock cannot wait: the same address asks thousands of times here.
    let many = ThrottleSettings {
        account_attempts: 1_000_000,
        address_attempts: 1_000_000,
        account_changes: 1_000_000,
        address_changes: 1_000_000,
        ..ThrottleSettings::default()
    };
    demo_with(clock, |builder| builder.throttle(many)).await
}

/// When it is. Time only goes forward.
const MOMENTS: [(&str, &str); 2] =
    [("Monday", "2026-03-02T11:00:00Z"), ("Saturday", "2026-03-07T11:00:00Z")];

/// How a request comes: what that is called, who sends it, and what the sender says.
type Way = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const WAYS: [Way; 5] = [
    ("from this host", "127.0.0.1", &[]),
    ("from elsewhere", "203.0.113.9", &[]),
    (
        "from this host through a trusted proxy",
        "10.0.0.1",
        &[("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "https")],
    ),
    (
        "from elsewhere through a trusted proxy",
        "10.0.0.1",
        &[("x-forwarded-for", "127.0.0.1, 203.0.113.9"), ("x-forwarded-proto", "https")],
    ),
    (
        "from an untrusted proxy that says it was this host",
        "203.0.113.9",
        &[("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1")],
    ),
];

async fn status(user: &TestClient, (_, peer, says): Way, row: &AccessRow) -> u16 {
    let path = row.path.replace("{name}", "nothing").replace("{file}", "nothing");
    let path = path.split('/').map(|part| {
        if part.starts_with('{') { "00000000-0000-7000-8000-000000000000" } else { part }
    });
    let path = path.collect::<Vec<_>>().join("/");
    let request = user.clone().over_tls().from(peer).request(row.method.clone(), path);
    let request = says.iter().fold(request, |asked, (name, value)| asked.header(name, value));
    let request = match row.method {
        Method::GET => request,
        _ => request.json(serde_json::json!({})),
    };
    request.await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_user_on_every_route() {
    let clock = FixedClock::at(MOMENTS[0].1);
    let (app, _folder) = demo(&clock).await;
    let mut users = vec![("nobody", app.anon())];
    users.extend(
        USERS
            .iter()
            .map(|one| (one.username, app.user(one.username).with_password(one.password).basic())),
    );
    let mut text = String::from(
        "# Who may do what in the demo\n\nEvery sample user by Basic on every route that is not \
         public: ids that nothing has, bodies of `{}`. 400, 404 and 422 are said by the handler: \
         the user came through. The first table is of a Monday, 12:00 in Berlin, from the server's \
         own host; then follows what differs at other times and places.\n",
    );
    let guarded = || app.access().iter().filter(|row| !row.who.is_public());
    let mut usual: Vec<Vec<u16>> = Vec::new();
    let cases = MOMENTS.iter().flat_map(|moment| WAYS.map(|way| (moment, way)));
    for (number, ((day, now), way)) in cases.enumerate() {
        clock.set(now.parse().unwrap());
        let _ = write!(text, "\n## {day}, {}\n\n", way.0);
        let header = users.iter().map(|(name, _)| format!(" {name} |")).collect::<String>();
        if number == 0 {
            let _ = writeln!(text, "| |{header}\n|---|{}", "---|".repeat(users.len()));
        }
        let mut differs = false;
        for (at, row) in guarded().enumerate() {
            let mut answers = Vec::new();
            for (_, user) in &users {
                answers.push(status(user, way, row).await);
            }
            if number == 0 {
                let cells = answers.iter().map(|answer| format!(" {answer} |")).collect::<String>();
                let _ = writeln!(text, "| {} {} |{cells}", row.method, row.path);
                usual.push(answers);
                continue;
            }
            for (who, (answer, before)) in answers.iter().zip(&usual[at]).enumerate() {
                if answer != before {
                    differs = true;
                    let (AccessRow { method, path, .. }, name) = (row, users[who].0);
                    let _ = writeln!(text, "- {method} {path}: {name} {answer}, not {before}");
                }
            }
        }
        if number > 0 && !differs {
            text.push_str("As from this host on Monday.\n");
        }
    }
    crate::generated::compare("demo-access.md", &text);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_of_the_demo_is_guarded_as_its_table_says() {
    let (app, _folder) = demo(&FixedClock::at(MOMENTS[0].1)).await;
    let clients = ["/token", "/revoke", "/auth/jwt/login", "/auth/opaque/login"];
    let setup = Setup::new();
    let setup = ["/authorize", "/login", "/consent", "/logout", "/forward-auth"].iter().fold(
        setup,
        |setup, path| {
            setup.reads_credentials(&Method::GET, path).reads_credentials(&Method::POST, path)
        },
    );
    let setup =
        clients.iter().fold(setup, |setup, path| setup.reads_credentials(&Method::POST, path));
    let covered = hostile(&app, &setup).await;
    assert_eq!(covered.routes.len(), app.access().iter().count());
}
