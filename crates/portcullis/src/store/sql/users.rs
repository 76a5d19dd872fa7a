use async_trait::async_trait;
use sqlx::sqlite::SqliteConnection;

use super::row::{self, user_columns};
use super::{KeepOne, SqlStore, failed, sessions};
use crate::store::cursor::{self, Cursor};
use crate::store::{NewUser, StoreError, UserChange, UserFilter, Users, fold};
use crate::types::{Page, PageRequest, Role, SessionId, Timestamp, User, UserId};

const NO_USER: StoreError = StoreError::NotFound { what: "user" };

#[async_trait]
impl Users for SqlStore {
    async fn insert_user(&self, new: NewUser) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        let user = &new.user;
        refuse_taken(&mut transaction, user).await?;
        sqlx::query(
            "INSERT INTO users (id, username, username_folded, name, email, email_folded,
                email_verified, active, password_hash, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(user.id.to_string())
        .bind(&user.username)
        .bind(fold(&user.username))
        .bind(&user.name)
        .bind(&user.email)
        .bind(user.email.as_deref().map(fold))
        .bind(user.email_verified)
        .bind(user.active)
        .bind(&new.password_hash)
        .bind(user.created_at.as_microsecond())
        .bind(user.updated_at.as_microsecond())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        for role in &new.roles {
            super::grants::assign(&mut transaction, &user.id.into(), role).await?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let found = sqlx::query(concat!("SELECT ", user_columns!(), " FROM users WHERE id = $1"))
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(failed)?;
        found.as_ref().map(row::user).transpose()
    }

    async fn user_by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        let found = sqlx::query(concat!(
            "SELECT ",
            user_columns!(),
            " FROM users WHERE username_folded = $1 OR email_folded = $1
            ORDER BY username_folded = $1 DESC LIMIT 1"
        ))
        .bind(fold(login))
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?;
        found.as_ref().map(row::user).transpose()
    }

    async fn password_hash(&self, id: UserId) -> Result<Option<String>, StoreError> {
        let hash: Option<Option<String>> =
            sqlx::query_scalar("SELECT password_hash FROM users WHERE id = $1")
                .bind(id.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(failed)?;
        Ok(hash.flatten())
    }

    async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        keep: Option<SessionId>,
        required_role: Option<&Role>,
        now: Timestamp,
    ) -> Result<(User, Vec<SessionId>), StoreError> {
        let mut transaction = self.write().await?;
        let guard = KeepOne::begin(&mut transaction, required_role).await?;
        let before = sqlx::query(concat!("SELECT ", user_columns!(), " FROM users WHERE id = $1"))
            .bind(id.to_string())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let before = row::user(before.as_ref().ok_or(NO_USER)?)?;
        let user = change.apply(before, now);
        refuse_taken(&mut transaction, &user).await?;
        sqlx::query(
            "UPDATE users SET username = $2, username_folded = $3, name = $4, email = $5,
                email_folded = $6, email_verified = $7, active = $8,
                password_hash = COALESCE($9, password_hash), updated_at = $10
            WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(&user.username)
        .bind(fold(&user.username))
        .bind(&user.name)
        .bind(&user.email)
        .bind(user.email.as_deref().map(fold))
        .bind(user.email_verified)
        .bind(user.active)
        .bind(&change.password_hash)
        .bind(now.as_microsecond())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let ended = if change.ends_sessions() {
            sqlx::query("DELETE FROM api_keys WHERE subject_kind = 'user' AND subject_id = $1")
                .bind(id.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
            sessions::end_all(&mut transaction, id, keep, now).await?
        } else {
            Vec::new()
        };
        guard.check(&mut transaction).await?;
        transaction.commit().await.map_err(failed)?;
        Ok((user, ended))
    }

    async fn upgrade_password_hash(
        &self,
        id: UserId,
        old: &str,
        new: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2")
            .bind(id.to_string())
            .bind(old)
            .bind(new)
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn delete_user(
        &self,
        id: UserId,
        required_role: Option<&Role>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut transaction = self.write().await?;
        let guard = KeepOne::begin(&mut transaction, required_role).await?;
        let ended = sessions::end_all(&mut transaction, id, None, now).await?;
        let deleted = sqlx::query("DELETE FROM users WHERE id = $1")
            .bind(id.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        if deleted.rows_affected() == 0 {
            return Err(NO_USER);
        }
        guard.check(&mut transaction).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(ended)
    }

    async fn users(
        &self,
        filter: &UserFilter,
        page: &PageRequest,
    ) -> Result<Page<User>, StoreError> {
        let after = Cursor::parse(page)?;
        let limit = cursor::limit(page);
        let prefix = filter.username_prefix.as_deref().map(fold).unwrap_or_default();
        // Behind every name that begins so: no character is greater.
        let prefix_end = format!("{prefix}{}", char::MAX);
        // A prefix is looked up by name; without one, the list is walked by age. `+ 0` keeps the
        // engine from walking by age all the same.
        let statement = if prefix.is_empty() {
            concat!(
                "SELECT ",
                user_columns!(),
                " FROM users
                WHERE (created_at, id) > ($1, $2) AND active IN ($3, $4)
                ORDER BY created_at, id LIMIT $5"
            )
        } else {
            concat!(
                "SELECT ",
                user_columns!(),
                " FROM users
                WHERE (created_at + 0, id) > ($1, $2) AND active IN ($3, $4)
                    AND username_folded >= $6 AND username_folded < $7
                ORDER BY created_at + 0, id LIMIT $5"
            )
        };
        let mut query = sqlx::query(statement)
            .bind(after.created_at)
            .bind(&after.id)
            .bind(filter.active.unwrap_or(true))
            .bind(filter.active.unwrap_or(false))
            .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX));
        if !prefix.is_empty() {
            query = query.bind(&prefix).bind(&prefix_end);
        }
        let found = query.fetch_all(&self.readers).await.map_err(failed)?;
        let found = found.iter().map(row::user).collect::<Result<_, _>>()?;
        Ok(cursor::paged(found, limit, |user: &User| Cursor::new(user.created_at, &user.id)))
    }
}

/// Refuses a login that is another's, be it as username or as e-mail address.
async fn refuse_taken(db: &mut SqliteConnection, user: &User) -> Result<(), StoreError> {
    let logins = [("username", Some(&user.username)), ("email", user.email.as_ref())];
    for (field, login) in logins {
        let Some(login) = login else { continue };
        let taken: bool = sqlx::query_scalar(
            "SELECT EXISTS (
                SELECT 1 FROM users WHERE (username_folded = $1 OR email_folded = $1) AND id <> $2
            )",
        )
        .bind(fold(login))
        .bind(user.id.to_string())
        .fetch_one(&mut *db)
        .await
        .map_err(failed)?;
        if taken {
            return Err(StoreError::Conflict { field });
        }
    }
    Ok(())
}
