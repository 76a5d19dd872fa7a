//! Authority lives in the operations: whoever may not is refused without any route.

use futures_util::future::BoxFuture;

use super::{PASSWORD, Stand};
use crate::auth::{
    AccountChange, Actor, ApiKeyRequest, Auth, ClientChange, GrantRequest, NewAccount, RoleChange,
    UserRequest,
};
use crate::problem::{Problem, ProblemKind};
use crate::types::{ClientId, GrantId, Principal, RoleRecord, SessionId, Subject, TokenId, UserId};

type Operation = for<'a> fn(&'a Auth, Actor, UserId) -> BoxFuture<'a, Result<(), Problem>>;

macro_rules! operations {
    ($($name:literal: |$auth:ident, $actor:ident, $other:ident| $call:expr;)*) => {
        [$(($name, |$auth, $actor, $other| Box::pin(async move {
            let _ = $other;
            $call.await.map(drop)
        })),)*]
    };
}

fn client() -> ClientId {
    ClientId::from("shop")
}

/// Every operation that changes something of somebody else.
fn operations() -> [(&'static str, Operation); 21] {
    operations! {
        "add_user": |auth, actor, other|
            auth.add_user(&actor, NewAccount::new("new", PASSWORD), true, &[]);
        "change_user": |auth, actor, other| auth.change_user(
            &actor, other, UserRequest { active: Some(false), ..UserRequest::default() });
        "delete_user": |auth, actor, other| auth.delete_user(&actor, other);
        "end_session": |auth, actor, other|
            auth.end_session(&actor, other, SessionId(uuid::Uuid::from_u128(1)));
        "end_sessions": |auth, actor, other| auth.end_sessions(&actor, other, None);
        "delete_api_key": |auth, actor, other|
            auth.delete_api_key(&actor, other, TokenId(uuid::Uuid::from_u128(1)));
        "delete_api_keys": |auth, actor, other| auth.delete_api_keys(&actor, other);
        "add_role": |auth, actor, other| auth.add_role(&actor, RoleRecord::new("new"));
        "change_role": |auth, actor, other|
            auth.change_role(&actor, "manager".into(), RoleChange::default());
        "delete_role": |auth, actor, other| auth.delete_role(&actor, "manager".into());
        "assign_role": |auth, actor, other|
            auth.assign_role(&actor, other.into(), "manager".into());
        "unassign_role": |auth, actor, other|
            auth.unassign_role(&actor, other.into(), "manager".into());
        "grant": |auth, actor, other|
            auth.grant(&actor, other.into(), GrantRequest::allow("read"));
        "set_grants": |auth, actor, other| auth.set_grants(&actor, other.into(), Vec::new());
        "revoke_grant": |auth, actor, other|
            auth.revoke_grant(&actor, other.into(), GrantId(uuid::Uuid::from_u128(1)));
        "add_client": |auth, actor, other|
            auth.add_client(&actor, ClientId::from("new"), "New".to_owned(), &[]);
        "change_client": |auth, actor, other|
            auth.change_client(&actor, client(), ClientChange::default());
        "delete_client": |auth, actor, other| auth.delete_client(&actor, client());
        "create_client_api_key": |auth, actor, other| auth.create_client_api_key(
            &actor, client(), ApiKeyRequest { name: "k".to_owned(), ..ApiKeyRequest::default() });
        "rotate_key": |auth, actor, other| auth.rotate_key(&actor);
        "retire_key": |auth, actor, other| auth.retire_key(&actor, "any");
    }
}

#[tokio::test]
async fn each_operation_refuses_whoever_may_not_without_any_route() {
    let stand = Stand::new().await;
    let auth = &stand.auth;
    auth.add_client(&Actor::system(), client(), "Shop".to_owned(), &[]).await.unwrap();
    let root = stand.id("root").await;
    let (_, ann) = stand.token("ann").await;
    let before = auth.audit_chain(0, 1000).await.unwrap().len();
    for (name, operation) in operations() {
        let refused = operation(auth, Actor::of(&ann), root).await.unwrap_err();
        assert_eq!(refused.status().as_u16(), 403, "{name}: {refused:?}");
        let nobody = operation(auth, Actor::nobody(None, None), root).await.unwrap_err();
        assert_eq!(nobody.status().as_u16(), 401, "{name}: {nobody:?}");
    }
    assert_eq!(auth.audit_chain(0, 1000).await.unwrap().len(), before, "nothing was done");
    assert!(auth.user(root).await.unwrap().active);
}

/// Faults §1, row 2: judged when the request began, changed when it ended.
#[tokio::test]
async fn each_operation_judges_its_actor_again() {
    let stand = Stand::new().await;
    let auth = &stand.auth;
    auth.add_client(&Actor::system(), client(), "Shop".to_owned(), &[]).await.unwrap();
    stand.user("second", &["admin"]).await;
    let ann = stand.id("ann").await;
    let (_, stale) = stand.token("root").await;
    let root = stand.id("root").await;
    auth.unassign_role(&Actor::system(), root.into(), "admin".into()).await.unwrap();
    for (name, operation) in operations() {
        let refused = operation(auth, Actor::of(&stale), ann).await.unwrap_err();
        assert_eq!(refused.status().as_u16(), 403, "{name}: the role was taken: {refused:?}");
    }
    auth.end_sessions(&Actor::system(), root, None).await.unwrap();
    for (name, operation) in operations() {
        let refused = operation(auth, Actor::of(&stale), ann).await.unwrap_err();
        assert_eq!(refused.kind(), ProblemKind::InvalidCredential, "{name}: the session ended");
    }
}

#[tokio::test]
async fn a_password_of_before_changes_nothing() {
    let stand = Stand::new().await;
    let root = stand.basic("root").await;
    let id = stand.id("root").await;
    let request = UserRequest {
        password: Some("another long phrase".to_owned().into()),
        ..Default::default()
    };
    stand.auth.change_user(&Actor::system(), id, request).await.unwrap();
    let refused = stand.auth.add_role(&Actor::of(&root), RoleRecord::new("new")).await;
    assert_eq!(refused.unwrap_err().kind(), ProblemKind::InvalidCredential);
}

/// Faults §4, row 1.
#[tokio::test]
async fn who_manages_users_touches_no_account_above_their_own() {
    let stand = Stand::new().await;
    let auth = &stand.auth;
    let (_, mona) = stand.token("mona").await;
    let (actor, root) = (Actor::of(&mona), stand.id("root").await);
    let off = || UserRequest { active: Some(false), ..UserRequest::default() };
    for refused in [
        auth.change_user(&actor, root, off()).await.map(drop),
        auth.delete_user(&actor, root).await,
        auth.end_sessions(&actor, root, None).await.map(drop),
        auth.delete_api_keys(&actor, root).await.map(drop),
    ] {
        assert_eq!(refused.unwrap_err().kind(), ProblemKind::Forbidden);
    }
    auth.change_user(&actor, stand.id("ann").await, off()).await.unwrap();
}

/// Faults §4, row 2.
#[tokio::test]
async fn ones_own_account_changes_in_one_place_only() {
    let stand = Stand::new().await;
    let (_, root) = stand.token("root").await;
    let id = stand.id("root").await;
    let email =
        UserRequest { email: Some(Some("evil@example.org".to_owned())), ..UserRequest::default() };
    let refused = stand.auth.change_user(&Actor::of(&root), id, email).await.unwrap_err();
    assert_eq!(refused.kind(), ProblemKind::Forbidden);
    // Whoever is the last administrator hears that first.
    let refused = stand.auth.delete_user(&Actor::of(&root), id).await.unwrap_err();
    assert_eq!(refused.kind(), ProblemKind::Conflict);
    stand.user("second", &["admin"]).await;
    let refused = stand.auth.delete_user(&Actor::of(&root), id).await.unwrap_err();
    assert_eq!(refused.kind(), ProblemKind::Forbidden);
}

/// Faults §1, row 3.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_with_the_same_current_password_one_counts() {
    let stand = Stand::new().await;
    let (_, ann) = stand.token("ann").await;
    let change = |new: &str| AccountChange {
        password: Some(new.to_owned().into()),
        current_password: Some(PASSWORD.to_owned().into()),
        ..AccountChange::default()
    };
    let (one, two) = tokio::join!(
        stand.auth.change_account(&ann, change("the first new phrase")),
        stand.auth.change_account(&ann, change("the second new phrase")),
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
}

/// Faults §1, row 4.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_changes_leave_an_administrator() {
    let stand = Stand::new().await;
    let (root, second) = (stand.id("root").await, stand.user("second", &["admin"]).await);
    let system = Actor::system();
    let take = |id: UserId| stand.auth.unassign_role(&system, id.into(), "admin".into());
    let (one, two) = tokio::join!(take(root), take(second));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
}

/// Faults §1, row 6.
#[tokio::test]
async fn a_client_is_made_with_its_roles_or_not_at_all() {
    let stand = Stand::new().await;
    let roles = ["manager".into(), "nowhere".into()];
    let made = stand.auth.add_client(&Actor::system(), client(), "Shop".to_owned(), &roles).await;
    assert_eq!(made.unwrap_err().kind(), ProblemKind::NotFound);
    assert_eq!(stand.auth.client(&client()).await.unwrap_err().kind(), ProblemKind::NotFound);
}

/// A principal of an account that is gone is nobody's.
#[tokio::test]
async fn an_account_that_is_gone_changes_nothing() {
    let stand = Stand::new().await;
    let (_, ann): (_, Principal) = stand.token("ann").await;
    stand.auth.delete_user(&Actor::system(), stand.id("ann").await).await.unwrap();
    let change = AccountChange { name: Some(None), ..AccountChange::default() };
    assert!(stand.auth.change_account(&ann, change).await.is_err());
    assert!(matches!(ann.subject, Subject::User(_)));
}
