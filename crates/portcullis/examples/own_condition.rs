//! A condition of one's own: permissions that count only while the moon is right.
//!
//! A condition is pure: it looks at the circumstances in the principal, and at nothing else. Given
//! a name, it can also be stored with a grant, with parameters.
//!
//! `cargo run --example own_condition`, then
//! `curl -u ann:"a walk in the wood" http://127.0.0.1:8000/sowing`.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use portcullis::policy::Conditions;
use portcullis::prelude::*;
use portcullis::types::InvalidCondition;
use tokio::net::TcpListener;

/// The seconds between two new moons, and one new moon.
const MONTH: i64 = 2_551_443;
const NEW_MOON: i64 = 947_182_440;

/// Holds while the moon is this old: so many days after new moon.
#[derive(Debug)]
struct Moon {
    from: i64,
    to: i64,
}

impl Condition for Moon {
    fn explain(&self) -> Cow<'static, str> {
        format!("while the moon is {} to {} days old", self.from, self.to).into()
    }

    fn holds(&self, who: &Principal) -> bool {
        let age = (who.context.now.as_second() - NEW_MOON).rem_euclid(MONTH) / 86_400;
        (self.from..self.to).contains(&age)
    }
}

/// What a stored grant may say: `{"custom": {"name": "moon", "parameters": [0, 14]}}`.
fn conditions() -> Conditions {
    Conditions::new().with("moon", |parameters| {
        let [from, to] = serde_json::from_value(parameters.clone())
            .map_err(|_| InvalidCondition("moon takes two numbers of days".to_owned()))?;
        Ok(Arc::new(Moon { from, to }))
    })
}

fn app(auth: &Auth) -> Result<App, ConfigError> {
    let gate = Gate::builder()
        .auth(auth)
        .scheme("basic", basic("garden").verified_by(PasswordVerifier::new(auth.clone())))
        .build()?;
    gate.routes::<()>()
        .get("/sowing", when(Moon { from: 0, to: 14 }), async || "Sow while it waxes.")
        .get("/harvest", permission("harvest"), async || "Harvest while it wanes.")
        .finish()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = MasterSecret::generate(&Sources::system())?;
    let store = Database::in_memory();
    let auth = Auth::builder(store, secret).conditions(conditions()).start().await?;
    auth.add_missing_user(NewAccount::new("ann", "a walk in the wood"), &[]).await?;
    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    Ok(app(&auth)?.serve(listener).await?)
}

#[cfg(test)]
mod tests {
    use portcullis::testing::{FixedClock, Setup, TestApp, hostile};

    use super::*;

    async fn started(clock: &FixedClock) -> TestApp {
        let auth = portcullis::testing::auth(clock).conditions(conditions());
        let auth = auth.start().await.unwrap();
        TestApp::new(app(&auth).unwrap(), auth)
    }

    #[tokio::test]
    async fn the_moon_decides() {
        let clock = FixedClock::at("2000-01-07T12:00:00Z");
        let app = started(&clock).await;
        let waning =
            ConditionSpec::Custom { name: "moon".into(), parameters: serde_json::json!([14, 29]) };
        let ann = app.user("ann").with_permission_when("harvest", waning).basic();
        ann.get("/sowing").await.expect(200);
        let refused: serde_json::Value = ann.get("/harvest").await.expect(403).json();
        assert_eq!(refused["missing"], serde_json::json!(["permission harvest"]));

        clock.advance(20 * 86_400);
        let refused: serde_json::Value = ann.get("/sowing").await.expect(403).json();
        assert_eq!(refused["missing"], serde_json::json!(["while the moon is 0 to 14 days old"]));
        ann.get("/harvest").await.expect(200);
    }

    #[tokio::test]
    async fn a_condition_that_cannot_be_one_is_refused_when_it_is_stored() {
        let app = started(&FixedClock::at("2000-01-07T12:00:00Z")).await;
        let ann = app.user("ann").id().await;
        let spec = ConditionSpec::Custom { name: "moon".into(), parameters: "full".into() };
        let request = GrantRequest::allow("harvest").when(spec);
        let refused = app.auth().grant(&Actor::system(), ann.into(), request).await.unwrap_err();
        assert_eq!(refused.kind(), ProblemKind::Invalid);
    }

    #[tokio::test]
    async fn every_route_is_guarded_as_it_says() {
        let app = started(&FixedClock::at("2000-01-07T12:00:00Z")).await;
        hostile(&app, &Setup::new()).await;
    }
}
