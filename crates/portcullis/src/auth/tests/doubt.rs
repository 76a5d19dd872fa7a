//! A database that fails in the middle: what was refused is not done, what was answered is not lost, and
//! memory agrees with the database afterwards (faults §2, row 2; §5, row 1).

use std::fmt::Write as _;

use futures_util::future::BoxFuture;

use super::{PASSWORD, Stand};
use crate::auth::db::faults::Fault;
use crate::auth::{Actor, ClientChange, GrantRequest, NewAccount, RoleChange, UserRequest};
use crate::problem::{Problem, ProblemKind};
use crate::types::{ClientId, RoleRecord, Subject, UserId};

type Change = for<'a> fn(&'a Stand, UserId) -> BoxFuture<'a, Result<(), Problem>>;

macro_rules! changes {
    ($($name:literal: |$stand:ident, $ann:ident| $call:expr;)*) => {
        [$(($name, |$stand, $ann| Box::pin(async move {
            let (_, _) = ($stand, $ann);
            $call.await.map(drop)
        })),)*]
    };
}

fn changes() -> [(&'static str, Change); 10] {
    changes! {
        "add_user": |stand, ann| stand.auth.add_user(
            &Actor::system(), NewAccount::new("new", PASSWORD), true, &["manager".into()]);
        "change_user": |stand, ann| stand.auth.change_user(&Actor::system(), ann,
            UserRequest { active: Some(false), ..UserRequest::default() });
        "delete_user": |stand, ann| stand.auth.delete_user(&Actor::system(), ann);
        "end_sessions": |stand, ann| stand.auth.end_sessions(&Actor::system(), ann, None);
        "assign_role": |stand, ann| stand.auth.assign_role(
            &Actor::system(), ann.into(), "manager".into());
        "grant": |stand, ann| stand.auth.grant(
            &Actor::system(), ann.into(), GrantRequest::allow("read"));
        "change_role": |stand, ann| stand.auth.change_role(&Actor::system(), "manager".into(),
            RoleChange { permissions: Some(["other".into()].into()), ..RoleChange::default() });
        "add_client": |stand, ann| stand.auth.add_client(
            &Actor::system(), ClientId::from("new"), "New".to_owned(), &["manager".into()]);
        "change_client": |stand, ann| stand.auth.change_client(&Actor::system(),
            ClientId::from("shop"), ClientChange { active: Some(false), ..ClientChange::default() });
        "rotate_key": |stand, ann| stand.auth.rotate_key(&Actor::system());
    }
}

/// All that the database holds, as somebody reads it who remembers nothing.
async fn all(stand: &Stand) -> String {
    let auth = &stand.auth;
    let mut all = String::new();
    for name in ["root", "mona", "ann", "new"] {
        if let Some(Subject::User(id)) = auth.user_named(name).await.unwrap() {
            let (user, subject) = (auth.user(id).await.unwrap(), Subject::User(id));
            let grants = auth.grants_of(&subject).await.unwrap().len();
            let (roles, sessions) =
                (auth.roles_of(&subject).await.unwrap(), auth.sessions(id).await.unwrap().len());
            write!(all, "{name} {} {roles:?} {grants} {sessions}; ", user.active).unwrap();
        }
    }
    for id in ["shop", "new"] {
        let client = auth.client(&ClientId::from(id)).await.ok();
        write!(all, "{:?}; ", client.map(|client| client.active)).unwrap();
    }
    let rows = auth.audit_chain(0, 1000).await.unwrap().len();
    all + &format!("{} keys, {rows} rows", auth.keys().await.unwrap().len())
}

async fn stand() -> Stand {
    let stand = Stand::new().await;
    let shop = ClientId::from("shop");
    stand.auth.add_client(&Actor::system(), shop, "Shop".to_owned(), &[]).await.unwrap();
    stand.token("ann").await;
    stand
}

#[tokio::test]
async fn a_statement_that_fails_leaves_nothing_behind_and_the_next_change_works() {
    for (name, change) in changes() {
        let stand = stand().await;
        let ann = stand.id("ann").await;
        let before = all(&stand).await;
        let faults = stand.auth.database().faults().clone();
        let mut refused = 0;
        for statement in 0.. {
            faults.clear();
            faults.plan(Fault::Before(statement));
            let done = change(&stand, ann).await;
            faults.clear();
            match done {
                Ok(()) => break,
                Err(problem) => {
                    assert_eq!(problem.kind(), ProblemKind::Unavailable, "{name}: {problem:?}");
                    refused += 1;
                }
            }
            // Deleting an account prunes its refresh tokens first, which is seen nowhere.
            assert_eq!(all(&stand).await, before, "{name} failed at statement {statement}");
        }
        assert!(refused >= 3, "{name}: {refused} statements");
        assert_ne!(all(&stand).await, before, "{name} is done at last");
        let verdict = stand.auth.verify_audit(None).await.unwrap();
        assert_eq!(verdict.fault, None, "{name}");
    }
}

#[tokio::test]
async fn after_a_commit_whose_answer_is_lost_memory_says_what_the_database_says() {
    let stand = stand().await;
    let (text, _) = stand.token("mona").await;
    let mona = stand.id("mona").await;
    let holds = async |permission: &str| {
        let who = stand.auth.principal_of_token(&text).await.unwrap();
        who.may(&permission.into())
    };
    assert!(holds("users:manage").await);
    stand.auth.database().faults().plan(Fault::LostCommit);
    let change = RoleChange { permissions: Some(["other".into()].into()), ..RoleChange::default() };
    let lost = stand.auth.change_role(&Actor::system(), "manager".into(), change).await;
    assert_eq!(lost.unwrap_err().kind(), ProblemKind::Unavailable);
    assert!(!holds("users:manage").await, "the role was changed all the same");
    assert!(holds("other").await);

    stand.auth.database().faults().plan(Fault::LostCommit);
    let lost = stand.auth.end_sessions(&Actor::system(), mona, None).await;
    assert_eq!(lost.unwrap_err().kind(), ProblemKind::Unavailable);
    assert!(stand.auth.principal_of_token(&text).await.is_err(), "the session was ended");
    stand.auth.add_role(&Actor::system(), RoleRecord::new("next")).await.unwrap();
    assert!(stand.live_sessions("mona").await.is_empty());
}
