//! The statements of clients.

use super::{Client, ClientChange};
use crate::auth::db::{Cursor, DatabaseError, Executor, Row, Transaction, limit, paged, sql};
use crate::types::{ClientId, Page, PageRequest};

pub(super) async fn insert(db: &mut Transaction, client: &Client) -> Result<(), DatabaseError> {
    if client.id == ClientId::first_party() {
        return Err(DatabaseError::Conflict { field: "client_id" });
    }
    sql("INSERT INTO clients (id, name, active, created_at) VALUES ($1, $2, $3, $4)")
        .bind(client.id.to_string())
        .bind(&client.name)
        .bind(client.active)
        .bind(client.created_at)
        .execute(db)
        .await
        .map(drop)
}

/// The client with this id.
pub(super) async fn client<'d>(
    db: impl Into<Executor<'d>>,
    id: &ClientId,
) -> Result<Option<Client>, DatabaseError> {
    let found = sql("SELECT id, name, active, created_at FROM clients WHERE id = $1");
    found.bind(id.to_string()).optional(db).await?.as_ref().map(read).transpose()
}

/// Changes a client; `None` where it is not there.
pub(super) async fn update(
    db: &mut Transaction,
    id: &ClientId,
    change: &ClientChange,
) -> Result<Option<Client>, DatabaseError> {
    let Some(mut client) = client(&mut *db, id).await? else { return Ok(None) };
    if let Some(name) = &change.name {
        client.name.clone_from(name);
    }
    client.active = change.active.unwrap_or(client.active);
    sql("UPDATE clients SET name = $2, active = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(&client.name)
        .bind(client.active)
        .execute(db)
        .await?;
    Ok(Some(client))
}

/// Deletes a client. Returns whether it was there.
pub(super) async fn delete(db: &mut Transaction, id: &ClientId) -> Result<bool, DatabaseError> {
    Ok(sql("DELETE FROM clients WHERE id = $1").bind(id.to_string()).execute(db).await? > 0)
}

/// A page of clients, in the order they were registered.
pub(super) async fn page<'d>(
    db: impl Into<Executor<'d>>,
    page: &PageRequest,
) -> Result<Page<Client>, DatabaseError> {
    let after = Cursor::parse(page)?;
    let limit = limit(page);
    let found =
        sql("SELECT id, name, active, created_at FROM clients WHERE (created_at, id) > ($1, $2)
        ORDER BY created_at, id LIMIT $3");
    let found = found.bind(after.created_at).bind(&after.id);
    let found = found.bind(i64::try_from(limit + 1).unwrap_or(i64::MAX)).all(db).await?;
    let found = found.iter().map(read).collect::<Result<_, _>>()?;
    Ok(paged(found, limit, |client: &Client| Cursor::new(client.created_at, &client.id)))
}

fn read(row: &Row) -> Result<Client, DatabaseError> {
    Ok(Client {
        id: row.client("id")?,
        name: row.get("name")?,
        active: row.get("active")?,
        created_at: row.time("created_at")?,
    })
}
