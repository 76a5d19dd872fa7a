//! The statements of roles and grants.

use std::collections::{BTreeMap, BTreeSet};

use super::StoredAccess;
use super::graph::{self, Inclusions};
use crate::auth::db::{
    DatabaseError, Executor, Row, Statement, Transaction, sql, sql_built, subject_key,
};
use crate::types::{
    ConditionSpec, Effect, Grant, GrantId, Permission, Place, Role, RoleRecord, Subject, UserId,
};

const NO_ROLE: DatabaseError = DatabaseError::NotFound { what: "role" };

/// What decides what this subject may do; `None` where it is not there.
pub(in crate::auth) async fn stored_access(
    view: &mut Transaction,
    subject: &Subject,
) -> Result<Option<StoredAccess>, DatabaseError> {
    let Some((kind, id)) = subject_key(subject) else { return Ok(None) };
    let found = sql(match subject {
        Subject::User(_) => {
            "SELECT username AS name, username_folded, email_folded, active, security_epoch
            FROM users WHERE id = $1"
        }
        _ => {
            "SELECT name, NULL AS username_folded, NULL AS email_folded, active,
                tokens_from AS security_epoch FROM clients WHERE id = $1"
        }
    });
    let Some(found) = found.bind(&id).optional(&mut *view).await? else { return Ok(None) };
    let roles = sql("SELECT role FROM subject_roles WHERE subject_kind = $1 AND subject_id = $2");
    let roles = roles.bind(kind).bind(&id).all(&mut *view).await?;
    Ok(Some(StoredAccess {
        name: found.get("name")?,
        logins: [found.get("username_folded")?, found.get("email_folded")?],
        active: found.get("active")?,
        epoch: found.unsigned("security_epoch")?,
        roles: roles.iter().map(|row| role(row, "role")).collect::<Result<_, _>>()?,
        roles_within: roles_within(&mut *view, subject).await?,
        grants: grants(view, subject).await?,
    }))
}

fn role(row: &Row, column: &str) -> Result<Role, DatabaseError> {
    Ok(Role::from(row.get::<String>(column)?))
}

/// The roles that a subject was assigned in single places.
pub(super) async fn roles_within<'d>(
    db: impl Into<Executor<'d>>,
    subject: &Subject,
) -> Result<BTreeMap<Place, BTreeSet<Role>>, DatabaseError> {
    let Some((kind, id)) = subject_key(subject) else { return Ok(BTreeMap::new()) };
    let found = sql("SELECT place, role FROM subject_roles_within
        WHERE subject_kind = $1 AND subject_id = $2");
    let mut held: BTreeMap<Place, BTreeSet<Role>> = BTreeMap::new();
    for row in found.bind(kind).bind(id).all(db).await? {
        held.entry(row.text("place")?).or_default().insert(role(&row, "role")?);
    }
    Ok(held)
}

/// The name that a user or client has now.
pub(in crate::auth) async fn name_of(
    view: &mut Transaction,
    subject: &Subject,
) -> Result<Option<String>, DatabaseError> {
    let Some((_, id)) = subject_key(subject) else { return Ok(None) };
    let found = sql(match subject {
        Subject::User(_) => "SELECT username AS name FROM users WHERE id = $1",
        _ => "SELECT name FROM clients WHERE id = $1",
    });
    found.bind(id).optional(view).await?.map(|row| row.get("name")).transpose()
}

/// The direct grants of a subject, oldest first.
pub(super) async fn grants<'d>(
    db: impl Into<Executor<'d>>,
    subject: &Subject,
) -> Result<Vec<Grant>, DatabaseError> {
    let Some((kind, id)) = subject_key(subject) else { return Ok(Vec::new()) };
    let found =
        sql("SELECT id, effect, permission, place, condition, valid_from, valid_until, created_at
        FROM grants WHERE subject_kind = $1 AND subject_id = $2 ORDER BY created_at, id");
    found.bind(kind).bind(id).all(db).await?.iter().map(read_grant).collect()
}

/// The roles that each of these subjects was assigned directly, in one statement: a page of them at the
/// most.
pub(in crate::auth) async fn roles_of_many<'d>(
    db: impl Into<Executor<'d>>,
    kind: &'static str,
    ids: &[String],
) -> Result<BTreeMap<String, BTreeSet<Role>>, DatabaseError> {
    let mut held: BTreeMap<String, BTreeSet<Role>> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(held);
    }
    let places: Vec<_> = (2..).take(ids.len()).map(|place| format!("${place}")).collect();
    let found = sql_built(format!(
        "SELECT subject_id, role FROM subject_roles
        WHERE subject_kind = $1 AND subject_id IN ({})",
        places.join(", ")
    ));
    let found = ids.iter().fold(found.bind(kind), Statement::bind);
    for row in found.all(db).await? {
        held.entry(row.get("subject_id")?).or_default().insert(role(&row, "role")?);
    }
    Ok(held)
}

/// Whether a role changed after this position of the feed, or that cannot be told any more.
pub(in crate::auth) async fn roles_changed_after(
    view: &mut Transaction,
    position: u64,
) -> Result<bool, DatabaseError> {
    sql("SELECT EXISTS (SELECT 1 FROM changes WHERE seq > $1 AND kind NOT IN
                ('user', 'client', 'keys', 'api_keys', 'session', 'token'))
            OR COALESCE((SELECT min(seq) FROM changes), 1) > $1 + 1 AS found")
    .bind(i64::try_from(position).unwrap_or(i64::MAX))
    .found(view)
    .await
}

/// Every role, by name.
pub(in crate::auth) async fn roles(
    view: &mut Transaction,
) -> Result<Vec<RoleRecord>, DatabaseError> {
    let mut roles = BTreeMap::new();
    for row in sql("SELECT name, description FROM roles").all(&mut *view).await? {
        let name = role(&row, "name")?;
        let mut record = RoleRecord::new(name.clone());
        record.description = row.get("description")?;
        roles.insert(name, record);
    }
    let found = sql("SELECT role, permission, effect FROM role_permissions");
    for row in found.all(&mut *view).await? {
        let Some(record) = roles.get_mut(&role(&row, "role")?) else { continue };
        let permission = Permission::from(row.get::<String>("permission")?);
        match effect(&row)? {
            Effect::Allow => record.permissions.insert(permission),
            Effect::Deny => record.denied.insert(permission),
        };
    }
    for (name, included) in inclusions(view).await? {
        if let Some(record) = roles.get_mut(&name) {
            record.includes = included;
        }
    }
    Ok(roles.into_values().collect())
}

pub(super) async fn insert_role(
    db: &mut Transaction,
    role: &RoleRecord,
) -> Result<(), DatabaseError> {
    sql("INSERT INTO roles (name, description) VALUES ($1, $2)")
        .bind(role.name.as_str())
        .bind(&role.description)
        .execute(db)
        .await?;
    fill_role(db, role).await
}

pub(super) async fn update_role(
    db: &mut Transaction,
    role: &RoleRecord,
) -> Result<(), DatabaseError> {
    let updated = sql("UPDATE roles SET description = $2 WHERE name = $1");
    let updated = updated.bind(role.name.as_str()).bind(&role.description).execute(db).await?;
    if updated == 0 {
        return Err(NO_ROLE);
    }
    for clear in [
        "DELETE FROM role_permissions WHERE role = $1",
        "DELETE FROM role_includes WHERE role = $1",
    ] {
        sql(clear).bind(role.name.as_str()).execute(db).await?;
    }
    fill_role(db, role).await
}

pub(super) async fn delete_role(db: &mut Transaction, name: &Role) -> Result<(), DatabaseError> {
    match sql("DELETE FROM roles WHERE name = $1").bind(name.as_str()).execute(db).await? {
        0 => Err(NO_ROLE),
        _ => Ok(()),
    }
}

/// Writes what a role carries and includes.
async fn fill_role(db: &mut Transaction, role: &RoleRecord) -> Result<(), DatabaseError> {
    for included in &role.includes {
        refuse_missing_role(db, included).await?;
    }
    let mut graph = inclusions(db).await?;
    graph.insert(role.name.clone(), role.includes.clone());
    graph::refuse_cycle(&graph, &role.name)?;
    let allowed = role.permissions.iter().map(|permission| (permission, Effect::Allow));
    let denied = role.denied.iter().map(|permission| (permission, Effect::Deny));
    for (permission, effect) in allowed.chain(denied) {
        sql("INSERT INTO role_permissions (role, permission, effect) VALUES ($1, $2, $3)")
            .bind(role.name.as_str())
            .bind(permission.as_str())
            .bind(effect_word(effect))
            .execute(db)
            .await?;
    }
    for included in &role.includes {
        sql("INSERT INTO role_includes (role, included) VALUES ($1, $2)")
            .bind(role.name.as_str())
            .bind(included.as_str())
            .execute(db)
            .await?;
    }
    Ok(())
}

async fn inclusions(db: &mut Transaction) -> Result<Inclusions, DatabaseError> {
    let mut graph = Inclusions::new();
    for row in sql("SELECT role, included FROM role_includes").all(db).await? {
        graph.entry(role(&row, "role")?).or_default().insert(role(&row, "included")?);
    }
    Ok(graph)
}

async fn refuse_missing_role(db: &mut Transaction, role: &Role) -> Result<(), DatabaseError> {
    let there = sql("SELECT EXISTS (SELECT 1 FROM roles WHERE name = $1) AS found");
    if there.bind(role.as_str()).found(db).await? { Ok(()) } else { Err(NO_ROLE) }
}

/// Assigns a role that must be there to a subject that is. Nothing happens where it is assigned.
pub(super) async fn assign(
    db: &mut Transaction,
    subject: &Subject,
    role: &Role,
) -> Result<(), DatabaseError> {
    let (kind, id) = subject_key(subject).ok_or(DatabaseError::NotFound { what: "subject" })?;
    refuse_missing_role(db, role).await?;
    sql("INSERT INTO subject_roles (subject_kind, subject_id, role) VALUES ($1, $2, $3)
        ON CONFLICT (subject_kind, subject_id, role) DO NOTHING")
    .bind(kind)
    .bind(id)
    .bind(role.as_str())
    .execute(db)
    .await
    .map(drop)
}

/// Takes a role away. Returns whether it was assigned.
pub(super) async fn unassign(
    db: &mut Transaction,
    subject: &Subject,
    role: &Role,
) -> Result<bool, DatabaseError> {
    let Some((kind, id)) = subject_key(subject) else { return Ok(false) };
    let deleted =
        sql("DELETE FROM subject_roles WHERE subject_kind = $1 AND subject_id = $2 AND role = $3");
    Ok(deleted.bind(kind).bind(id).bind(role.as_str()).execute(db).await? > 0)
}

/// Assigns a role in one place. Nothing happens where it is assigned there.
pub(super) async fn assign_within(
    db: &mut Transaction,
    subject: &Subject,
    (role, place): (&Role, &Place),
) -> Result<(), DatabaseError> {
    let (kind, id) = subject_key(subject).ok_or(DatabaseError::NotFound { what: "subject" })?;
    refuse_missing_role(db, role).await?;
    sql("INSERT INTO subject_roles_within (subject_kind, subject_id, place, role)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (subject_kind, subject_id, place, role) DO NOTHING")
    .bind(kind)
    .bind(id)
    .bind(place.to_string())
    .bind(role.as_str())
    .execute(db)
    .await
    .map(drop)
}

/// Takes a role away in one place. Returns whether it was assigned there.
pub(super) async fn unassign_within(
    db: &mut Transaction,
    subject: &Subject,
    (role, place): (&Role, &Place),
) -> Result<bool, DatabaseError> {
    let Some((kind, id)) = subject_key(subject) else { return Ok(false) };
    let deleted = sql("DELETE FROM subject_roles_within
        WHERE subject_kind = $1 AND subject_id = $2 AND place = $3 AND role = $4");
    let deleted = deleted.bind(kind).bind(id).bind(place.to_string()).bind(role.as_str());
    Ok(deleted.execute(db).await? > 0)
}

/// Every user and client that was assigned this role directly, whether active or not.
pub(super) async fn holders<'d>(
    db: impl Into<Executor<'d>>,
    role: &Role,
) -> Result<Vec<Subject>, DatabaseError> {
    let found = sql("SELECT subject_kind, subject_id FROM subject_roles WHERE role = $1");
    found.bind(role.as_str()).all(db).await?.iter().map(Row::subject).collect()
}

/// Whether somebody active holds this role, directly or through others. `CROSS JOIN` holds SQLite to
/// this order: from the role to its holders, not from every user. `but` does not count.
pub(super) async fn has_holder<'d>(
    db: impl Into<Executor<'d>>,
    role: &Role,
    but: Option<UserId>,
) -> Result<bool, DatabaseError> {
    sql("WITH RECURSIVE holding (role) AS (
            SELECT name FROM roles WHERE name = $1
            UNION
            SELECT i.role FROM role_includes i JOIN holding h ON i.included = h.role
        )
        SELECT EXISTS (
            SELECT 1 FROM holding h CROSS JOIN subject_roles s CROSS JOIN users u
            WHERE s.role = h.role AND s.subject_kind = 'user' AND u.id = s.subject_id AND u.active
                AND u.id <> $2
        ) AS found")
    .bind(role.as_str())
    .bind(but.map(|id| id.to_string()).unwrap_or_default())
    .found(db)
    .await
}

/// Deletes the API keys of a client that were made by somebody who could not give it rights. Returns how
/// many.
pub(super) async fn end_keys_of_others(
    db: &mut Transaction,
    subject: &Subject,
) -> Result<u64, DatabaseError> {
    let Subject::Client(id) = subject else { return Ok(0) };
    sql("DELETE FROM api_keys
        WHERE subject_kind = 'client' AND subject_id = $1 AND NOT by_administrator")
    .bind(id.to_string())
    .execute(db)
    .await
}

/// Keeps a grant of a subject.
pub(super) async fn insert_grant(
    db: &mut Transaction,
    subject: &Subject,
    grant: &Grant,
) -> Result<(), DatabaseError> {
    let (kind, id) = subject_key(subject).ok_or(DatabaseError::NotFound { what: "subject" })?;
    let condition = grant.condition.as_ref().map(serde_json::to_string).transpose();
    sql("INSERT INTO grants
            (id, subject_kind, subject_id, effect, permission, condition, created_at, valid_from,
                valid_until, place)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(grant.id.to_string())
    .bind(kind)
    .bind(id)
    .bind(effect_word(grant.effect))
    .bind(grant.permission.as_str())
    .bind(condition.map_err(|_| unfit("condition"))?)
    .bind(grant.created_at)
    .bind(grant.valid_from)
    .bind(grant.valid_until)
    .bind(grant.place.as_ref().map(ToString::to_string))
    .execute(db)
    .await
    .map(drop)
}

/// Takes every direct grant of a subject back.
pub(super) async fn delete_grants(
    db: &mut Transaction,
    subject: &Subject,
) -> Result<(), DatabaseError> {
    let Some((kind, id)) = subject_key(subject) else { return Ok(()) };
    let deleted = sql("DELETE FROM grants WHERE subject_kind = $1 AND subject_id = $2");
    deleted.bind(kind).bind(id).execute(db).await.map(drop)
}

/// Takes a direct grant back. Returns whether the subject had it.
pub(super) async fn delete_grant(
    db: &mut Transaction,
    subject: &Subject,
    grant: GrantId,
) -> Result<bool, DatabaseError> {
    let Some((kind, id)) = subject_key(subject) else { return Ok(false) };
    let deleted = sql("DELETE FROM grants WHERE id = $1 AND subject_kind = $2 AND subject_id = $3");
    Ok(deleted.bind(grant.to_string()).bind(kind).bind(id).execute(db).await? > 0)
}

fn unfit(what: &str) -> DatabaseError {
    DatabaseError::Corrupt { what: what.to_owned() }
}

fn effect_word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    }
}

fn effect(row: &Row) -> Result<Effect, DatabaseError> {
    match &*row.get::<String>("effect")? {
        "allow" => Ok(Effect::Allow),
        "deny" => Ok(Effect::Deny),
        _ => Err(unfit("effect")),
    }
}

fn read_grant(row: &Row) -> Result<Grant, DatabaseError> {
    let condition: Option<String> = row.get("condition")?;
    let place: Option<String> = row.get("place")?;
    let condition = condition.as_deref().map(serde_json::from_str::<ConditionSpec>).transpose();
    Ok(Grant {
        id: row.text("id")?,
        effect: effect(row)?,
        permission: Permission::from(row.get::<String>("permission")?),
        // A place that cannot be read must not count as everywhere.
        place: place.map(|text| text.parse()).transpose().map_err(|_| unfit("place"))?,
        // A condition that cannot be read must not count as none.
        condition: condition.map_err(|_| unfit("condition"))?,
        valid_from: row.maybe_time("valid_from")?,
        valid_until: row.maybe_time("valid_until")?,
        created_at: row.time("created_at")?,
    })
}
