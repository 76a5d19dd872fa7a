//! Bounds that hold while something is in the way: a writer that does not let go, a grant that is too
//! large, an account with much to delete.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, SqliteConnection};

use super::Stand;
use crate::auth::{
    AccountChange, Actor, ApiKeyRequest, Auth, Caller, Database, GRANT_MEMBERS, GRANTS,
    GrantRequest, NewAccount, ThrottleSettings, UserRequest,
};
use crate::clock::Sources;
use crate::crypto::{MasterSecret, PasswordSettings};
use crate::policy::CONDITION_MEMBERS;
use crate::problem::ProblemKind;
use crate::testing::FixedClock;
use crate::types::{ClientId, ConditionSpec, RoleRecord, Scopes, Subject};

/// Faults §5, row 2: another process holds the write lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_wait_for_another_process_a_bounded_time_and_reads_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}/x.db", folder.path().display());
    let store = Database::connect(&file).await.unwrap();
    store.migrate().await.unwrap();
    let master = MasterSecret::generate(&Sources::system()).unwrap();
    let auth = Auth::builder(store, master).passwords(PasswordSettings::cheap());
    let auth = auth.start().await.unwrap();
    let mut other = SqliteConnection::connect(&file).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();

    let began = Instant::now();
    let writers: Vec<_> = (0..10)
        .map(|number| {
            let auth = auth.clone();
            tokio::spawn(async move {
                let role = RoleRecord::new(format!("role{number}"));
                let refused = auth.add_role(&Actor::system(), role).await.unwrap_err();
                (refused.kind(), began.elapsed())
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let reading = Instant::now();
    assert!(auth.user_named("nobody").await.unwrap().is_none());
    assert!(reading.elapsed() < Duration::from_secs(1), "a read waited {:?}", reading.elapsed());
    for writer in writers {
        let (kind, waited) = writer.await.unwrap();
        assert_eq!(kind, ProblemKind::Unavailable);
        // Each stands in the same queue, and none waits for the one before it.
        assert!(waited < Duration::from_secs(9), "a writer waited {waited:?}");
    }
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    auth.add_role(&Actor::system(), RoleRecord::new("role0")).await.unwrap();
}

/// Faults §8, row 5: the size of a condition.
#[tokio::test]
async fn a_condition_and_all_of_them_have_a_bound() {
    let stand = Stand::new().await;
    let ann = stand.id("ann").await;
    let of = |members: usize| {
        let each = vec![ConditionSpec::RecentLogin(60); members - 1];
        GrantRequest::allow("read").when(ConditionSpec::Any(each))
    };
    let grant = async |request| stand.auth.grant(&Actor::system(), ann.into(), request).await;
    let refused = grant(of(CONDITION_MEMBERS + 1)).await.unwrap_err();
    assert_eq!(refused.kind(), ProblemKind::Invalid);
    assert_eq!(refused.unfit()[0].pointer, "/condition");
    for _ in 0..GRANT_MEMBERS / CONDITION_MEMBERS {
        grant(of(CONDITION_MEMBERS)).await.unwrap();
    }
    assert_eq!(grant(of(CONDITION_MEMBERS)).await.unwrap_err().kind(), ProblemKind::Conflict);
    let many = vec![GrantRequest::allow("read"); GRANTS + 1];
    let refused = stand.auth.set_grants(&Actor::system(), ann.into(), many).await.unwrap_err();
    assert_eq!(refused.kind(), ProblemKind::Conflict);
}

/// Faults §12: a condition that fits none of the forms says which member is wrong.
#[tokio::test]
async fn a_wrong_member_of_a_condition_is_named() {
    let stand = Stand::new().await;
    let ann = stand.id("ann").await;
    let nested = ConditionSpec::All(vec![
        ConditionSpec::RecentLogin(60),
        ConditionSpec::Not(Box::new(ConditionSpec::Countries(vec!["Austria".to_owned()]))),
    ]);
    let one = GrantRequest::allow("read").when(nested);
    let refused = stand.auth.grant(&Actor::system(), ann.into(), one.clone()).await.unwrap_err();
    assert_eq!(refused.unfit()[0].pointer, "/condition/all/1/not/countries");
    let all = vec![GrantRequest::allow("read"), one];
    let refused = stand.auth.set_grants(&Actor::system(), ann.into(), all).await.unwrap_err();
    assert_eq!(refused.unfit()[0].pointer, "/items/1/condition/all/1/not/countries");
}

/// The last administrator hears it before anything of theirs is deleted.
#[tokio::test]
async fn a_deletion_that_is_refused_deletes_nothing_first() {
    let stand = Stand::new().await;
    let auth = &stand.auth;
    let root = stand.id("root").await;
    let (_, session) = stand.token("root").await;
    let ended = stand.token("root").await.1;
    auth.end_own_session(&ended).await.unwrap();
    let refused = auth.delete_user(&Actor::system(), root).await.unwrap_err();
    assert_eq!(refused.kind(), ProblemKind::Conflict);
    let password = super::PASSWORD.to_owned().into();
    let refused = auth.leave(&session, Some(password)).await.unwrap_err();
    assert_eq!(refused.kind(), ProblemKind::Conflict);
    let kept = crate::auth::db::sql("SELECT count(*) AS n FROM sessions WHERE user_id = $1");
    let kept = kept.bind(root.to_string()).one(auth.database()).await.unwrap();
    assert_eq!(kept.get::<i64>("n").unwrap(), 2, "also the session that has ended");
    stand.user("second", &["admin"]).await;
    auth.delete_user(&Actor::system(), root).await.unwrap();
}

/// Faults §3, row 4: a key that was made while a client had no rights.
#[tokio::test]
async fn a_clients_key_does_not_come_by_rights_that_its_maker_could_not_give() {
    let stand = Stand::new().await;
    let auth = &stand.auth;
    let mut clerk = RoleRecord::new("clerk");
    clerk.permissions.insert("clients:manage".into());
    auth.add_role(&Actor::system(), clerk).await.unwrap();
    stand.user("carl", &["clerk"]).await;
    let shop = ClientId::from("shop");
    auth.add_client(&Actor::system(), shop.clone(), "Shop".to_owned(), &[]).await.unwrap();
    let key = async |actor: Actor| {
        let request = ApiKeyRequest { name: "nightly".to_owned(), ..ApiKeyRequest::default() };
        let made = auth.create_client_api_key(&actor, shop.clone(), request).await;
        made.unwrap().1.expose().clone()
    };
    let (_, carl) = stand.token("carl").await;
    let system = Actor::system();
    let subject = || Subject::Client(shop.clone());
    let by_root = key(system.clone()).await;
    for give in 0..3 {
        let by_carl = key(Actor::of(&carl)).await;
        assert!(auth.principal_of_api_key(&by_carl).await.is_ok());
        let deny = GrantRequest::deny("other");
        auth.grant(&system, subject(), deny).await.unwrap();
        assert!(auth.principal_of_api_key(&by_carl).await.is_ok(), "a denial gives nothing");
        let allow = || GrantRequest::allow("read");
        match give {
            0 => auth.assign_role(&system, subject(), "manager".into()).await.unwrap(),
            1 => drop(auth.grant(&system, subject(), allow()).await.unwrap()),
            _ => drop(auth.set_grants(&system, subject(), vec![allow()]).await.unwrap()),
        }
        assert!(auth.principal_of_api_key(&by_carl).await.is_err(), "way {give}");
        let who = auth.principal_of_api_key(&by_root).await.expect("made by who may give rights");
        if give == 0 {
            assert!(who.may(&"users:manage".into()));
            auth.unassign_role(&system, subject(), "manager".into()).await.unwrap();
        } else {
            assert!(who.may(&"read".into()));
            auth.set_grants(&system, subject(), Vec::new()).await.unwrap();
        }
    }
}

/// Faults §12: names that look alike, and names that are taken for the service.
#[tokio::test]
async fn names_that_look_alike_or_are_reserved_are_refused() {
    let stand = Stand::new().await;
    let auth = &stand.auth;
    let visitor = Actor::nobody(None, None);
    let register =
        async |name: &str| auth.register(&visitor, NewAccount::new(name, super::PASSWORD)).await;
    for name in ["admin", "Support", "r.o.o.t", "аdmin"] {
        let refused = register(name).await.unwrap_err();
        assert_eq!(refused.unfit()[0].pointer, "/username", "{name}");
    }
    let (_, mona) = stand.token("mona").await;
    let by_mona = Actor::of(&mona);
    let ann = stand.id("ann").await;
    let rename = async |actor: &Actor, name: &str| {
        let request = UserRequest { username: Some(name.to_owned()), ..UserRequest::default() };
        auth.change_user(actor, ann, request).await
    };
    assert_eq!(rename(&by_mona, "support").await.unwrap_err().kind(), ProblemKind::Invalid);
    auth.add_user(&Actor::command_line(), NewAccount::new("support", super::PASSWORD), true, &[])
        .await
        .expect("the command line may");

    stand.user("lan", &[]).await;
    let new = |name: &str| NewAccount::new(name, super::PASSWORD);
    let taken = auth.add_user(&by_mona, new("Ian"), true, &[]).await.unwrap_err();
    assert_eq!(taken.kind(), ProblemKind::Conflict);
    assert_eq!(rename(&by_mona, "1an").await.unwrap_err().kind(), ProblemKind::Conflict);
    assert_eq!(rename(&by_mona, "Ann").await.unwrap().username, "Ann", "its own looks");
    // Whether a name is free is told to nobody.
    assert!(register("Ian").await.is_ok());
    assert!(auth.user_named("Ian").await.unwrap().is_none());
}

/// Accounts from before names were compared by their looks.
#[tokio::test]
async fn older_accounts_that_look_alike_stay_and_keep_others_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}/x.db", folder.path().display());
    let master = MasterSecret::generate(&Sources::system()).unwrap();
    let start = async || {
        let store = Database::connect(&file).await.unwrap();
        store.migrate().await.unwrap();
        let auth = Auth::builder(store, master.clone()).passwords(PasswordSettings::cheap());
        auth.start().await.unwrap()
    };
    let auth = start().await;
    let new = |name: &str| NewAccount::new(name, super::PASSWORD);
    let system = Actor::system();
    auth.add_user(&system, new("bob1"), true, &[]).await.unwrap();
    auth.add_user(&system, new("other"), true, &[]).await.unwrap();
    let mut shell = SqliteConnection::connect(&file).await.unwrap();
    let older = "UPDATE users SET username_skeleton = NULL;
        UPDATE users SET username = 'bobl', username_folded = 'bobl' WHERE username = 'other'";
    sqlx::raw_sql(older).execute(&mut shell).await.unwrap();
    let auth = start().await;
    let taken = auth.add_user(&system, new("BOB1"), true, &[]).await.unwrap_err();
    assert_eq!(taken.kind(), ProblemKind::Conflict);
    for name in ["bob1", "bobl"] {
        let Some(Subject::User(id)) = auth.user_named(name).await.unwrap() else {
            panic!("{name}")
        };
        let change = UserRequest { name: Some(Some("Bob".to_owned())), ..UserRequest::default() };
        auth.change_user(&system, id, change).await.expect("what is there may stay");
    }
}

/// Faults §8, row 1: an account that refreshes, revokes and signs in again and again.
#[tokio::test]
async fn what_an_account_changes_of_its_own_has_a_pace() {
    let stand = Stand::new().await;
    let auth = &stand.auth;
    let before = auth.audit_chain(0, 5000).await.unwrap().len();
    let caller = Caller::default();
    let mut done = 0;
    for _ in 0..1000 {
        let signed =
            auth.sign_in(&caller.actor(), "ann", super::PASSWORD.to_owned().into()).await.unwrap();
        let issued = auth.begin_tokens(&signed, Scopes::All, None, caller.clone()).await;
        let Ok(issued) = issued else { break };
        let other = auth
            .refresh(&caller.actor(), issued.refresh.as_ref().unwrap().expose(), None, None)
            .await;
        let revoked = auth.revoke(&caller.actor(), issued.access.expose()).await;
        done += 1;
        if other.is_err() || revoked.is_err() {
            break;
        }
    }
    assert_eq!(done, 200, "three changes a round, 600 in all");
    let ann = stand.basic("ann").await;
    let name = AccountChange { name: Some(Some("Ann".to_owned())), ..AccountChange::default() };
    let refused = auth.change_account(&ann, name).await.unwrap_err();
    assert_eq!(refused.kind(), ProblemKind::TooManyRequests);
    assert!(refused.seconds_to_wait().is_some());
    let rows = auth.audit_chain(0, 5000).await.unwrap().len() - before;
    assert!(rows <= 600, "{rows} rows, and none for what was refused");
    // Others, and administrators, go on.
    let (_, mona) = stand.token("mona").await;
    for number in 0..610 {
        let change =
            UserRequest { name: Some(Some(format!("{number}"))), ..UserRequest::default() };
        auth.change_user(&Actor::of(&mona), ann.user().unwrap(), change).await.unwrap();
    }
    stand.clock.advance(2);
    auth.sign_in(&caller.actor(), "ann", super::PASSWORD.to_owned().into()).await.unwrap();
}

#[tokio::test]
async fn what_an_address_changes_has_a_pace() {
    let few = ThrottleSettings { address_changes: 30, ..ThrottleSettings::default() };
    let auth = crate::testing::auth(&FixedClock::at("2026-03-02T12:00:00Z")).throttle(few);
    let auth = auth.start().await.unwrap();
    for number in 0..20 {
        let account = NewAccount::new(&format!("user{number}"), super::PASSWORD);
        auth.add_user(&Actor::system(), account, true, &[]).await.unwrap();
    }
    let from = |last: u8| Caller {
        address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))),
        ..Caller::default()
    };
    let sign_in = async |number: usize, caller: Caller| {
        let password = super::PASSWORD.to_owned().into();
        let signed = auth.sign_in(&caller.actor(), &format!("user{number}"), password).await;
        auth.begin_tokens(&signed.unwrap(), Scopes::All, None, caller).await
    };
    let mut done = 0;
    for number in 0..100 {
        done += usize::from(sign_in(number % 20, from(1)).await.is_ok());
    }
    assert_eq!(done, 30);
    sign_in(1, from(2)).await.expect("from elsewhere");
}
