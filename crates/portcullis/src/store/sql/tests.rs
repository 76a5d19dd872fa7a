//! SQLite keeps the contract, on a real file, with others at the same file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sqlx::migrate::Migrator;
use tempfile::TempDir;

use super::{ConnectError, SqlStore};
use crate::problem::{Problem, ProblemKind};
use crate::store::feed::CHANGES_KEPT;
use crate::store::{Change, Feed, Grants, Sessions, StoreError, UserFilter, Users};
use crate::testing::contract;
use crate::types::{PageRequest, SessionId, Subject, Timestamp, UserId};

fn url(folder: &TempDir, name: &str) -> String {
    format!("sqlite://{}", folder.path().join(name).display())
}

async fn open(url: &str) -> SqlStore {
    let store = SqlStore::connect(url).await.unwrap();
    store.migrate().await.unwrap();
    store
}

async fn sql(store: &SqlStore, text: &'static str) {
    sqlx::raw_sql(text).execute(&store.writer).await.unwrap();
}

const ADA: &str = "00000000-0000-0000-0000-000000000001";

/// A user and a session of theirs, as a shell makes them.
const ADA_SQL: &str = "
    INSERT INTO users (id, username, username_folded, email_verified, active, created_at, updated_at)
    VALUES ('00000000-0000-0000-0000-000000000001', 'ada', 'ada', 0, 1, 0, 0);
    INSERT INTO sessions (id, user_id, client_id, created_at, last_used_at, idle_expires_at,
        expires_at, second_factor, scopes)
    VALUES ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001',
        'portcullis', 0, 0, 9000000000000000, 9000000000000000, 0, '');";

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let count = AtomicU32::new(0);
    let make = async || {
        let n = count.fetch_add(1, Ordering::Relaxed);
        open(&url(&folder, &format!("{n}.db"))).await
    };
    contract::all(&make).await;
    // Nothing is closed in order: a process that dies leaves it the same way.
    let reopen = async |store: SqlStore| {
        let file = store.writer.connect_options().get_filename().to_owned();
        drop(store);
        open(&format!("sqlite://{}", file.display())).await
    };
    contract::persistent(&make, reopen).await;
}

#[test]
fn no_ended_lineage_lives_again() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = runtime.block_on(open(&url(&folder, "x.db")));
    let count = AtomicU32::new(1);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(20));
    let run = runner.run(&crate::store::tests::deeds(), |deeds| {
        let which = count.fetch_add(1, Ordering::Relaxed).into();
        runtime.block_on(crate::store::tests::follow(&store, &deeds, which));
        Ok(())
    });
    run.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_on_one_file_hear_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(&folder, "x.db");
    let (here, there) = (open(&url).await, open(&url).await);
    let (start, _) = here.changes(None).await.unwrap();
    sql(&there, ADA_SQL).await;
    assert_eq!(here.changes(Some(start)).await.unwrap(), (start, vec![]));
    let session = SessionId(uuid::Uuid::from_u128(2));
    there.end_session(session, Timestamp::UNIX_EPOCH).await.unwrap();
    let (next, changes) = here.changes(Some(start)).await.unwrap();
    assert_eq!(changes, [Change::SessionEnded(session, Timestamp::UNIX_EPOCH)]);
    assert_eq!(here.changes(Some(next)).await.unwrap(), (next, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_shell_does_is_told_and_ends_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&url(&folder, "x.db")).await;
    sql(&store, ADA_SQL).await;
    let (start, _) = store.changes(None).await.unwrap();
    let ada = Subject::User(ADA.parse().unwrap());
    let session = SessionId(uuid::Uuid::from_u128(2));
    // A shell of SQLite leaves foreign keys off.
    let mut shell = store.writer.acquire().await.unwrap();
    sqlx::raw_sql(
        "PRAGMA foreign_keys = OFF;
        INSERT INTO roles VALUES ('user', '');
        INSERT INTO subject_roles VALUES ('user', '00000000-0000-0000-0000-000000000001', 'user');
        DELETE FROM users;",
    )
    .execute(&mut *shell)
    .await
    .unwrap();
    drop(shell);
    let (_, changes) = store.changes(Some(start)).await.unwrap();
    assert!(changes.contains(&Change::Roles), "{changes:?}");
    assert!(changes.contains(&Change::Subject(ada)), "{changes:?}");
    let ended = changes.iter().any(|c| matches!(c, Change::SessionEnded(id, _) if *id == session));
    assert!(ended, "{changes:?}");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM subject_roles")
        .fetch_one(&store.writer)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_too_far_behind_reads_everything() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&url(&folder, "x.db")).await;
    sql(
        &store,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10005)
        INSERT INTO changes (kind, subject, at) SELECT 'keys', '', 0 FROM n;",
    )
    .await;
    crate::store::Tokens::sweep(&store, Timestamp::UNIX_EPOCH, 0).await.unwrap();
    let kept: u32 =
        sqlx::query_scalar("SELECT count(*) FROM changes").fetch_one(&store.writer).await.unwrap();
    assert_eq!(kept, CHANGES_KEPT);
    assert_eq!(store.changes(Some(4)).await.unwrap(), (10_005, vec![Change::Everything]));
    assert_eq!(store.changes(Some(5)).await.unwrap(), (10_005, vec![Change::Keys]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_change_may_be_anything() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&url(&folder, "x.db")).await;
    sql(&store, "INSERT INTO changes (kind, subject, at) VALUES ('new kind', '', 0)").await;
    assert_eq!(store.changes(Some(0)).await.unwrap().1, [Change::Everything]);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let store = open(&url(&folder, "x.db")).await;
    sql(&store, ADA_SQL).await;
    for name in ["x.db", "x.db-wal", "x.db-shm"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    store.close().await;
    assert!(!folder.path().join("x.db-wal").exists());
}

#[tokio::test]
async fn what_was_answered_is_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&url(&folder, "x.db")).await;
    for (pragma, wanted) in [("PRAGMA synchronous", 2_i64), ("PRAGMA foreign_keys", 1)] {
        for pool in [&store.writer, &store.readers] {
            let value: i64 = sqlx::query_scalar(pragma).fetch_one(pool).await.unwrap();
            assert_eq!(value, wanted, "{pragma}");
        }
    }
    let mode: String =
        sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&store.writer).await.unwrap();
    assert_eq!(mode, "wal");
}

#[tokio::test]
async fn other_urls_are_refused() {
    for url in [
        "",
        "portcullis.db",
        "postgres://x/y",
        "sqlite::memory:",
        "sqlite://",
        "sqlite:x?mode=memory",
    ] {
        let answer = SqlStore::connect(url).await;
        assert!(matches!(answer, Err(ConnectError::Url { .. })), "{url}: {answer:?}");
    }
    let answer = SqlStore::connect("sqlite:///nonesuch/folder/x.db").await;
    assert!(matches!(answer, Err(ConnectError::Open { .. })), "{answer:?}");
}

#[tokio::test]
async fn foreign_files_and_newer_schemas_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.txt"), "this is no database, it is a letter. ".repeat(50))
        .unwrap();
    let opened = SqlStore::connect(&url(&folder, "x.txt")).await;
    assert!(matches!(opened, Err(ConnectError::Open { .. })), "{opened:?}");

    let store = open(&url(&folder, "x.db")).await;
    store.migrate().await.unwrap();
    sql(
        &store,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'later', 1, x'00', 0)",
    )
    .await;
    let answer = store.migrate().await;
    assert!(
        matches!(answer, Err(ConnectError::Newer { found: 9999, known }) if known < 9999),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn several_may_migrate_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let url: Arc<str> = url(&folder, "x.db").into();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let url = Arc::clone(&url);
        tasks.spawn(async move { open(&url).await.ping().await });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn every_migration_in_the_folder_is_embedded() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite");
    let there = Migrator::new(std::path::Path::new(folder)).await.unwrap();
    let sums = |migrator: &Migrator| {
        migrator.iter().map(|m| (m.version, m.checksum.to_vec())).collect::<Vec<_>>()
    };
    assert_eq!(sums(&there), sums(&super::connect::MIGRATIONS));
}

#[tokio::test]
async fn what_cannot_be_is_said_and_not_taken_for_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&url(&folder, "x.db")).await;
    sql(&store, ADA_SQL).await;
    let ada = Subject::User(ADA.parse().unwrap());
    sql(
        &store,
        "INSERT INTO grants VALUES ('00000000-0000-0000-0000-000000000003', 'user',
            '00000000-0000-0000-0000-000000000001', 'allow', 'write', '{\"nonesuch\": 1}', 0)",
    )
    .await;
    let answer = store.standing(&ada).await;
    assert!(matches!(answer, Err(StoreError::Corrupt { .. })), "{answer:?}");
    sql(&store, "UPDATE users SET created_at = 9223372036854775807").await;
    let answer = store.users(&UserFilter::default(), &PageRequest::default()).await;
    assert!(matches!(answer, Err(StoreError::Corrupt { .. })), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&url(&folder, "x.db")).await;
    let id = UserId(uuid::Uuid::from_u128(1));
    store.close().await;
    let read = store.user(id).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    let written = store.delete_user(id, None, Timestamp::UNIX_EPOCH).await;
    let error = written.unwrap_err();
    assert_eq!(Problem::from(error).kind(), ProblemKind::Unavailable);
}
