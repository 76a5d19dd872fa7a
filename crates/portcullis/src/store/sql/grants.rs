use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::{KeepOne, SqlStore, failed, row, subject_key};
use crate::store::graph::{self, Inclusions};
use crate::store::{Grants, StoreError, StoredAccess};
use crate::types::{
    ConditionSpec, Effect, Grant, GrantId, Permission, Role, RoleRecord, Subject, Timestamp,
};

const NO_ROLE: StoreError = StoreError::NotFound { what: "role" };

#[async_trait]
impl Grants for SqlStore {
    async fn standing(&self, subject: &Subject) -> Result<Option<StoredAccess>, StoreError> {
        let Some((kind, id)) = subject_key(subject) else { return Ok(None) };
        let mut view = self.read().await?;
        let found = sqlx::query(match subject {
            Subject::User(_) => {
                "SELECT username AS name, active, password_hash FROM users WHERE id = $1"
            }
            _ => "SELECT name, active, NULL AS password_hash FROM clients WHERE id = $1",
        })
        .bind(&id)
        .fetch_optional(&mut *view)
        .await
        .map_err(failed)?;
        let Some(found) = found else { return Ok(None) };
        let roles: Vec<String> = sqlx::query_scalar(
            "SELECT role FROM subject_roles WHERE subject_kind = $1 AND subject_id = $2",
        )
        .bind(kind)
        .bind(&id)
        .fetch_all(&mut *view)
        .await
        .map_err(failed)?;
        let grants = sqlx::query(
            "SELECT id, effect, permission, condition, valid_from, valid_until, created_at FROM grants
            WHERE subject_kind = $1 AND subject_id = $2 ORDER BY created_at, id",
        )
        .bind(kind)
        .bind(&id)
        .fetch_all(&mut *view)
        .await
        .map_err(failed)?;
        Ok(Some(StoredAccess {
            name: row::get(&found, "name")?,
            active: row::get(&found, "active")?,
            roles: roles.into_iter().map(Role::from).collect(),
            grants: grants.iter().map(read_grant).collect::<Result<_, _>>()?,
            password_version: StoredAccess::password_version(row::get(&found, "password_hash")?),
        }))
    }

    async fn roles(&self) -> Result<Vec<RoleRecord>, StoreError> {
        let mut view = self.read().await?;
        let mut roles = BTreeMap::new();
        let found = sqlx::query("SELECT name, description FROM roles");
        for row in found.fetch_all(&mut *view).await.map_err(failed)? {
            let name = Role::from(row::get::<&str>(&row, "name")?);
            let mut role = RoleRecord::new(name.clone());
            role.description = row::get(&row, "description")?;
            roles.insert(name, role);
        }
        let found = sqlx::query("SELECT role, permission, effect FROM role_permissions");
        for row in found.fetch_all(&mut *view).await.map_err(failed)? {
            let Some(role) = roles.get_mut(row::get::<&str>(&row, "role")?) else { continue };
            let permission = Permission::from(row::get::<&str>(&row, "permission")?);
            match effect(&row)? {
                Effect::Allow => role.permissions.insert(permission),
                Effect::Deny => role.denied.insert(permission),
            };
        }
        for (name, included) in inclusions(&mut view).await? {
            if let Some(role) = roles.get_mut(&name) {
                role.includes = included;
            }
        }
        Ok(roles.into_values().collect())
    }

    async fn insert_role(&self, role: &RoleRecord) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        sqlx::query("INSERT INTO roles (name, description) VALUES ($1, $2)")
            .bind(role.name.as_str())
            .bind(&role.description)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        fill_role(&mut transaction, role).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn update_role(
        &self,
        role: &RoleRecord,
        required_role: Option<&Role>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        let guard = KeepOne::begin(&mut transaction, required_role).await?;
        let updated = sqlx::query("UPDATE roles SET description = $2 WHERE name = $1")
            .bind(role.name.as_str())
            .bind(&role.description)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        if updated.rows_affected() == 0 {
            return Err(NO_ROLE);
        }
        for clear in [
            "DELETE FROM role_permissions WHERE role = $1",
            "DELETE FROM role_includes WHERE role = $1",
        ] {
            let name = role.name.as_str();
            sqlx::query(clear).bind(name).execute(&mut *transaction).await.map_err(failed)?;
        }
        fill_role(&mut transaction, role).await?;
        guard.check(&mut transaction).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn delete_role(
        &self,
        name: &Role,
        required_role: Option<&Role>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        let guard = KeepOne::begin(&mut transaction, required_role).await?;
        let deleted = sqlx::query("DELETE FROM roles WHERE name = $1")
            .bind(name.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        if deleted.rows_affected() == 0 {
            return Err(NO_ROLE);
        }
        guard.check(&mut transaction).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn assign_role(&self, subject: &Subject, role: &Role) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        refuse_missing(&mut transaction, subject).await?;
        assign(&mut transaction, subject, role).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn unassign_role(
        &self,
        subject: &Subject,
        role: &Role,
        required_role: Option<&Role>,
    ) -> Result<bool, StoreError> {
        let Some((kind, id)) = subject_key(subject) else { return Ok(false) };
        let mut transaction = self.write().await?;
        let guard = KeepOne::begin(&mut transaction, required_role).await?;
        let deleted = sqlx::query(
            "DELETE FROM subject_roles WHERE subject_kind = $1 AND subject_id = $2 AND role = $3",
        )
        .bind(kind)
        .bind(id)
        .bind(role.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        guard.check(&mut transaction).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(deleted.rows_affected() > 0)
    }

    async fn holders(&self, role: &Role) -> Result<Vec<Subject>, StoreError> {
        let mut view = self.read().await?;
        let found =
            sqlx::query("SELECT subject_kind, subject_id FROM subject_roles WHERE role = $1")
                .bind(role.as_str())
                .fetch_all(&mut *view)
                .await
                .map_err(failed)?;
        found.iter().map(row::subject).collect()
    }

    async fn insert_grant(&self, subject: &Subject, grant: &Grant) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        let holder = refuse_missing(&mut transaction, subject).await?;
        insert(&mut transaction, &holder, grant).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn set_grants(&self, subject: &Subject, grants: &[Grant]) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        let holder = refuse_missing(&mut transaction, subject).await?;
        sqlx::query("DELETE FROM grants WHERE subject_kind = $1 AND subject_id = $2")
            .bind(holder.0)
            .bind(&holder.1)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        for grant in grants {
            insert(&mut transaction, &holder, grant).await?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn delete_grant(&self, subject: &Subject, grant: GrantId) -> Result<bool, StoreError> {
        let Some((kind, id)) = subject_key(subject) else { return Ok(false) };
        let deleted = sqlx::query(
            "DELETE FROM grants WHERE id = $1 AND subject_kind = $2 AND subject_id = $3",
        )
        .bind(grant.to_string())
        .bind(kind)
        .bind(id)
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(deleted.rows_affected() > 0)
    }
}

/// Keeps a grant of a subject that is there.
async fn insert(
    db: &mut SqliteConnection,
    (kind, id): &(&'static str, String),
    grant: &Grant,
) -> Result<(), StoreError> {
    let condition = grant.condition.as_ref().map(serde_json::to_string).transpose();
    let condition = condition.map_err(|_| unfit("condition"))?;
    sqlx::query(
        "INSERT INTO grants
            (id, subject_kind, subject_id, effect, permission, condition, created_at, valid_from,
                valid_until)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(grant.id.to_string())
    .bind(*kind)
    .bind(id)
    .bind(effect_word(grant.effect))
    .bind(grant.permission.as_str())
    .bind(condition)
    .bind(grant.created_at.as_microsecond())
    .bind(grant.valid_from.map(Timestamp::as_microsecond))
    .bind(grant.valid_until.map(Timestamp::as_microsecond))
    .execute(db)
    .await
    .map_err(failed)?;
    Ok(())
}

fn unfit(what: &str) -> StoreError {
    StoreError::Corrupt { what: what.to_owned() }
}

fn effect_word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    }
}

fn effect(row: &SqliteRow) -> Result<Effect, StoreError> {
    match row::get(row, "effect")? {
        "allow" => Ok(Effect::Allow),
        "deny" => Ok(Effect::Deny),
        _ => Err(unfit("effect")),
    }
}

fn read_grant(row: &SqliteRow) -> Result<Grant, StoreError> {
    let condition: Option<&str> = row::get(row, "condition")?;
    let condition = condition.map(serde_json::from_str::<ConditionSpec>).transpose();
    Ok(Grant {
        id: row::text(row, "id")?,
        effect: effect(row)?,
        permission: Permission::from(row::get::<&str>(row, "permission")?),
        place: None,
        // A condition that cannot be read must not count as none.
        condition: condition.map_err(|_| unfit("condition"))?,
        valid_from: row::maybe_time(row, "valid_from")?,
        valid_until: row::maybe_time(row, "valid_until")?,
        created_at: row::time(row, "created_at")?,
    })
}

/// Refuses a subject that is not there; else gives its key.
async fn refuse_missing(
    db: &mut SqliteConnection,
    subject: &Subject,
) -> Result<(&'static str, String), StoreError> {
    let (kind, id) = subject_key(subject).ok_or(StoreError::NotFound { what: "subject" })?;
    let there: bool = sqlx::query_scalar(match subject {
        Subject::User(_) => "SELECT EXISTS (SELECT 1 FROM users WHERE id = $1)",
        _ => "SELECT EXISTS (SELECT 1 FROM clients WHERE id = $1)",
    })
    .bind(&id)
    .fetch_one(db)
    .await
    .map_err(failed)?;
    if there { Ok((kind, id)) } else { Err(StoreError::NotFound { what: kind }) }
}

/// Assigns a role that must be there to a subject that is.
pub(super) async fn assign(
    db: &mut SqliteConnection,
    subject: &Subject,
    role: &Role,
) -> Result<(), StoreError> {
    let (kind, id) = subject_key(subject).ok_or(StoreError::NotFound { what: "subject" })?;
    refuse_missing_role(db, role).await?;
    sqlx::query(
        "INSERT INTO subject_roles (subject_kind, subject_id, role) VALUES ($1, $2, $3)
        ON CONFLICT (subject_kind, subject_id, role) DO NOTHING",
    )
    .bind(kind)
    .bind(id)
    .bind(role.as_str())
    .execute(db)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn refuse_missing_role(db: &mut SqliteConnection, role: &Role) -> Result<(), StoreError> {
    let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM roles WHERE name = $1)")
        .bind(role.as_str())
        .fetch_one(db)
        .await
        .map_err(failed)?;
    if there { Ok(()) } else { Err(NO_ROLE) }
}

async fn inclusions(db: &mut SqliteConnection) -> Result<Inclusions, StoreError> {
    let mut graph = Inclusions::new();
    let found = sqlx::query("SELECT role, included FROM role_includes");
    for row in found.fetch_all(db).await.map_err(failed)? {
        let role = Role::from(row::get::<&str>(&row, "role")?);
        let included = Role::from(row::get::<&str>(&row, "included")?);
        graph.entry(role).or_default().insert(included);
    }
    Ok(graph)
}

/// Writes what a role carries and includes.
async fn fill_role(db: &mut SqliteConnection, role: &RoleRecord) -> Result<(), StoreError> {
    for included in &role.includes {
        refuse_missing_role(db, included).await?;
    }
    let mut graph = inclusions(db).await?;
    graph.insert(role.name.clone(), role.includes.clone());
    graph::refuse_cycle(&graph, &role.name)?;
    let allowed = role.permissions.iter().map(|permission| (permission, Effect::Allow));
    let denied = role.denied.iter().map(|permission| (permission, Effect::Deny));
    for (permission, effect) in allowed.chain(denied) {
        sqlx::query("INSERT INTO role_permissions (role, permission, effect) VALUES ($1, $2, $3)")
            .bind(role.name.as_str())
            .bind(permission.as_str())
            .bind(effect_word(effect))
            .execute(&mut *db)
            .await
            .map_err(failed)?;
    }
    for included in &role.includes {
        sqlx::query("INSERT INTO role_includes (role, included) VALUES ($1, $2)")
            .bind(role.name.as_str())
            .bind(included.as_str())
            .execute(&mut *db)
            .await
            .map_err(failed)?;
    }
    Ok(())
}
