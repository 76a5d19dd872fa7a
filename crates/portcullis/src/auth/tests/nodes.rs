//! Several nodes over one database: what ends on one has ended on all, within the lease.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::PASSWORD;
use crate::auth::db::sql;
use crate::auth::{
    AccessFormat, Actor, Auth, Caller, Database, Issued, NewAccount, RoleChange, Settings,
};
use crate::clock::Sources;
use crate::crypto::{MasterSecret, PasswordSettings};
use crate::types::{Principal, RoleRecord, Scopes, Subject, UserId};

/// How often each thing is tried.
const ROUNDS: u32 = 40;
/// How long memory may be behind; what is tested is that nobody is behind for longer.
const LEASE: Duration = Duration::from_secs(1);

/// Nodes that share a database, each with memory and connections of its own.
#[expect(clippy::struct_field_names, reason = "they are the nodes")]
pub(super) struct Nodes {
    pub(super) nodes: Vec<Auth>,
    pub(super) url: String,
    _folder: TempDir,
}

impl Nodes {
    pub(super) async fn new(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = format!("sqlite://{}/nodes.db", folder.path().display());
        #[cfg(feature = "postgres")]
        let url = crate::testing::database_url().unwrap_or(file);
        #[cfg(not(feature = "postgres"))]
        let url = file;
        Self::over(count, url, folder).await
    }

    pub(super) async fn over(count: usize, url: String, folder: TempDir) -> Self {
        let master = MasterSecret::generate(&Sources::system()).unwrap();
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(Self::node(&url, &master).await);
        }
        let mut role = RoleRecord::new("reader");
        role.permissions.insert("read".into());
        nodes[0].add_role(&Actor::system(), role).await.unwrap();
        Self { nodes, url, _folder: folder }
    }

    async fn node(url: &str, master: &MasterSecret) -> Auth {
        let database = Database::connect(url).await.unwrap();
        database.migrate().await.unwrap();
        let settings = Settings::new("http://127.0.0.1:8000");
        assert_eq!(u128::from(settings.max_staleness), LEASE.as_millis());
        let auth = Auth::builder(database, master.clone()).settings(settings);
        let auth = auth.passwords(PasswordSettings::cheap()).start().await.unwrap();
        // Where the server tells of changes, nobody needs to ask for them.
        let every = if auth.database().is_shared() { 5000 } else { 50 };
        tokio::spawn(auth.clone().sync(Duration::from_millis(every)));
        auth
    }

    pub(super) async fn user(&self, name: &str) -> UserId {
        let account = NewAccount::new(name, PASSWORD);
        let roles = ["reader".into()];
        self.nodes[0].add_user(&Actor::system(), account, true, &roles).await.unwrap().id
    }

    pub(super) async fn issue(&self, node: usize, name: &str, format: AccessFormat) -> Issued {
        let (auth, caller) = (&self.nodes[node], Caller::default());
        let signed = auth.sign_in(&caller.actor(), name, PASSWORD.to_owned().into()).await;
        let format = Some(format);
        auth.begin_tokens(&signed.unwrap(), Scopes::All, format, caller).await.unwrap()
    }

    async fn who(&self, node: usize, issued: &Issued) -> Option<Principal> {
        self.nodes[node].principal_of_token(issued.access.expose()).await.ok()
    }

    /// How long until every node answers so.
    async fn until(&self, answers: impl AsyncFn(usize) -> bool) -> Duration {
        let began = Instant::now();
        for node in 0..self.nodes.len() {
            while !answers(node).await {
                assert!(began.elapsed() < LEASE, "node {node} is behind");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        began.elapsed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_on_one_node_ends_on_the_others_within_the_lease() {
    let nodes = Nodes::new(3).await;
    let ann = nodes.user("ann").await;
    let mut took = Vec::new();
    for round in 0..ROUNDS {
        let format = if round % 2 == 0 { AccessFormat::Jwt } else { AccessFormat::Opaque };
        let ending = usize::try_from(round).unwrap() % 3;
        let issued = nodes.issue((ending + 1) % 3, "ann", format).await;
        for node in 0..3 {
            assert!(nodes.who(node, &issued).await.is_some(), "round {round}, node {node}");
        }
        let who = nodes.who(ending, &issued).await.unwrap();
        let auth = &nodes.nodes[ending];
        match round % 3 {
            0 => {
                let session = who.session.unwrap();
                assert!(auth.end_session(&Actor::system(), ann, session).await.unwrap());
            }
            1 => drop(auth.end_sessions(&Actor::system(), ann, None).await.unwrap()),
            _ => assert!(auth.end_own_session(&who).await.unwrap()),
        }
        assert!(nodes.who(ending, &issued).await.is_none(), "it counts here at once");
        took.push(nodes.until(async |node| nodes.who(node, &issued).await.is_none()).await);
    }
    took.sort();
    let usual = took[took.len() / 2];
    // The server wakes us: nobody waited for the next look at the feed, nor for the end of a lease.
    assert!(usual < LEASE / 4, "usually after {usual:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_changes_on_one_node_has_changed_on_the_others_within_the_lease() {
    let nodes = Nodes::new(2).await;
    nodes.user("ann").await;
    let issued = nodes.issue(0, "ann", AccessFormat::Jwt).await;
    for round in 0..ROUNDS {
        let name = format!("read{round}");
        let change =
            RoleChange { permissions: Some([(&*name).into()].into()), ..RoleChange::default() };
        let node = &nodes.nodes[usize::try_from(round).unwrap() % 2];
        node.change_role(&Actor::system(), "reader".into(), change).await.unwrap();
        let may = async |node| nodes.who(node, &issued).await.unwrap().may(&(&*name).into());
        nodes.until(may).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_raced_on_two_nodes_leaves_one_lineage() {
    let nodes = Nodes::new(2).await;
    nodes.user("ann").await;
    let mut shown =
        nodes.issue(0, "ann", AccessFormat::Jwt).await.refresh.unwrap().expose().clone();
    for round in 0..ROUNDS {
        let actor = Caller::default().actor();
        let refresh = |node: usize| nodes.nodes[node].refresh(&actor, &shown, None, None);
        let (a, b, c, d) = tokio::join!(refresh(0), refresh(1), refresh(0), refresh(1));
        let answers = [a, b, c, d].map(|one| one.unwrap().refresh.unwrap().expose().clone());
        assert!(answers.iter().all(|one| *one == answers[0]), "round {round}");
        shown = answers[0].clone();
    }
    let unused = sql("SELECT count(*) AS found FROM refresh_tokens WHERE used_at IS NULL");
    let unused: i64 = unused.one(nodes.nodes[0].database()).await.unwrap().get("found").unwrap();
    assert_eq!(unused, 1);
}

/// One login among usernames and addresses, one role graph, one last administrator, one audit chain.
#[tokio::test(flavor = "multi_thread")]
async fn of_changes_that_cannot_both_be_one_counts_whichever_node_makes_them() {
    let nodes = Nodes::new(2).await;
    for round in 0..ROUNDS / 4 {
        let login = format!("x{round}@example.org");
        let mut by_address = NewAccount::new(&format!("y{round}"), PASSWORD);
        by_address.email = Some(login.clone());
        let by_name = NewAccount::new(&login, PASSWORD);
        let add = |node: usize, account| {
            let auth = &nodes.nodes[node];
            async move { auth.add_user(&Actor::system(), account, true, &[]).await.is_ok() }
        };
        let (a, b) = tokio::join!(add(0, by_name), add(1, by_address));
        assert!(a != b, "round {round}: {a} {b}");

        let names = [format!("one{round}"), format!("two{round}")];
        for name in &names {
            nodes.nodes[0].add_role(&Actor::system(), RoleRecord::new(&**name)).await.unwrap();
        }
        let include = |node: usize, of: usize| {
            let included = [(&*names[1 - of]).into()].into();
            let change = RoleChange { includes: Some(included), ..RoleChange::default() };
            let (auth, name) = (&nodes.nodes[node], (&*names[of]).into());
            async move { auth.change_role(&Actor::system(), name, change).await.is_ok() }
        };
        let (a, b) = tokio::join!(include(0, 0), include(1, 1));
        assert!(a != b, "round {round}: {a} {b}");
    }
    let mut admin = RoleRecord::new("admin");
    admin.permissions.insert("*".into());
    nodes.nodes[0].add_role(&Actor::system(), admin).await.unwrap();
    let mut both = Vec::new();
    for name in ["p", "q"] {
        let account = NewAccount::new(name, PASSWORD);
        let made = nodes.nodes[0].add_user(&Actor::system(), account, true, &[]).await;
        both.push(Subject::User(made.unwrap().id));
    }
    for round in 0..ROUNDS / 4 {
        for who in &both {
            let system = Actor::system();
            nodes.nodes[0].assign_role(&system, who.clone(), "admin".into()).await.unwrap();
        }
        let take = |node: usize, who: usize| {
            let (auth, who) = (&nodes.nodes[node], both[who].clone());
            async move { auth.unassign_role(&Actor::system(), who, "admin".into()).await.is_ok() }
        };
        let (a, b) = tokio::join!(take(0, 0), take(1, 1));
        assert!(a != b, "round {round}: {a} {b}");
    }
    for node in &nodes.nodes {
        assert_eq!(node.verify_audit(None).await.unwrap().fault, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_nodes_start_and_make_the_schema_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}/nodes.db", folder.path().display());
    #[cfg(feature = "postgres")]
    let url = crate::testing::database_url().unwrap_or(file);
    #[cfg(not(feature = "postgres"))]
    let url = file;
    let master = MasterSecret::generate(&Sources::system()).unwrap();
    let start = || Nodes::node(&url, &master);
    let (a, b, c, d) = tokio::join!(start(), start(), start(), start());
    let keys = a.keys().await.unwrap();
    assert_eq!(keys.len(), 1, "one of them made the first key");
    for node in [b, c, d] {
        assert_eq!(node.keys().await.unwrap().len(), 1);
        assert_eq!(node.verify_audit(None).await.unwrap().fault, None);
    }
}
