//! The document comes from the handlers' own signatures and from who may call: nothing is said
//! twice. The attributes that make the schema also check the body.
//!
//! `cargo run --example openapi`, then `curl http://127.0.0.1:8000/openapi.json`.

use std::error::Error;

use garde::Validate;
use portcullis::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// A thing to be sold.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct NewItem {
    /// What it is called.
    #[garde(length(chars, min = 1, max = 40))]
    name: String,
    /// What it costs, in euros.
    #[garde(range(min = 0.0))]
    price: f64,
}

/// A thing that is sold.
#[derive(Serialize, JsonSchema)]
struct Item {
    /// Which one.
    id: u32,
    /// What it is called.
    name: String,
}

/// Which items are wanted.
#[derive(Deserialize, JsonSchema, Validate)]
struct ListQuery {
    /// How many at the most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "ten")]
    limit: u32,
}

fn ten() -> u32 {
    10
}

/// Puts a new item on the shelf.
async fn create_item(Json(new): Json<NewItem>) -> Created<Item> {
    let id = if new.price > 100.0 { 1000 } else { 1 };
    Created(Item { id, name: new.name })
}

async fn list_items(Query(wanted): Query<ListQuery>) -> Json<Vec<Item>> {
    Json((1..=wanted.limit).map(|id| Item { id, name: format!("item {id}") }).collect())
}

async fn read_item(Path(id): Path<u32>) -> Result<Json<Item>, Problem> {
    if id > 100 {
        return Err(Problem::new(ProblemKind::NotFound).detail(format!("There is no item {id}.")));
    }
    Ok(Json(Item { id, name: format!("item {id}") }))
}

fn app(auth: &Auth) -> Result<App, ConfigError> {
    let gate = Gate::builder()
        .auth(auth)
        .scheme("basic", basic("shop").verified_by(PasswordVerifier::new(auth.clone())))
        .build()?;
    gate.routes::<()>()
        .about(Info::new("Shop", "1.0.0"))
        .tag("items")
        .get("/items", public("everybody may look"), list_items)
        .get("/items/{id}", public("everybody may look"), read_item)
        .post("/items", permission("items:make") | role("keeper"), create_item)
        .openapi("/openapi.json", public("how to call this API"))
        .finish()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = MasterSecret::generate(&Sources::system())?;
    let store = Database::in_memory();
    let auth = Auth::builder(store, secret).start().await?;
    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    Ok(app(&auth)?.serve(listener).await?)
}

#[cfg(test)]
mod tests {
    use portcullis::testing::{FixedClock, TestApp};
    use serde_json::{Value, json};

    use super::*;

    async fn started() -> TestApp {
        let clock = FixedClock::at("2026-03-02T12:00:00Z");
        let auth = portcullis::testing::auth(&clock).start().await.unwrap();
        TestApp::new(app(&auth).unwrap(), auth)
    }

    #[tokio::test]
    async fn the_document_says_what_the_signatures_say() {
        let document: Value = started().await.anon().get("/openapi.json").await.expect(200).json();
        let post = &document["paths"]["/items"]["post"];
        assert_eq!(post["operationId"], "create_item");
        for status in ["201", "400", "401", "403", "413", "415", "422"] {
            assert!(post["responses"][status].is_object(), "{status}: {post:#}");
        }
        let price = &document["components"]["schemas"]["NewItem"]["properties"]["price"];
        assert_eq!(price["minimum"], 0.0);
        assert!(document["paths"]["/items"]["get"]["responses"]["401"].is_null());
    }

    #[tokio::test]
    async fn every_fault_of_a_body_is_said_at_once_but_not_to_strangers() {
        let app = started().await;
        let wrong = json!({ "name": "", "price": -1, "colour": "red" });
        app.anon().post("/items").json(&wrong).await.expect(401);
        let keeper = app.user("kim").with_role("keeper").basic();
        let body: Value = keeper.post("/items").json(&wrong).await.expect(422).json();
        let pointers: Vec<&str> = body["errors"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|fault| fault["pointer"].as_str())
            .collect();
        assert_eq!(pointers, ["/colour", "/name", "/price"]);
        let right = json!({ "name": "lamp", "price": 12.5 });
        let made: Value = keeper.post("/items").json(right).await.expect(201).json();
        assert_eq!(made, json!({ "id": 1, "name": "lamp" }), "the price is not declared there");
    }
}
