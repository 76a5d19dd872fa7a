//! What PostgreSQL alone can do to us: transactions from outside that overlap, connections that are
//! ended, a server that cannot be reached for a while. On the server that `PORTCULLIS_TEST_POSTGRES_URL`
//! names; `cargo xtask test` starts one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::PASSWORD;
use super::nodes::Nodes;
use crate::auth::{
    AccessFormat, Actor, Auth, Database, DatabaseError, DatabaseSettings, Denied, NewAccount,
};
use crate::problem::ProblemKind;
use crate::types::RoleRecord;

/// A shell at the schema of these nodes; `None` where the tests run on SQLite.
async fn shell(nodes: &Nodes) -> Option<PgConnection> {
    if !nodes.url.starts_with("postgres") {
        return None;
    }
    Some(PgConnection::connect(&nodes.url).await.unwrap())
}

async fn run(shell: &mut PgConnection, text: &str) {
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(shell).await.unwrap();
}

/// A number is drawn before its transaction is committed. Without the lock the second shell's change would
/// be read first, and the first one's, with the lower number, never.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_shell_that_commits_late_is_not_passed_over() {
    let nodes = Nodes::new(1).await;
    let Some(mut first) = shell(&nodes).await else { return };
    let mut second = shell(&nodes).await.unwrap();
    run(&mut first, "BEGIN; INSERT INTO roles VALUES ('late', '')").await;
    let other = tokio::spawn(async move {
        run(&mut second, "INSERT INTO roles VALUES ('early', '')").await;
    });
    let auth = nodes.nodes[0].clone();
    let ours = tokio::spawn(async move {
        auth.add_role(&Actor::system(), RoleRecord::new("ours")).await.unwrap();
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(
        !other.is_finished() && !ours.is_finished(),
        "they wait for the one that numbered first"
    );
    nodes.nodes[0].catch_up().await.unwrap();
    run(&mut first, "COMMIT").await;
    other.await.unwrap();
    ours.await.unwrap();
    nodes.nodes[0].catch_up().await.unwrap();
    let roles = nodes.nodes[0].roles();
    for name in ["late", "early", "ours"] {
        assert!(roles.records().any(|role| role.name.as_str() == name), "{name} is not known");
    }
}

/// Whoever holds the lock for too long makes the others say 503, and nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_does_not_end_makes_changes_a_503_and_reading_goes_on() {
    let nodes = Nodes::new(1).await;
    let Some(mut holder) = shell(&nodes).await else { return };
    nodes.user("ann").await;
    let issued = nodes.issue(0, "ann", AccessFormat::Jwt).await;
    run(&mut holder, "BEGIN; SELECT hold_writing()").await;
    let began = Instant::now();
    let refused = nodes.nodes[0].add_role(&Actor::system(), RoleRecord::new("new")).await;
    assert_eq!(refused.unwrap_err().kind(), ProblemKind::Unavailable);
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
    nodes.nodes[0].principal_of_token(issued.access.expose()).await.unwrap();
    run(&mut holder, "ROLLBACK").await;
    nodes.nodes[0].add_role(&Actor::system(), RoleRecord::new("new")).await.unwrap();
}

/// A node that stops in the middle of a change holds the others up no longer than a statement may take.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_does_nothing_is_ended_by_the_server() {
    let nodes = Nodes::new(1).await;
    let Some(mut shell) = shell(&nodes).await else { return };
    let settings = DatabaseSettings {
        statement_timeout: Duration::from_secs(1),
        ..DatabaseSettings::default()
    };
    let frozen = Database::connect_with(&nodes.url, &settings).await.unwrap();
    let mut writing = frozen.begin_writing().await.unwrap();
    nodes.nodes[0].add_role(&Actor::system(), RoleRecord::new("new")).await.unwrap();
    let statement = crate::auth::db::sql("DELETE FROM roles");
    let error = statement.execute(&mut writing).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Unavailable(_)), "{error:?}");
    writing.roll_back().await;
    let slow = crate::auth::db::sql("SELECT pg_sleep(3)");
    let mut writing = frozen.begin_writing().await.unwrap();
    let error = slow.execute(&mut writing).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Unavailable(_)), "{error:?}");
    writing.roll_back().await;
    run(&mut shell, "SELECT 1").await;
}

/// At a stricter level a transaction would see the moment before it waited for the lock, and fail.
#[tokio::test(flavor = "multi_thread")]
async fn a_stricter_level_as_the_default_of_the_server_changes_nothing() {
    let Some(url) = crate::testing::database_url() else { return };
    let url = format!("{url}&options[default_transaction_isolation]=serializable");
    let nodes = Nodes::over(2, url, tempfile::tempdir().unwrap()).await;
    for round in 0..20 {
        let change = |node: usize| {
            let auth = &nodes.nodes[node];
            let change = crate::auth::RoleChange {
                permissions: Some([(&*format!("p{round}x{node}")).into()].into()),
                ..crate::auth::RoleChange::default()
            };
            async move { auth.change_role(&Actor::system(), "reader".into(), change).await }
        };
        let (a, b, c) = tokio::join!(change(0), change(1), change(0));
        for done in [a, b, c] {
            done.unwrap();
        }
    }
}

/// A unique violation is told by the constraint's name, as it is where nobody looked before.
#[tokio::test]
async fn a_value_that_another_has_is_a_conflict_and_names_the_field() {
    let nodes = Nodes::new(1).await;
    let Some(mut shell) = shell(&nodes).await else { return };
    nodes.user("ann").await;
    let mut writing = nodes.nodes[0].database().begin_writing().await.unwrap();
    let again = crate::auth::db::sql(
        "INSERT INTO users (id, username, username_folded, email_verified, active, created_at, updated_at)
        VALUES ('x', 'Ann', 'ann', false, true, 0, 0)",
    );
    let refused = again.execute(&mut writing).await.unwrap_err();
    assert_eq!(refused.to_string(), "another has this username already");
    writing.roll_back().await;
    run(&mut shell, "SELECT 1").await;
}

/// Every connection is ended again and again while two nodes work: an answer may be a 503, none that was
/// good is lost, and the nodes recover by themselves.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_ended_under_load_lose_no_answer() {
    let Some(url) = crate::testing::database_url() else { return };
    let name = url.rsplit('=').next().unwrap().to_owned();
    let url = format!("{url}&application_name={name}");
    let nodes = Nodes::over(2, url, tempfile::tempdir().unwrap()).await;
    let mut killer = shell(&nodes).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicU32::new(0));
    let mut workers = Vec::new();
    for worker in 0..6 {
        let (auth, stop) = (nodes.nodes[worker % 2].clone(), Arc::clone(&stop));
        let answered = Arc::clone(&answered);
        workers.push(tokio::spawn(async move {
            let mut made = Vec::new();
            for number in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let role = RoleRecord::new(format!("r{worker}x{number}"));
                match auth.add_role(&Actor::system(), role.clone()).await {
                    Ok(()) => {
                        made.push(role.name);
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(problem) => {
                        assert_eq!(problem.kind(), ProblemKind::Unavailable, "{problem:?}");
                    }
                }
            }
            made
        }));
    }
    let began = Instant::now();
    // Until enough was answered in between, however slow the machine is.
    for round in 0_u32.. {
        if round >= 10 && answered.load(Ordering::Relaxed) >= 20 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "they do not recover");
        tokio::time::sleep(Duration::from_millis(200)).await;
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = '{name}' AND pid <> pg_backend_pid()"
        );
        run(&mut killer, &end).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut made = Vec::new();
    for worker in workers {
        made.extend(worker.await.unwrap());
    }
    for (number, node) in nodes.nodes.iter().enumerate() {
        let again = RoleRecord::new(format!("after{number}"));
        node.add_role(&Actor::system(), again).await.unwrap();
        node.catch_up().await.unwrap();
        let known = node.roles();
        for name in &made {
            assert!(known.records().any(|role| role.name == *name), "{name:?} is lost");
        }
        assert_eq!(node.verify_audit(None).await.unwrap().fault, None);
    }
}

/// A way to the server that can be cut: what goes through it stops, and nobody gets in.
struct Way {
    url: String,
    open: watch::Sender<bool>,
}

impl Way {
    async fn to(url: &str) -> Self {
        let (before, rest) = url.split_once('@').unwrap();
        let (server, after) = rest.split_once('/').unwrap();
        let (host, port) = server.split_once(':').unwrap_or((server, "5432"));
        let server = (host.to_owned(), port.parse::<u16>().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{before}@{}/{after}", listener.local_addr().unwrap());
        let (open, seen) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                if !*seen.borrow() {
                    continue;
                }
                let (server, mut seen) = (server.clone(), seen.clone());
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(server).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = seen.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { url, open }
    }
}

/// One node is cut from the database: it answers from memory for as long as its lease, then 503, and goes
/// on by itself; what was ended meanwhile has ended there too.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_stops_answering_and_recovers_by_itself() {
    let Some(url) = crate::testing::database_url().filter(|url| url.contains('@')) else { return };
    let nodes = Nodes::over(1, url.clone(), tempfile::tempdir().unwrap()).await;
    let way = Way::to(&url).await;
    let database = Database::connect(&way.url).await.unwrap();
    let cut = Auth::builder(database, nodes.nodes[0].0.master.clone());
    let cut = cut.passwords(crate::crypto::PasswordSettings::cheap()).start().await.unwrap();
    tokio::spawn(cut.clone().sync(Duration::from_millis(100)));
    let ann = nodes.user("ann").await;
    let issued = nodes.issue(0, "ann", AccessFormat::Jwt).await;
    let text = issued.access.expose();
    cut.principal_of_token(text).await.unwrap();
    cut.database().probe().await.unwrap();

    way.open.send(false).unwrap();
    nodes.nodes[0].end_sessions(&Actor::system(), ann, None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let began = Instant::now();
    let denied = cut.principal_of_token(text).await.unwrap_err();
    assert!(matches!(denied, Denied::Database(_)), "{denied:?}");
    let refused = cut.add_role(&Actor::system(), RoleRecord::new("new")).await.unwrap_err();
    assert_eq!(refused.kind(), ProblemKind::Unavailable);
    assert!(cut.database().probe().await.is_err());
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());

    way.open.send(true).unwrap();
    let began = Instant::now();
    while cut.add_role(&Actor::system(), RoleRecord::new("new")).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "it does not recover");
    }
    let denied = cut.principal_of_token(text).await.unwrap_err();
    assert!(matches!(denied, Denied::Invalid), "its session was ended meanwhile: {denied:?}");
    let account = NewAccount::new("bob", PASSWORD);
    cut.add_user(&Actor::system(), account, true, &[]).await.unwrap();
}
