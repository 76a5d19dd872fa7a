//! A database that fails in the middle of any operation: what was refused is not done, what was answered
//! is not lost, memory agrees with the database afterwards, and the next request works (faults §2, row 2;
//! §5, row 1).

use std::fmt::Write as _;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{PASSWORD, Stand};
use crate::auth::db::faults::Fault;
use crate::auth::{
    AccessFormat, AccountChange, Actor, ApiKeyRequest, Auth, Caller, ClientChange, GrantRequest,
    LoginRefused, NewAccount, RefreshRefused, RoleChange, SignedIn, UserRequest,
};
use crate::crypto::PasswordSettings;
use crate::policy::Roles;
use crate::problem::{Problem, ProblemKind};
use crate::types::{ClientId, GrantId, Principal, RoleRecord, Scopes, Subject, TokenId, UserId};

/// A stand on which every operation has something to do.
struct Prepared {
    stand: Stand,
    ann: UserId,
    /// ann, by a token of a session.
    who: Principal,
    access: String,
    refresh: String,
    cookie: String,
    key: (TokenId, String),
    shop_key: (TokenId, String),
    grant: GrantId,
}

fn shop() -> ClientId {
    ClientId::from("shop")
}

fn key_request() -> ApiKeyRequest {
    ApiKeyRequest { name: "nightly".to_owned(), ..ApiKeyRequest::default() }
}

async fn prepared() -> Prepared {
    let stand = Stand::new().await;
    let (auth, system) = (stand.auth.clone(), Actor::system());
    let ann = stand.id("ann").await;
    auth.add_client(&system, shop(), "Shop".to_owned(), &["manager".into()]).await.unwrap();
    auth.assign_role(&system, stand.id("mona").await.into(), "admin".into()).await.unwrap();
    let grant = auth.grant(&system, ann.into(), GrantRequest::allow("write")).await.unwrap().id;
    let caller = Caller::default();
    let signed = sign_in(&auth).await.unwrap();
    let format = Some(AccessFormat::Opaque);
    let issued = auth.begin_tokens(&signed, Scopes::All, format, caller.clone()).await.unwrap();
    let access = issued.access.expose().clone();
    let who = auth.principal_of_token(&access).await.unwrap();
    let (_, cookie) = auth.begin_cookie(&signed, caller).await.unwrap();
    let (key, text) = auth.create_api_key(&who, key_request()).await.unwrap();
    let (shop_key, shop_text) =
        auth.create_client_api_key(&system, shop(), key_request()).await.unwrap();
    Prepared {
        ann,
        who,
        access,
        refresh: issued.refresh.as_ref().unwrap().expose().clone(),
        cookie: cookie.expose().clone(),
        key: (key.id, text.expose().clone()),
        shop_key: (shop_key.id, shop_text.expose().clone()),
        grant,
        stand,
    }
}

async fn sign_in(auth: &Auth) -> Result<SignedIn, Problem> {
    let signed = auth.sign_in(&Caller::default().actor(), "ann", PASSWORD.to_owned().into()).await;
    signed.map_err(|refused| match refused {
        LoginRefused::Wrong => ProblemKind::InvalidCredential.into(),
        LoginRefused::Other(problem) => problem,
    })
}

async fn refresh(on: &Prepared) -> Result<(), Problem> {
    let actor = Caller::default().actor();
    match on.stand.auth.refresh(&actor, &on.refresh, None, None).await {
        Ok(_) => Ok(()),
        Err(RefreshRefused::Other(problem)) => Err(problem),
        Err(_) => Err(ProblemKind::InvalidCredential.into()),
    }
}

async fn begin_tokens(on: &Prepared) -> Result<(), Problem> {
    let auth = &on.stand.auth;
    let signed = sign_in(auth).await?;
    auth.begin_tokens(&signed, Scopes::All, None, Caller::default()).await.map(drop)
}

async fn begin_cookie(on: &Prepared) -> Result<(), Problem> {
    let auth = &on.stand.auth;
    let signed = sign_in(auth).await?;
    auth.begin_cookie(&signed, Caller::default()).await.map(drop)
}

async fn archive(on: &Prepared) -> Result<(), Problem> {
    let auth = &on.stand.auth;
    let mut writer = auth.begin_archive().await?;
    for link in auth.audit_chain(0, 3).await? {
        writer.row(&link.record.expect("a row that can be read"))?;
    }
    let (_, archive) = writer.finish(auth)?;
    auth.cut_audit(&Actor::system(), archive).await.map(drop)
}

type Change = for<'a> fn(&'a Prepared) -> BoxFuture<'a, Result<(), Problem>>;

macro_rules! changes {
    ($($name:literal: |$on:ident, $auth:ident, $system:ident| $call:expr;)*) => {
        vec![$(($name, |$on| Box::pin(async move {
            let ($auth, $system) = (&$on.stand.auth, Actor::system());
            let (_, _) = ($auth, &$system);
            $call.await.map(drop)
        })),)*]
    };
}

/// Every operation that writes.
fn changes() -> Vec<(&'static str, Change)> {
    changes! {
        "add_role": |on, auth, system| auth.add_role(&system, RoleRecord::new("new"));
        "change_role": |on, auth, system| auth.change_role(&system, "manager".into(),
            RoleChange { permissions: Some(["other".into()].into()), ..RoleChange::default() });
        "delete_role": |on, auth, system| auth.delete_role(&system, "manager".into());
        "add_missing_roles": |on, auth, system|
            auth.add_missing_roles(Roles::new().grant("new", ["read"]));
        "assign_role": |on, auth, system|
            auth.assign_role(&system, on.ann.into(), "manager".into());
        "assign_role to a client": |on, auth, system|
            auth.assign_role(&system, shop().into(), "admin".into());
        "unassign_role": |on, auth, system|
            auth.unassign_role(&system, shop().into(), "manager".into());
        "grant": |on, auth, system|
            auth.grant(&system, on.ann.into(), GrantRequest::allow("read"));
        "set_grants": |on, auth, system|
            auth.set_grants(&system, on.ann.into(), vec![GrantRequest::deny("write")]);
        "revoke_grant": |on, auth, system| auth.revoke_grant(&system, on.ann.into(), on.grant);
        "register": |on, auth, system|
            auth.register(&Actor::nobody(None, None), NewAccount::new("new", PASSWORD));
        "add_user": |on, auth, system|
            auth.add_user(&system, NewAccount::new("new", PASSWORD), true, &["manager".into()]);
        "change_user": |on, auth, system| auth.change_user(&system, on.ann,
            UserRequest { active: Some(false), ..UserRequest::default() });
        "change_user, a password": |on, auth, system| auth.change_user(&system, on.ann, UserRequest {
            password: Some("another long phrase".to_owned().into()), ..UserRequest::default() });
        "delete_user": |on, auth, system| auth.delete_user(&system, on.ann);
        "change_account": |on, auth, system| auth.change_account(&on.who, AccountChange {
            password: Some("another long phrase".to_owned().into()),
            current_password: Some(PASSWORD.to_owned().into()), ..AccountChange::default() });
        "leave": |on, auth, system| auth.leave(&on.who, Some(PASSWORD.to_owned().into()));
        "begin_tokens": |on, auth, system| begin_tokens(on);
        "begin_cookie": |on, auth, system| begin_cookie(on);
        "refresh": |on, auth, system| refresh(on);
        "revoke an access token": |on, auth, system| auth.revoke(&system, &on.access);
        "revoke a refresh token": |on, auth, system| auth.revoke(&system, &on.refresh);
        "revoke a cookie": |on, auth, system| auth.revoke(&system, &on.cookie);
        "revoke an API key": |on, auth, system| auth.revoke(&system, &on.key.1);
        "end_session": |on, auth, system|
            auth.end_session(&system, on.ann, on.who.session.expect("a session"));
        "end_own_session": |on, auth, system| auth.end_own_session(&on.who);
        "end_sessions": |on, auth, system| auth.end_sessions(&system, on.ann, None);
        "create_api_key": |on, auth, system| auth.create_api_key(&on.who, key_request());
        "create_client_api_key": |on, auth, system|
            auth.create_client_api_key(&system, shop(), key_request());
        "delete_api_key": |on, auth, system| auth.delete_api_key(&system, shop(), on.shop_key.0);
        "delete_api_keys": |on, auth, system| auth.delete_api_keys(&system, on.ann);
        "add_client": |on, auth, system| auth.add_client(
            &system, ClientId::from("new"), "New".to_owned(), &["manager".into()]);
        "change_client": |on, auth, system| auth.change_client(&system, shop(),
            ClientChange { active: Some(false), ..ClientChange::default() });
        "delete_client": |on, auth, system| auth.delete_client(&system, shop());
        "rotate_key": |on, auth, system| auth.rotate_key(&system);
        "cut_audit": |on, auth, system| archive(on);
    }
}

/// All that the database holds, as somebody reads it who remembers nothing.
async fn all(auth: &Auth) -> String {
    let mut all = String::new();
    for name in ["root", "mona", "ann", "new"] {
        let Some(Subject::User(id)) = auth.user_named(name).await.unwrap() else { continue };
        let (user, subject) = (auth.user(id).await.unwrap(), Subject::User(id));
        let (grants, roles) =
            (auth.grants_of(&subject).await.unwrap(), auth.roles_of(&subject).await.unwrap());
        let (sessions, keys) =
            (auth.sessions(id).await.unwrap().len(), auth.api_keys(id).await.unwrap().len());
        writeln!(all, "{name} {user:?} {roles:?} {grants:?} {sessions} {keys}").unwrap();
    }
    for id in ["shop", "new"] {
        let id = ClientId::from(id);
        let (client, keys) =
            (auth.client(&id).await.ok(), auth.api_keys(id.clone()).await.unwrap());
        let roles = auth.roles_of(&id.into()).await.ok();
        writeln!(all, "{client:?} {roles:?} {}", keys.len()).unwrap();
    }
    let tokens = crate::auth::db::sql("SELECT count(*) AS n FROM refresh_tokens");
    let tokens: i64 = tokens.one(auth.database()).await.unwrap().get("n").unwrap();
    let revoked = crate::auth::db::sql("SELECT count(*) AS n FROM revoked_tokens");
    let revoked: i64 = revoked.one(auth.database()).await.unwrap().get("n").unwrap();
    let rows = auth.audit_chain(0, 1000).await.unwrap().len();
    let keys = auth.keys().await.unwrap().len();
    writeln!(all, "{tokens} {revoked} {rows} {keys}").unwrap();
    all
}

/// What the credentials that are out count for.
async fn credentials(auth: &Auth, on: &Prepared) -> String {
    let held = |who: Option<Principal>| {
        who.map(|who| (who.name, who.access.roles.clone(), who.access.allowed.clone()))
    };
    let token = held(auth.principal_of_token(&on.access).await.ok());
    let cookie = held(auth.principal_of_cookie(&on.cookie).await.unwrap());
    let key = held(auth.principal_of_api_key(&on.key.1).await.ok());
    let shop = held(auth.principal_of_api_key(&on.shop_key.1).await.ok());
    let roles: Vec<RoleRecord> = auth.roles().records().cloned().collect();
    format!(
        "{token:?}\n{cookie:?}\n{key:?}\n{shop:?}\n{roles:?}\n{}",
        auth.public_keys().keys.len()
    )
}

/// Another process on the same database, which remembers nothing.
async fn another(on: &Prepared) -> Auth {
    let auth = &on.stand.auth;
    let builder = Auth::builder(auth.database().clone(), auth.0.master.clone());
    let builder = builder.sources(on.stand.clock.sources()).settings(auth.settings().clone());
    builder.passwords(PasswordSettings::cheap()).start().await.unwrap()
}

async fn assert_memory_is_true(name: &str, on: &Prepared) {
    let auth = &on.stand.auth;
    // What is in doubt asks the database, or is read anew in a moment.
    let fresh = credentials(&another(on).await, on).await;
    for _ in 0..50 {
        if credentials(auth, on).await == fresh {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(credentials(auth, on).await, fresh, "{name}: memory is not as the database");
    let verdict = auth.verify_audit(None).await.unwrap();
    assert_eq!(verdict.fault, None, "{name}");
    auth.add_role(&Actor::system(), RoleRecord::new("next")).await.expect("the next change works");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_leaves_nothing_behind_and_the_next_change_works() {
    for (name, change) in changes() {
        let on = prepared().await;
        let auth = &on.stand.auth;
        let before = (all(auth).await, credentials(auth, &on).await);
        let faults = auth.database().faults().clone();
        let mut refused = 0;
        for statement in 0..200 {
            faults.clear();
            faults.plan(Fault::Before(statement));
            let done = change(&on).await;
            faults.clear();
            match done {
                Ok(()) => break,
                Err(problem) => {
                    assert_eq!(problem.kind(), ProblemKind::Unavailable, "{name}: {problem:?}");
                    refused += 1;
                }
            }
            // Deleting an account prunes what has ended first, which is seen nowhere.
            let after = (all(auth).await, credentials(auth, &on).await);
            assert_eq!(after, before, "{name} failed at statement {statement}");
        }
        assert!((2..200).contains(&refused), "{name}: {refused} statements");
        assert_ne!(all(auth).await, before.0, "{name} is done at last");
        assert_memory_is_true(name, &on).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_commit_whose_answer_is_lost_memory_says_what_the_database_says() {
    for (name, change) in changes() {
        let on = prepared().await;
        let auth = &on.stand.auth;
        // Memory knows all of it.
        credentials(auth, &on).await;
        let before = all(auth).await;
        auth.database().faults().plan(Fault::LostCommit);
        let lost = change(&on).await;
        auth.database().faults().clear();
        match name {
            // The first of its transactions changes nothing: what is asked for again is done.
            "delete_user" | "leave" => change(&on).await.unwrap(),
            _ => assert_eq!(lost.unwrap_err().kind(), ProblemKind::Unavailable, "{name}"),
        }
        assert_ne!(all(auth).await, before, "{name} was done");
        assert_memory_is_true(name, &on).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slow_database_loses_nothing_and_shows_nothing_half_done() {
    for (name, change) in changes() {
        let on = prepared().await;
        let auth = on.stand.auth.clone();
        let before = credentials(&auth, &on).await;
        auth.database().faults().plan(Fault::Delay(Duration::from_millis(3)));
        let reading = async {
            let mut seen = Vec::new();
            for _ in 0..20 {
                seen.push(credentials(&auth, &on).await);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            seen
        };
        let (done, seen) = tokio::join!(change(&on), reading);
        done.unwrap_or_else(|problem| panic!("{name}: {problem:?}"));
        auth.database().faults().clear();
        let after = credentials(&auth, &on).await;
        // Each credential is as before or as after: never something else.
        for one in seen {
            for ((line, old), new) in one.lines().zip(before.lines()).zip(after.lines()) {
                assert!(line == old || line == new, "{name}: {line}\nbefore {old}\nafter {new}");
            }
        }
        assert_memory_is_true(name, &on).await;
    }
}
