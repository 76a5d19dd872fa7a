//! Memory older than the database, and clocks that jump (faults §2 and §7).

use super::{PASSWORD, Stand};
use crate::auth::{Actor, Auth, Caller, Denied, RoleChange};
use crate::clock::Sources;
use crate::crypto::{MasterSecret, PasswordSettings};
use crate::testing::FixedClock;

/// Faults §2, row 1: four changes at once, memory ends at the last.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_changes_of_a_role_leave_memory_at_the_newest() {
    let stand = Stand::new().await;
    for round in 0..20 {
        let change = |n: u32| {
            let auth = stand.auth.clone();
            let permission = format!("round{round}:{n}");
            async move {
                let change = RoleChange {
                    permissions: Some([permission.as_str().into()].into()),
                    ..RoleChange::default()
                };
                auth.change_role(&Actor::system(), "manager".into(), change).await.unwrap();
            }
        };
        tokio::join!(change(0), change(1), change(2), change(3));
        let kept = stand.auth.role(&"manager".into()).unwrap();
        stand.auth.0.cache.read_roles(stand.auth.database()).await.unwrap();
        assert_eq!(kept, stand.auth.role(&"manager".into()).unwrap(), "round {round}");
    }
}

/// Faults §2, row 4: a database that is away is asked, and answers nothing.
#[tokio::test]
async fn behind_the_lease_memory_answers_only_what_the_database_confirms() {
    let stand = Stand::new().await;
    let (text, _) = stand.token("ann").await;
    stand.auth.principal_of_token(&text).await.unwrap();
    stand.auth.database().close().await;
    stand.auth.principal_of_token(&text).await.expect("within the lease");
    stand.clock.advance(2);
    let denied = stand.auth.principal_of_token(&text).await;
    assert!(matches!(denied, Err(Denied::Database(_))), "{denied:?}");
}

/// Faults §2, row 3.
#[tokio::test]
async fn a_key_of_an_unknown_algorithm_stops_nothing() {
    let stand = Stand::new().await;
    let (text, _) = stand.token("ann").await;
    let mut shell = stand.auth.database().begin_writing().await.unwrap();
    crate::auth::db::sql(
        "INSERT INTO signing_keys (id, algorithm, sealed, created_at, signs_from)
        VALUES ('new', 'XX999', $1, 0, 0)",
    )
    .bind([0_u8; 4].as_slice())
    .execute(&mut shell)
    .await
    .unwrap();
    crate::auth::db::sql("UPDATE sessions SET ended_at = 1772452800000000")
        .execute(&mut shell)
        .await
        .unwrap();
    shell.commit().await.unwrap();
    stand.auth.catch_up().await.unwrap();
    assert!(stand.auth.principal_of_token(&text).await.is_err(), "its session was ended");
    stand.token("ann").await;
}

/// Faults §7, row 1.
#[tokio::test]
async fn a_clock_that_is_set_back_stops_no_signing() {
    let stand = Stand::new().await;
    stand.auth.rotate_key(&Actor::system()).await.unwrap();
    stand.clock.jump(-3600);
    stand.token("ann").await;
}

/// Faults §7, row 3.
#[tokio::test]
async fn an_ended_cookie_does_not_count_again_when_the_clock_is_set_back() {
    let stand = Stand::new().await;
    let caller = Caller::default();
    let signed = stand.auth.sign_in(&caller.actor(), "ann", PASSWORD.to_owned().into()).await;
    let (session, cookie) = stand.auth.begin_cookie(&signed.unwrap(), caller).await.unwrap();
    let ann = stand.id("ann").await;
    stand.auth.end_session(&Actor::system(), ann, session.id).await.unwrap();
    stand.clock.jump(-2 * 86_400);
    stand.auth.sweep().await;
    assert!(stand.auth.principal_of_cookie(cookie.expose()).await.unwrap().is_none());
}

/// Faults §7, row 4.
#[tokio::test]
async fn at_every_later_moment_some_key_signs() {
    let stand = Stand::new().await;
    let new = stand.auth.rotate_key(&Actor::system()).await.unwrap();
    stand.auth.retire_key(&Actor::system(), &new.id).await.unwrap();
    for _ in 0..4 {
        stand.clock.advance(600);
        stand.token("ann").await;
    }
}

/// Faults §3, row 3: another account has the name now.
#[tokio::test]
async fn a_remembered_password_counts_for_its_own_name_only() {
    let stand = Stand::new().await;
    let ann = stand.basic("ann").await;
    let rename = crate::auth::UserRequest {
        username: Some("anna".to_owned()),
        ..crate::auth::UserRequest::default()
    };
    let id = ann.user().unwrap();
    stand.auth.change_user(&Actor::system(), id, rename).await.unwrap();
    let caller = Caller::default();
    let again = stand.auth.basic(&caller.actor(), "ann", PASSWORD.to_owned().into()).await;
    assert!(again.is_err());
    stand.basic("anna").await;
}

/// Faults §9, row 1: a hash that is upgraded refuses nobody.
#[tokio::test(flavor = "multi_thread")]
async fn right_sign_ins_in_parallel_all_count_while_the_hash_is_upgraded() {
    let clock = FixedClock::at("2026-03-02T12:00:00Z");
    let weak = crate::testing::auth(&clock).start().await.unwrap();
    let account = crate::auth::NewAccount::new("ann", PASSWORD);
    weak.add_user(&Actor::system(), account, true, &[]).await.unwrap();
    let master = MasterSecret::generate(&Sources::system()).unwrap();
    let mut passwords = PasswordSettings::cheap();
    passwords.passes += 1;
    let database = weak.database().clone();
    drop(master);
    let strong = Auth::builder(database, weak.0.master.clone())
        .sources(clock.sources())
        .passwords(passwords)
        .start()
        .await
        .unwrap();
    let sign_in = || async {
        let caller = Caller::default();
        strong.sign_in(&caller.actor(), "ann", PASSWORD.to_owned().into()).await.map(drop)
    };
    let (a, b, c, d) = tokio::join!(sign_in(), sign_in(), sign_in(), sign_in());
    for one in [a, b, c, d] {
        one.unwrap();
    }
}

/// Faults §8, row 1: a dead refresh token that is shown again and again writes one row.
#[tokio::test]
async fn a_dead_refresh_token_is_noted_once() {
    let stand = Stand::new().await;
    let caller = Caller::default();
    let signed = stand.auth.sign_in(&caller.actor(), "ann", PASSWORD.to_owned().into()).await;
    let all = crate::types::Scopes::All;
    let issued =
        stand.auth.begin_tokens(&signed.unwrap(), all, None, caller.clone()).await.unwrap();
    let first = issued.refresh.as_ref().unwrap().expose().clone();
    let refresh = async |text: &str| stand.auth.refresh(&caller.actor(), text, None, None).await;
    let second = refresh(&first).await.unwrap().refresh.as_ref().unwrap().expose().clone();
    refresh(&second).await.unwrap();
    for _ in 0..50 {
        assert!(refresh(&first).await.is_err());
    }
    let rows = stand.auth.audit_chain(0, 1000).await.unwrap();
    let reused = |row: &&crate::auth::AuditLink| {
        row.record.as_ref().is_some_and(|record| record.entry.action == "refresh.reused")
    };
    assert_eq!(rows.iter().filter(reused).count(), 1);
}

/// Faults §3, row 5: a copied refresh token, shown from elsewhere within the window.
#[tokio::test]
async fn a_copied_refresh_token_ends_the_session_once_the_first_answer_is_in_use() {
    let from = |address: &str| Caller { address: address.parse().ok(), ..Caller::default() };
    for is_used in [false, true] {
        let stand = Stand::new().await;
        let (owner, thief) = (from("192.0.2.1"), from("198.51.100.7"));
        let signed = stand.auth.sign_in(&owner.actor(), "ann", PASSWORD.to_owned().into()).await;
        let all = crate::types::Scopes::All;
        let issued =
            stand.auth.begin_tokens(&signed.unwrap(), all, None, owner.clone()).await.unwrap();
        let first = issued.refresh.as_ref().unwrap().expose().clone();
        let answer = stand.auth.refresh(&owner.actor(), &first, None, None).await.unwrap();
        // A second tab of the owner's gets the same one, whatever is in use.
        stand.auth.refresh(&owner.actor(), &first, None, None).await.unwrap();
        if is_used {
            stand.auth.principal_of_token(answer.access.expose()).await.unwrap();
        }
        let copied = stand.auth.refresh(&thief.actor(), &first, None, None).await;
        assert_eq!(copied.is_err(), is_used, "an answer that was lost on the way is not in use");
        let owner = stand.auth.principal_of_token(answer.access.expose()).await;
        assert_eq!(owner.is_err(), is_used, "the session is ended for both");
    }
}

/// Faults §5, row 1: readiness writes.
#[tokio::test]
async fn a_probe_writes_and_says_where_it_cannot() {
    let stand = Stand::new().await;
    stand.auth.database().probe().await.unwrap();
    stand.auth.database().faults().plan(crate::auth::db::faults::Fault::Before(1));
    assert!(stand.auth.database().probe().await.is_err());
    stand.auth.database().probe().await.expect("it heals by itself");
}

/// Faults §3, row 1: the end of all sessions voids what was begun before.
#[tokio::test]
async fn a_sign_in_under_way_ends_with_all_sessions() {
    let stand = Stand::new().await;
    let caller = Caller::default();
    let signed = stand.auth.sign_in(&caller.actor(), "ann", PASSWORD.to_owned().into()).await;
    let ann = stand.id("ann").await;
    stand.auth.end_sessions(&Actor::system(), ann, None).await.unwrap();
    assert!(stand.auth.begin_cookie(&signed.unwrap(), caller).await.is_err());
    stand.token("ann").await;
}
