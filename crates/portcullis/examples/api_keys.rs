//! Keys that people make for their programs: shown once, limited to scopes, ended at any time.
//!
//! ```text
//! cargo run --example api_keys
//! curl -u "ann:a walk in the wood" -H "Content-Type: application/json" \
//!     -d '{"name": "deploy", "scopes": ["reports:read"]}' http://127.0.0.1:8000/users/me/api-keys
//! curl -H "X-API-Key: pc_key_…" http://127.0.0.1:8000/reports
//! ```

use portcullis::auth::routes;
use portcullis::prelude::*;
use std::error::Error;
use tokio::net::TcpListener;

fn scopes() -> ScopeBook {
    ScopeBook::new().register_for("reports:read", "Read reports.", "reports:read").register_for(
        "reports:write",
        "Write reports.",
        "reports:write",
    )
}

fn app(auth: &Auth) -> Result<App, ConfigError> {
    let gate = Gate::builder()
        .auth(auth)
        .scheme("basic", basic("reports").verified_by(PasswordVerifier::new(auth.clone())))
        .scheme("key", api_key_header("X-API-Key").verified_by(ApiKeyVerifier::new(auth.clone())))
        .build()?;
    gate.routes()
        .get("/reports", permission("reports:read"), async || "all is well")
        .put("/reports", permission("reports:write"), async || "noted")
        .merge(routes::api_keys::table(&gate)) // /users/me/api-keys
        .with_state(auth.clone())
        .finish()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = MasterSecret::generate(&Sources::system())?;
    let auth = Auth::builder(Database::in_memory(), secret).scopes(scopes());
    let auth = auth.start().await?;
    let roles = Roles::new().grant("writer", ["reports:*"]);
    auth.add_missing_roles(roles).await?;
    let ann = NewAccount::new("ann", "a walk in the wood");
    auth.add_missing_user(ann, &["writer"]).await?;
    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    Ok(app(&auth)?.serve(listener).await?)
}

#[cfg(test)]
mod tests {
    use portcullis::testing::{FixedClock, TestApp};
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn a_key_does_what_its_scopes_reach_and_its_owner_may_until_it_is_deleted() {
        let clock = FixedClock::at("2026-03-02T12:00:00Z");
        let auth = portcullis::testing::auth(&clock).scopes(scopes()).start().await.unwrap();
        let app = TestApp::new(app(&auth).unwrap(), auth);
        let ann = app.user("ann").with_permission("reports:read").with_permission("reports:write");
        let ann = ann.basic();

        let wanted = json!({"name": "deploy", "scopes": ["reports:read"]});
        let made: Value = ann.post("/users/me/api-keys").json(wanted).await.expect(201).json();
        let key = made["key"].as_str().unwrap();
        let program = app.anon().header("x-api-key", key);
        program.get("/reports").await.expect(200);
        let beyond: Value = program.put("/reports").await.expect(403).json();
        assert_eq!(beyond["missing"], json!(["scope reports:write"]));

        // It follows its owner, and it is listed without its secret.
        let listed = ann.get("/users/me/api-keys").await.expect(200);
        assert!(!listed.text().contains(key));
        let path = format!("/users/me/api-keys/{}", made["id"].as_str().unwrap());
        ann.delete(&path).await.expect(204);
        program.get("/reports").await.expect(401);
    }
}
