//! What opens by a slip, and must not: cleartext, names, verifiers, questions.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;

use super::*;
use crate::identity::first_of;

/// Knows the token of one more person.
#[derive(Debug)]
struct OtherIssuer;

#[async_trait]
impl Verifier<TokenCredential> for OtherIssuer {
    async fn verify(&self, found: TokenCredential, _: &Parts) -> Result<Principal, Rejection> {
        match found.0.expose().as_str() {
            "theirs" => Ok(user(5, "eve")),
            _ => Err(Rejection::Invalid),
        }
    }
}

#[tokio::test]
async fn verifiers_of_one_place_are_asked_in_turn_by_one_scheme() {
    let two = Gate::builder()
        .scheme("ours", bearer().verified_by(SubjectAccess))
        .scheme("theirs", bearer().realm("theirs").verified_by(OtherIssuer))
        .build();
    let fault = two.unwrap_err().to_string();
    assert!(fault.contains("ours and theirs both find"), "{fault}");
    assert!(fault.contains("first_of(one).or(other)"), "{fault}");

    let both = bearer().verified_by(first_of(SubjectAccess).or(OtherIssuer));
    let gate = Gate::builder().cleartext(IN_PROCESS).scheme("bearer", both).build().unwrap();
    let app = gate
        .routes::<()>()
        .get("/me", authenticated(), async |who: Principal| who.name.to_string());
    let router = app.finish().unwrap().router;
    for (token, status) in [("good", 200), ("theirs", 200), ("bad", 401)] {
        let request = Request::get("/me").header("authorization", format!("Bearer {token}"));
        let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{token}");
    }
}

/// What a gate answers to a token that comes over cleartext, from where `mark` says.
async fn over_cleartext(
    settings: impl FnOnce(GateBuilder) -> GateBuilder,
    mark: impl FnOnce(&mut http::Extensions),
) -> u16 {
    let gate = Gate::builder().scheme("bearer", bearer().verified_by(SubjectAccess));
    let gate = settings(gate).build().unwrap();
    let router = gate.routes::<()>().get("/me", authenticated(), async || "me").finish();
    let request = Request::get("/me").header("authorization", "Bearer good");
    let mut request = request.body(Body::empty()).unwrap();
    mark(request.extensions_mut());
    router.unwrap().router.oneshot(request).await.unwrap().status().as_u16()
}

/// Marks a request.
fn with<T: Clone + Send + Sync + 'static>(mark: T) -> impl FnOnce(&mut http::Extensions) {
    |marks| {
        marks.insert(mark);
    }
}

fn peer(address: &str) -> ConnectInfo<SocketAddr> {
    ConnectInfo(SocketAddr::new(address.parse().unwrap(), 4711))
}

#[tokio::test]
async fn where_nobody_says_from_where_a_request_comes_cleartext_is_refused() {
    let plain = |gate: GateBuilder| gate;
    assert_eq!(over_cleartext(plain, |_| {}).await, 403);
    assert_eq!(over_cleartext(plain, with(crate::edge::OverTls)).await, 200);
    assert_eq!(over_cleartext(plain, with(peer("127.0.0.1"))).await, 200);
    assert_eq!(over_cleartext(plain, with(peer("192.0.2.1"))).await, 403);
    let within = |gate: GateBuilder| gate.cleartext(Cleartext::InProcess);
    assert_eq!(over_cleartext(within, |_| {}).await, 200);
    assert_eq!(over_cleartext(within, with(peer("192.0.2.1"))).await, 403);
    let anywhere = |gate: GateBuilder| gate.cleartext(Cleartext::Anywhere);
    assert_eq!(over_cleartext(anywhere, |_| {}).await, 200);
}

/// A connect info of one's own.
#[derive(Clone)]
struct Connection(SocketAddr);

#[tokio::test]
async fn a_layer_outside_the_edge_asks_the_connect_info_of_ones_own_too() {
    let gate = Gate::builder()
        .scheme("bearer", bearer().verified_by(SubjectAccess))
        .connect_info(|parts| Some(parts.extensions.get::<ConnectInfo<Connection>>()?.0.0))
        .build()
        .unwrap();
    let layered = tower::ServiceBuilder::new().layer(gate.layer(authenticated()));
    let service = layered.service_fn(|_: Request<Body>| async {
        Ok::<_, std::convert::Infallible>(Response::new(Body::empty()))
    });
    for (address, status) in [(Some("127.0.0.1"), 200), (Some("192.0.2.1"), 403), (None, 403)] {
        let request = Request::get("/").header("authorization", "Bearer good");
        let mut request = request.body(Body::empty()).unwrap();
        if let Some(address) = address {
            request.extensions_mut().insert(ConnectInfo(Connection(peer(address).0)));
        }
        let answer = service.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{address:?}");
    }
}

#[tokio::test]
async fn a_connect_info_of_ones_own_is_asked() {
    let own = |gate: GateBuilder| {
        gate.connect_info(|parts| Some(parts.extensions.get::<ConnectInfo<Connection>>()?.0.0))
    };
    let from = |address: &str| ConnectInfo(Connection(peer(address).0));
    let (near, afar) = (from("127.0.0.1"), from("192.0.2.1"));
    assert_eq!(over_cleartext(own, with(near.clone())).await, 200);
    assert_eq!(over_cleartext(own, with(afar)).await, 403);
    assert_eq!(over_cleartext(own, |_| {}).await, 403);
    let plain = |gate: GateBuilder| gate;
    assert_eq!(over_cleartext(plain, with(near)).await, 403, "unheard of");
}

/// Whether somebody has paid, as far as the ledger says.
#[derive(Debug)]
struct Paid;

#[async_trait]
impl crate::policy::Question for Paid {
    fn explain(&self) -> std::borrow::Cow<'static, str> {
        "while it is paid".into()
    }

    async fn ask(&self, who: &Principal) -> Result<bool, crate::problem::BoxError> {
        match &*who.name {
            "ada" => Ok(true),
            "bob" => Ok(false),
            _ => Err("the ledger is away".into()),
        }
    }
}

#[tokio::test]
async fn a_question_is_asked_by_the_gate_and_by_a_handler_that_says_so() {
    let paid = || crate::policy::when_asked(Paid);
    let gate = Gate::builder()
        .cleartext(IN_PROCESS)
        .scheme("basic", basic("portcullis").verified_by(SubjectAccess))
        .scheme("bearer", bearer().verified_by(SubjectAccess))
        .build()
        .unwrap();
    let app = gate
        .routes::<()>()
        .get("/gate", paid(), async || "paid")
        .get("/handler", authenticated(), async move |who: Principal| {
            who.must_asking(paid()).await.map(|()| "paid")
        })
        .finish()
        .unwrap();
    assert!(app.access.to_string().contains("while it is paid"));
    for path in ["/gate", "/handler"] {
        for ((name, credential), status) in [(ADA, 200), (BOB, 403), (TOKEN, 503)] {
            let request = Request::get(path).header(name, credential).body(Body::empty());
            let answer = app.router.clone().oneshot(request.unwrap()).await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{path} {credential}");
        }
    }
}

#[test]
fn names_that_cannot_be_one_or_that_nobody_registered_are_refused() {
    let gate = || {
        Gate::builder()
            .scheme("bearer", bearer().verified_by(SubjectAccess))
            .known_permissions(["notes:read", "notes:write"])
    };
    let faults = |who: crate::policy::Requirement| {
        let routes = gate().build().unwrap().routes::<()>().get("/a", who, async || "a");
        routes.finish().map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(faults(permission("notes:read") & role("clerk")), Ok(()));
    assert_eq!(faults(permission("notes:*")), Ok(()), "it covers what is there");
    for (who, name) in [
        (permission("no*tes:raed"), "no*tes:raed"),
        (authenticated() & (permission("notes:raed") | owner("note")), "`notes:raed`"),
        (role("the clerk"), "the clerk"),
        (scope("two words"), "two words"),
        (permission(""), "it is empty"),
    ] {
        let error = faults(who).unwrap_err();
        assert!(error.contains(name) && error.contains("GET /a"), "{error}");
    }
    let unknown = gate().roles(Roles::new().grant("reader", ["notes:raed"])).build();
    assert!(unknown.unwrap_err().to_string().contains("`notes:raed`"));
    let pattern = Gate::builder().roles(Roles::new().grant("reader", ["t:*:read"])).build();
    assert!(pattern.unwrap_err().to_string().contains("whole last segment"));
}

#[tokio::test]
async fn problems_have_types_under_the_base_that_was_named() {
    let refusing = async || -> Result<(), Problem> {
        Err(Problem::custom(StatusCode::CONFLICT, "sold", "Sold").with("left", 0))
    };
    let gate = Gate::builder().problem_types("https://errors.example/").build().unwrap();
    let routes = gate.routes::<()>().get("/sold", public("a test"), refusing).finish().unwrap();
    for (path, kind) in [("/sold", "sold"), ("/nowhere", "not-found")] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = routes.router.clone().oneshot(request).await.unwrap();
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["type"], format!("https://errors.example/{kind}"));
        assert_eq!(body["instance"], id);
        assert_eq!(body["left"] == 0, kind == "sold");
    }
    assert!(Gate::builder().problem_types("errors").build().is_err());
}
