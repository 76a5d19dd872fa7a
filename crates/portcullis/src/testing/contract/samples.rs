//! Things to keep in a store.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::SignedDuration;
use uuid::Uuid;

use crate::store::{Digest, NewRefresh, NewUser, Store, StoreError};
use crate::types::{
    ClientId, Effect, Grant, GrantId, PageRequest, Role, RoleRecord, Scopes, Session, SessionId,
    Timestamp, User, UserId,
};

/// The moment at which most things happen.
pub(super) const NOW: Timestamp = Timestamp::constant(1_600_000_000, 0);
/// How long a sample session lasts, and how long it may lie idle.
pub(super) const LIFE: i64 = 1_000_000;
pub(super) const IDLE: i64 = 10_000;
pub(super) const HOUR: u32 = 3600;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// `NOW` and some seconds.
pub(super) fn at(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

/// An id that grows from call to call.
pub(super) fn uuid() -> Uuid {
    Uuid::from_u128(NEXT.fetch_add(1, Ordering::Relaxed).into())
}

/// The digest of a secret that nobody else has.
pub(super) fn digest() -> Digest {
    let mut digest = [0; 32];
    let (_, end) = digest.split_at_mut(16);
    end.copy_from_slice(uuid().as_bytes());
    digest
}

/// What a store answered, where it must not refuse.
#[track_caller]
#[expect(clippy::panic, reason = "a contract speaks by panicking")]
pub(super) fn ok<T>(answer: Result<T, StoreError>) -> T {
    answer.unwrap_or_else(|error| panic!("refused: {error:?}"))
}

/// Checks that a store refused, and how.
macro_rules! refused {
    ($answer:expr, $error:pat) => {
        let answer = $answer;
        assert!(matches!(&answer, Err($error)), "not {}: {answer:?}", stringify!($error));
    };
}
pub(super) use refused;

pub(super) fn new_user(username: &str, roles: &[&str]) -> NewUser {
    NewUser {
        user: User {
            id: UserId(uuid()),
            username: username.to_owned(),
            name: None,
            email: None,
            email_verified: false,
            active: true,
            created_at: NOW,
            updated_at: NOW,
        },
        password_hash: Some(format!("hash of {username}")),
        roles: roles.iter().map(|role| Role::from(*role)).collect(),
    }
}

/// Makes a user with roles that are there.
pub(super) async fn user(store: &impl Store, username: &str, roles: &[&str]) -> UserId {
    let new = new_user(username, roles);
    let id = new.user.id;
    ok(store.insert_user(new).await);
    id
}

pub(super) fn role(name: &str, includes: &[&str]) -> RoleRecord {
    let mut role = RoleRecord::new(name);
    role.includes = includes.iter().map(|role| Role::from(*role)).collect();
    role
}

/// Makes roles, each including the one before it.
pub(super) async fn ladder(store: &impl Store, names: &[&str]) {
    let mut below: Option<&str> = None;
    for name in names {
        ok(store.insert_role(&role(name, below.as_slice())).await);
        below = Some(name);
    }
}

pub(super) fn grant(permission: &str) -> Grant {
    Grant {
        place: None,
        id: GrantId(uuid()),
        effect: Effect::Allow,
        permission: permission.into(),
        condition: None,
        valid_from: None,
        valid_until: None,
        created_at: NOW,
    }
}

pub(super) fn new_session(user: UserId) -> Session {
    Session {
        id: SessionId(uuid()),
        user,
        client: ClientId::first_party(),
        created_at: NOW,
        last_used_at: NOW,
        idle_expires_at: at(IDLE),
        expires_at: at(LIFE),
        ended_at: None,
        second_factor: false,
        address: Some("192.0.2.7".to_owned()),
        agent: None,
    }
}

/// Begins a session without cookie or token.
pub(super) async fn session(store: &impl Store, user: UserId) -> SessionId {
    let session = new_session(user);
    ok(store.insert_session(&session, None, None).await);
    session.id
}

/// Begins a session with a refresh token.
pub(super) async fn lineage(store: &impl Store, user: UserId) -> (SessionId, Digest) {
    let session = new_session(user);
    let scopes = Scopes::only(["items:read", "items:write"]);
    let refresh = NewRefresh { digest: digest(), scopes };
    ok(store.insert_session(&session, None, Some(&refresh)).await);
    (session.id, refresh.digest)
}

/// A page that begins where another ended.
pub(super) fn page(after: Option<String>, limit: u32) -> PageRequest {
    PageRequest { after, limit }
}

/// Whether a session counts at a moment.
pub(super) async fn is_live(store: &impl Store, id: SessionId, now: Timestamp) -> bool {
    ok(store.session(id).await).is_some_and(|session| session.is_live(now))
}
