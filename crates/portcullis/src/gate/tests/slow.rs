//! A body that is slow to arrive: what was true when the request began must be true when it ends
//! (faults §1, row 2).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream;

use super::*;
use crate::extract::Json;
use crate::testing::FixedClock;

/// Who brings a token now, as the test sets it.
#[derive(Clone, Debug, Default)]
struct Now(Arc<Mutex<Option<Principal>>>);

impl Now {
    fn set(&self, who: Option<Principal>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = who;
    }
}

#[async_trait]
impl Verifier<TokenCredential> for Now {
    async fn verify(&self, _: TokenCredential, _: &Parts) -> Result<Principal, Rejection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Rejection::Invalid)
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema, garde::Validate)]
struct Sent {
    #[garde(skip)]
    #[serde(rename = "n")]
    _number: u32,
}

/// How often a handler of the application ran.
static RUN: AtomicUsize = AtomicUsize::new(0);

struct Slow {
    now: Now,
    clock: FixedClock,
    router: Router,
}

fn slow() -> Slow {
    let (now, clock) = (Now::default(), FixedClock::at("2026-03-02T12:00:00Z"));
    now.set(Some(user(1, "ada").with_permissions(["write"])));
    let gate = Gate::builder()
        .cleartext(IN_PROCESS)
        .sources(clock.sources())
        .scheme("bearer", bearer().verified_by(now.clone()))
        .build()
        .unwrap();
    let ours = async |Json(_): Json<Sent>| {
        RUN.fetch_add(1, Ordering::SeqCst);
        "ran"
    };
    let theirs = async |_: Bytes| {
        RUN.fetch_add(1, Ordering::SeqCst);
        "ran"
    };
    let asking = async |who: Option<Principal>, Json(_): Json<Sent>| {
        who.map_or_else(|| "nobody".to_owned(), |who| who.name.to_string())
    };
    let app = gate
        .routes::<()>()
        .post("/ours", permission("write"), ours)
        .post("/theirs", permission("write"), theirs)
        .post("/public", public("whoever"), asking);
    Slow { now, clock, router: app.finish().unwrap().router }
}

impl Slow {
    /// Sends one half of the body, does something, waits, and sends the rest.
    async fn send(
        &self,
        path: &str,
        seconds: i64,
        meanwhile: impl Fn(&Now) + Send + 'static,
    ) -> (u16, String) {
        let (now, clock) = (self.now.clone(), self.clock.clone());
        let body = stream::unfold(0, move |sent| {
            if sent == 1 {
                clock.advance(seconds);
                meanwhile(&now);
            }
            let part = match sent {
                0 => Some(Bytes::from_static(b"{\"n\":")),
                1 => Some(Bytes::from_static(b"2}")),
                _ => None,
            };
            std::future::ready(part.map(|part| (Ok::<_, std::io::Error>(part), sent + 1)))
        });
        let request = Request::post(path)
            .header("authorization", "Bearer any")
            .header("content-type", "application/json")
            .body(Body::from_stream(body))
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&text).into_owned())
    }
}

#[tokio::test]
async fn a_handler_is_not_run_on_a_verdict_that_has_grown_old() {
    for path in ["/ours", "/theirs"] {
        let slow = slow();
        let before = RUN.load(Ordering::SeqCst);
        let taken = |now: &Now| now.set(Some(user(1, "ada")));
        assert_eq!(slow.send(path, 4, taken).await.0, 403, "{path}: the role was taken");
        let slow = self::slow();
        assert_eq!(slow.send(path, 4, |now| now.set(None)).await.0, 401, "{path}: it was ended");
        let slow = self::slow();
        let other = |now: &Now| now.set(Some(user(1, "ada").with_permissions(["write", "more"])));
        let (status, text) = slow.send(path, 4, other).await;
        assert_eq!(status, 409, "{path}: the handler may hold what was true before: {text}");
        assert_eq!(RUN.load(Ordering::SeqCst), before, "{path}: nothing ran");
        let slow = self::slow();
        assert_eq!(slow.send(path, 4, |_| ()).await, (200, "ran".to_owned()), "{path}");
        RUN.store(before, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_body_that_comes_soon_is_not_judged_twice() {
    let slow = slow();
    let (status, _) = slow.send("/public", 2, |now| now.set(None)).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_public_route_that_asked_who_it_is_asks_again() {
    let slow = slow();
    assert_eq!(slow.send("/public", 4, |now| now.set(None)).await.0, 401);
    let slow = self::slow();
    assert_eq!(slow.send("/public", 4, |_| ()).await, (200, "ada".to_owned()));
}
