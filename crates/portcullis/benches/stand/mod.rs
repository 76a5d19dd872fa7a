//! What the benchmarks ask: one application, and a request of each kind with a credential that counts.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Request, Response, StatusCode};
use portcullis::auth::{
    AccessFormat, AccessTokenVerifier, Actor, ApiKeyRequest, ApiKeyVerifier, Auth, Caller,
    Database, GrantRequest, NewAccount, PasswordVerifier, SessionVerifier, SignedIn,
};
use portcullis::clock::Sources;
use portcullis::cors::Cors;
use portcullis::credential::{api_key_header, basic, bearer, cookie};
use portcullis::crypto::{Algorithm, MasterSecret};
use portcullis::extract::Json;
use portcullis::gate::{Cleartext, Gate};
use portcullis::identity::VerifiedBy;
use portcullis::policy::conditions::RecentLogin;
use portcullis::policy::{Requirement, authenticated, permission, public, role, when};
use portcullis::types::{RoleRecord, Scopes, Subject};
use tower::ServiceExt;

pub(crate) const PHRASE: &str = "orchids grow on tall trees";

pub(crate) async fn hello() -> &'static str {
    "Hello, world!"
}

/// What a body must fit.
#[derive(serde::Deserialize, schemars::JsonSchema, garde::Validate)]
struct Item {
    /// Its name.
    #[garde(length(chars, min = 1, max = 100))]
    name: String,
}

async fn create(Json(item): Json<Item>) -> String {
    item.name
}

/// One thing to be measured: what it is, and the request that is made over and over.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) router: Router,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: &'static str,
    pub(crate) status: StatusCode,
}

impl Case {
    fn new(name: &'static str, router: &Router, path: &str) -> Self {
        let (router, path) = (router.clone(), path.to_owned());
        let (method, headers, body) = ("GET", Vec::new(), "");
        Self { name, router, method, path, headers, body, status: StatusCode::OK }
    }

    fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    fn answered(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).unwrap();
        self
    }

    pub(crate) fn request(&self) -> Request<Body> {
        let mut request =
            Request::builder().method(self.method).uri(&self.path).header("host", "127.0.0.1");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(Body::from(self.body)).unwrap()
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), self.status, "{}", self.name);
        answer
    }
}

pub(crate) fn terms(count: usize) -> Requirement {
    (1..count).fold(permission("work:1"), |all, n| all & permission(&*format!("work:{}", n + 1)))
}

fn app(auth: &Auth) -> Router {
    let gate = Gate::builder()
        .cleartext(Cleartext::InProcess)
        .cors(Cors::closed().origins(["https://app.example"]).methods(["PUT"]))
        .scheme("basic", basic("bench").verified_by(PasswordVerifier::new(auth.clone())))
        .scheme("bearer", bearer().verified_by(AccessTokenVerifier::new(auth.clone())))
        .scheme(
            "api_key",
            api_key_header("X-API-Key").verified_by(ApiKeyVerifier::new(auth.clone())),
        )
        .scheme("cookie", cookie("session").verified_by(SessionVerifier::new(auth.clone())))
        .auth(auth)
        .build()
        .unwrap();
    let strict = role("worker") & permission("work:1") & when(RecentLogin::within(365 * 24 * 3600));
    let routes = gate
        .routes()
        .get("/public", public("a greeting"), hello)
        .get("/mine", authenticated(), hello)
        .put("/mine", authenticated(), hello)
        .post("/items", authenticated(), create)
        .get("/strict", strict, hello)
        .get("/forbidden", permission("nobody:has"), hello)
        .get("/five", terms(5), hello)
        .get("/twenty", terms(20), hello)
        .merge(portcullis::auth::routes::oauth::table(&gate))
        .with_state(auth.clone());
    routes.finish().unwrap().router
}

/// A bare handler of axum.
pub(crate) fn bare() -> Router {
    #[expect(clippy::disallowed_methods, reason = "the bare handler is what we are compared with")]
    Router::new().route("/", get(hello))
}

pub(crate) async fn start(database: Database, algorithm: Algorithm) -> Auth {
    database.migrate().await.unwrap();
    let master = MasterSecret::generate(&Sources::system()).unwrap();
    Auth::builder(database, master).algorithm(algorithm).start().await.unwrap()
}

async fn ada(auth: &Auth) -> SignedIn {
    let account = NewAccount::new("ada", PHRASE);
    let system = Actor::system();
    let subject = Subject::User(auth.add_user(&system, account, true, &[]).await.unwrap().id);
    for n in 1..=20 {
        let permission = format!("work:{n}");
        let grant = GrantRequest::allow(&*permission);
        auth.grant(&system, subject.clone(), grant).await.unwrap();
    }
    auth.add_role(&system, RoleRecord::new("worker")).await.unwrap();
    auth.assign_role(&system, subject, "worker".into()).await.unwrap();
    auth.sign_in(&system, "ada", PHRASE.to_owned().into()).await.unwrap()
}

async fn token(auth: &Auth, signed: &SignedIn, format: AccessFormat) -> String {
    let issued =
        auth.begin_tokens(signed, Scopes::All, Some(format), Caller::default()).await.unwrap();
    format!("Bearer {}", issued.access.expose())
}

/// A request with a JWT of another algorithm: a side of its own, since each signs with one.
pub(crate) async fn of_algorithm(name: &'static str, algorithm: Algorithm) -> Case {
    let auth = start(Database::in_memory(), algorithm).await;
    let signed = ada(&auth).await;
    let jwt = token(&auth, &signed, AccessFormat::Jwt).await;
    Case::new(name, &app(&auth), "/mine").with("authorization", jwt)
}

/// One request of each kind. What can be in memory is in memory from the second on.
pub(crate) async fn cases(auth: &Auth) -> Vec<Case> {
    let (app, signed) = (app(auth), ada(auth).await);
    let jwt = token(auth, &signed, AccessFormat::Jwt).await;
    let opaque = token(auth, &signed, AccessFormat::Opaque).await;
    let pair = format!("Basic {}", STANDARD.encode(format!("ada:{PHRASE}")));
    let (_, session) = auth.begin_cookie(&signed, Caller::default()).await.unwrap();
    let session = format!("session={}", session.expose());
    let who = auth.basic(&Actor::system(), "ada", PHRASE.to_owned().into()).await.unwrap();
    let request = ApiKeyRequest { name: "bench".to_owned(), ..ApiKeyRequest::default() };
    let (_, key) = auth.create_api_key(&who, request).await.unwrap();
    let preflight = Case::new("preflight", &app, "/mine")
        .with("origin", "https://app.example")
        .with("access-control-request-method", "PUT")
        .answered(204);
    let unfit = Case::new("422", &app, "/items")
        .with("authorization", &jwt)
        .with("content-type", "application/json")
        .answered(422);
    vec![
        Case::new("public route", &app, "/public"),
        Case { method: "OPTIONS", ..preflight },
        Case::new("401, nothing brought", &app, "/mine").answered(401),
        Case::new("403", &app, "/forbidden").with("authorization", &jwt).answered(403),
        Case { method: "POST", body: "{\"name\":\"\"}", ..unfit },
        Case::new("Basic", &app, "/mine").with("authorization", pair),
        Case::new("JWT, EdDSA", &app, "/mine").with("authorization", &jwt),
        Case::new("opaque token", &app, "/mine").with("authorization", opaque),
        Case::new("session cookie", &app, "/mine")
            .with("cookie", session)
            .with("sec-fetch-site", "same-origin"),
        Case::new("API key", &app, "/mine").with("x-api-key", key.expose()),
        Case::new("role, permission and condition", &app, "/strict").with("authorization", &jwt),
        Case::new("5 terms", &app, "/five").with("authorization", &jwt),
        Case::new("20 terms", &app, "/twenty").with("authorization", &jwt),
    ]
}

/// The bare handler in the same form.
pub(crate) fn bare_case() -> Case {
    Case::new("bare hello of axum", &bare(), "/")
}
