//! A database of any size, written in bulk.

use std::path::Path;

use portcullis::types::{ConditionSpec, Timestamp};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

/// How many of each there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) roles: u32,
    /// Two for each of the first users.
    pub(crate) grants: u32,
    /// Each holds one role.
    pub(crate) users: u32,
}

/// What is called many.
pub(crate) const BIG: Size = Size { roles: 10_000, grants: 100_000, users: 1_000_000 };

/// The id of a user, and of their first grant.
pub(crate) const ID: &str = "printf('00000000-0000-7000-8000-%012x', n)";

/// Fills a database whose tables are there. Roles come in chains of four, each including the one
/// before; every user has the same password.
pub(crate) async fn seed(file: &Path, size: Size, password_hash: Option<&str>) {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Off)
        .pragma("cache_size", "-200000")
        .disable_statement_logging();
    let mut db = options.connect().await.unwrap();
    let mut all = db.begin().await.unwrap();
    let always = ConditionSpec::NotAfter("2999-01-01T00:00:00Z".parse::<Timestamp>().unwrap());
    let always = serde_json::to_string(&always).unwrap();
    let role = "printf('role-%05d', n)";
    let numbers = |count: u32| {
        format!(
            "WITH RECURSIVE numbers (n) AS
                (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {count})"
        )
    };
    let statements = [
        format!(
            "INSERT INTO roles (name, description) {} SELECT {role}, 'One of many.' FROM numbers",
            numbers(size.roles)
        ),
        format!(
            "INSERT INTO role_permissions (role, permission, effect)
            {} SELECT {role}, printf('work-%d:%s', n / 2, iif(n % 2, 'read', 'write')), 'allow'
            FROM numbers",
            numbers(size.roles)
        ),
        format!(
            "INSERT INTO role_includes (role, included)
            {} SELECT {role}, printf('role-%05d', n - 1) FROM numbers WHERE n % 4 > 0",
            numbers(size.roles)
        ),
        format!(
            "INSERT INTO users (id, username, username_folded, email_verified, active,
                password_hash, created_at, updated_at)
            {} SELECT {ID}, 'user-' || n, 'user-' || n, 0, 1, $1, n, n FROM numbers",
            numbers(size.users)
        ),
        format!(
            "INSERT INTO subject_roles (subject_kind, subject_id, role)
            {} SELECT 'user', {ID}, printf('role-%05d', n % {}) FROM numbers",
            numbers(size.users),
            size.roles
        ),
        format!(
            "INSERT INTO grants (id, subject_kind, subject_id, effect, permission, created_at)
            {} SELECT {ID}, 'user', {ID}, 'allow', 'desk:read', 0 FROM numbers",
            numbers(size.grants / 2)
        ),
        format!(
            "INSERT INTO grants
                (id, subject_kind, subject_id, effect, permission, condition, created_at)
            {} SELECT printf('00000000-0000-7000-9000-%012x', n), 'user', {ID}, 'allow',
                'desk:write', $2, 0 FROM numbers",
            numbers(size.grants / 2)
        ),
    ];
    for statement in statements {
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(password_hash).bind(&always);
        query.execute(&mut *all).await.unwrap();
    }
    all.commit().await.unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut db).await.unwrap();
    SqliteConnection::close(db).await.unwrap();
}

/// The one in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
