//! What holds of every operation, called without any route: authority, faults of the database, clocks,
//! memory that must not be older than what was answered.

mod archive;
mod at_once;
mod authority;
mod copies;
mod doubt;
mod nodes;
#[cfg(feature = "postgres")]
mod postgres;
mod pressure;
mod stale;

use crate::auth::{AccessFormat, Actor, Auth, Caller, NewAccount, Registration, Settings};
use crate::testing::{FixedClock, auth};
use crate::types::{Principal, Role, RoleRecord, Scopes, Subject, UserId};

const PASSWORD: &str = "a walk in the northern wood";

/// One side with a clock of its own: `root` may do everything, `mona` manages users alone, `ann`
/// nothing.
struct Stand {
    auth: Auth,
    clock: FixedClock,
}

impl Stand {
    async fn new() -> Self {
        let clock = FixedClock::at("2026-03-02T12:00:00Z");
        let mut settings = Settings::new("http://127.0.0.1:8000");
        settings.registration = Registration::Verified;
        let auth = auth(&clock).settings(settings).start().await.unwrap();
        let stand = Self { auth, clock };
        let mut admin = RoleRecord::new("admin");
        admin.permissions.insert("*".into());
        let mut manager = RoleRecord::new("manager");
        manager.permissions.insert("users:manage".into());
        stand.auth.add_role(&Actor::system(), admin).await.unwrap();
        stand.auth.add_role(&Actor::system(), manager).await.unwrap();
        stand.user("root", &["admin"]).await;
        stand.user("mona", &["manager"]).await;
        stand.user("ann", &[]).await;
        stand
    }

    async fn user(&self, name: &str, roles: &[&str]) -> UserId {
        let roles: Vec<Role> = roles.iter().map(|role| Role::from(*role)).collect();
        let account = NewAccount::new(name, PASSWORD);
        self.auth.add_user(&Actor::system(), account, true, &roles).await.unwrap().id
    }

    async fn id(&self, name: &str) -> UserId {
        match self.auth.user_named(name).await.unwrap() {
            Some(Subject::User(id)) => id,
            other => panic!("{name}: {other:?}"),
        }
    }

    /// Signed in by a token of a session.
    async fn token(&self, name: &str) -> (String, Principal) {
        let caller = Caller::default();
        let signed = self.auth.sign_in(&caller.actor(), name, PASSWORD.to_owned().into()).await;
        let signed = signed.unwrap();
        let format = Some(AccessFormat::Jwt);
        let issued = self.auth.begin_tokens(&signed, Scopes::All, format, caller).await.unwrap();
        let text = issued.access.expose().clone();
        let who = self.auth.principal_of_token(&text).await.unwrap();
        (text, who)
    }

    /// Signed in by the password itself.
    async fn basic(&self, name: &str) -> Principal {
        let caller = Caller::default();
        self.auth.basic(&caller.actor(), name, PASSWORD.to_owned().into()).await.unwrap()
    }
}
