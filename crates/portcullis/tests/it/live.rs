//! A change counts on the next request, with every credential already out, also under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis::auth::{Actor, UserRequest};
use portcullis::clock::Sources;
use portcullis::prelude::*;
use portcullis::testing::{FixedClock, TestApp, TestClient};
use portcullis::types::{RoleRecord, Timestamp};
use tempfile::TempDir;

use crate::app;

/// Routes that tell what their caller holds, on a SQLite file.
async fn started(sources: Sources) -> (TestApp, TempDir) {
    let (builder, folder) = app::auth(sources.clone()).await;
    let auth = builder.start().await.unwrap();
    let holds = async |who: Principal| {
        who.access.allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let routes = app::gate(&auth, sources)
        .routes::<()>()
        .get("/holds", authenticated(), holds)
        .get("/admin", role("admin"), async || "")
        .get("/read", permission("read"), async || "")
        .get("/items", scope("items:read"), async || "");
    (TestApp::new(routes.finish().unwrap(), auth), folder)
}

/// The same user by every scheme, each with a credential that is already out.
async fn by_every_scheme(user: TestClient) -> [TestClient; 4] {
    let all = [user.clone(), user.clone().opaque(), user.clone().cookie(), user.basic()];
    for client in &all {
        client.credential().await;
    }
    all
}

async fn each(clients: &[TestClient], path: &str, status: u16) {
    for client in clients {
        client.get(path).await.expect(status);
    }
}

#[tokio::test]
async fn of_two_identical_requests_around_a_change_the_second_is_judged_by_the_new_rule() {
    let clock = FixedClock::at("2026-03-02T12:00:00Z");
    let (app, _folder) = started(clock.sources()).await;
    let auth = app.auth();
    let ann = by_every_scheme(app.user("ann")).await;
    let id = ann[0].id().await;
    let subject = Subject::User(id);

    each(&ann, "/admin", 403).await;
    auth.add_role(&Actor::system(), RoleRecord::new("admin")).await.unwrap();
    auth.assign_role(&Actor::system(), subject.clone(), "admin".into()).await.unwrap();
    // Somebody else must stay, or the last administrator could not go.
    app.user("ada").with_role("admin").id().await;
    each(&ann, "/admin", 200).await;
    auth.unassign_role(&Actor::system(), subject.clone(), "admin".into()).await.unwrap();
    each(&ann, "/admin", 403).await;

    let until: Timestamp = "2026-03-02T13:00:00Z".parse().unwrap();
    let request = GrantRequest::allow("read").when(ConditionSpec::NotAfter(until));
    let grant = auth.grant(&Actor::system(), subject.clone(), request).await.unwrap();
    each(&ann, "/read", 200).await;
    auth.revoke_grant(&Actor::system(), subject.clone(), grant.id).await.unwrap();
    each(&ann, "/read", 403).await;

    let mut reader = RoleRecord::new("reader");
    auth.add_role(&Actor::system(), reader.clone()).await.unwrap();
    auth.assign_role(&Actor::system(), subject.clone(), "reader".into()).await.unwrap();
    each(&ann, "/read", 403).await;
    reader.permissions.insert("read".into());
    auth.replace_role(&Actor::system(), reader).await.unwrap();
    each(&ann, "/read", 200).await;
    let denied =
        auth.grant(&Actor::system(), subject.clone(), GrantRequest::deny("read")).await.unwrap();
    each(&ann, "/read", 403).await;
    auth.revoke_grant(&Actor::system(), subject, denied.id).await.unwrap();
    each(&ann, "/read", 200).await;
    auth.delete_role(&Actor::system(), "reader".into()).await.unwrap();
    each(&ann, "/read", 403).await;

    let inactive = UserRequest { active: Some(false), ..UserRequest::default() };
    auth.change_user(&Actor::system(), id, inactive).await.unwrap();
    each(&ann, "/holds", 401).await;
}

#[tokio::test]
async fn a_grant_ends_at_its_moment_without_anybody_changing_anything() {
    let clock = FixedClock::at("2026-03-02T12:59:59Z");
    let (app, _folder) = started(clock.sources()).await;
    let until: Timestamp = "2026-03-02T13:00:00Z".parse().unwrap();
    let ann = app.user("ann").with_permission_when("read", ConditionSpec::NotAfter(until));
    let ann = by_every_scheme(ann).await;
    each(&ann, "/read", 200).await;
    each(&ann[..1], "/items", 200).await;
    clock.advance(1);
    each(&ann, "/read", 403).await;
    each(&ann[..1], "/items", 403).await;
}

const REQUESTS: usize = 10_000;
const CHANGES: usize = 100;

/// One thing that changes: how many changes of it began, and how many were committed.
#[derive(Debug, Default)]
struct Version {
    begun: AtomicUsize,
    committed: AtomicUsize,
}

impl Version {
    /// Goes through versions 1 to `last`, each when its share of the requests was answered.
    async fn runs(&self, served: &AtomicUsize, last: usize, change: impl AsyncFn(usize)) {
        for version in 1..=last {
            while served.load(Ordering::SeqCst) < version * (REQUESTS / (last + 1)) {
                tokio::task::yield_now().await;
            }
            self.begun.store(version, Ordering::SeqCst);
            change(version).await;
            self.committed.store(version, Ordering::SeqCst);
        }
    }
}

/// Whoever waits for answers waits no longer when a reader has failed.
struct Reader<'a>(&'a AtomicUsize);

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(REQUESTS, Ordering::SeqCst);
        }
    }
}

/// The version that an answer names behind this word.
fn seen(answer: &str, word: &str) -> Vec<usize> {
    let numbers = answer.split(' ').filter_map(|name| name.strip_prefix(word));
    numbers.map(|number| number.parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_is_judged_by_a_rule_older_than_the_last_change_before_it_began() {
    let (app, _folder) = started(Sources::system()).await;
    let user = app.user("ann").with_role("release").with_permission("grant:0");
    let clients = by_every_scheme(user).await;
    let subject = Subject::User(clients[0].id().await);
    let release = |version: usize| {
        let mut role = RoleRecord::new("release");
        role.permissions.insert(format!("role:{version}").into());
        role
    };
    app.auth().replace_role(&Actor::system(), release(0)).await.unwrap();

    let state = Arc::new((Version::default(), Version::default(), AtomicUsize::new(0)));
    let readers: Vec<_> = (0..8)
        .map(|number: usize| {
            let (client, state) = (clients[number % 4].clone(), Arc::clone(&state));
            tokio::spawn(async move {
                let (grants, roles, served) = &*state;
                let _reader = Reader(served);
                let mut changed = 0;
                for _ in 0..REQUESTS / 8 {
                    let least = [grants, roles].map(|one| one.committed.load(Ordering::SeqCst));
                    let answer = client.get("/holds").await.expect(200).text();
                    let most = [grants, roles].map(|one| one.begun.load(Ordering::SeqCst));
                    for (at, word) in ["grant:", "role:"].into_iter().enumerate() {
                        let seen = seen(&answer, word);
                        let [version] = seen[..] else { panic!("one {word} at a time: {answer}") };
                        assert!(
                            (least[at]..=most[at]).contains(&version),
                            "{word}{version} was not the rule between {} and {}",
                            least[at],
                            most[at]
                        );
                    }
                    changed += usize::from(least != most);
                    served.fetch_add(1, Ordering::SeqCst);
                }
                changed
            })
        })
        .collect();
    let (grants, roles, served) = &*state;
    let auth = app.auth();
    tokio::join!(
        grants.runs(served, CHANGES * 3 / 5, async |version| {
            let wanted = vec![GrantRequest::allow(format!("grant:{version}"))];
            auth.set_grants(&Actor::system(), subject.clone(), wanted).await.unwrap();
        }),
        roles.runs(served, CHANGES * 2 / 5, async |version| {
            auth.replace_role(&Actor::system(), release(version)).await.unwrap();
        }),
    );
    let mut under_change = 0;
    for reader in readers {
        under_change += reader.await.unwrap();
    }
    assert_eq!(served.load(Ordering::SeqCst), REQUESTS);
    assert!(under_change > 0, "no request met a change: nothing was tried");
    let last = clients[0].get("/holds").await.text();
    assert_eq!((seen(&last, "grant:"), seen(&last, "role:")), (vec![60], vec![40]));
}
