//! A copy of everything, from one engine to the other and back.

use super::{PASSWORD, Stand};
use crate::auth::{AccessFormat, Actor, Auth, Caller, CopyError, Database, GrantRequest};
use crate::crypto::PasswordSettings;
use crate::testing::database;
use crate::types::{ClientId, Scopes};

/// A database of the other engine where the tests run on PostgreSQL, else one in memory.
async fn other() -> Database {
    let database = Database::in_memory();
    database.migrate().await.unwrap();
    database
}

#[tokio::test]
async fn a_copy_opens_with_the_same_secret_and_holds_everything() {
    let stand = Stand::new().await;
    let system = Actor::system();
    let shop = ClientId::from("shop");
    stand.auth.add_client(&system, shop, "Shop".to_owned(), &["manager".into()]).await.unwrap();
    let ann = stand.id("ann").await;
    stand.auth.grant(&system, ann.into(), GrantRequest::allow("read")).await.unwrap();
    let (revoked, who) = stand.token("mona").await;
    stand.auth.end_own_session(&who).await.unwrap();
    let caller = Caller::default();
    let signed = stand.auth.sign_in(&caller.actor(), "ann", PASSWORD.to_owned().into()).await;
    let signed = signed.unwrap();
    let format = Some(AccessFormat::Opaque);
    let issued = stand.auth.begin_tokens(&signed, Scopes::All, format, caller.clone()).await;
    let issued = issued.unwrap();
    // What strangers send may hold a NUL, and is noted.
    let odd = stand.auth.sign_in(&caller.actor(), "nul\0", PASSWORD.to_owned().into()).await;
    assert!(odd.is_err());
    stand.auth.flush().await;

    let source = stand.auth.database();
    let middle = other().await;
    let mut heard = 0;
    let copied = source.copy_to(&middle, |_, rows| heard += rows).await.unwrap();
    let rows = |name: &str| copied.iter().find(|table| table.name == name).unwrap().rows;
    assert_eq!((rows("users"), rows("clients"), rows("grants")), (3, 1, 1));
    assert!(rows("audit") > 5 && rows("ended_sessions") == 1 && heard > 0);
    // And back to the engine it came from: every row is the same.
    let back = database();
    back.migrate().await.unwrap();
    assert_eq!(middle.copy_to(&back, |_, _| {}).await.unwrap(), copied);

    let again = Auth::builder(back, stand.auth.0.master.clone()).sources(stand.clock.sources());
    let again = again.passwords(PasswordSettings::cheap()).start().await.unwrap();
    again.principal_of_token(issued.access.expose()).await.unwrap();
    assert!(again.principal_of_token(&revoked).await.is_err(), "what was ended stays so");
    again
        .refresh(&caller.actor(), issued.refresh.as_ref().unwrap().expose(), None, None)
        .await
        .unwrap();
    assert_eq!(again.verify_audit(None).await.unwrap().fault, None);
    assert_eq!(again.keys().await.unwrap(), stand.auth.keys().await.unwrap());
}

#[tokio::test]
async fn a_copy_is_made_whole_or_not_at_all_and_never_over_something() {
    let stand = Stand::new().await;
    let target = other().await;
    // A statement of the copy fails: nothing of it stays.
    target.faults().plan(crate::auth::db::faults::Fault::Before(25));
    let failed = stand.auth.database().copy_to(&target, |_, _| {}).await;
    assert!(matches!(failed, Err(CopyError::Database(_))), "{failed:?}");
    stand.auth.database().copy_to(&target, |_, _| {}).await.unwrap();
    let again = stand.auth.database().copy_to(&target, |_, _| {}).await;
    assert!(matches!(again, Err(CopyError::NotEmpty { table: "users" })), "{again:?}");
}
