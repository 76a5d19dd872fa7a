//! Many tenants in one service that has users and a database of its own.
//!
//! Who may do what is held in a tenant, and asked for by a part of the path. Customers and staff have
//! tokens of two kinds in the same header; whether a tenant's bill is paid must be asked elsewhere.
//!
//! `cargo run --example tenants`, then
//! `curl -H "Authorization: Bearer ada-of-acme" http://127.0.0.1:8000/tenants/acme/notes`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::request::Parts;
use portcullis::credential::{Rejection, TokenCredential};
use portcullis::prelude::*;
use portcullis::problem::BoxError;
use portcullis::types::{External, Place, Tenants};
use tokio::net::TcpListener;

/// What a customer has ordered: data of this service's own on the principal.
struct Plan(&'static str);

/// Knows customers. A real one would look up the digest of a token in a database.
#[derive(Debug)]
struct Customers;

#[async_trait::async_trait]
impl Verifier<TokenCredential> for Customers {
    async fn verify(&self, token: TokenCredential, _: &Parts) -> Result<Principal, Rejection> {
        let (name, tenant, role, plan) = match token.0.expose().as_str() {
            "ada-of-acme" => ("ada", "acme", "editor", "large"),
            "bob-of-globex" => ("bob", "globex", "editor", "small"),
            _ => return Err(Rejection::Invalid),
        };
        let who = External::new("https://customers.example", name);
        Ok(Principal::new(who.into(), name)
            .with_roles_in(Place::new("tenant", tenant), [role])
            .with(Plan(plan)))
    }
}

/// Knows the staff, who may read the notes of every tenant.
#[derive(Debug)]
struct Staff;

#[async_trait::async_trait]
impl Verifier<TokenCredential> for Staff {
    async fn verify(&self, token: TokenCredential, _: &Parts) -> Result<Principal, Rejection> {
        match token.0.expose().as_str() {
            "sam-of-staff" => {
                let who = External::new("https://staff.example", "sam");
                Ok(Principal::new(who.into(), "sam").with_roles(["reader"]))
            }
            _ => Err(Rejection::Invalid),
        }
    }
}

/// Who owes money, by the word of another service.
#[derive(Clone, Debug, Default)]
struct Ledger(Arc<RwLock<BTreeSet<String>>>);

#[async_trait::async_trait]
impl Question for Ledger {
    fn explain(&self) -> Cow<'static, str> {
        "while the tenant's bill is paid".into()
    }

    async fn ask(&self, who: &Principal) -> Result<bool, BoxError> {
        let tenant = who.context.place("tenant").ok_or("the path names no tenant")?;
        let owing = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Ok(!owing.contains(tenant.name()))
    }

    fn key(&self, who: &Principal) -> Option<String> {
        who.context.place("tenant").map(|tenant| tenant.name().to_owned())
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(500)
    }
}

/// Notes, each of a tenant. In a database, `list` is one statement.
const NOTES: [(&str, &str); 3] =
    [("acme", "buy anvils"), ("globex", "rule the world"), ("acme", "catch the bird")];

/// `SELECT text FROM notes WHERE tenant = ANY ($1) ORDER BY id LIMIT 50`
fn list(tenants: &Tenants) -> Vec<String> {
    let readable = NOTES.iter().filter(|(tenant, _)| tenants.contains(tenant));
    readable.map(|(_, text)| (*text).to_owned()).collect()
}

async fn all_notes(who: Principal) -> Json<Vec<String>> {
    Json(list(&who.tenants_with(&"notes:read".into())))
}

async fn notes(Path(tenant): Path<String>) -> Json<Vec<String>> {
    Json(list(&Tenants::Only([tenant.into()].into())))
}

/// Adds a note, or would.
async fn add(who: Principal, Path(tenant): Path<String>) -> Result<NoContent, Problem> {
    let most = if who.get::<Plan>().is_some_and(|plan| plan.0 == "large") { 100 } else { 1 };
    if list(&Tenants::Only([tenant.into()].into())).len() >= most {
        let full = Problem::custom(http::StatusCode::PAYMENT_REQUIRED, "plan-full", "Plan is full");
        return Err(full.detail("A larger plan has room for more notes.").with("most", most));
    }
    Ok(NoContent)
}

fn app(ledger: Ledger) -> Result<App, ConfigError> {
    let roles = Roles::new()
        .grant("reader", ["notes:read"])
        .grant("editor", ["notes:write"])
        .include("editor", "reader");
    let gate = Gate::builder()
        .scheme("bearer", bearer().verified_by(first_of(Customers).or(Staff)))
        .roles(roles)
        .known_permissions(["notes:read", "notes:write"])
        .problem_types("https://errors.example/")
        .build()?;
    let write = permission_in("tenant", "notes:write") & when_asked(ledger);
    gate.routes::<()>()
        .get("/notes", authenticated(), all_notes)
        .get("/tenants/{tenant}/notes", permission_in("tenant", "notes:read"), notes)
        .post("/tenants/{tenant}/notes", write, add)
        .finish()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    Ok(app(Ledger::default())?.serve(TcpListener::bind("127.0.0.1:8000").await?).await?)
}

#[cfg(test)]
#[tokio::test]
async fn what_is_held_in_a_tenant_counts_there() -> Result<(), Box<dyn Error>> {
    use portcullis::testing::TestApp;

    let ledger = Ledger::default();
    let app = app(ledger.clone())?;
    let table = "GET    /notes                     signed in
GET    /tenants/{tenant}/notes    permission notes:read in {tenant}
POST   /tenants/{tenant}/notes    permission notes:write in {tenant} and while the tenant's bill is paid
";
    assert_eq!(app.access.to_string(), table);
    let app = TestApp::without_auth(app);
    let with = |token: &str| app.anon().header("authorization", &format!("Bearer {token}"));
    let (ada, bob, sam) = (with("ada-of-acme"), with("bob-of-globex"), with("sam-of-staff"));
    with("nobody").get("/notes").await.expect(401);

    for (path, statuses) in
        [("/tenants/acme/notes", [200, 403, 200]), ("/tenants/globex/notes", [403, 200, 200])]
    {
        for (who, status) in [&ada, &bob, &sam].into_iter().zip(statuses) {
            who.get(path).await.expect(status);
        }
    }
    for (who, count) in [(&ada, 2), (&bob, 1), (&sam, 3)] {
        let notes: Vec<String> = who.get("/notes").await.expect(200).json();
        assert_eq!(notes.len(), count);
    }

    ada.post("/tenants/acme/notes").await.expect(204);
    let full: serde_json::Value = bob.post("/tenants/globex/notes").await.expect(402).json();
    assert_eq!(
        (&full["type"], &full["most"]),
        (&"https://errors.example/plan-full".into(), &1.into())
    );
    sam.post("/tenants/acme/notes").await.expect(403);
    ledger.0.write().map_err(|_| "poisoned")?.insert("acme".to_owned());
    let owing: serde_json::Value = ada.post("/tenants/acme/notes").await.expect(403).json();
    assert_eq!(owing["missing"], serde_json::json!(["while the tenant's bill is paid"]));
    assert_eq!(owing["type"], "https://errors.example/forbidden");
    Ok(())
}
