//! What changed, in the order of its commits: written by triggers, so that no process forgets to.

use std::collections::BTreeSet;

use super::{DatabaseError, Row, Transaction, sql};
use crate::types::{SessionId, Subject, Timestamp, TokenId};

/// How many changes stay readable; a process that is further behind reads everything anew.
const CHANGES_KEPT: i64 = 10_000;

/// Something that changed, by whichever process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(in crate::auth) enum Change {
    /// Changes were forgotten before they were read: anything may have changed.
    Everything,
    /// A role was made, changed or deleted.
    Roles,
    /// A subject's roles, grants, name, password or activity changed, or it was deleted.
    Subject(Subject),
    /// A session was ended.
    SessionEnded(SessionId, Timestamp),
    /// A token was revoked; remembered until it would have expired.
    TokenRevoked(TokenId, Timestamp),
    /// A signing key was made, changed or retired.
    Keys,
    /// API keys were deleted.
    ApiKeys,
}

/// The number of the newest change. Numbers only grow, so a state read at a lower one is older.
pub(in crate::auth) async fn position(view: &mut Transaction) -> Result<u64, DatabaseError> {
    let newest = sql("SELECT COALESCE((SELECT max(seq) FROM changes), 0) AS newest");
    newest.one(view).await?.unsigned("newest")
}

/// The changes behind position `after`, oldest first, and the position they end at. A change may be
/// told more than once, also one's own. Where changes were forgotten before they were read (they are
/// many, or `after` is of another database), the only one is [`Change::Everything`]. Cheap where
/// nothing changed.
pub(in crate::auth) async fn changes(
    view: &mut Transaction,
    after: u64,
) -> Result<(u64, Vec<Change>), DatabaseError> {
    // Two look-ups at the ends of the table's own tree, however long it is.
    let ends = sql("SELECT COALESCE((SELECT min(seq) FROM changes), 1) AS oldest,
            COALESCE((SELECT max(seq) FROM changes), 0) AS newest");
    let ends = ends.one(&mut *view).await?;
    let (oldest, newest) = (ends.unsigned("oldest")?, ends.unsigned("newest")?);
    if after == newest {
        return Ok((newest, Vec::new()));
    }
    if after > newest || after + 1 < oldest {
        return Ok((newest, vec![Change::Everything]));
    }
    let found = sql("SELECT kind, subject, at FROM changes WHERE seq > $1 ORDER BY seq")
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .all(view)
        .await?;
    let mut seen = BTreeSet::new();
    let mut changes = Vec::new();
    for row in &found {
        let (kind, subject): (String, String) = (row.get("kind")?, row.get("subject")?);
        // One change of a role writes many rows.
        if kind == "token" || seen.insert((kind.clone(), subject)) {
            changes.push(read(&kind, row)?);
        }
    }
    Ok((newest, changes))
}

fn read(kind: &str, row: &Row) -> Result<Change, DatabaseError> {
    Ok(match kind {
        "user" => Change::Subject(Subject::User(row.text("subject")?)),
        "client" => Change::Subject(Subject::Client(row.client("subject")?)),
        "roles" => Change::Roles,
        "keys" => Change::Keys,
        "api_keys" => Change::ApiKeys,
        "session" => Change::SessionEnded(row.text("subject")?, row.time("at")?),
        "token" => Change::TokenRevoked(row.text("subject")?, row.time("at")?),
        // Written by something newer: whatever it is, reading all of it anew is right.
        _ => Change::Everything,
    })
}

/// Forgets the changes that nobody is behind any more.
pub(in crate::auth) async fn forget_old_changes(
    transaction: &mut Transaction,
) -> Result<(), DatabaseError> {
    sql("DELETE FROM changes WHERE seq <= (SELECT max(seq) FROM changes) - $1")
        .bind(CHANGES_KEPT)
        .execute(transaction)
        .await
        .map(drop)
}
