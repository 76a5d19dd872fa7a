//! What memory says at once ends with everything that the long way ends with.

use super::{PASSWORD, Stand};
use crate::auth::{Actor, ApiKeyRequest, Caller, UserRequest};
use crate::crypto::Secret;

/// One credential of each kind, of the same user.
struct Shown {
    stand: Stand,
    token: String,
    cookie: String,
    key: String,
    key_id: crate::types::TokenId,
}

impl Shown {
    async fn new() -> Self {
        let stand = Stand::new().await;
        let (token, _) = stand.token("ann").await;
        let caller = Caller::default();
        let signed = stand.auth.sign_in(&caller.actor(), "ann", PASSWORD.to_owned().into()).await;
        let (_, cookie) = stand.auth.begin_cookie(&signed.unwrap(), caller).await.unwrap();
        let who = stand.basic("ann").await;
        let request = ApiKeyRequest { name: "a program".to_owned(), ..ApiKeyRequest::default() };
        let (key, text) = stand.auth.create_api_key(&who, request).await.unwrap();
        let (cookie, text) = (cookie.expose().clone(), text.expose().clone());
        let shown = Self { stand, token, cookie, key: text, key_id: key.id };
        shown.show().await;
        shown
    }

    /// Shows each of them the long way, so that memory knows what there is to know.
    async fn show(&self) {
        let auth = &self.stand.auth;
        let _ = auth.principal_of_token(&self.token).await;
        let _ = auth.principal_of_cookie(&self.cookie).await;
        let _ = auth.principal_of_api_key(&self.key).await;
        let password: Secret<String> = PASSWORD.to_owned().into();
        let _ = auth.basic(&Caller::default().actor(), "ann", password).await;
    }

    /// Whether memory says at once who it is: by token, cookie, API key and password.
    fn known(&self) -> [bool; 4] {
        let auth = &self.stand.auth;
        let password: Secret<String> = PASSWORD.to_owned().into();
        let all = [
            auth.principal_of_token_now(&self.token),
            auth.principal_of_cookie_now(&self.cookie),
            auth.principal_of_api_key_now(&self.key),
            auth.basic_now(None, "ann", &password),
        ];
        all.map(|who| who.is_some_and(|who| &*who.name == "ann"))
    }

    async fn change(&self, request: UserRequest) {
        let ann = self.stand.id("ann").await;
        self.stand.auth.change_user(&Actor::system(), ann, request).await.unwrap();
    }
}

const ALL: [bool; 4] = [true; 4];
const NONE: [bool; 4] = [false; 4];

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_is_known_at_once_and_nothing_else_is() {
    let shown = Shown::new().await;
    assert_eq!(shown.known(), ALL);
    let auth = &shown.stand.auth;
    let wrong: Secret<String> = "another".to_owned().into();
    assert!(auth.basic_now(None, "ann", &wrong).is_none());
    for text in ["", "a.b.c", &shown.token[1..], &shown.token[..shown.token.len() - 1]] {
        assert!(auth.principal_of_token_now(text).is_none(), "{text}");
    }
    // A credential of one kind is none of another.
    assert!(auth.principal_of_token_now(&shown.key).is_none());
    assert!(auth.principal_of_api_key_now(&shown.token).is_none());
    assert!(auth.principal_of_cookie_now(&shown.token).is_none());
    assert!(auth.principal_of_token_now(&shown.cookie).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_long_way_and_the_short_one_say_the_same() {
    let shown = Shown::new().await;
    let auth = &shown.stand.auth;
    let long = auth.principal_of_token(&shown.token).await.unwrap();
    let short = auth.principal_of_token_now(&shown.token).unwrap();
    assert_eq!(format!("{long:?}"), format!("{short:?}"));
    let long = auth.principal_of_cookie(&shown.cookie).await.unwrap().unwrap();
    let short = auth.principal_of_cookie_now(&shown.cookie).unwrap();
    assert_eq!(format!("{long:?}"), format!("{short:?}"));
    let long = auth.principal_of_api_key(&shown.key).await.unwrap();
    let short = auth.principal_of_api_key_now(&shown.key).unwrap();
    assert_eq!(format!("{long:?}"), format!("{short:?}"));
    let password: Secret<String> = PASSWORD.to_owned().into();
    let short = auth.basic_now(None, "ann", &password).unwrap();
    assert_eq!(format!("{:?}", shown.stand.basic("ann").await), format!("{short:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_the_lease_nothing_is_said_at_once() {
    let shown = Shown::new().await;
    shown.stand.clock.advance(2);
    assert_eq!(shown.known(), NONE);
    shown.show().await;
    assert_eq!(shown.known(), ALL);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_change_is_on_the_way_nothing_is_said_at_once() {
    let shown = Shown::new().await;
    let cache = std::sync::Arc::clone(&shown.stand.auth.0.cache);
    let changing = cache.begin_change(&[crate::auth::db::Change::Roles]);
    assert_eq!(shown.known(), NONE);
    drop(changing);
    shown.show().await;
    assert_eq!(shown.known(), ALL);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_changes_is_not_known_at_once() {
    let shown = Shown::new().await;
    shown.change(UserRequest { active: Some(false), ..UserRequest::default() }).await;
    shown.show().await;
    assert_eq!(shown.known(), NONE);

    let shown = Shown::new().await;
    let password = Some("quite another phrase altogether".to_owned().into());
    shown.change(UserRequest { password, ..UserRequest::default() }).await;
    shown.show().await;
    assert_eq!(shown.known(), NONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_ended_is_not_known_at_once() {
    let shown = Shown::new().await;
    let (auth, system) = (&shown.stand.auth, Actor::system());
    let ann = shown.stand.id("ann").await;
    assert!(auth.delete_api_key(&system, ann, shown.key_id).await.unwrap());
    shown.show().await;
    assert_eq!(shown.known(), [true, true, false, true]);
    auth.end_sessions(&system, ann, None).await.unwrap();
    assert_eq!(shown.known()[..3], NONE[..3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_key_that_was_retired_is_not_known_at_once() {
    let shown = Shown::new().await;
    let (auth, system) = (&shown.stand.auth, Actor::system());
    let keys = auth.keys().await.unwrap();
    for key in keys {
        auth.retire_key(&system, &key.id).await.unwrap();
    }
    shown.show().await;
    assert_eq!(shown.known(), [false, true, true, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_or_is_old_is_not_known_at_once() {
    let shown = Shown::new().await;
    let auth = &shown.stand.auth;
    let later = async |seconds| {
        shown.stand.clock.advance(seconds);
        auth.catch_up().await.unwrap();
        shown.known()
    };
    // Sessions and API keys are looked up once a minute.
    assert_eq!(later(61).await, [true, false, false, true]);
    assert_eq!(later(5 * 60).await, [true, false, false, false]);
    assert_eq!(later(15 * 60).await, NONE);
}
