//! The statements of invitations.

use super::Invitation;
use crate::auth::db::{
    Cursor, DatabaseError, Digest, Executor, Row, Transaction, limit, paged, sql, subject_key,
};
use crate::types::{InvitationId, Page, PageRequest, Timestamp};

/// The columns of [`read`].
macro_rules! invitation_columns {
    () => {
        "id, email, roles, subject_kind, subject_id, created_at, expires_at"
    };
}

/// How many invitations are open.
pub(super) async fn count(db: &mut Transaction, now: Timestamp) -> Result<u64, DatabaseError> {
    let count = sql("SELECT count(*) AS open FROM invitations WHERE expires_at > $1");
    count.bind(now).one(db).await?.unsigned("open")
}

pub(super) async fn insert(
    db: &mut Transaction,
    invitation: &Invitation,
    digest: &Digest,
) -> Result<(), DatabaseError> {
    let roles = serde_json::to_string(&invitation.roles).map_err(|_| unfit())?;
    let (kind, inviter) = invitation.invited_by.as_ref().and_then(subject_key).unwrap_or_default();
    sql("INSERT INTO invitations
            (id, digest, email, roles, subject_kind, subject_id, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
    .bind(invitation.id.to_string())
    .bind(digest)
    .bind(&invitation.email)
    .bind(roles)
    .bind(kind)
    .bind(inviter)
    .bind(invitation.created_at)
    .bind(invitation.expires_at)
    .execute(db)
    .await
    .map(drop)
}

/// A page of the open invitations, oldest first.
pub(super) async fn page<'d>(
    db: impl Into<Executor<'d>>,
    page: &PageRequest,
    now: Timestamp,
) -> Result<Page<Invitation>, DatabaseError> {
    let after = Cursor::parse(page)?;
    let limit = limit(page);
    let found = sql(concat!(
        "SELECT ",
        invitation_columns!(),
        " FROM invitations WHERE (created_at, id) > ($1, $2) AND expires_at > $3
        ORDER BY created_at, id LIMIT $4"
    ));
    let found = found.bind(after.created_at).bind(&after.id).bind(now);
    let found = found.bind(i64::try_from(limit + 1).unwrap_or(i64::MAX)).all(db).await?;
    let found = found.iter().map(read).collect::<Result<_, _>>()?;
    Ok(paged(found, limit, |one: &Invitation| Cursor::new(one.created_at, &one.id)))
}

/// The open invitation of this digest.
pub(super) async fn invitation<'d>(
    db: impl Into<Executor<'d>>,
    digest: &Digest,
    now: Timestamp,
) -> Result<Option<Invitation>, DatabaseError> {
    let found = sql(concat!(
        "SELECT ",
        invitation_columns!(),
        " FROM invitations WHERE digest = $1 AND expires_at > $2"
    ));
    found.bind(digest).bind(now).optional(db).await?.as_ref().map(read).transpose()
}

/// Deletes an invitation. Returns whether it was there.
pub(super) async fn delete(db: &mut Transaction, id: InvitationId) -> Result<bool, DatabaseError> {
    let deleted = sql("DELETE FROM invitations WHERE id = $1");
    Ok(deleted.bind(id.to_string()).execute(db).await? > 0)
}

fn unfit() -> DatabaseError {
    DatabaseError::Corrupt { what: "roles of an invitation".to_owned() }
}

fn read(row: &Row) -> Result<Invitation, DatabaseError> {
    let by_somebody = !row.get::<String>("subject_kind")?.is_empty();
    Ok(Invitation {
        id: row.text("id")?,
        email: row.get("email")?,
        roles: serde_json::from_str(&row.get::<String>("roles")?).map_err(|_| unfit())?,
        invited_by: by_somebody.then(|| row.subject()).transpose()?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}
