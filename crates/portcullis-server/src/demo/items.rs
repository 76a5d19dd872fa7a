//! `/items`: the demo's resource, in a table of its own beside the users.

use axum::extract::State;
use garde::Validate;
use portcullis::clock::Sources;
use portcullis::extract::{Created, Json, NoContent, Path};
use portcullis::gate::Gate;
use portcullis::policy::{is, owner, permission, scope};
use portcullis::problem::{BoxError, Problem, ProblemKind};
use portcullis::router::Routes;
use portcullis::types::{Principal, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous};
use uuid::Uuid;

/// The items that are kept.
#[derive(Clone, Debug)]
pub(crate) struct Items {
    pool: SqlitePool,
    sources: Sources,
}

/// Something with a name and a price.
#[derive(Debug, Serialize, JsonSchema)]
struct Item {
    /// Which item.
    id: Uuid,
    /// What it is called.
    name: String,
    /// What it costs.
    price: f64,
    /// Whose it is; nobody's where they are gone.
    owner: Option<UserId>,
}

/// An item to be made.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct NewItem {
    /// What it is called.
    #[garde(length(chars, min = 1, max = 40))]
    name: String,
    /// What it costs.
    #[garde(range(min = 0.0))]
    price: f64,
}

/// Items.
#[derive(Debug, Serialize, JsonSchema)]
struct ItemList {
    /// In the order they were made, the first thousand.
    items: Vec<Item>,
}

/// `/items` and `/items/{id}`.
pub(crate) fn table(gate: &Gate) -> Routes<Items> {
    gate.routes()
        .tag("items")
        .get("/items", scope("items:read"), list_items)
        .get("/items/{id}", scope("items:read"), read_item)
        .post("/items", scope("items:write") & permission("write"), create_item)
        .delete("/items/{id}", permission("delete") | owner("item"), delete_item)
}

impl Items {
    /// Opens the items beside what else is in this SQLite file.
    ///
    /// # Errors
    /// Where the file cannot be opened.
    pub(crate) async fn open(file: &std::path::Path, sources: Sources) -> Result<Self, BoxError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(std::time::Duration::from_secs(5));
        // One connection: in memory, a second would be another database.
        let pool = sqlx::pool::PoolOptions::new().max_connections(1).connect_with(options).await?;
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS demo_items (
                id TEXT PRIMARY KEY, name TEXT NOT NULL, price REAL NOT NULL, owner TEXT
            ) STRICT",
        )
        .execute(&pool)
        .await?;
        let items = Self { pool, sources };
        items.insert_samples().await.map_err(Box::new)?;
        Ok(items)
    }

    async fn list(&self) -> Result<Vec<Item>, Problem> {
        let rows: Vec<Row> =
            sqlx::query_as("SELECT id, name, price, owner FROM demo_items ORDER BY id LIMIT 1000")
                .fetch_all(&self.pool)
                .await
                .map_err(away)?;
        rows.into_iter().map(Row::item).collect()
    }

    /// Both samples or none, where no item is there: a start may be cut off in between.
    async fn insert_samples(&self) -> Result<(), Problem> {
        let id = || self.sources.uuid().map(|id| id.to_string()).map_err(Problem::internal);
        sqlx::query(
            "INSERT INTO demo_items (id, name, price, owner)
             SELECT column1, column2, column3, NULL
             FROM (VALUES ($1, 'Analytical engine', 1843.0), ($2, 'Looking glass', 18.71))
             WHERE NOT EXISTS (SELECT 1 FROM demo_items)",
        )
        .bind(id()?)
        .bind(id()?)
        .execute(&self.pool)
        .await
        .map_err(away)?;
        Ok(())
    }

    async fn get(&self, id: Uuid) -> Result<Item, Problem> {
        let row: Option<Row> =
            sqlx::query_as("SELECT id, name, price, owner FROM demo_items WHERE id = $1")
                .bind(id.to_string())
                .fetch_optional(&self.pool)
                .await
                .map_err(away)?;
        row.ok_or_else(|| Problem::new(ProblemKind::NotFound).detail("There is no such item."))?
            .item()
    }

    async fn insert(&self, name: &str, price: f64, owner: Option<UserId>) -> Result<Item, Problem> {
        let id = self.sources.uuid().map_err(Problem::internal)?;
        sqlx::query("INSERT INTO demo_items (id, name, price, owner) VALUES ($1, $2, $3, $4)")
            .bind(id.to_string())
            .bind(name)
            .bind(price)
            .bind(owner.map(|owner| owner.to_string()))
            .execute(&self.pool)
            .await
            .map_err(away)?;
        Ok(Item { id, name: name.to_owned(), price, owner })
    }

    async fn delete(&self, id: Uuid) -> Result<(), Problem> {
        sqlx::query("DELETE FROM demo_items WHERE id = $1")
            .bind(id.to_string())
            .execute(&self.pool)
            .await
            .map_err(away)?;
        Ok(())
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    price: f64,
    owner: Option<String>,
}

impl Row {
    fn item(self) -> Result<Item, Problem> {
        let owner = self.owner.map(|owner| owner.parse()).transpose();
        Ok(Item {
            id: self.id.parse().map_err(Problem::internal)?,
            name: self.name,
            price: self.price,
            owner: owner.map_err(Problem::internal)?,
        })
    }
}

fn away(error: sqlx::Error) -> Problem {
    Problem::new(ProblemKind::Unavailable).retry_after(1).source(error)
}

async fn list_items(State(items): State<Items>) -> Result<Json<ItemList>, Problem> {
    Ok(Json(ItemList { items: items.list().await? }))
}

async fn read_item(
    State(items): State<Items>,
    Path(id): Path<Uuid>,
) -> Result<Json<Item>, Problem> {
    Ok(Json(items.get(id).await?))
}

async fn create_item(
    State(items): State<Items>,
    who: Principal,
    Json(new): Json<NewItem>,
) -> Result<Created<Item>, Problem> {
    Ok(Created(items.insert(&new.name, new.price, who.user()).await?))
}

async fn delete_item(
    State(items): State<Items>,
    who: Principal,
    Path(id): Path<Uuid>,
) -> Result<NoContent, Problem> {
    let item = items.get(id).await;
    let owner = item.as_ref().ok().and_then(|item| item.owner);
    if owner.is_none_or(|owner| who.must(is(owner)).is_err()) {
        // Whoever may not delete learns nothing of what is there, nor of whose it is.
        who.must(permission("delete"))?;
    }
    items.delete(item?.id).await?;
    Ok(NoContent)
}
