//! The statements of clients.

use std::collections::BTreeSet;

use super::secrets::KeptSecret;
use super::{Client, ClientChange, ClientSecret, ClientSettings, GrantType, RedirectUri};
use crate::auth::db::{
    Cursor, DatabaseError, Executor, Row, Transaction, limit, paged, scope_list, sql,
};
use crate::types::{ClientId, Page, PageRequest, Timestamp};

/// The columns of [`read`].
macro_rules! client_columns {
    () => {
        "id, name, active, created_at, confidential, first_party, grant_types, redirect_uris, \
         post_logout_redirect_uris, scopes"
    };
}

pub(super) async fn insert(db: &mut Transaction, client: &Client) -> Result<(), DatabaseError> {
    let taken = sql("SELECT EXISTS (SELECT 1 FROM users WHERE id = $1) AS found");
    // A `sub` that is a client's must never be read as a user's.
    if client.id == ClientId::first_party()
        || taken.bind(client.id.to_string().to_lowercase()).found(&mut *db).await?
    {
        return Err(DatabaseError::Conflict { field: "client_id" });
    }
    let settings = &client.settings;
    sql("INSERT INTO clients (id, name, active, created_at, tokens_from, confidential, first_party,
            grant_types, redirect_uris, post_logout_redirect_uris, scopes)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
    .bind(client.id.to_string())
    .bind(&client.name)
    .bind(client.active)
    .bind(client.created_at)
    .bind(client.created_at)
    .bind(settings.confidential)
    .bind(settings.first_party)
    .bind(joined(&settings.grant_types))
    .bind(joined(&settings.redirect_uris))
    .bind(joined(&settings.post_logout_redirect_uris))
    .bind(scope_list(&settings.scopes))
    .execute(db)
    .await
    .map(drop)
}

/// The client with this id.
pub(in crate::auth) async fn client<'d>(
    db: impl Into<Executor<'d>>,
    id: &ClientId,
) -> Result<Option<Client>, DatabaseError> {
    let found = sql(concat!("SELECT ", client_columns!(), " FROM clients WHERE id = $1"));
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
    if let Some(settings) = &change.settings {
        client.settings.clone_from(settings);
    }
    client.active = change.active.unwrap_or(client.active);
    let settings = &client.settings;
    sql("UPDATE clients SET name = $2, active = $3, confidential = $4, first_party = $5,
            grant_types = $6, redirect_uris = $7, post_logout_redirect_uris = $8, scopes = $9
        WHERE id = $1")
    .bind(id.to_string())
    .bind(&client.name)
    .bind(client.active)
    .bind(settings.confidential)
    .bind(settings.first_party)
    .bind(joined(&settings.grant_types))
    .bind(joined(&settings.redirect_uris))
    .bind(joined(&settings.post_logout_redirect_uris))
    .bind(scope_list(&settings.scopes))
    .execute(db)
    .await?;
    Ok(Some(client))
}

/// Says that no token counts that the client got for itself before `from`.
pub(super) async fn end_tokens(
    db: &mut Transaction,
    id: &ClientId,
    from: Timestamp,
) -> Result<(), DatabaseError> {
    sql("UPDATE clients SET tokens_from = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(from)
        .execute(db)
        .await
        .map(drop)
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
    let found = sql(concat!(
        "SELECT ",
        client_columns!(),
        " FROM clients WHERE (created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3"
    ));
    let found = found.bind(after.created_at).bind(&after.id);
    let found = found.bind(i64::try_from(limit + 1).unwrap_or(i64::MAX)).all(db).await?;
    let found = found.iter().map(read).collect::<Result<_, _>>()?;
    Ok(paged(found, limit, |client: &Client| Cursor::new(client.created_at, &client.id)))
}

/// The secrets of a client, oldest first.
pub(super) async fn secrets<'d>(
    db: impl Into<Executor<'d>>,
    client: &ClientId,
) -> Result<Vec<(ClientSecret, KeptSecret)>, DatabaseError> {
    let found = sql("SELECT id, digest, password_hash, created_at FROM client_secrets
        WHERE client_id = $1 ORDER BY created_at, id");
    let found = found.bind(client.to_string()).all(db).await?;
    found.iter().map(read_secret).collect()
}

/// Keeps a secret of a client.
pub(super) async fn insert_secret(
    db: &mut Transaction,
    client: &ClientId,
    secret: &ClientSecret,
    kept: &KeptSecret,
) -> Result<(), DatabaseError> {
    let (digest, hash) = match kept {
        KeptSecret::Drawn(digest) => (Some(digest), None),
        KeptSecret::Chosen(hash) => (None, Some(hash.as_str())),
    };
    sql("INSERT INTO client_secrets (id, client_id, digest, password_hash, created_at)
        VALUES ($1, $2, $3, $4, $5)")
    .bind(secret.id.to_string())
    .bind(client.to_string())
    .bind(digest)
    .bind(hash)
    .bind(secret.created_at)
    .execute(db)
    .await
    .map(drop)
}

/// Deletes one secret of a client, or all of them. Returns how many.
pub(super) async fn delete_secrets(
    db: &mut Transaction,
    client: &ClientId,
    id: Option<uuid::Uuid>,
) -> Result<u64, DatabaseError> {
    let statement = sql("DELETE FROM client_secrets WHERE client_id = $1 AND (id = $2 OR $3)");
    let one = id.map(|id| id.to_string()).unwrap_or_default();
    statement.bind(client.to_string()).bind(one).bind(id.is_none()).execute(db).await
}

fn read_secret(row: &Row) -> Result<(ClientSecret, KeptSecret), DatabaseError> {
    let hash: Option<String> = row.get("password_hash")?;
    let kept = match hash {
        Some(hash) => KeptSecret::Chosen(hash),
        None => KeptSecret::Drawn(row.digest("digest")?),
    };
    let id: uuid::Uuid = row.text("id")?;
    let drawn = matches!(kept, KeptSecret::Drawn(_));
    Ok((ClientSecret { id, drawn, created_at: row.time("created_at")? }, kept))
}

/// As a list is kept: no member has a space in it.
fn joined<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
}

fn read(row: &Row) -> Result<Client, DatabaseError> {
    let corrupt = |what: &str| DatabaseError::Corrupt { what: what.to_owned() };
    let list = |column: &str| -> Result<Vec<String>, DatabaseError> {
        let text: String = row.get(column)?;
        Ok(text.split(' ').filter(|item| !item.is_empty()).map(str::to_owned).collect())
    };
    let uris = |column: &str| -> Result<Vec<RedirectUri>, DatabaseError> {
        list(column)?.into_iter().map(|uri| uri.parse().map_err(|_| corrupt(column))).collect()
    };
    let grants = list("grant_types")?;
    let grants =
        grants.iter().map(|name| GrantType::of_name(name).ok_or_else(|| corrupt("grant_types")));
    Ok(Client {
        id: row.client("id")?,
        name: row.get("name")?,
        active: row.get("active")?,
        created_at: row.time("created_at")?,
        settings: ClientSettings {
            confidential: row.get("confidential")?,
            first_party: row.get("first_party")?,
            grant_types: grants.collect::<Result<BTreeSet<_>, _>>()?,
            redirect_uris: uris("redirect_uris")?,
            post_logout_redirect_uris: uris("post_logout_redirect_uris")?,
            scopes: row.scopes()?,
        },
    })
}
