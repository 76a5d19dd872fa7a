use std::sync::Arc;

use tokio::task::JoinSet;

use super::samples::{NOW, at, grant, lineage, new_user, ok, page, refused, role, user, uuid};
use crate::store::{Store, StoreError, UserChange, UserFilter};
use crate::types::{PageRequest, Subject, UserId};

pub(super) async fn are_found_by_id_and_login<S: Store>(store: &Arc<S>) {
    let mut new = new_user("Ïvan", &[]);
    new.user.name = Some("Ivan".to_owned());
    new.user.email = Some("Ivan@Example.org".to_owned());
    ok(store.insert_user(new.clone()).await);
    let wanted = Some(new.user.clone());
    assert_eq!(ok(store.user(new.user.id).await), wanted);
    for login in ["Ïvan", "ïvan", "ÏVAN", "ivan@example.org", "IVAN@EXAMPLE.ORG"] {
        assert_eq!(ok(store.user_by_login(login).await), wanted, "{login}");
    }
    for login in ["", "ivan", "Ïvan ", "%", "ivan@example.org\0"] {
        assert_eq!(ok(store.user_by_login(login).await), None, "{login:?}");
    }
    assert_eq!(ok(store.password_hash(new.user.id).await), new.password_hash);
    assert_eq!(ok(store.password_hash(UserId(uuid())).await), None);
    assert_eq!(ok(store.user(UserId(uuid())).await), None);
}

pub(super) async fn have_logins_of_their_own<S: Store>(store: &Arc<S>) {
    let mut ada = new_user("ada", &[]);
    ada.user.email = Some("ada@example.org".to_owned());
    ok(store.insert_user(ada.clone()).await);
    let taken = [
        ("ADA", None, "username"),
        ("bob", Some("Ada@example.org"), "email"),
        ("Ada@Example.org", None, "username"),
        ("bob", Some("ada"), "email"),
    ];
    for (username, email, wanted) in taken {
        let mut other = new_user(username, &[]);
        other.user.email = email.map(str::to_owned);
        let answer = store.insert_user(other).await;
        assert!(
            matches!(answer, Err(StoreError::Conflict { field }) if field == wanted),
            "{username} {email:?}: {answer:?}"
        );
    }
    // One's own address may be one's own username.
    let mut carol = new_user("carol@example.org", &[]);
    carol.user.email = Some("carol@example.org".to_owned());
    ok(store.insert_user(carol.clone()).await);
    let change = UserChange { username: Some("ada@example.org".to_owned()), ..Default::default() };
    let answer = store.update_user(carol.user.id, change, None, None, NOW).await;
    refused!(answer, StoreError::Conflict { field: "username" });
    // What was given up is free again.
    let change = UserChange { email: Some(None), ..Default::default() };
    ok(store.update_user(ada.user.id, change, None, None, NOW).await);
    let change =
        UserChange { email: Some(Some("ada@example.org".to_owned())), ..Default::default() };
    ok(store.update_user(carol.user.id, change, None, None, NOW).await);
}

pub(super) async fn differ_by_more_than_case<S: Store>(store: &Arc<S>) {
    for (first, second) in [("ÄÖ", "äö"), ("Ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"), ("straße", "STRASSE")]
    {
        user(&**store, first, &[]).await;
        let answer = store.insert_user(new_user(second, &[])).await;
        refused!(answer, StoreError::Conflict { field: "username" });
    }
}

pub(super) async fn change<S: Store>(store: &Arc<S>) {
    let mut new = new_user("ada", &[]);
    new.user.email = Some("ada@example.org".to_owned());
    new.user.email_verified = true;
    let id = new.user.id;
    ok(store.insert_user(new.clone()).await);

    let change = UserChange {
        username: Some("Ada".to_owned()),
        name: Some(Some("Ada L.".to_owned())),
        email: Some(Some("ADA@example.org".to_owned())),
        ..Default::default()
    };
    let (changed, ended) = ok(store.update_user(id, change, None, None, at(1)).await);
    assert_eq!((changed.username.as_str(), changed.name.as_deref()), ("Ada", Some("Ada L.")));
    assert!(changed.email_verified, "only its case changed");
    assert_eq!((changed.created_at, changed.updated_at), (NOW, at(1)));
    assert!(ended.is_empty());
    assert_eq!(ok(store.user(id).await), Some(changed));

    let change =
        UserChange { email: Some(Some("new@example.org".to_owned())), ..Default::default() };
    let (changed, _) = ok(store.update_user(id, change.clone(), None, None, at(2)).await);
    assert!(!changed.email_verified, "nobody showed that the new one is theirs");
    let verified = UserChange { email_verified: Some(true), ..Default::default() };
    assert!(ok(store.update_user(id, verified, None, None, at(3)).await).0.email_verified);
    assert_eq!(ok(store.user_by_login("ada@example.org").await), None);
    assert_eq!(ok(store.password_hash(id).await), new.password_hash);

    refused!(
        store.update_user(UserId(uuid()), change, None, None, NOW).await,
        StoreError::NotFound { what: "user" }
    );
}

pub(super) async fn are_made_whole_or_not_at_all<S: Store>(store: &Arc<S>) {
    ok(store.insert_role(&role("user", &[])).await);
    let new = new_user("ada", &["user", "nonesuch"]);
    let id = new.user.id;
    refused!(store.insert_user(new).await, StoreError::NotFound { what: "role" });
    assert_eq!(ok(store.user(id).await), None);
    assert_eq!(ok(store.standing(&id.into()).await), None);
    let id = user(&**store, "ada", &["user"]).await;
    let standing = ok(store.standing(&id.into()).await);
    assert_eq!(standing.map(|standing| standing.roles.len()), Some(1));
}

pub(super) async fn are_made_once_however_many_try<S: Store>(store: &Arc<S>) {
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let store = Arc::clone(store);
        tasks.spawn(async move { store.insert_user(new_user("ada", &[])).await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for answer in answers.iter().filter(|answer| answer.is_err()) {
        refused!(answer, StoreError::Conflict { field: "username" });
    }
}

pub(super) async fn keep_a_stronger_hash_only_of_the_same_password<S: Store>(store: &Arc<S>) {
    let id = user(&**store, "ada", &[]).await;
    let (session, _) = lineage(&**store, id).await;
    ok(store.upgrade_password_hash(id, "some other hash", "stolen").await);
    assert_eq!(ok(store.password_hash(id).await).as_deref(), Some("hash of ada"));
    ok(store.upgrade_password_hash(id, "hash of ada", "stronger").await);
    assert_eq!(ok(store.password_hash(id).await).as_deref(), Some("stronger"));
    assert!(super::samples::is_live(&**store, session, NOW).await);
}

pub(super) async fn leave_nothing_behind<S: Store>(store: &Arc<S>) {
    ok(store.insert_role(&role("user", &[])).await);
    let id = user(&**store, "ada", &["user"]).await;
    let other = user(&**store, "bob", &["user"]).await;
    let (session, refresh) = lineage(&**store, id).await;
    let (spared, _) = lineage(&**store, other).await;
    ok(store.insert_grant(&id.into(), &grant("write")).await);

    assert_eq!(ok(store.delete_user(id, None, at(1)).await), [session]);
    assert_eq!(ok(store.user(id).await), None);
    assert_eq!(ok(store.user_by_login("ada").await), None);
    assert_eq!(ok(store.password_hash(id).await), None);
    assert_eq!(ok(store.standing(&Subject::User(id)).await), None);
    assert_eq!(ok(store.session(session).await), None);
    assert_eq!(ok(store.session_by_refresh(&refresh).await), None);
    assert_eq!(ok(store.ended_since(NOW).await), [(session, at(1))]);
    assert!(super::samples::is_live(&**store, spared, at(1)).await);
    refused!(store.delete_user(id, None, at(2)).await, StoreError::NotFound { what: "user" });

    // The name is free again, and whoever takes it inherits nothing.
    let heir = user(&**store, "ada", &[]).await;
    let standing = ok(store.standing(&heir.into()).await);
    assert!(standing.is_some_and(|s| s.roles.is_empty() && s.grants.is_empty()));
}

pub(super) async fn come_in_pages<S: Store>(store: &Arc<S>) {
    let mut made = Vec::new();
    for n in 0..7_i64 {
        let mut new = new_user(&format!("User{n}"), &[]);
        // Three of one moment, so that the id must decide.
        new.user.created_at = at(if n < 4 { -n } else { 10 });
        new.user.active = n != 5;
        made.push(new.user.clone());
        ok(store.insert_user(new).await);
    }
    made.sort_by_key(|user| (user.created_at, user.id));
    let everyone = UserFilter::default();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let found = ok(store.users(&everyone, &page(after, 3)).await);
        assert!(found.items.len() <= 3);
        seen.extend(found.items);
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, made);
    // A page that ends with the list has no next; a limit out of bounds is brought within.
    assert_eq!(ok(store.users(&everyone, &page(None, 7)).await).next, None);
    assert_eq!(ok(store.users(&everyone, &page(None, 0)).await).items.len(), 1);
    assert_eq!(ok(store.users(&everyone, &page(None, u32::MAX)).await).items.len(), 7);

    let some =
        |prefix: &str, active| UserFilter { username_prefix: Some(prefix.to_owned()), active };
    let all = PageRequest::default();
    for (filter, wanted) in [
        (some("uSeR", None), 7),
        (some("user5", None), 1),
        (some("user5", Some(true)), 0),
        (some("", Some(false)), 1),
        (some("user", Some(true)), 6),
        (some("ser", None), 0),
        (some("user%", None), 0),
    ] {
        assert_eq!(ok(store.users(&filter, &all).await).items.len(), wanted, "{filter:?}");
    }
    let first = ok(store.users(&some("user", Some(true)), &page(None, 5)).await);
    let second = ok(store.users(&some("user", Some(true)), &page(first.next, 5)).await);
    assert_eq!((first.items.len(), second.items.len(), second.next), (5, 1, None));

    for malformed in ["", "x", "!", "\0", "MTIz", "IA", "YSBi", "////", "🗝"] {
        let answer = store.users(&everyone, &page(Some(malformed.to_owned()), 3)).await;
        refused!(answer, StoreError::InvalidCursor);
    }
}
