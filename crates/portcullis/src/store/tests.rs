//! The store in memory keeps the contract; of rotation, what no sequence of deeds can break.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use proptest::prelude::*;
use uuid::Uuid;

use super::{Digest, MemoryStore, NewRefresh, NewUser, Rotation, Store};
use crate::testing::contract;
use crate::types::{ClientId, Scopes, Session, SessionId, Timestamp, User, UserId};

const START: Timestamp = Timestamp::constant(1_600_000_000, 0);
const WINDOW: u32 = 10;
const IDLE: i64 = 100;
const LIFE: i64 = 400;

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_contract() {
    contract::all(async || MemoryStore::new()).await;
}

/// Something done to a lineage.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    /// Shows the token that was given this many tokens ago; after it, time goes on.
    Show(usize),
    Touch,
    End,
    Sweep,
    Wait(i64),
}

pub(super) fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let change = prop_oneof![
        6 => (0..4_usize).prop_map(Deed::Show),
        1 => Just(Deed::Touch),
        1 => Just(Deed::End),
        1 => Just(Deed::Sweep),
        4 => (0..60_i64).prop_map(Deed::Wait),
    ];
    prop::collection::vec(change, 1..40)
}

fn digest(n: usize) -> Digest {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&n.to_le_bytes());
    digest
}

/// Does the deeds, beside a model of the lineage that knows nothing of how a store works.
pub(super) async fn follow(store: &impl Store, deeds: &[Deed], which: u128) {
    let user = User {
        id: UserId(Uuid::from_u128(which)),
        username: format!("user{which}"),
        name: None,
        email: None,
        email_verified: false,
        active: true,
        created_at: START,
        updated_at: START,
    };
    let seconds = |n: i64| START + SignedDuration::from_secs(n);
    let session = Session {
        id: SessionId(Uuid::from_u128(which)),
        user: user.id,
        client: ClientId::first_party(),
        created_at: START,
        last_used_at: START,
        idle_expires_at: seconds(IDLE),
        expires_at: seconds(LIFE),
        ended_at: None,
        second_factor: false,
        address: None,
        agent: None,
    };
    let new = NewUser { user, password_hash: None, roles: BTreeSet::new() };
    store.insert_user(new).await.unwrap();
    let base = usize::try_from(which).unwrap() * 1000;
    let token = |n: usize| digest(base + n);
    let first = NewRefresh { digest: token(0), scopes: Scopes::All };
    store.insert_session(&session, None, Some(&first)).await.unwrap();

    // The model: when each token but the newest was used; when the session is idle; whether it is
    // over for good.
    let (mut used, mut now, mut idle, mut over) = (Vec::<i64>::new(), 0, IDLE, false);
    for change in deeds {
        over |= now >= idle || now >= LIFE;
        match *change {
            Deed::Wait(n) => now += n,
            Deed::Touch => {
                store.touch_session(session.id, seconds(now), seconds(now + IDLE)).await.unwrap();
                if !over {
                    idle = now + IDLE;
                }
            }
            Deed::End => {
                let was_live = store.end_session(session.id, seconds(now)).await.unwrap();
                assert_eq!(was_live, !over);
                over = true;
            }
            Deed::Sweep => {
                store.sweep(seconds(now), 1_000_000).await.unwrap();
            }
            Deed::Show(ago) => {
                let shown = used.len().saturating_sub(ago);
                let rotation = store
                    .rotate_refresh(
                        &token(shown),
                        &token(shown + 1),
                        WINDOW,
                        seconds(now + IDLE),
                        seconds(now),
                    )
                    .await
                    .unwrap();
                let retry = shown + 1 == used.len() && now - used[shown] <= i64::from(WINDOW);
                match (shown == used.len(), over) {
                    (true, false) => {
                        assert!(matches!(rotation, Rotation::Rotated(..)), "{rotation:?}");
                        used.push(now);
                        idle = now + IDLE;
                    }
                    (false, false) if retry => {
                        assert!(matches!(rotation, Rotation::Retried(..)), "{rotation:?}");
                    }
                    (false, _) if !retry => {
                        assert!(matches!(rotation, Rotation::Reused(_)), "{rotation:?}");
                        over = true;
                    }
                    _ => assert_eq!(rotation, Rotation::Unknown),
                }
            }
        }
        let kept = store.session(session.id).await.unwrap().unwrap();
        let expired = now >= idle || now >= LIFE;
        assert_eq!(kept.is_live(seconds(now)), !over && !expired, "once over, over for ever");
    }
}

proptest! {
    #[test]
    fn no_ended_lineage_lives_again(deeds in deeds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(follow(&MemoryStore::new(), &deeds, 1));
    }
}
