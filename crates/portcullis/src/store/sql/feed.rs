use std::collections::BTreeSet;

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::{SqlStore, failed, row};
use crate::store::{Change, Feed, StoreError};
use crate::types::{ClientId, Subject};

#[async_trait]
impl Feed for SqlStore {
    async fn changes(&self, after: Option<u64>) -> Result<(u64, Vec<Change>), StoreError> {
        let mut view = self.read().await?;
        // Two look-ups at the ends of the table's own tree, however long it is.
        let (oldest, newest): (i64, i64) = sqlx::query_as(
            "SELECT COALESCE((SELECT min(seq) FROM changes), 1),
                COALESCE((SELECT max(seq) FROM changes), 0)",
        )
        .fetch_one(&mut *view)
        .await
        .map_err(failed)?;
        let position = newest.unsigned_abs();
        let Some(after) = after.filter(|after| *after != position) else {
            return Ok((position, Vec::new()));
        };
        if after > position || after + 1 < oldest.unsigned_abs() {
            return Ok((position, vec![Change::Everything]));
        }
        let found =
            sqlx::query("SELECT kind, subject, at FROM changes WHERE seq > $1 ORDER BY seq")
                .bind(i64::try_from(after).unwrap_or(i64::MAX))
                .fetch_all(&mut *view)
                .await
                .map_err(failed)?;
        let mut forwarded = BTreeSet::new();
        let mut changes = Vec::new();
        for row in &found {
            let (kind, subject): (&str, &str) = (row::get(row, "kind")?, row::get(row, "subject")?);
            // One change of a role writes many rows.
            if kind == "token" || forwarded.insert((kind, subject)) {
                changes.push(read_change(kind, subject, row)?);
            }
        }
        Ok((position, changes))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT max(seq) FROM changes")
            .fetch_one(&self.readers)
            .await
            .map_err(failed)?;
        Ok(())
    }
}

fn read_change(kind: &str, subject: &str, row: &SqliteRow) -> Result<Change, StoreError> {
    Ok(match kind {
        "user" => Change::Subject(Subject::User(row::text(row, "subject")?)),
        "client" => Change::Subject(Subject::Client(ClientId::from(subject))),
        "roles" => Change::Roles,
        "keys" => Change::Keys,
        "api_keys" => Change::ApiKeys,
        "session" => Change::SessionEnded(row::text(row, "subject")?, row::time(row, "at")?),
        "token" => Change::TokenRevoked(row::text(row, "subject")?, row::time(row, "at")?),
        // Written by something newer: whatever it is, reading all of it anew is right.
        _ => Change::Everything,
    })
}
